"""Filing without the engine: each move, each answer of the authority, what is stored."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from adapters.authority_fillings import MemoryAuthority
from cases.case_parts import PERSON_A
from tutela.adapters.sandbox.reports import ReportState as Sandboxed
from tutela.adapters.sandbox.reports import SandboxReports
from tutela.cases import store as cases
from tutela.cases.model import Outcome
from tutela.evidence import store as evidence
from tutela.ledger import store as ledger
from tutela.ledger.chain import as_json
from tutela.primitives.clock import FixedClock, iso
from tutela.primitives.database import Database
from tutela.primitives.errors import Conflict, Unavailable
from tutela.primitives.ids import CaseId, ReportId
from tutela.primitives.redacted import Redacted
from tutela.reporting import composing, releasing, store
from tutela.reporting.conversing import Next
from tutela.reporting.desk import Desk
from tutela.reporting.exclusivity import alone
from tutela.reporting.formats.xml_documents import parse, validate
from tutela.reporting.preparing import check, prepare
from tutela.reporting.reports import CYBERTIP, HeldBecause, ReportState
from tutela.reporting.submitting import advance
from tutela.review import viewing
from tutela.review.model import ViewReason
from workflows.filing_world import World

SCHEMA = ("ncmec-cybertipline", "cyber_tipline.xsd")


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database=database, home=tmp_path / "home")


def drive(desk: Desk, case_id: CaseId, *, most: int = 40) -> Counter[Next]:
    """What the story does, without its waits: until done, stopped, or nothing to send."""
    met: Counter[Next] = Counter()
    report_id = prepare(desk, case_id)
    if report_id is None:
        return met
    while (found := check(desk, report_id)) is not Next.GO_ON:
        met[found] += 1
        if found is Next.STOPPED or sum(met.values()) > most:
            return met
    while sum(met.values()) < most:
        found = advance(desk, report_id)
        met[found] += 1
        if found in {Next.DONE, Next.STOPPED, Next.BUSY}:
            break
    return met


def called(world: World, case_id: CaseId) -> list[str]:
    return [each.call for each in world.calls(case_id) if each.answers is None]


def test_a_report_goes_out_with_every_byte_kept(world: World) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox() as (sandbox, authority):
        met = drive(world.desk(authority), case_id)
        [there] = sandbox.reports.all()
    assert met[Next.DONE] == 1
    assert met[Next.AGAIN] == 0
    assert called(world, case_id) == ["xsd", "submit", "upload", "fileinfo", "finish"]
    report = world.report(case_id)
    assert report.state is ReportState.FINISHED
    assert there.report_id == report.authority_report_id
    calls = {each.call: each for each in world.calls(case_id) if each.answers is not None}
    assert calls["submit"].sent == report.xml
    assert calls["finish"].received == report.receipt
    assert b"<responseCode>0</responseCode>" in (report.receipt or b"")
    assert calls["upload"].sent is None
    assert calls["upload"].sent_sha256 == hashlib.sha256(b"known picture").hexdigest()
    assert calls["fileinfo"].sent == world.file(case_id).details_xml
    assert all(each.request_id and each.reply_code == 0 for c, each in calls.items() if c != "xsd")
    assert Outcome.REPORTED in world.case(case_id).reached
    assert world.ledger_holds()


def test_a_second_run_sends_nothing_more(world: World) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox() as (sandbox, authority):
        desk = world.desk(authority)
        drive(desk, case_id)
        before = len(world.calls(case_id))
        assert drive(desk, case_id) == Counter()
        assert advance(desk, world.report(case_id).id) is Next.DONE
        assert len(sandbox.reports.all()) == 1
    assert len(world.calls(case_id)) == before
    assert world.actions(case_id).count("report_finished") == 1


@pytest.mark.schemas
def test_the_documents_are_valid_by_the_authoritys_schema(world: World, schemas: Path) -> None:
    xsd = schemas.joinpath(*SCHEMA).read_bytes()
    case_id = world.decided(publicly_available=True, uploader_reference="account-1")
    world.accept()
    with world.sandbox(xsd=xsd) as (_, authority):
        drive(world.desk(authority), case_id)
    report = world.report(case_id)
    assert report.state is ReportState.FINISHED
    assert report.schema_sha256 == hashlib.sha256(xsd).hexdigest()


@pytest.mark.schemas
def test_another_schema_than_the_pinned_one_stops_filing(world: World, schemas: Path) -> None:
    xsd = schemas.joinpath(*SCHEMA).read_bytes()
    case_id = world.decided()
    world.accept()
    with world.sandbox(xsd=xsd) as (sandbox, authority):
        desk = world.desk(authority, pinned_schema_sha256="0" * 64)
        assert drive(desk, case_id)[Next.STOPPED] == 1
        assert sandbox.reports.all() == []
        report = world.report(case_id)
        assert report.held_because is HeldBecause.SCHEMA
        assert "TUTELA_CYBERTIP_XSD_SHA256" in report.why
        # the operator has compared the two and pins the one that was shown
        reviewed = world.desk(authority, pinned_schema_sha256=hashlib.sha256(xsd).hexdigest())
        assert drive(reviewed, case_id)[Next.DONE] == 1
    with world.database.begin() as tx:
        assert store.schema(tx, hashlib.sha256(xsd).hexdigest()) == xsd


@pytest.mark.schemas
def test_the_first_schema_seen_is_pinned(world: World, schemas: Path) -> None:
    xsd = schemas.joinpath(*SCHEMA).read_bytes()
    first, second = world.decided(b"known one"), world.decided(b"known two")
    world.accept()
    with world.sandbox(xsd=xsd) as (_, authority):
        assert drive(world.desk(authority), first)[Next.DONE] == 1
    with world.sandbox(xsd=xsd.replace(b"</xs:schema>", b"<!-- new --></xs:schema>")) as (_, other):
        drive(world.desk(other), second)
    assert world.report(second).held_because is HeldBecause.SCHEMA


# --- what the authority may answer -------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        "xsd:500:2",
        "submit:1000:2",
        "submit:cut:2",
        "upload:1110:2",
        "upload:cut:2",
        "fileinfo:1300:2",
        "finish:1000:2",
        "finish:503:2",
    ],
)
def test_trouble_at_the_authority_is_tried_again(world: World, fault: str) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox(fault) as (sandbox, authority):
        met = drive(world.desk(authority), case_id)
        finished = [each for each in sandbox.reports.all() if each.state == "finished"]
    assert met[Next.DONE] == 1
    assert met[Next.AGAIN] >= 2
    assert len(finished) == 1
    assert len(finished[0].files) == 1
    assert world.actions(case_id).count("report_finished") == 1


@pytest.mark.parametrize("call", ["submit", "upload", "fileinfo"])
def test_a_refusal_ends_the_report_and_a_person_asks_again(world: World, call: str) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox(f"{call}:4100") as (sandbox, authority):  # HTTP 200 with a code
        desk = world.desk(authority)
        assert drive(desk, case_id)[Next.STOPPED] == 1
        refused = world.report(case_id)
        assert refused.state is ReportState.REFUSED
        assert "4100" in refused.why
        assert "report_refused" in world.actions(case_id)
        assert Outcome.REPORTED not in world.case(case_id).reached
        # nothing goes on by itself, not even at the next start of the worker
        world.all_relayed()
        with world.database.begin() as tx:
            asked = releasing.ask_again(tx, at_work=(), has_platform=False, at=world.began)
        assert "report" not in {each.kind for each in asked}
        with world.database.begin() as tx:
            releasing.retry(tx, case_id, by=PERSON_A.id, at=world.began)
        assert drive(desk, case_id)[Next.DONE] == 1
        assert [each.state for each in sandbox.reports.all()].count("finished") == 1
    first, second = world.reports(case_id)
    assert (first.id, first.state) == (refused.id, ReportState.REFUSED)
    assert second.state is ReportState.FINISHED
    assert "report_asked_again" in world.actions(case_id)


@pytest.mark.parametrize(
    "fault", ["xsd:401", "submit:2000", "upload:3100", "fileinfo:2000", "finish:3100"]
)
def test_refused_credentials_page_the_operator_and_nothing_is_lost(
    world: World, fault: str
) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox(fault) as (sandbox, authority):
        desk = world.desk(authority)
        assert drive(desk, case_id)[Next.STOPPED] == 1
        held = world.report(case_id)
        assert held.held_because is HeldBecause.CREDENTIALS
        assert world.actions(case_id).count("report_held") == 1
        # the operator corrects them and starts the worker again: it goes on where it was
        assert drive(desk, case_id)[Next.DONE] == 1
        assert len(sandbox.reports.all()) == 1
    assert world.report(case_id).abandoned_ids == ()


def test_a_lost_answer_to_submit_leaves_one_finished_report(world: World) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox("submit:drop") as (sandbox, authority):
        assert drive(world.desk(authority), case_id)[Next.DONE] == 1
        states = [each.state for each in sandbox.reports.all()]
    assert states == ["open", "finished"]  # the first is abandoned by the authority by itself
    lost = [each for each in world.calls(case_id) if each.answers and each.received is None]
    assert [each.call for each in lost] == ["submit"]
    assert lost[0].sent == world.report(case_id).xml


def test_a_lost_answer_to_an_upload_opens_the_report_anew(world: World) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox("upload:drop") as (sandbox, authority):
        assert drive(world.desk(authority), case_id)[Next.DONE] == 1
        first, second = sandbox.reports.all()
    assert (first.state, second.state) == ("retracted", "finished")
    assert len(second.files) == 1
    report = world.report(case_id)
    assert report.abandoned_ids == (first.report_id,)
    assert world.actions(case_id).count("report_abandoned") == 1


def test_a_lost_answer_to_file_details_repeats_the_same_words(world: World) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox("fileinfo:drop") as (_, authority):
        desk = world.desk(authority)
        report_id = prepare(desk, case_id)
        assert report_id is not None
        while "fileinfo" not in called(world, case_id):
            advance(desk, report_id)
        with world.database.begin() as tx:  # meanwhile a person looks: a new fact
            [exhibit] = evidence.exhibits_of(tx, case_id)
        seen = replace(desk, viewed_entirely=lambda _tx, _exhibit: True)
        assert drive(seen, case_id)[Next.DONE] == 1
    told = [each.sent for each in world.calls(case_id) if each.call == "fileinfo"]
    assert len(told) == 4
    assert len(set(told)) == 1
    assert b"<fileViewedByEsp>false</fileViewedByEsp>" in (told[0] or b"")
    assert exhibit.id.encode() in (told[0] or b"")


def test_a_lost_answer_to_finish_is_found_again(world: World) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox("finish:drop") as (sandbox, authority):
        assert drive(world.desk(authority), case_id)[Next.DONE] == 1
        assert [each.state for each in sandbox.reports.all()] == ["finished"]
    report = world.report(case_id)
    assert report.state is ReportState.FINISHED
    assert b"5102" in (report.receipt or b"")
    assert "first receipt was lost" in report.why


def test_a_clock_that_was_set_back_hides_no_living_report_behind_a_refused_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Identifiers sort by the clock: the newer report may come first."""
    case_id = world.decided()
    world.accept()
    with world.sandbox("submit:4100") as (_, authority):
        drive(world.desk(authority), case_id)
        with world.database.begin() as tx:
            releasing.retry(tx, case_id, by=PERSON_A.id, at=world.began)
        with monkeypatch.context() as earlier:
            earlier.setattr("tutela.primitives.ids.time.time_ns", lambda: 10**18)
            prepare(world.desk(authority), case_id)
    assert [each.state for each in world.reports(case_id)] == ["composed", "refused"]
    world.all_relayed()
    with world.database.begin() as tx:
        asked = releasing.ask_again(tx, at_work=(), has_platform=False, at=world.began)
    assert "report" in {each.kind for each in asked}


def test_a_report_that_the_authority_abandoned_is_opened_anew(world: World) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox("upload:5001") as (sandbox, authority):
        assert drive(world.desk(authority), case_id)[Next.DONE] == 1
        assert len(sandbox.reports.all()) == 2
    assert len(world.report(case_id).abandoned_ids) == 1


@pytest.mark.parametrize("second", ["5001", "4100", "garbage", "404"])
def test_when_it_may_be_finished_a_person_must_ask(world: World, second: str) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox("finish:drop", f"finish:{second}") as (sandbox, authority):
        desk = world.desk(authority)
        assert drive(desk, case_id)[Next.STOPPED] == 1
        held = world.report(case_id)
        assert held.held_because is HeldBecause.UNCERTAIN
        assert prepare(desk, case_id) is None  # no start, no story moves it
        with world.database.begin() as tx:
            releasing.retry(tx, case_id, by=PERSON_A.id, at=world.began)
        assert drive(desk, case_id)[Next.DONE] == 1
        assert [each.state for each in sandbox.reports.all()] == ["finished"]


def test_only_on_the_authoritys_word_is_an_uncertain_report_opened_anew(world: World) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox("finish:cut", "finish:5001") as (sandbox, authority):
        desk = world.desk(authority)
        drive(desk, case_id)
        assert world.report(case_id).held_because is HeldBecause.UNCERTAIN
        with world.database.begin() as tx:
            releasing.retry(tx, case_id, by=PERSON_A.id, at=world.began, not_finished=True)
        assert drive(desk, case_id)[Next.DONE] == 1
        assert [each.state for each in sandbox.reports.all()].count("finished") == 1


def test_finishing_is_asked_again_only_when_there_is_something_to_ask(world: World) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox() as (_, authority):
        drive(world.desk(authority), case_id)
    with world.database.begin() as tx, pytest.raises(Conflict, match="finished"):
        releasing.retry(tx, case_id, by=PERSON_A.id, at=world.began)


class Damaging(MemoryAuthority):
    """Answers the first upload with another digest than that of the bytes."""

    damaged = False

    def upload(self, report_id: str, file_name: str, content: Any) -> Any:
        exchange = super().upload(report_id, file_name, content)
        if self.damaged:
            return exchange
        self.damaged = True
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest().encode()
        body = (exchange.response_bytes or b"").replace(md5, b"0" * 32)
        return replace(exchange, response_bytes=body)


def test_a_file_that_arrived_damaged_is_sent_in_a_new_report(world: World) -> None:
    case_id = world.decided()
    world.accept()
    reports = SandboxReports(clock=world.clock)
    clock = FixedClock(at=world.clock.now())
    assert drive(world.desk(Damaging(reports, clock)), case_id)[Next.DONE] == 1
    assert [each.state for each in reports.all()] == ["open", "finished"]
    assert len(world.report(case_id).abandoned_ids) == 1


class NamingByContent(MemoryAuthority):
    """Names the same bytes alike in every report, and abandons the first before its end."""

    book: SandboxReports
    abandoned = False

    def upload(self, report_id: str, file_name: str, content: Any) -> Any:
        exchange = super().upload(report_id, file_name, content)
        report = self.book.get(report_id)
        assert report is not None
        [file] = report.files
        given, file.file_id = file.file_id, "1"
        body = (exchange.response_bytes or b"").replace(given.encode(), b"1")
        return replace(exchange, response_bytes=body)

    def finish(self, report_id: str) -> Any:
        report = self.book.get(report_id)
        assert report is not None
        if not self.abandoned:
            self.abandoned = True
            self.book.close(report, Sandboxed.ABANDONED)
        return super().finish(report_id)


def test_what_was_said_in_an_abandoned_report_is_not_said_in_the_next(world: World) -> None:
    case_id = world.decided()
    world.accept()
    reports = SandboxReports(clock=world.clock)
    authority = NamingByContent(reports, FixedClock(at=world.clock.now()))
    authority.book = reports
    assert drive(world.desk(authority), case_id)[Next.DONE] == 1, world.report(case_id).why
    assert [each.state for each in reports.all()] == ["abandoned", "finished"]
    details = world.file(case_id).details_xml or b""
    assert (world.report(case_id).authority_report_id or "-").encode() in details


class BehindAGateway(MemoryAuthority):
    """Takes the first upload, but a gateway before it answers with a page of its own."""

    status = 504
    lost = False

    def upload(self, report_id: str, file_name: str, content: Any) -> Any:
        exchange = super().upload(report_id, file_name, content)
        if self.lost:
            return exchange
        self.lost = True
        return replace(exchange, http_status=self.status, response_bytes=b"<html>gateway")


@pytest.mark.parametrize("status", [200, 502, 504])
def test_no_finished_report_holds_a_file_twice_when_a_gateway_swallows_the_answer(
    world: World, status: int
) -> None:
    case_id = world.decided()
    world.accept()
    reports = SandboxReports(clock=world.clock)
    authority = BehindAGateway(reports, FixedClock(at=world.clock.now()))
    authority.status = status
    desk = world.desk(authority)
    met = drive(desk, case_id)
    if met[Next.STOPPED]:  # an answer that cannot be used is held; the next start goes on
        met = drive(desk, case_id)
    assert met[Next.DONE] == 1
    assert [(each.state, len(each.files)) for each in reports.all()] == [
        ("retracted", 1),
        ("finished", 1),
    ]


def test_evidence_that_is_not_what_was_sealed_is_never_sent(world: World) -> None:
    case_id = world.decided()
    world.accept()
    with world.database.begin() as tx:
        [exhibit] = evidence.exhibits_of(tx, case_id)
    assert exhibit.blob_key is not None
    sealed = world.blobs.get(exhibit.blob_key)
    world.blobs.delete(exhibit.blob_key)
    world.blobs.put(exhibit.blob_key, world.seal.seal(b"something else"))
    with world.sandbox() as (sandbox, authority):
        desk = world.desk(authority)
        assert drive(desk, case_id)[Next.STOPPED] == 1
        assert world.report(case_id).held_because is HeldBecause.EVIDENCE
        world.blobs.delete(exhibit.blob_key)  # restored from a backup
        world.blobs.put(exhibit.blob_key, sealed)
        assert drive(desk, case_id)[Next.DONE] == 1
        assert len(sandbox.reports.all()) == 1


# --- what the tables keep ------------------------------------------------------------------


def test_when_every_connection_is_taken_the_step_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken() -> None:
        raise PoolTimeout

    monkeypatch.setattr(world.database.engine, "connect", taken)
    with pytest.raises(Unavailable), alone(world.database, "report"):
        pass


class BreaksAfterCommit:
    """A database whose connection breaks after the commit of the first answer to each call."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.engine = database.engine
        self.broken: set[str] = set()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        with self._database.begin() as tx:
            before = self._answers(tx)
            yield tx
            fresh = self._answers(tx) - before - self.broken
        if fresh:
            self.broken |= fresh
            raise Unavailable("The database did not answer")

    def _answers(self, tx: Connection) -> set[str]:
        rows = tx.execute(text("SELECT call FROM report_exchanges WHERE answers IS NOT NULL"))
        return set(rows.scalars())


def test_an_answer_whose_commit_was_not_heard_of_is_stored_once(world: World) -> None:
    case_id = world.decided()
    world.accept()
    database = BreaksAfterCommit(world.database)
    with world.sandbox() as (sandbox, authority):
        desk = world.desk(authority, database=database)
        assert drive(desk, case_id)[Next.DONE] == 1
        assert [each.state for each in sandbox.reports.all()] == ["finished"]
    assert len(database.broken) == 5
    answers = [each.call for each in world.calls(case_id) if each.answers is not None]
    assert answers == ["xsd", "xsd", "submit", "upload", "fileinfo", "finish"]
    told = Counter(world.actions(case_id))
    for once in ("report_opened", "report_file_uploaded", "report_file_described"):
        assert told[once] == 1, once


def test_two_at_once_do_not_meet(world: World) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox() as (_, authority):
        desk = world.desk(authority)
        report_id = prepare(desk, case_id)
        assert report_id is not None
        with alone(world.database, report_id) as mine:
            assert mine
            assert advance(desk, report_id) is Next.BUSY
        assert advance(desk, report_id) is Next.GO_ON


def test_a_second_living_report_of_a_case_cannot_be_stored(world: World) -> None:
    case_id = world.decided()
    with world.database.begin() as tx:
        first = store.start(tx, case_id=case_id, channel=CYBERTIP, at=world.began)
        assert store.start(tx, case_id=case_id, channel=CYBERTIP, at=world.began).id == first.id
    with pytest.raises(IntegrityError), world.database.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO reports (id, case_id, channel, state, created_at) "
                "SELECT :id, case_id, channel, 'composed', created_at FROM reports"
            ),
            {"id": ReportId.new()},
        )


@pytest.mark.parametrize("sql", ["UPDATE report_exchanges SET call = 'x'", "DELETE FROM {}"])
def test_what_was_sent_stays_as_it_was(world: World, database_url: str, sql: str) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox() as (_, authority):
        drive(world.desk(authority), case_id)
    statement = sql.format("report_exchanges")
    with pytest.raises(DBAPIError, match="permission denied"), world.database.begin() as tx:
        tx.execute(text(statement))
    owner = Database(database_url)
    try:
        with owner.begin() as tx:
            tx.execute(text("RESET ROLE"))
            with pytest.raises(DBAPIError, match="stays as it was"):
                tx.execute(text(statement))
            tx.rollback()
    finally:
        owner.close()


# --- what the report says --------------------------------------------------------------------


def xml_of(world: World, case_id: CaseId) -> Any:
    return parse(world.report(case_id).xml or b"")


def details_of(world: World, case_id: CaseId) -> Any:
    return parse(world.file(case_id).details_xml or b"")


def test_whether_a_person_viewed_the_file_comes_from_the_view_log(world: World) -> None:
    seen, unseen = world.decided(b"known seen"), world.decided(b"known unseen")
    world.accept()
    with world.database.begin() as tx:
        [exhibit] = evidence.exhibits_of(tx, seen)
        tx.execute(
            text("UPDATE cases SET claimed_by = :who, claimed_at = :at WHERE id = :id"),
            {"who": PERSON_A.id, "at": world.began, "id": seen},
        )
        opened = viewing.open_view(
            tx,
            case_id=seen,
            exhibit_id=exhibit.id,
            by=PERSON_A,
            reason=ViewReason.AGE_UNCLEAR,
            at=world.began,
        )
        viewing.note_shown(tx, opened.id, by=PERSON_A, at=world.began, entire=True)
    with world.sandbox() as (_, authority):
        desk = world.desk(authority)
        drive(desk, seen)
        drive(desk, unseen)
    assert details_of(world, seen).findtext("fileViewedByEsp") == "true"
    assert details_of(world, unseen).findtext("fileViewedByEsp") == "false"


def test_the_report_escalates_only_on_the_reviewers_word(world: World) -> None:
    urgent = world.decided(b"known urgent", facts={"decision.imminent_threat": True})
    calm = world.decided(b"known calm", facts={"decision.imminent_threat": False})
    world.accept()
    with world.sandbox() as (_, authority):
        desk = world.desk(authority)
        drive(desk, urgent)
        drive(desk, calm)
    assert "threat" in xml_of(world, urgent).findtext(".//escalateToHighPriority")
    assert xml_of(world, calm).find(".//escalateToHighPriority") is None


def test_every_field_is_derived_and_the_rest_is_left_out(world: World) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox() as (_, authority):
        drive(world.desk(authority), case_id)
    tip, file = xml_of(world, case_id), details_of(world, case_id)
    assert tip.findtext(".//platform") == "drawn.example"
    assert "detection" in tip.findtext(".//incidentDateTimeDescription")
    assert tip.find("personOrUserReported") is None
    assert tip.find("internetDetails") is None
    found = "drawn pictures: PDQ distance 4 of 256 bits, the list allows 31"
    assert found in tip.findtext("additionalInfo")
    assert file.findtext("industryClassification") == "B2"
    assert {each.get("hashType") for each in file.findall("originalFileHash")} == {
        "MD5",
        "SHA1",
        "SHA256",
        "PDQ",
    }
    for absent in ("publiclyAvailable", "ipCaptureEvent", "originalFileName", "fileAnnotations"):
        assert file.find(absent) is None


def test_what_the_form_cannot_take_is_told_in_words(world: World) -> None:
    case_id = world.decided(
        uploader_reference="account\x07-1",
        uploader_ip=Redacted("not an address"),
        uploader_email=Redacted("nor this"),
        location_url=Redacted("neither here"),
        uploader_location="FR",
    )
    world.accept()
    with world.sandbox() as (_, authority):
        assert drive(world.desk(authority), case_id)[Next.DONE] == 1
    told = xml_of(world, case_id).findtext("additionalInfo")
    for words in ("not an address", "nor this", "neither here", "FR"):
        assert words in told
    account = xml_of(world, case_id).find("personOrUserReported")
    assert account.findtext("espIdentifier") == "account\ufffd-1"


def test_a_case_that_is_not_decided_is_never_reported(world: World) -> None:
    case_id = world.decided()
    world.accept()
    with world.database.begin() as tx:
        tx.execute(text("UPDATE cases SET needed = '{}' WHERE id = :id"), {"id": case_id})
    with world.sandbox() as (sandbox, authority):
        assert drive(world.desk(authority), case_id) == Counter()
        assert sandbox.reports.all() == []
    assert world.reports(case_id) == []


def test_what_a_service_records_oddly_never_keeps_a_report_back(world: World) -> None:
    after = world.began + timedelta(days=3)  # a clock that runs ahead
    case_id = world.decided(
        service="s" * 200,
        uploader_reference="account-1",
        uploader_ip=Redacted("192.0.2.1"),
        uploaded_at=after,
        file_name=Redacted("n" * 5000),
    )
    world.accept()
    with world.sandbox() as (_, authority):
        assert drive(world.desk(authority), case_id)[Next.DONE] == 1
    tip, file = xml_of(world, case_id), details_of(world, case_id)
    assert tip.findtext(".//incidentDateTime") == iso(world.began)
    assert iso(after) in tip.findtext(".//incidentDateTimeDescription")
    assert tip.findtext(".//platform") == "s" * 200
    for absent in (".//espService", ".//ipCaptureEvent/dateTime"):
        assert tip.find(absent) is None
    for absent in ("uploadedToEspTimestamp", "originalFileName", "ipCaptureEvent/dateTime"):
        assert file.find(absent) is None
    assert "n" * 5000 in "".join(each.text for each in file.findall("additionalInfo"))


@pytest.mark.parametrize(
    ("category", "said"),
    [
        ("ncmec-ab/2022/A1", "A1"),
        ("ncmec-ab/hashsharing-v2/A1", None),  # a hash list's letters are not the form's
        ("tutela/1/csam", None),
    ],
)
def test_the_class_is_said_only_in_the_forms_own_scheme(
    world: World, category: str, said: str | None
) -> None:
    case_id = world.decided()
    world.accept()
    with world.database.begin() as tx:
        decision = cases.final_decision(tx, case_id)
        assert decision is not None
    assert composing._industry(replace(decision, category=category)) == said


@pytest.mark.schemas
def test_a_full_case_from_upload_to_receipt_is_valid_by_the_real_schema(
    world: World, schemas: Path
) -> None:
    """Every field that a service can tell, a person's view and a threat: checked by the XSD."""
    xsd = schemas.joinpath(*SCHEMA).read_bytes()
    uploaded = world.began - timedelta(hours=1)
    case_id = world.decided(
        facts={"decision.imminent_threat": True},
        item_reference="item-1",
        uploader_reference="account-1",
        uploader_screen_name=Redacted("Person A <&>"),
        uploader_email=Redacted("person-a@users.example"),
        uploader_ip=Redacted("2001:db8::1"),
        uploader_port=50123,
        uploader_location="GB",
        uploaded_at=uploaded,
        location_url=Redacted("https://platform.example/items/1?a=1&b=2"),
        publicly_available=False,
        file_name=Redacted("pictuře.png"),
        service="Example Platform",
        channel="public",
        extra={"album": "drawn pictures"},
    )
    world.accept()
    with world.database.begin() as tx:
        [exhibit] = evidence.exhibits_of(tx, case_id)
    with world.sandbox(xsd=xsd) as (_, authority):
        desk = world.desk(authority, viewed_entirely=lambda _tx, seen: seen == exhibit.id)
        assert drive(desk, case_id)[Next.DONE] == 1
    report, details = world.report(case_id), world.file(case_id).details_xml or b""
    assert report.xml is not None
    assert validate(report.xml, xsd) == []
    assert validate(details, xsd) == []
    assert validate(report.receipt or b"", xsd) == []
    tip, file = parse(report.xml), parse(details)
    assert tip.findtext(".//incidentDateTime") == iso(uploaded)
    assert tip.findtext(".//webPageIncident/url") == "https://platform.example/items/1?a=1&b=2"
    assert tip.findtext(".//screenName") == "Person A <&>"
    assert tip.findtext(".//ipCaptureEvent/ipAddress") == "2001:db8::1"
    assert tip.findtext(".//ipCaptureEvent/port") == "50123"
    assert tip.find(".//escalateToHighPriority") is not None
    assert file.findtext("fileViewedByEsp") == "true"
    assert file.findtext("publiclyAvailable") == "false"  # said by the service, so said
    assert file.findtext("uploadedToEspTimestamp") == iso(uploaded)
    assert file.findtext("originalFileName") == "pictuře.png"
    for absent in ("exifViewedByEsp", "fileAnnotations", "fileRelevance", "potentialMeme"):
        assert file.find(absent) is None
    for absent in (".//reportAnnotations", ".//compromisedAccount", ".//victim"):
        assert tip.find(absent) is None
    with world.database.begin() as tx:  # nothing personal in any line of the ledger
        told = json.dumps([as_json(line) for line in ledger.lines(tx)])
    for personal in ("person-a@", "2001:db8", "Person A", "platform.example", "account-1", "pictu"):
        assert personal not in told
