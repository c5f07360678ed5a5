"""The demo's story: stage, processes, scan, decisions, waiting for the receipts, figures."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from sqlalchemy import Connection

from tutela.accounts.model import Actor
from tutela.cases.claiming import claim
from tutela.cases.deciding import decide, finish_review
from tutela.cases.model import AgeBand, State, Verdict
from tutela.cases.store import counts, latest_assessment, queue
from tutela.indicators.model import Finding
from tutela.intake.model import Admission, Context, Origin
from tutela.ledger import store as ledger
from tutela.ledger.chain import verify
from tutela.primitives.errors import Unavailable
from tutela.primitives.ids import CaseId
from tutela.primitives.redacted import Redacted
from tutela.reporting.reports import ReportState
from tutela.reporting.store import in_state
from tutela.scan.model import Scanned
from tutela.scan.planning import Plan
from tutela.scan.running import run
from tutela.wiring.building import Parts, open_parts
from tutela.wiring.demo import staging
from tutela.wiring.demo.processes import Processes, free_port
from tutela.wiring.demo.staging import Ports, Stage
from tutela.wiring.evidence_key import recipient_of
from tutela.wiring.opening import open_database
from tutela.wiring.settings import load_settings

_ALL = 1_000_000
_WAIT_SECONDS = 600.0
_LAST_WORD_SECONDS = 60.0
CATEGORY = "ncmec-ab/2022/B2"


@dataclass(kw_only=True)
class Running:
    """A demo under way: its stage, its parts, the ports of its processes, its people."""

    stage: Stage
    parts: Parts
    processes: Processes
    ports: Ports
    reviewer: Actor | None = None
    password: str = ""
    results: dict[str, Scanned] = field(default_factory=dict)


@contextmanager
def running(stage: Stage) -> Iterator[Running]:
    """Start sandboxes, worker, console and form; stop them all at the end, come what may."""
    ports = Ports(
        authority=free_port(), platform=free_port(), staff=free_port(8400), public=free_port(8401)
    )
    staging.note_running(stage, ports)
    environment = dict(os.environ) | staging.environment(stage, ports)
    os.environ.update(environment)
    settings = load_settings()
    recipient_of(settings)  # the public form starts with the sealing key alone
    with (
        open_database(settings),  # the server outlives every other process of the demo
        Processes(environment=environment, logs=stage.folder / "logs") as processes,
    ):
        _start(processes, stage, ports)
        with open_parts(settings) as parts:
            yield Running(stage=stage, parts=parts, processes=processes, ports=ports)


def _start(processes: Processes, stage: Stage, ports: Ports) -> None:
    """Each process joins the embedded server by itself."""
    word = {"TUTELA_SANDBOX_PASSWORD": staging.SANDBOX_WORD}
    for name, port, more in (
        ("cybertip", ports.authority, ["--user", staging.SANDBOX_WORD]),
        ("platform", ports.platform, []),
    ):
        state = str(stage.folder / f"sandbox-{name}.json")
        command = ["sandbox", name, "--port", str(port), "--state", state, *more]
        processes.start(name, command, **word)
    processes.start("worker", ["worker"])
    processes.start("staff", ["serve", "staff"])
    processes.start("public", ["serve", "public"])


def prepare(demo: Running) -> None:
    """Import the list, make the people, accept the rules; a continued demo keeps what it has."""
    now = demo.parts.clock.now()
    staging.import_known(demo.parts, demo.stage, at=now)
    demo.reviewer, demo.password = staging.people(demo.parts, demo.stage, at=now)
    staging.accept_rules(demo.parts, by=staging.COUNSEL, at=now)


def scan(demo: Running, *, progress: Callable[[float], None]) -> int:
    """Scan the uploads as a platform would hand them in; returns how many there were."""
    plan = Plan(demo.stage.uploads)
    admit = demo.parts.intake.admit_file

    def one(path: Path) -> Admission:
        return admit(path, context=_context(path), by="scan", origin=Origin.SCAN)

    number = 0
    for scanned in run(plan, one, threads=demo.parts.settings.decoders):
        number += 1
        demo.results[f"uploads/{scanned.path.relative_to(plan.root).as_posix()}"] = scanned
        progress(number)
    return number


def _context(path: Path) -> Context:
    """A plainly fictitious uploader."""
    return Context(
        item_reference=f"item/{path.name}",
        uploader_reference="account-person-a",
        uploader_screen_name=Redacted("Person A"),
        uploader_email=Redacted("person-a@users.example"),
        uploader_ip=Redacted("192.0.2.1"),
        uploader_location="GB",
        service="Example Platform (demo)",
        channel="hosted",
        file_name=Redacted(path.name),
    )


def decide_all(demo: Running, *, progress: Callable[[float], None]) -> int:
    """The scripted reviewer: claims, reviews and decides each open case, viewing nothing."""
    reviewer = demo.reviewer
    if reviewer is None:
        raise Unavailable("The demo has no reviewer yet")
    with demo.parts.database.begin() as tx:
        waiting = queue(tx, states=[State.MATCHED, State.REVIEWED], limit=_ALL)
    for number, case in enumerate(waiting, start=1):
        with demo.parts.database.begin() as tx:
            now = demo.parts.clock.now()
            claim(tx, case.id, reviewer, now)
            if case.state is State.MATCHED:
                finish_review(tx, case.id, by=reviewer, at=now)
            decide(
                tx,
                case.id,
                by=reviewer,
                at=now,
                verdict=Verdict.APPARENT_CSAM,
                category=CATEGORY,
                age_band=AgeBand.PUBESCENT,
                facts={"decision.imminent_threat": False},
                note="A scripted decision about a drawn picture.",
            )
        progress(number)
    return len(waiting)


def wait_until_closed(demo: Running, *, progress: Callable[[float], None]) -> None:
    """Wait until the worker has reported, restricted and preserved every decided case."""
    give_up = time.monotonic() + _WAIT_SECONDS
    closed_at: float | None = None
    while True:
        demo.processes.still_running()
        with demo.parts.database.begin() as tx:
            standing = counts(tx)
            assessed = standing[State.DECIDED] == 0 and _assessed(tx)
        progress(standing[State.CLOSED])
        if standing[State.DECIDED] == 0:
            closed_at = closed_at or time.monotonic()
            if assessed or time.monotonic() > closed_at + _LAST_WORD_SECONDS:
                return
        if time.monotonic() > give_up:
            raise Unavailable(
                "Some cases are not finished",
                why=f"{standing[State.DECIDED]} still wait for a report, an order or a hold",
                remedy=f"Read {demo.stage.folder / 'logs' / 'worker.log'}.",
            )
        time.sleep(0.2)


def _assessed(tx: Connection) -> bool:
    """Whether the law was asked about every closed case after the last thing that happened."""
    for case in queue(tx, states=[State.CLOSED], limit=_ALL):
        said = latest_assessment(tx, case.id)
        if case.needed and (said is None or said.as_of < max(case.reached.values())):
            return False
    return True


def summary(demo: Running, *, seconds: float) -> dict[str, object]:
    """The figures of this run, each counted from what is stored."""
    found: Counter[str] = Counter()
    drawn: Counter[str] = Counter()
    for name, scanned in demo.results.items():
        edit = demo.stage.edits[name]
        drawn[edit] += 1
        found[edit] += scanned.finding is Finding.MATCHED
    with demo.parts.database.begin() as tx:
        standing = counts(tx)
        cases = [case.id for case in queue(tx, states=list(State), limit=_ALL)]
        finished = in_state(tx, ReportState.FINISHED, limit=_ALL)
        receipts = sum(1 for report in finished if report.receipt)
        duties, open_places = _duties(tx, cases)
        chain = verify(ledger.lines(tx))
    return {
        "files": len(demo.results),
        "matches": sum(found.values()),
        "by_edit": {edit: {"files": drawn[edit], "matched": found[edit]} for edit in sorted(drawn)},
        "cases": len(cases),
        "closed": standing[State.CLOSED],
        "duties": sum(duties.values()),
        "duties_by_jurisdiction": dict(sorted(duties.items())),
        "jurisdictions_not_settled": sorted(open_places),
        "receipts": receipts,
        "ledger_lines": chain.checked,
        "ledger_head": chain.head_digest,
        "ledger_verified": chain.ok,
        "seconds": round(seconds, 1),
    }


def _duties(tx: Connection, cases: list[CaseId]) -> tuple[Counter[str], set[str]]:
    """How many duties bind by jurisdiction, and where one cannot be said, in the latest answers.

    A place without a binding duty is left out of the first: its silence is no figure.
    """
    found: Counter[str] = Counter()
    unsettled: set[str] = set()
    for case in cases:
        assessed = latest_assessment(tx, case)
        if assessed is None:
            continue
        for duty in cast("list[dict[str, str]]", assessed.result["duties"]):
            if duty["outcome"] == "yes":
                found[duty["jurisdiction"]] += 1
            elif duty["outcome"] == "unknown":
                unsettled.add(duty["jurisdiction"])
    return found, unsettled
