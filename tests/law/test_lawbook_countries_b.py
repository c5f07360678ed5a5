"""Sweden, Austria, the Union, Canada, Australia, New Zealand and Japan as the lawbook has them."""

from datetime import date
from pathlib import Path

import pytest

import tutela
from tutela.law.duties import duties
from tutela.law.loading import Lawbook
from tutela.law.model import ClockKind, LegalStatus, Status, Truth
from tutela.law.punishing import Punished, punished

MINE = ("SE", "AT", "EU", "CA", "AU", "NZ", "JP")
DAY = date(2026, 11, 21)
REAL_PHOTO: dict[str, object] = {
    "conduct.act": "possess",
    "material.medium": "photo",
    "material.depiction": "real_child",
    "victim.age": 12,
    "conduct.private_consensual": False,
    "conduct.self_depicting": False,
    "conduct.for_distribution": False,
    "conduct.legitimate_purpose": False,
}
VIRTUAL_DRAWING = REAL_PHOTO | {
    "material.medium": "drawing",
    "material.depiction": "virtual_child",
}


def judged(
    book: Lawbook, code: str, facts: dict[str, object], floor: Status = Status.RECALLED
) -> Punished:
    return punished(book, code, book.vocabulary.admit(facts), as_of=DAY, floor=floor)


def test_japan_leaves_out_who_does_not_exist_and_asks_for_the_purpose(book: Lawbook) -> None:
    answer = judged(book, "JP", VIRTUAL_DRAWING | {"conduct.sexual_curiosity": True})
    assert answer.outcome is Truth.NO
    assert answer.nearest is not None
    assert answer.nearest.fails == "depiction"
    real = judged(book, "JP", REAL_PHOTO)
    assert real.outcome is Truth.UNKNOWN
    assert [each.fact for each in real.missing] == ["conduct.sexual_curiosity"]
    assert judged(book, "JP", REAL_PHOTO | {"conduct.sexual_curiosity": True}).outcome is Truth.YES


def test_australia_covers_a_virtual_drawing_but_nobody_has_checked_that(book: Lawbook) -> None:
    answer = judged(book, "AU", VIRTUAL_DRAWING)
    assert (answer.outcome, answer.status) == (Truth.YES, Status.RECALLED)
    assert judged(book, "AU", VIRTUAL_DRAWING, Status.SECONDARY).outcome is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("age", "private", "outcome"),
    [
        (13, False, Truth.YES),
        (13, True, Truth.YES),  # the exception begins with 14
        (14, False, Truth.YES),
        (14, True, Truth.NO),
        (17, True, Truth.NO),
        (18, False, Truth.NO),
    ],
)
def test_austria_has_two_tiers_and_excepts_private_use_in_the_upper_one(
    book: Lawbook, *, age: int, private: bool, outcome: Truth
) -> None:
    facts = REAL_PHOTO | {"victim.age": age, "conduct.private_consensual": private}
    assert judged(book, "AT", facts).outcome is outcome


def test_sweden_asks_for_its_two_tests_of_age(book: Lawbook) -> None:
    facts = REAL_PHOTO | {"conduct.act": "publish", "victim.age": 17}
    assert judged(book, "SE", facts).outcome is Truth.UNKNOWN
    grown = facts | {"victim.puberty_complete": True, "material.obviously_minor": False}
    assert judged(book, "SE", grown).outcome is Truth.NO
    shows = grown | {"material.obviously_minor": True}
    assert judged(book, "SE", shows).outcome is Truth.YES


def test_canada_excepts_private_material_for_possession_and_not_for_distribution(
    book: Lawbook,
) -> None:
    private = REAL_PHOTO | {"victim.age": 17, "conduct.private_consensual": True}
    assert judged(book, "CA", private).outcome is Truth.NO
    spread = private | {"conduct.act": "distribute"}
    assert judged(book, "CA", spread).outcome is Truth.YES


@pytest.mark.parametrize(("code", "act"), [("NZ", "possess"), ("NZ", "groom"), ("CA", "groom")])
def test_sections_without_recorded_words_are_named_and_say_nothing(
    book: Lawbook, code: str, act: str
) -> None:
    answer = judged(book, code, REAL_PHOTO | {"conduct.act": act})
    assert answer.outcome is Truth.UNKNOWN
    assert answer.nearest is not None
    assert [each.fact for each in answer.missing] == [f"counsel.{code.lower()}_sections_reach"]


@pytest.mark.parametrize("code", ["SE", "AT"])
def test_an_act_that_nobody_recorded_is_unknown(book: Lawbook, code: str) -> None:
    answer = judged(book, code, REAL_PHOTO | {"conduct.act": "access"})
    assert answer.outcome is Truth.UNKNOWN
    assert answer.nearest is None


def test_the_union_has_no_offence_of_its_own(book: Lawbook) -> None:
    assert judged(book, "EU", REAL_PHOTO).outcome is Truth.UNKNOWN
    assert not [each for each in book.offences if each.jurisdiction == "EU"]


def test_canadas_portal_takes_addresses_only(book: Lawbook) -> None:
    facts = {"counsel.ca_reporting_act": True, "event.notice_received": True}
    answer = duties(book, facts | {"event.notice_gave_address": True}, DAY, jurisdictions=["CA"])
    (c3p,) = answer.of("ca.mra-tip.report").recipients
    assert c3p.payload_allowed == ("url", "ip_address")
    assert {"content", "hash", "account", "user_data"} <= set(c3p.payload_forbidden)


def test_canadas_bill_has_no_date_and_its_clock_is_not_made_up(book: Lawbook) -> None:
    bills = [each for each in book.rules if each.id.startswith("ca.bill-c16.")]
    assert len(bills) == 2
    for rule in bills:
        assert rule.legal_status is LegalStatus.BILL
        assert rule.in_force.from_ is None
        assert rule.clock.kind is ClockKind.NONE


def test_only_the_hours_of_the_removal_notice_become_a_moment(book: Lawbook) -> None:
    kinds = {each.id: each.clock.kind for each in book.rules if each.jurisdiction in MINE}
    assert [rule for rule, kind in kinds.items() if kind is ClockKind.FIXED] == [
        "au.osa-part9.remove"
    ]


@pytest.mark.parametrize("code", MINE)
def test_every_country_says_who_it_is_and_where_help_is_found(book: Lawbook, code: str) -> None:
    assert "not yet written" not in book.jurisdiction(code).summary
    contacts = [each for each in book.contacts if each.jurisdiction == code]
    assert {"hotline", "helpline"} <= {each.role.value for each in contacts}
    assert all(each.tested is None for each in contacts)  # nobody has tried them


@pytest.mark.parametrize("code", ["SE", "CA", "AU", "NZ", "EU"])
def test_duties_have_cases_at_their_dates_and_for_what_is_unknown(code: str) -> None:
    folder = Path(tutela.__file__).parent / "lawbook" / code.lower() / "cases"
    cases = {path.stem: path.read_text("utf-8") for path in folder.glob("*.yaml")}
    assert len(cases) >= 8
    for when in ("before", "first-day", "day-after"):
        assert [stem for stem in cases if when in stem], when
    assert sum("outcome: unknown" in text for text in cases.values()) >= 2
