"""What the records of US, GB, IE, DE, FR, NL, DK and ES must say, beside their cases."""

from datetime import UTC, date, datetime

import pytest

from tutela.law.answers import Duty
from tutela.law.clocks import ClockState
from tutela.law.duties import duties
from tutela.law.loading import Lawbook
from tutela.law.model import LegalStatus, Status, Truth
from tutela.law.punishing import punished
from tutela.law.vocabulary import Value

DAY = date(2026, 11, 22)
YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN

PHOTO: dict[str, Value] = {
    "conduct.act": "possess",
    "victim.age": 12,
    "material.medium": "photo",
    "material.depiction": "real_child",
    "conduct.private_consensual": False,
    "conduct.official_duty": False,
    "conduct.few_images_given_up": False,
    "offender.partner_of_child": False,
    "offender.age": 30,
}
DRAWING = PHOTO | {"material.medium": "drawing", "material.depiction": "virtual_child"}


def outcome(book: Lawbook, code: str, facts: dict[str, Value], *, on: date = DAY) -> Truth:
    return punished(book, code, facts, as_of=on, floor=Status.RECALLED).outcome


@pytest.mark.parametrize("code", ["US", "GB", "IE", "DE", "FR", "NL", "DK", "ES"])
def test_possession_of_a_photograph_of_a_young_child_is_punished_everywhere(
    book: Lawbook, code: str
) -> None:
    assert outcome(book, code, PHOTO) is YES
    assert outcome(book, code, PHOTO | {"victim.age": 18}) is NO
    assert outcome(book, code, {**PHOTO, "conduct.act": "launder"}) is UNKNOWN


@pytest.mark.parametrize(
    ("age", "offence"), [(13, "de.stgb.184b.possess"), (14, "de.stgb.184c.possess"), (18, None)]
)
def test_germany_has_two_tiers_of_age(book: Lawbook, age: int, offence: str | None) -> None:
    found = punished(book, "DE", PHOTO | {"victim.age": age}, as_of=DAY, floor=Status.RECALLED)
    holding = [each.offence_id for each in found.offences if each.outcome is YES]
    assert holding == ([offence] if offence else [])
    assert found.outcome is (YES if offence else NO)


def test_private_use_is_an_exception_only_for_the_older_tier_in_germany(book: Lawbook) -> None:
    private = PHOTO | {"conduct.private_consensual": True}
    assert outcome(book, "DE", private | {"victim.age": 16}) is NO
    assert outcome(book, "DE", private | {"victim.age": 12}) is YES


@pytest.mark.parametrize(
    ("code", "facts", "expected"),
    [
        ("US", {}, UNKNOWN),
        ("US", {"material.obscene": True}, YES),
        ("US", {"material.obscene": False}, NO),
        ("GB", {}, YES),
        ("DE", {}, NO),
        ("DE", {"conduct.act": "distribute"}, YES),
        ("DK", {}, NO),
        ("FR", {}, YES),
        ("ES", {}, UNKNOWN),
        ("GB", {"conduct.act": "distribute"}, UNKNOWN),
    ],
)
def test_a_drawing_of_nobody_divides_the_laws(
    book: Lawbook, code: str, facts: dict[str, Value], expected: Truth
) -> None:
    assert outcome(book, code, DRAWING | facts) is expected


@pytest.mark.parametrize("code", ["US", "GB", "DE", "DK"])
def test_nothing_is_said_of_a_drawing_at_the_default_status(book: Lawbook, code: str) -> None:
    found = punished(book, code, DRAWING | {"material.obscene": True}, as_of=DAY)
    assert found.outcome is UNKNOWN


@pytest.mark.parametrize(
    ("code", "limit"), [("FR", 15), ("ES", 16), ("NL", 16), ("GB", 16), ("IE", 17), ("DE", 14)]
)
def test_grooming_ends_at_an_age_of_its_own(book: Lawbook, code: str, limit: int) -> None:
    groom: dict[str, Value] = {"conduct.act": "groom", "offender.age": 30}
    assert outcome(book, code, groom | {"victim.age": limit - 1}) is YES
    assert outcome(book, code, groom | {"victim.age": limit}) is NO
    if code == "FR":
        assert outcome(book, code, groom | {"victim.age": 14, "offender.age": 17}) is NO


def test_what_is_not_known_to_be_law_is_neither_punished_nor_lawful(book: Lawbook) -> None:
    by_id = {each.id: each for each in book.offences}
    tool, manual = by_id["gb.soa-2003-s46A.image-generator"], by_id["nl.bill-35991.instruct"]
    assert tool.legal_status is LegalStatus.ENACTED_NOT_COMMENCED
    assert manual.legal_status is LegalStatus.BILL
    assert (tool.in_force.from_, manual.in_force.from_) == (None, None)
    assert outcome(book, "GB", {"conduct.act": "make_tool", "victim.age": 10}) is UNKNOWN
    assert outcome(book, "NL", {"conduct.act": "instruct", "victim.age": 10}) is UNKNOWN
    bill = next(each for each in book.measures if each.id == "us.bill.stop-csam")
    assert (bill.legal_status, bill.in_force.from_) == (LegalStatus.BILL, None)


def test_the_dutch_article_begins_with_its_number(book: Lawbook) -> None:
    assert outcome(book, "NL", PHOTO, on=date(2024, 6, 30)) is UNKNOWN
    assert outcome(book, "NL", PHOTO, on=date(2024, 7, 1)) is YES


RECEIVED = datetime(2026, 11, 21, 9, tzinfo=UTC)
REQUEST = {
    "event.removal_ordered_by": ["FR"],
    "event.removal_order_received_at": RECEIVED,
    "event.first_removal_request": False,
    "event.force_majeure_from": "none",
    "event.clarification_requested_at": "none",
    "event.removed_at": "none",
}
LATE = datetime(2026, 11, 22, 9, 0, 1, tzinfo=UTC)


def french(book: Lawbook, facts: dict[str, object], now: datetime = LATE) -> Duty:
    return duties(book, REQUEST | facts, now, jurisdictions=["FR"]).of("fr.lcen-6-1.remove")


@pytest.mark.parametrize(
    ("facts", "state", "due_at"),
    [
        ({}, ClockState.LATE, datetime(2026, 11, 22, 9, tzinfo=UTC)),
        (
            {
                "event.clarification_requested_at": datetime(2026, 11, 21, 10, tzinfo=UTC),
                "event.clarification_received_at": datetime(2026, 11, 21, 16, tzinfo=UTC),
            },
            ClockState.RUNNING,
            datetime(2026, 11, 22, 15, tzinfo=UTC),
        ),
        (
            {
                "event.force_majeure_from": datetime(2026, 11, 21, 10, tzinfo=UTC),
                "event.force_majeure_until": "none",
            },
            ClockState.PAUSED,
            None,
        ),
        (
            {"event.first_removal_request": True, "event.prior_information_12h": False},
            ClockState.NOT_STARTED,
            datetime(2026, 11, 22, 9, tzinfo=UTC),
        ),
    ],
)
def test_the_french_clock_stops_and_waits_as_the_law_says(
    book: Lawbook, facts: dict[str, object], state: ClockState, due_at: datetime | None
) -> None:
    due = french(book, facts).due
    assert due is not None
    assert (due.state, due.due_at) == (state, due_at)


def test_48_hours_run_from_the_request_for_an_intimate_image(book: Lawbook) -> None:
    facts = {
        "counsel.us_ncii_platform": True,
        "counsel.us_ncii_request_valid": True,
        "event.ncii_request_received_at": RECEIVED,
        "event.removed_at": "none",
    }
    due = duties(book, facts, DAY, jurisdictions=["US"]).of("us.take-it-down.remove").due
    assert due is not None
    assert due.due_at == datetime(2026, 11, 23, 9, tzinfo=UTC)
