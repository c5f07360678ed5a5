"""The law gate: nothing is sent that the law, counsel or a person has not asked for."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cases.case_parts import PERSON_A
from tutela.law.acceptance import WITHDRAWN
from tutela.law.answers import Duty, State, Weaker
from tutela.law.loading import Lawbook
from tutela.law.model import Status
from tutela.ledger import store as ledger
from tutela.primitives.database import Database
from tutela.primitives.ids import CaseId
from tutela.reporting import gating, releasing
from tutela.reporting.conversing import Next
from tutela.reporting.preparing import prepare
from tutela.reporting.reports import HeldBecause, Report, ReportState
from tutela.reporting.submitting import advance
from workflows.filing_world import BOOK, REPORT_RULE, World


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database=database, home=tmp_path / "home")


class Unused:
    """An authority that must not be called while a report is prepared."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(name)


def prepared(world: World, case_id: CaseId) -> str | None:
    return prepare(world.desk(Unused()), case_id)  # type: ignore[arg-type]


def released(world: World) -> Sequence[Report]:
    with world.database.begin() as tx:
        return releasing.release_held(tx, desk=world.desk(Unused()), at=world.clock.now())  # type: ignore[arg-type]


def changed_book() -> Lawbook:
    """The book after somebody changed the rule."""
    rules = tuple(
        replace(rule, title="another title", version="f" * 64) if rule.id == REPORT_RULE else rule
        for rule in BOOK.rules
    )
    return replace(BOOK, rules=rules)


def test_a_report_waits_for_counsel_and_goes_on_after_the_acceptance(world: World) -> None:
    case_id = world.decided()
    assert prepared(world, case_id) is None
    held = world.report(case_id)
    assert (held.state, held.held_because) == (ReportState.HELD, HeldBecause.LAW)
    assert REPORT_RULE in held.why
    assert "counsel has not accepted" in held.why
    assert held.xml is None
    assert prepared(world, case_id) is None  # asked twice, told once
    assert world.actions(case_id).count("report_held") == 1
    assert world.actions(case_id).count("duties_assessed") == 1
    assert released(world) == []
    world.accept()
    assert [each.case_id for each in released(world)] == [case_id]
    assert prepared(world, case_id) == held.id
    assert world.report(case_id).state is ReportState.COMPOSED
    assert world.ledger_holds()


def test_text_that_nobody_accepted_is_no_ground_to_send(world: World) -> None:
    case_id = world.decided()

    def asked() -> tuple[gating.Gate, Duty]:
        with world.database.begin() as tx:
            gate = gating.ask(tx, case_id, desk=world.desk(Unused()), at=world.clock.now())  # type: ignore[arg-type]
        return gate, gate.duties.of(REPORT_RULE)

    gate, duty = asked()
    assert not gate.open
    assert (duty.floor, duty.state) == (Status.VERIFIED, State.UNKNOWN)
    assert duty.weaker == Weaker(floor=Status.RECALLED, state=State.OWED)
    world.accept(REPORT_RULE)
    gate, duty = asked()
    assert (gate.open, gate.rules) == (True, (REPORT_RULE,))
    assert (duty.floor, duty.state, duty.weaker) == (Status.RECALLED, State.OWED, None)


def test_an_acceptance_is_void_when_the_rule_changes(world: World) -> None:
    case_id = world.decided()
    world.accept()
    world.book = changed_book()
    assert prepared(world, case_id) is None
    held = world.report(case_id)
    assert held.held_because is HeldBecause.LAW
    assert "is void" in held.why
    assert released(world) == []
    world.accept(REPORT_RULE)  # counsel has read the new version
    assert len(released(world)) == 1
    assert prepared(world, case_id) is not None


def test_a_withdrawn_acceptance_closes_the_gate(world: World) -> None:
    case_id = world.decided()
    world.accept()
    with world.database.begin() as tx:
        ledger.append(
            tx,
            at=world.began,
            actor="acct_counsel",
            action=WITHDRAWN,
            subject=REPORT_RULE,
            detail={"version": "", "by": "acct_counsel", "note": ""},
        )
    assert prepared(world, case_id) is None
    assert world.report(case_id).held_because is HeldBecause.LAW


def test_an_unknown_fact_holds_and_asks(world: World) -> None:
    del world.provider["provider.established_in"]
    case_id = world.decided()
    world.accept()
    assert prepared(world, case_id) is None
    held = world.report(case_id)
    assert held.held_because is HeldBecause.FACTS
    assert "missing fact provider.established_in" in held.why
    world.provider["provider.established_in"] = "US"
    assert [each.id for each in released(world)] == [held.id]
    assert prepared(world, case_id) == held.id


def test_without_a_duty_only_a_person_can_order_a_report(world: World) -> None:
    world.provider = {
        "provider.is_electronic_service": False,
        "provider.established_in": "FR",
        "provider.subject_to_us_law": False,
    }
    case_id = world.decided()
    world.accept()
    assert prepared(world, case_id) is None
    held = world.report(case_id)
    assert held.held_because is HeldBecause.FACTS
    assert "no duty in the lawbook asks" in held.why
    with world.database.begin() as tx:
        gating.order_voluntary(
            tx, case_id, by=PERSON_A.id, note="our own policy", at=world.clock.now()
        )
    assert prepared(world, case_id) == held.id
    assert gating.VOLUNTARY in world.actions(case_id)


def test_without_an_authority_nothing_is_filed_and_it_says_so(world: World) -> None:
    case_id = world.decided()
    world.accept()
    assert prepare(world.desk(None), case_id) is None
    held = world.report(case_id)
    assert held.held_because is HeldBecause.UNCONFIGURED
    assert "TUTELA_CYBERTIP_URL" in held.why
    world.all_relayed()
    with world.database.begin() as tx:  # the next start, with an authority
        [job] = [
            each
            for each in releasing.ask_again(tx, at_work=(), has_platform=False, at=world.began)
            if each.kind == "report"
        ]
    assert job.subject == case_id


def test_without_a_reporter_the_report_is_held_not_sent(world: World) -> None:
    case_id = world.decided()
    world.accept()
    desk = world.desk(Unused())  # type: ignore[arg-type]
    empty = replace(desk.profile, reporter_email=type(desk.profile.reporter_email)(""))
    assert prepare(replace(desk, profile=empty), case_id) is None
    held = world.report(case_id)
    assert held.held_because is HeldBecause.COMPOSING
    assert "TUTELA_REPORTER_EMAIL" in held.why


def test_what_the_law_said_is_kept_with_the_case(world: World) -> None:
    case_id = world.decided()
    world.accept()
    prepared(world, case_id)
    [row] = world.rows("SELECT book_digest, result FROM assessments")
    assert row.book_digest == BOOK.digest
    owed = {each["rule_id"] for each in row.result["duties"] if each["state"] == "owed"}
    assert REPORT_RULE in owed


# Every question of the United Kingdom's rule, answered for a provider that is bound by it alone.
ONLY_GB: dict[str, object] = {
    "provider.is_electronic_service": True,
    "provider.established_in": "GB",
    "provider.subject_to_us_law": False,
    "provider.reports_to_ncmec": True,
    "service.type": "u2u",
    "service.offered_in_eu": False,
}
GB_RULE = "gb.osa-s66.report"


def test_an_arrangement_is_kept_by_reporting_not_by_having_it(world: World) -> None:
    """A duty discharged by “we report to NCMEC” must not become a report to nobody."""
    world.provider = dict(ONLY_GB)
    case_id = world.decided()
    assert prepared(world, case_id) is None
    held = world.report(case_id)
    assert held.held_because is HeldBecause.LAW  # counsel's turn, not “no duty”
    assert GB_RULE in held.why
    world.accept(GB_RULE)
    assert [each.id for each in released(world)] == [held.id]
    assert prepared(world, case_id) == held.id


def test_without_the_arrangement_the_duty_is_owed_elsewhere(world: World) -> None:
    world.provider = ONLY_GB | {
        "provider.reports_to_ncmec": False,
        "provider.reports_to_foreign_agency": False,
    }
    case_id = world.decided()
    world.accept(GB_RULE)
    assert prepared(world, case_id) is None
    assert world.report(case_id).held_because is HeldBecause.FACTS


def withdraw(world: World) -> None:
    with world.database.begin() as tx:
        ledger.append(
            tx,
            at=world.began,
            actor="acct_counsel",
            action=WITHDRAWN,
            subject=REPORT_RULE,
            detail={"version": "", "by": "acct_counsel", "note": ""},
        )


@pytest.mark.parametrize("calls", [[], ["submit", "upload", "fileinfo"]])
def test_an_acceptance_withdrawn_meanwhile_stops_what_has_not_been_finished(
    world: World, calls: list[str]
) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox() as (sandbox, authority):
        desk = world.desk(authority)
        report_id = prepare(desk, case_id)
        assert report_id is not None
        while [each.call for each in world.calls(case_id) if each.answers is None] != calls:
            assert advance(desk, report_id) is Next.GO_ON
        withdraw(world)
        while (met := advance(desk, report_id)) is Next.GO_ON:
            assert world.report(case_id).state is not ReportState.FINISHED
        assert met is Next.STOPPED
        assert world.report(case_id).held_because is HeldBecause.LAW
        assert [each.state for each in sandbox.reports.all()] == ["open"] * bool(calls)
        world.accept()  # counsel thinks again
        assert prepare(desk, case_id) == report_id
        while advance(desk, report_id) is not Next.DONE:
            pass
        assert [each.state for each in sandbox.reports.all()] == ["finished"]
    assert world.actions(case_id).count("report_resumed") == bool(calls)
    assert world.actions(case_id).count("report_finished") == 1
    assert world.ledger_holds()
