"""The law's facts come from what is on record; what is not known is not there."""

from datetime import UTC, datetime, timedelta

import pytest

from cases.case_parts import AT, CATEGORY, PERSON_A, PERSON_B, UNSEALER, Desk
from own_lawbook import own_lawbook
from tutela.cases import store
from tutela.cases.deciding import confirm, decide
from tutela.cases.facts import NONE_YET, facts_of
from tutela.cases.model import Outcome, Verdict
from tutela.cases.outcomes import reach
from tutela.primitives.database import Database
from tutela.primitives.ids import CaseId
from tutela.primitives.redacted import Redacted

MINUTE = timedelta(minutes=1)
LATER = AT + timedelta(days=1)
PROVIDER = {
    "provider.established_in": "US",
    "provider.eu_representative_in": "",
    "provider.is_electronic_service": None,
    "service.targets_markets": (),
    "service.offered_in_eu": False,
}


def facts(desk: Desk, case_id: CaseId, at: datetime = LATER) -> dict[str, object]:
    with desk.database.begin() as tx:
        return facts_of(tx, case_id, provider=PROVIDER, at=at)


def test_before_any_decision_only_the_match_and_the_moment_are_known(database: Database) -> None:
    desk = Desk(database)
    found = facts(desk, desk.open())
    assert found == {
        "provider.established_in": "US",
        "service.offered_in_eu": False,
        "event.known_match": True,
        "event.detected_at": AT,
        "event.knowledge_at": NONE_YET,
        "event.reported_to_ncmec_at": NONE_YET,
        "event.restricted_at": NONE_YET,
    }


def test_the_law_s_vocabulary_admits_every_fact_we_tell(database: Database) -> None:
    desk = Desk(database)
    case_id = desk.open(uploader_location="DE")
    with database.begin() as tx:
        told = facts_of(tx, case_id, provider=PROVIDER, at=LATER)
    admitted = own_lawbook().vocabulary.admit(told)
    assert set(admitted) == set(told)


def test_a_decision_and_its_outcomes_are_told_from_their_moment_on(database: Database) -> None:
    desk = Desk(database)
    case_id = desk.reviewed()
    with database.begin() as tx:
        decide(
            tx,
            case_id,
            by=PERSON_A,
            at=AT + MINUTE,
            verdict=Verdict.APPARENT_CSAM,
            category=CATEGORY,
            facts={"decision.victim_location": "GB", "decision.offender_known": None},
        )
        reach(tx, case_id, Outcome.REPORTED, at=AT + 2 * MINUTE)
    now = facts(desk, case_id)
    assert now["decision.apparent_csam"] is True
    assert now["decision.victim_location"] == "GB"
    assert "decision.offender_known" not in now
    assert now["event.knowledge_at"] == AT + MINUTE
    assert now["event.reported_to_ncmec_at"] == AT + 2 * MINUTE
    assert now["event.restricted_at"] == NONE_YET
    before = facts(desk, case_id, at=AT + MINUTE)
    assert before["event.reported_to_ncmec_at"] == NONE_YET


def test_the_clock_of_knowledge_starts_with_the_first_of_two_persons(database: Database) -> None:
    desk = Desk(database)
    desk.matcher.second_person = True
    case_id = desk.reviewed()
    with database.begin() as tx:
        decide(
            tx,
            case_id,
            by=PERSON_A,
            at=AT + MINUTE,
            verdict=Verdict.APPARENT_CSAM,
            category=CATEGORY,
        )
    waiting = facts(desk, case_id)
    assert "event.knowledge_at" not in waiting  # one of two has found it: not “none”
    assert "decision.apparent_csam" not in waiting
    with database.begin() as tx:
        confirm(tx, case_id, by=PERSON_B, at=AT + 5 * MINUTE, agree=True)
    assert facts(desk, case_id)["event.knowledge_at"] == AT + MINUTE


def test_a_known_item_leaves_the_moment_of_knowledge_open(database: Database) -> None:
    desk = Desk(database)
    first = desk.reviewed()
    with database.begin() as tx:
        decide(tx, first, by=PERSON_A, at=AT, verdict=Verdict.APPARENT_CSAM, category=CATEGORY)
    again = desk.open(item_reference="again")
    assert "event.knowledge_at" not in facts(desk, again)


def test_not_csam_is_a_known_no(database: Database) -> None:
    desk = Desk(database)
    case_id = desk.reviewed()
    with database.begin() as tx:
        decide(tx, case_id, by=PERSON_A, at=AT, verdict=Verdict.NOT_CSAM)
    found = facts(desk, case_id)
    assert found["decision.apparent_csam"] is False
    assert found["event.knowledge_at"] == NONE_YET


@pytest.mark.parametrize("unsealed", [True, False])
def test_the_context_comes_back_whole_only_to_who_can_unseal(
    database: Database,
    unsealed: bool,  # noqa: FBT001 - pytest's call
) -> None:
    desk = Desk(database)
    uploaded_at = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
    case_id = desk.open(
        item_reference="item 1",
        uploader_reference="account 1",
        uploader_screen_name=Redacted("Person A"),
        uploader_ip=Redacted("192.0.2.7"),
        uploader_port=4711,
        uploader_location="DE",
        uploaded_at=uploaded_at,
        publicly_available=False,
        service="drawings",
        extra={"room": "1"},
    )
    with database.begin() as tx:
        context = store.context_of(tx, case_id, UNSEALER if unsealed else None)
    assert context.uploader_location == "DE"
    names = ("item 1", "drawings") if unsealed else ("", "")
    assert (context.item_reference, context.service) == names
    assert (context.uploaded_at, context.publicly_available) == (uploaded_at, False)
    if unsealed:
        assert context.uploader_reference == "account 1"
        assert context.uploader_screen_name is not None
        assert context.uploader_screen_name.reveal() == "Person A"
        assert (context.uploader_port, context.extra) == (4711, {"room": "1"})
    else:
        assert context.uploader_reference == ""
        assert (context.uploader_screen_name, context.uploader_ip) == (None, None)
        assert (context.uploader_port, context.extra) == (None, {})
