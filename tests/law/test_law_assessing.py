"""Requirements held against an invented law: every outcome, and what it rests on."""

from datetime import date

import pytest
from law_making import CITED, CONDUCT, DAY, SPAN, Maker, instrument_data

from tutela.law.assessing import Assessment, Assessor, Bound, Met
from tutela.law.elements import Elements
from tutela.law.gaps import gap
from tutela.law.loading import Lawbook
from tutela.law.model import Status, Truth
from tutela.primitives.errors import NotFound

VIRTUAL = CONDUCT | {"material.depiction": "virtual_child"}
YOUNG = {"id": "young", "text": "a child of 12", "conduct": CONDUCT}
OLDER = {"id": "older", "text": "a child of 17", "conduct": CONDUCT | {"victim.age": 17}}
DRAWN = {"id": "drawn", "text": "nobody who exists", "conduct": VIRTUAL}
HEARD = {"id": "heard", "text": "sound", "conduct": CONDUCT | {"material.medium": "audio"}}
MAY = {
    "id": "TREATY-3",
    "effect": "narrows",
    "text": "leave out",
    "who_may": "state_choice",
} | CITED


@pytest.fixture
def make(book: Lawbook) -> Maker:
    return Maker(book)


def assess(make: Maker, *elements: dict[str, object], **kinds: object) -> Assessment:
    more = kinds.pop("requirement", {})
    assert isinstance(more, dict)
    requirement = make.requirement(elements=list(elements), **more)
    book = make.book_with(requirements=[requirement], **({"offences": [make.offence()]} | kinds))
    return Assessor(book, as_of=DAY).assess(requirement, "DE")


@pytest.mark.parametrize(
    ("elements", "outcome", "gap_is"),
    [
        ([YOUNG], Met.MET, Truth.NO),
        ([YOUNG, OLDER], Met.PARTLY, Truth.YES),
        ([OLDER], Met.NOT_MET, Truth.YES),
        ([YOUNG, HEARD], Met.UNKNOWN, Truth.UNKNOWN),
        ([OLDER, HEARD], Met.UNKNOWN, Truth.YES),
    ],
)
def test_outcomes_follow_the_elements(
    make: Maker, elements: list[dict[str, object]], outcome: Met, gap_is: Truth
) -> None:
    found = assess(make, *elements)
    assert (found.outcome, found.gap) == (outcome, gap_is)


def test_the_failing_element_is_named_with_its_part(make: Maker) -> None:
    failing = assess(make, YOUNG, OLDER).failing()
    assert failing is not None
    assert (failing.id, failing.part) == ("older", "age")
    assert failing.rests[0].id == "de.test.possess"


def test_a_permitted_variation_is_never_a_gap(make: Maker) -> None:
    found = assess(
        make,
        YOUNG,
        DRAWN | {"variations": ["TREATY-3"]},
        requirement={"variations": [MAY]},
    )
    assert found.outcome is Met.MET_WITH_VARIATION
    assert found.variations_used == ("TREATY-3",)


def test_a_reservation_excuses_only_who_made_it(make: Maker) -> None:
    reserved = MAY | {"who_may": "reservation"}
    elements = [YOUNG, DRAWN | {"variations": ["TREATY-3"]}]
    silent = assess(
        make, *elements, requirement={"variations": [reserved]}, memberships=[make.membership()]
    )
    assert (silent.outcome, silent.reservation_covers) == (Met.PARTLY, Truth.UNKNOWN)
    made = make.membership(reservations=[{"variation": "TREATY-3", **CITED}])
    found = assess(make, *elements, requirement={"variations": [reserved]}, memberships=[made])
    assert (found.outcome, found.reservation_covers) == (Met.MET_WITH_VARIATION, Truth.YES)


def test_what_the_state_chose_hides_no_reservation_that_nobody_recorded(make: Maker) -> None:
    """One element is left out by choice; for another a reservation would be needed."""
    reserved = MAY | {"id": "TREATY-4", "who_may": "reservation"}
    found = assess(
        make,
        YOUNG,
        OLDER | {"variations": ["TREATY-4"]},
        DRAWN | {"variations": ["TREATY-3"]},
        requirement={"variations": [MAY, reserved]},
        memberships=[make.membership()],
    )
    assert (found.gap, found.reservation_covers) == (Truth.YES, Truth.UNKNOWN)


def test_nobody_has_signed_before_the_day_of_signing(make: Maker) -> None:
    signed = make.membership("signed_only", signed="2026-05-01")
    not_yet = instrument_data(legal_status="enacted_not_commenced", in_force=SPAN | {"from": None})
    for treaty, earlier in ((not_yet, Bound.NOT_IN_FORCE), (instrument_data(), Bound.NO)):
        requirement = make.requirement()
        book = make.book_with(instrument=treaty, requirements=[requirement], memberships=[signed])
        for day, bound in ((date(2026, 4, 30), earlier), (date(2026, 5, 1), Bound.SIGNED_ONLY)):
            assert Assessor(book, as_of=day).assess(requirement, "DE").bound is bound


@pytest.mark.parametrize(
    ("more", "early", "now"),
    [({}, Truth.UNKNOWN, Truth.YES), ({"since": "2026-03-01"}, Truth.NO, Truth.YES)],
)
def test_a_party_since_nobody_knows_when_may_not_have_been_one(
    make: Maker, more: dict[str, object], early: Truth, now: Truth
) -> None:
    """The invented country's law was collected on the first of June."""
    requirement = make.requirement(elements=[{"id": "in", "text": "party", "party": "TREATY"}])
    book = make.book_with(requirements=[requirement], memberships=[make.membership(**more)])
    for day, wanted in ((date(2026, 2, 1), early), (DAY, now)):
        [element] = Assessor(book, as_of=day).assess(requirement, "DE").elements
        assert element.result is wanted


@pytest.mark.parametrize(
    ("state", "bound"),
    [("party", Bound.YES), ("signed_only", Bound.SIGNED_ONLY), ("not_party", Bound.NO)],
)
def test_bound_is_apart_from_met(make: Maker, state: str, bound: Bound) -> None:
    found = assess(make, YOUNG, memberships=[make.membership(state)])
    assert (found.outcome, found.bound) == (Met.MET, bound)


def test_a_treaty_not_in_force_binds_nobody(make: Maker) -> None:
    treaty = instrument_data(legal_status="enacted_not_commenced", in_force=SPAN | {"from": None})
    requirement = make.requirement()
    book = make.book_with(
        instrument=treaty, requirements=[requirement], memberships=[make.membership()]
    )
    assert Assessor(book, as_of=DAY).assess(requirement, "DE").bound is Bound.NOT_IN_FORCE


def test_measures_answer_yes_no_and_unknown(make: Maker) -> None:
    asked = {"id": "hotline", "text": "a hotline", "measure": "hotline"}
    assert assess(make, asked).outcome is Met.UNKNOWN
    assert assess(make, asked, measures=[make.measure("hotline")]).outcome is Met.MET
    absent = make.measure("hotline", holds=False)
    assert assess(make, asked, measures=[absent]).outcome is Met.NOT_MET


def test_what_may_be_there_is_not_hidden_by_what_is_not(make: Maker) -> None:
    """One measure is said not to be there, another of the same sort is not checked."""
    asked = {"id": "asked", "text": "a helpline", "measure": "helpline"}
    absent = make.measure("helpline", holds=False)
    weak = make.measure("helpline", id="de.measure.other", source="memory", status="recalled")
    assert assess(make, asked, measures=[absent]).outcome is Met.NOT_MET
    assert assess(make, asked, measures=[absent, weak]).outcome is Met.UNKNOWN


def test_a_duty_of_a_provider_is_found_by_its_action(make: Maker, book: Lawbook) -> None:
    requirement = make.requirement(
        elements=[{"id": "report", "text": "providers report", "duty": "report"}]
    )
    empty = make.book_with(requirements=[requirement])
    assert Assessor(empty, as_of=DAY).assess(requirement, "DE").outcome is Met.UNKNOWN
    real = Elements(book, as_of=DAY, floor=Status.SECONDARY)
    found = real.answer(requirement.elements[0], "US")
    assert found.result is Truth.YES
    assert found.rests[0].id == "us.2258A.report"


def test_the_gap_counts_says_the_unknown_share_and_names_precedents(make: Maker) -> None:
    requirements = [
        make.requirement(),
        make.requirement(id="TREATY-2", locator="art. 2", elements=[HEARD]),
        make.requirement(id="TREATY-4", locator="art. 4", addressee="igo"),
    ]
    book = make.book_with(requirements=requirements, offences=[make.offence()])
    found = gap(book, "FR", against=["treaty"], as_of=DAY)
    tally = found.tally()
    assert (tally.applicable, tally.unknown, tally.unknown_share) == (2, 2, 1.0)
    assert found.rows[0].precedents == ("DE",)
    assert found.as_json()["all"] == {
        "met": 0,
        "met_with_variation": 0,
        "partly": 0,
        "not_met": 0,
        "not_applicable": 1,
        "unknown": 2,
        "applicable": 2,
        "sure_gaps": 0,
        "unknown_share": 1.0,
    }


def test_another_day_another_answer(make: Maker) -> None:
    requirement = make.requirement()
    book = make.book_with(requirements=[requirement], offences=[make.offence()])
    eve = Assessor(book, as_of=date(2025, 12, 31)).assess(requirement, "DE")
    assert eve.outcome is Met.NOT_MET
    strict = Assessor(book, as_of=DAY, floor=Status.VERIFIED).assess(requirement, "DE")
    assert strict.outcome is Met.UNKNOWN


def test_a_strange_instrument_is_refused_with_the_known_ones(make: Maker) -> None:
    with pytest.raises(NotFound, match="Choose from TREATY"):
        gap(make.book_with(), "DE", against=["treety"], as_of=DAY)
