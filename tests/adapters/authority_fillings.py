"""Two fillings of the port `Authority`: HTTP to a sandbox, and a desk in memory."""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from tutela.adapters.cybertip import CyberTiplineChannel
from tutela.adapters.sandbox.cybertip import (
    CyberTipSandbox,
    address_of,
    loopback_socket,
    server,
)
from tutela.adapters.sandbox.desk import Answer, Desk
from tutela.adapters.sandbox.faults import FaultPlan
from tutela.adapters.sandbox.reports import SandboxReports
from tutela.primitives.clock import FixedClock
from tutela.primitives.redacted import Redacted
from tutela.reporting import model
from tutela.reporting.formats.cybertip import file_details_xml, report_xml
from tutela.reporting.model import Call, Exchange
from ungated import Ungated

USER = "sandbox-user-é"
PASSWORD = "sandbox-password-é"


@dataclass(kw_only=True)
class Running:
    """A sandbox that listens."""

    url: str
    reports: SandboxReports


@contextmanager
def running_sandbox(
    *,
    clock: FixedClock,
    faults: Sequence[str] = (),
    state_file: Path | None = None,
    xsd: bytes | None = None,
) -> Iterator[Running]:
    reports = SandboxReports(clock=clock, state_file=state_file)
    sandbox = CyberTipSandbox(
        username=USER,
        password=Redacted(PASSWORD),
        reports=reports,
        xsd=xsd,
        faults=FaultPlan(faults),
    )
    listening = loopback_socket("127.0.0.1", 0)
    url = address_of(listening)
    serving = server(sandbox)
    thread = threading.Thread(target=serving.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield Running(url=url, reports=reports)
    finally:
        serving.should_exit = True
        thread.join(timeout=10)
        listening.close()
        assert not thread.is_alive()


def channel_to(
    url: str, clock: FixedClock, *, password: str = PASSWORD, **more: Any
) -> CyberTiplineChannel:
    more.setdefault("outward", Ungated())
    return CyberTiplineChannel(
        base_url=url, username=USER, password=Redacted(password), clock=clock, **more
    )


class MemoryAuthority:
    """The desk without a network: the same exchanges, made by hand."""

    def __init__(
        self, reports: SandboxReports, clock: FixedClock, *, xsd: bytes | None = None
    ) -> None:
        self._desk = Desk(reports, xsd=xsd)
        self._clock = clock
        self._calls = 0

    def status(self) -> Exchange:
        return self._exchange(Call.STATUS, b"", self._desk.status(user=USER, ip="memory"))

    def schema(self) -> Exchange:
        return self._exchange(Call.SCHEMA, b"", self._desk.schema())

    def submit(self, xml: bytes) -> Exchange:
        return self._exchange(Call.SUBMIT, xml, self._desk.submit(xml))

    def upload(self, report_id: str, file_name: str, content: bytes | BinaryIO) -> Exchange:
        del file_name
        if not isinstance(content, bytes):
            content.seek(0)
            content = content.read()
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        answer = self._desk.upload(report_id, size_bytes=len(content), md5=md5)
        return self._exchange(Call.UPLOAD, content, answer, md5=md5)

    def file_details(self, xml: bytes) -> Exchange:
        return self._exchange(Call.FILE_DETAILS, xml, self._desk.file_details(xml))

    def finish(self, report_id: str) -> Exchange:
        return self._exchange(Call.FINISH, report_id.encode(), self._desk.finish(report_id))

    def retract(self, report_id: str) -> Exchange:
        return self._exchange(Call.RETRACT, report_id.encode(), self._desk.retract(report_id))

    def _exchange(
        self, call: Call, body: bytes, answer: Answer, md5: str | None = None
    ) -> Exchange:
        self._calls += 1
        return Exchange(
            call=call,
            method="GET" if call in {Call.STATUS, Call.SCHEMA} else "POST",
            request_digest_sha256=hashlib.sha256(body).hexdigest(),
            request_bytes=None if call is Call.UPLOAD else body,
            request_note="in memory",
            sent_at=self._clock.now(),
            http_status=answer.http_status,
            response_bytes=answer.body,
            request_id=f"memory-{self._calls}",
            received_at=self._clock.now(),
            file_digest_md5=md5,
            sandbox=True,
        )


def plain_tip(clock: FixedClock, *, batch: bool = False) -> bytes:
    return report_xml(
        model.CyberTip(
            composed_at=clock.now(),
            batch=model.BatchReason.VIRAL_POTENTIAL_MEME if batch else None,
            incident=model.IncidentSummary(
                incident_type=model.IncidentType.CHILD_PORNOGRAPHY,
                incident_at=clock.now() - timedelta(hours=1),
            ),
            reporter=model.Reporter(
                reporting_person=model.Person(
                    emails=(model.Email(address="reporter@platform.example"),)
                )
            ),
        )
    )


def plain_details(clock: FixedClock, report_id: str, file_id: str, *, note: str = "") -> bytes:
    return file_details_xml(
        model.TipFile(
            composed_at=clock.now(),
            report_id=report_id,
            file_id=file_id,
            file_viewed_by_esp=False,
            additional_info=(note,) if note else (),
        )
    )
