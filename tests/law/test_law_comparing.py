"""Dual criminality by conduct: the worked divergence of the facts, waivers and penalty floors."""

from collections.abc import Mapping
from datetime import date

import pytest
from law_making import CITED, CONDUCT, DAY, WEAK, Maker, row

from tutela.law.comparing import Comparison, Purpose, compare
from tutela.law.loading import Lawbook
from tutela.law.model import Status, Truth
from tutela.law.punishing import punished

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN
TODAY = date(2026, 11, 22)
DRAWING = {
    "conduct.act": "possess",
    "material.medium": "drawing",
    "material.depiction": "virtual_child",
    "victim.age": 12,
    "offender.age": 30,
    "conduct.legitimate_purpose": False,
    "conduct.official_duty": False,
    "conduct.private_consensual": False,
    "conduct.self_depicting": False,
    "conduct.for_distribution": False,
}
"""Possession of a fully virtual drawing (the collection of facts, section 6)."""
DIVERGING: Mapping[str, tuple[Mapping[str, object], Truth, str | None]] = {
    "GB": ({}, YES, None),
    "AU": ({}, YES, None),
    "KR obviously": ({"material.obviously_minor": True}, YES, None),
    "KR": ({"material.obviously_minor": False}, NO, "condition"),
    "US obscene": ({"material.obscene": True}, YES, None),
    "US": ({"material.obscene": False}, NO, "condition"),
    "JP": ({}, NO, "depiction"),
    "DK": ({}, NO, "medium"),
    "DE": ({}, NO, "medium"),
    "FR": ({}, YES, None),
    "SE": ({}, UNKNOWN, None),
    "AT": ({}, UNKNOWN, "medium"),
    "CA": ({}, UNKNOWN, "depiction"),
}


@pytest.fixture
def make(book: Lawbook) -> Maker:
    return Maker(book)


@pytest.mark.parametrize("case", DIVERGING)
def test_the_worked_divergence_over_eleven_jurisdictions(book: Lawbook, case: str) -> None:
    more, outcome, part = DIVERGING[case]
    facts = book.vocabulary.admit(DRAWING | dict(more))
    found = punished(book, case[:2], facts, as_of=TODAY, floor=Status.RECALLED)
    assert found.outcome is outcome, found.why
    if outcome is not YES and found.nearest is not None:
        assert found.nearest.fails == part


@pytest.mark.parametrize("code", ["JP", "DK", "DE", "FR", "KR", "AU"])
def test_what_is_only_recalled_is_unknown_until_somebody_checks_it(
    book: Lawbook, code: str
) -> None:
    found = compare(book, "GB", code, DRAWING, purpose=Purpose.MLA, as_of=TODAY)
    assert found.outcome is UNKNOWN
    assert found.why != ""


def test_the_first_divergent_element_is_named(book: Lawbook) -> None:
    found = compare(
        book, "GB", "JP", DRAWING, purpose=Purpose.MLA, as_of=TODAY, floor=Status.RECALLED
    )
    assert (found.outcome, found.divergence, found.divergence_side) == (NO, "depiction", "JP")


def test_a_missing_fact_is_asked_and_known_ones_are_not(book: Lawbook) -> None:
    found = compare(
        book, "US", "KR", DRAWING, purpose=Purpose.MLA, as_of=TODAY, floor=Status.RECALLED
    )
    assert found.outcome is UNKNOWN
    assert {"material.obscene", "material.obviously_minor"} <= {each.fact for each in found.missing}
    assert not {each.fact for each in found.missing} & set(DRAWING)


def two(make: Maker, *, penalties: tuple[int | None, int | None], **more: object) -> Lawbook:
    def offence(code: str, months: int | None) -> object:
        penalty = {} if months is None else {"penalty": {"max_months": months, **CITED}}
        return make.offence(id=f"{code.lower()}.test.possess", jurisdiction=code, **penalty)

    offences = [offence(code, months) for code, months in zip(("DE", "FR"), penalties, strict=True)]
    return make.book_with(offences=offences, **more)


def ask(book: Lawbook, purpose: Purpose, **changes: object) -> Comparison:
    return compare(book, "DE", "FR", CONDUCT | changes, purpose=purpose, as_of=DAY)


@pytest.mark.parametrize(
    ("penalties", "outcome"),
    [((12, 60), YES), ((11, 60), NO), ((12, None), UNKNOWN)],
)
def test_extradition_asks_for_a_year_on_both_sides(
    make: Maker, penalties: tuple[int | None, int | None], outcome: Truth
) -> None:
    book = two(make, penalties=penalties)
    assert ask(book, Purpose.EXTRADITION).outcome is outcome
    assert ask(book, Purpose.MLA).outcome is YES


@pytest.mark.parametrize(
    ("second", "changes", "outcome"),
    [
        (60, {}, YES),  # whichever of the two comes first by name
        (6, {}, NO),
        (None, {}, UNKNOWN),
        (60, {"scope": "unsure"}, UNKNOWN),
    ],
)
def test_any_offence_that_holds_may_reach_the_year(
    make: Maker, second: int | None, changes: dict[str, object], outcome: Truth
) -> None:
    scope = [
        row("act", "possess"),
        row("medium", *(("video",) if changes else ("photo",))),
        row("depiction", "real_child"),
        row("age", below=18),
    ]
    penalty = {} if second is None else {"penalty": {"max_months": second, **CITED}}
    book = make.book_with(
        offences=[
            make.offence(penalty={"max_months": 6, **CITED}),
            make.offence(id="de.test.zz-grave", scope=scope, **penalty),
            make.offence(
                id="fr.test.possess", jurisdiction="FR", penalty={"max_months": 12, **CITED}
            ),
        ]
    )
    assert ask(book, Purpose.EXTRADITION).penalty_floor is outcome


def test_an_unchecked_penalty_is_no_penalty(make: Maker) -> None:
    weak = make.offence(penalty={"max_months": 60, **WEAK})
    other = make.offence(id="fr.test.possess", jurisdiction="FR")
    book = make.book_with(offences=[weak, other])
    assert ask(book, Purpose.EXTRADITION).penalty_floor is UNKNOWN


def test_preservation_abroad_needs_no_dual_criminality_between_parties(book: Lawbook) -> None:
    asked = {"purpose": Purpose.PRESERVATION, "as_of": TODAY, "floor": Status.RECALLED}
    between = compare(book, "GB", "JP", DRAWING, **asked)  # type: ignore[arg-type]
    assert (between.both, between.outcome) == (NO, YES)
    assert between.waivers[0].requirement == "BUDAPEST-29-3"
    outside = compare(book, "GB", "IN", DRAWING, **asked)  # type: ignore[arg-type]
    assert outside.waivers[0].applies is NO
    checked = compare(book, "GB", "JP", DRAWING, purpose=Purpose.PRESERVATION, as_of=TODAY)
    assert checked.outcome is UNKNOWN


def test_nationals_are_tried_for_listed_offences_without_the_test(book: Lawbook) -> None:
    asked = {
        "purpose": Purpose.PROSECUTION_OF_NATIONAL,
        "as_of": TODAY,
        "floor": Status.RECALLED,
    }
    listed = DRAWING | {"conduct.act": "produce"}
    assert compare(book, "DK", "JP", listed, **asked).outcome is YES  # type: ignore[arg-type]
    possessed = compare(book, "DK", "JP", DRAWING, **asked)  # type: ignore[arg-type]
    assert (possessed.waivers[0].applies, possessed.outcome) == (NO, NO)


def test_two_sides_that_fail_name_the_one_that_says_no(make: Maker) -> None:
    silent = make.offence(
        scope=[
            row("act", "possess"),
            row("medium", "video"),
            row("depiction", "real_child"),
            row("age", below=18),
        ]
    )
    young = make.offence(id="fr.test.possess", jurisdiction="FR")
    found = ask(make.book_with(offences=[silent, young]), Purpose.MLA, **{"victim.age": 17})
    assert (found.divergence_side, found.divergence) == ("FR", "age")
