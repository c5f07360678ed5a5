"""What the CyberTipline sandbox remembers: reports, their states and times, on disk if asked.

It keeps digests and sizes, never the bytes of a file or the text of a report.
"""

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from tutela.primitives.clock import Clock, iso
from tutela.primitives.errors import BadInput, Unavailable

# Abandonment as documented for /finish: 24 hours after opening or 1 hour after the last
# upload or file details, whichever is later.
AFTER_OPENING: Final = timedelta(hours=24)
AFTER_CHANGE: Final = timedelta(hours=1)
_FIRST_NUMBER: Final = 9_000_001


class ReportState(StrEnum):
    """Where a sandbox report stands."""

    OPEN = "open"
    FINISHED = "finished"
    RETRACTED = "retracted"
    ABANDONED = "abandoned"


@dataclass(kw_only=True)
class SandboxFile:
    """One uploaded file: identifier, digest and size; `details_sha256` once described."""

    file_id: str
    md5: str
    size_bytes: int
    uploaded_at: str
    details_sha256: str | None = None
    annotations: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class SandboxReport:
    """One report. Moments are RFC 3339 text, as in the state file."""

    report_id: str
    state: ReportState
    batched: bool
    report_sha256: str
    opened_at: str
    changed_at: str
    closed_at: str | None = None
    files: list[SandboxFile] = field(default_factory=list)

    def file(self, file_id: str) -> SandboxFile | None:
        """The file of that identifier, if it belongs to this report."""
        return next((each for each in self.files if each.file_id == file_id), None)


class SandboxReports:
    """The reports by number. With a `state_file`, each change is on disk before the answer."""

    def __init__(self, *, clock: Clock, state_file: Path | None = None) -> None:
        """Read the state file when it exists."""
        self._clock = clock
        self._state_file = state_file
        self._reports: dict[str, SandboxReport] = {}
        if state_file is not None and state_file.exists():
            self._load(state_file)

    def open(self, *, report_sha256: str, batched: bool) -> SandboxReport:
        """A new report under the next number."""
        number = str(_FIRST_NUMBER + len(self._reports))
        now = iso(self._clock.now())
        report = SandboxReport(
            report_id=number,
            state=ReportState.OPEN,
            batched=batched,
            report_sha256=report_sha256,
            opened_at=now,
            changed_at=now,
        )
        self._reports[number] = report
        self._save()
        return report

    def get(self, report_id: str) -> SandboxReport | None:
        """The report, abandoned first when its time has run out."""
        self._abandon_overdue()
        return self._reports.get(report_id)

    def all(self) -> list[SandboxReport]:
        """Every report in the order of opening."""
        self._abandon_overdue()
        return list(self._reports.values())

    def changed(self, report: SandboxReport) -> None:
        """Note a modification (a file, its details) and store it."""
        report.changed_at = iso(self._clock.now())
        self._save()

    def close(self, report: SandboxReport, state: ReportState) -> None:
        """End a report as finished or retracted and store it."""
        report.state = state
        report.closed_at = iso(self._clock.now())
        self._save()

    def now(self) -> datetime:
        """The sandbox's time."""
        return self._clock.now()

    def as_json(self) -> dict[str, Any]:
        """The listing, also the shape of the state file."""
        return {"sandbox": True, "reports": [asdict(report) for report in self.all()]}

    def _abandon_overdue(self) -> None:
        now = self._clock.now()
        overdue = [report for report in self._reports.values() if _ends_at(report) <= now]
        for report in overdue:
            report.state = ReportState.ABANDONED
            report.closed_at = iso(_abandoned_at(report))
        if overdue:
            self._save()

    def _load(self, path: Path) -> None:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            for each in found["reports"]:
                files = [SandboxFile(**one) for one in each.pop("files")]
                state = ReportState(each.pop("state"))
                report = SandboxReport(**each, state=state, files=files)
                self._reports[report.report_id] = report
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BadInput(
                "The sandbox's state file cannot be read",
                remedy="Choose another file, or delete this one.",
            ) from None

    def _save(self) -> None:
        """Write beside the file, flush, then swap: a reader sees the old or the new state."""
        if self._state_file is None:
            return
        body = {"sandbox": True, "reports": [asdict(each) for each in self._reports.values()]}
        try:
            _swap_in(self._state_file, json.dumps(body, indent=1))
        except OSError as error:
            raise Unavailable(
                "The sandbox could not store its state", why=error.strerror or "disk trouble"
            ) from error


def _swap_in(path: Path, text: str) -> None:
    beside = tempfile.NamedTemporaryFile(  # noqa: SIM115 (closed before the swap)
        "w", encoding="utf-8", dir=path.parent, prefix=".sandbox-", delete=False
    )
    try:
        with beside:
            beside.write(text)
            beside.flush()
            os.fsync(beside.fileno())
        Path(beside.name).replace(path)
    except OSError:
        Path(beside.name).unlink(missing_ok=True)
        raise


def _abandoned_at(report: SandboxReport) -> datetime:
    opened = datetime.fromisoformat(report.opened_at)
    changed = datetime.fromisoformat(report.changed_at)
    return max(opened + AFTER_OPENING, changed + AFTER_CHANGE)


def _ends_at(report: SandboxReport) -> datetime:
    """When an open report is abandoned; far away for one that has ended."""
    if report.state is ReportState.OPEN:
        return _abandoned_at(report)
    return datetime.max.replace(tzinfo=datetime.fromisoformat(report.opened_at).tzinfo)
