"""A decided case, a sandbox and the worker's parts. Import as `workflows.filing_world`."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import text

from adapters.authority_fillings import PASSWORD, USER, Running, channel_to, running_sandbox
from cases.case_parts import (
    BY,
    PERSON_A,
    PICTURE,
    REFERENCES,
    JailForTests,
    MatcherForTests,
    permitted,
)
from own_lawbook import own_lawbook
from tutela.accounts.model import Actor
from tutela.adapters.blobs import open_blobs
from tutela.adapters.keys import ensure_evidence_key, load_identity
from tutela.cases import store as cases
from tutela.cases.claiming import claim
from tutela.cases.deciding import decide, finish_review
from tutela.cases.model import AgeBand, Case, Verdict
from tutela.cases.opening import open_case
from tutela.evidence.ports import BlobStore
from tutela.evidence.sealing import Seal
from tutela.evidence.unsealing import Unsealer
from tutela.intake.admitting import Intake
from tutela.intake.model import Context, Origin
from tutela.law.acceptance import ACCEPTED
from tutela.law.loading import Lawbook
from tutela.ledger import store as ledger
from tutela.ledger.chain import verify
from tutela.ledger.noted_head import NotedHead
from tutela.ledger.outward import OutwardGate
from tutela.primitives.clock import Clock, FixedClock, SystemClock
from tutela.primitives.database import Database
from tutela.primitives.ids import CaseId
from tutela.primitives.redacted import Redacted
from tutela.reporting import store
from tutela.reporting.desk import Desk, ProviderProfile
from tutela.reporting.ports import Authority
from tutela.reporting.reports import KeptExchange, Report, ReportFile
from tutela.review.viewing import viewed_entirely
from tutela.workflows.parts import Pace, Parts

CATEGORY = "ncmec-ab/2022/B2"
PROVIDER: dict[str, object] = {
    "provider.is_electronic_service": True,
    "provider.established_in": "US",
}
REPORT_RULE, PRESERVE_RULE = "us.2258A.report", "us.2258A.preserve"
QUICK = Pace(first=timedelta(milliseconds=20), longest=timedelta(milliseconds=50))
SECRET = Redacted("a webhook secret for tests")
BOOK = own_lawbook()


@dataclass(kw_only=True)
class World:
    """One installation on a test's database and folder."""

    database: Database
    home: Path
    book: Lawbook = field(default_factory=lambda: BOOK)
    provider: dict[str, object] = field(default_factory=lambda: dict(PROVIDER))
    clock: Clock = field(default_factory=SystemClock)
    began: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(minutes=5))
    stop: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def seal(self) -> Seal:
        return Seal(ensure_evidence_key(self.home))

    @cached_property
    def blobs(self) -> BlobStore:
        return open_blobs(None, home=self.home)

    @cached_property
    def outward(self) -> OutwardGate:
        return OutwardGate(self.database, NotedHead(self.home / "ledger-anchor.json"), self.clock)

    def decided(
        self,
        data: bytes = b"known picture",
        *,
        facts: dict[str, object] | None = None,
        by: Actor = PERSON_A,
        **context: Any,
    ) -> CaseId:
        """A case that a person has finally decided must be reported."""
        case_id = self.opened(data, **context)
        at = self.began
        with self.database.begin() as tx:
            claim(tx, case_id, by, at)
            finish_review(tx, case_id, by=by, at=at)
            decide(
                tx,
                case_id,
                by=by,
                at=at,
                verdict=Verdict.APPARENT_CSAM,
                category=CATEGORY,
                age_band=AgeBand.PUBESCENT,
                facts=facts or {},
            )
        return case_id

    def opened(self, data: bytes = b"known picture", **context: Any) -> CaseId:
        """A case about an item that a list has."""
        matcher = MatcherForTests()
        matcher.learn(data)
        at = FixedClock(at=self.began)
        intake = Intake(
            self.database,
            JailForTests(),
            permitted(matcher),
            self.seal,
            self.blobs,
            at,
            open_case=open_case,
            references=REFERENCES,
        )
        context = {
            "item_reference": f"item-{data.hex()[:24]}",
            "service": "drawn.example",
        } | context
        admitted = intake.admit_file(
            data, context=Context(**context), by=BY, origin=Origin.API_FILE
        )
        assert admitted.case_id is not None
        return admitted.case_id

    def accept(self, *rules: str, version: str | None = None) -> None:
        """Counsel accepts the versions of these rules that the book holds."""
        for rule_id in rules or (REPORT_RULE, PRESERVE_RULE):
            rule, _ = self.book.edition(rule_id, on=self.began.date())
            with self.database.begin() as tx:
                ledger.append(
                    tx,
                    at=self.began,
                    actor="acct_counsel",
                    action=ACCEPTED,
                    subject=rule_id,
                    detail={
                        "version": version or rule.version,
                        "by": "acct_counsel",
                        "note": "for tests",
                    },
                )

    def desk(self, authority: Authority | None, **more: Any) -> Desk:
        values: dict[str, Any] = {
            "database": self.database,
            "clock": self.clock,
            "book": self.book,
            "provider": self.provider,
            "profile": ProviderProfile(
                name="Drawn Pictures Ltd",
                reporter_email=Redacted("reports@drawn.example"),
                reporter_first_name=Redacted("Person"),
                reporter_last_name=Redacted("A"),
            ),
            "authority": authority,
            "outward": self.outward,
            "pinned_schema_sha256": None,
            "blobs": self.blobs,
            "unsealer": Unsealer(
                (self.seal, load_identity(self.home / "keys" / "evidence.agekey"))[1]
            ),
            "viewed_entirely": viewed_entirely,
            "stop": self.stop,
        }
        return Desk(**(values | more))

    def parts(self, authority: Authority | None, **more: Any) -> Parts:
        platform = more.pop("platform", None)
        pace = more.pop("pace", QUICK)
        decisions = more.pop("decisions", None)
        return Parts(
            desk=self.desk(authority, **more),
            platform=platform,
            decisions=decisions,
            outward=self.outward,
            pace=pace,
        )

    @contextmanager
    def sandbox(
        self, *faults: str, xsd: bytes | None = None
    ) -> Iterator[tuple[Running, Authority]]:
        """A running sandbox and the channel to it."""
        with (
            running_sandbox(clock=self.clock, faults=faults, xsd=xsd) as running,
            channel_to(running.url, self.clock, outward=self.outward) as channel,
        ):
            yield running, channel

    def case(self, case_id: CaseId) -> Case:
        with self.database.begin() as tx:
            return cases.case(tx, case_id)

    def reports(self, case_id: CaseId) -> Sequence[Report]:
        with self.database.begin() as tx:
            return store.reports_of(tx, case_id)

    def report(self, case_id: CaseId) -> Report:
        return self.reports(case_id)[-1]

    def file(self, case_id: CaseId) -> ReportFile:
        """The only file of the case's report."""
        with self.database.begin() as tx:
            [file] = store.files_of(tx, store.reports_of(tx, case_id)[-1].id)
        return file

    def calls(self, case_id: CaseId) -> Sequence[KeptExchange]:
        with self.database.begin() as tx:
            return store.exchanges_of(tx, store.reports_of(tx, case_id)[-1].id)

    def actions(self, case_id: CaseId) -> list[str]:
        """The ledger's action names about a case, in order."""
        with self.database.begin() as tx:
            return [line.action for line in ledger.lines(tx, subject=case_id)]

    def all_relayed(self) -> None:
        """As if the worker had taken up every job so far."""
        with self.database.begin() as tx:
            tx.execute(text("UPDATE follow_ups SET relayed_at = created_at"))

    def ledger_holds(self) -> bool:
        with self.database.begin() as tx:
            return verify(ledger.lines(tx)).ok

    def rows(self, sql: str) -> list[Any]:
        with self.database.begin() as tx:
            return list(tx.execute(text(sql)))


__all__ = ["BOOK", "PASSWORD", "PICTURE", "SECRET", "USER", "World"]
