"""Whether a place's law punishes a conduct: dimensions, floors, exceptions and days."""

from datetime import date

import pytest
from law_making import CITED, CONDUCT, DAY, SPAN, WEAK, Maker, row

from tutela.law.loading import Lawbook
from tutela.law.model import Status, Truth
from tutela.law.offences import Offence
from tutela.law.punishing import Punished, punished
from tutela.primitives.errors import BadInput, NotFound


@pytest.fixture
def make(book: Lawbook) -> Maker:
    return Maker(book)


def ask(
    make: Maker,
    *offences: Offence,
    floor: Status = Status.SECONDARY,
    on: date = DAY,
    **changes: object,
) -> Punished:
    renamed = {name.replace("__", "."): value for name, value in changes.items()}
    facts = make.book.vocabulary.admit(CONDUCT | renamed)
    return punished(make.book_with(offences=offences), "DE", facts, as_of=on, floor=floor)


def test_a_conduct_in_scope_is_punished_and_says_by_what(make: Maker) -> None:
    found = ask(make, make.offence())
    assert found.outcome is Truth.YES
    assert found.status is Status.SINGLE_REVIEWER
    assert found.why == "Punished: Possession (Test Act s.1)."


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"victim__age": 16}, "age"),
        ({"material__medium": "text"}, "medium"),
        ({"material__depiction": "virtual_child"}, "depiction"),
    ],
)
def test_what_a_row_leaves_out_is_not_punished(
    make: Maker, changes: dict[str, object], part: str
) -> None:
    found = ask(make, make.offence(), **changes)
    assert found.outcome is Truth.NO
    assert found.nearest is not None
    assert found.nearest.fails == part


def test_what_no_row_names_is_unknown_never_lawful(make: Maker) -> None:
    found = ask(make, make.offence(), material__medium="audio")
    assert found.outcome is Truth.UNKNOWN
    assert "without a word on medium “audio”" in found.why


def test_an_act_nobody_recorded_is_unknown(make: Maker) -> None:
    found = ask(make, make.offence(), conduct__act="livestream")
    assert (found.outcome, found.offences) == (Truth.UNKNOWN, ())
    assert "no recorded offence names the act “livestream”" in found.why


def test_two_offences_together_cover_two_ages(make: Maker) -> None:
    youth = make.offence(
        id="de.test.youth",
        scope=[
            row("act", "possess"),
            row("medium", "photo"),
            row("depiction", "real_child"),
            {"of": "age", "from": 16, "below": 18, **CITED},
        ],
    )
    answers = [
        ask(make, make.offence(), youth, victim__age=age).outcome for age in (12, 16, 17, 18)
    ]
    assert answers == [Truth.YES, Truth.YES, Truth.YES, Truth.NO]


def test_a_row_below_the_floor_cannot_say(make: Maker) -> None:
    weak = make.offence(
        scope=[
            row("act", "possess"),
            row("medium", "photo"),
            row("depiction", "real_child"),
            {"of": "age", "below": 18, **WEAK},
        ]
    )
    found = ask(make, weak)
    assert found.outcome is Truth.UNKNOWN
    assert found.why.startswith("Cannot say at status secondary: age")
    assert ask(make, weak, floor=Status.RECALLED).outcome is Truth.YES
    assert ask(make, weak, floor=Status.RECALLED).status is Status.RECALLED


def test_an_exception_turns_the_answer_and_a_missing_fact_is_asked(make: Maker) -> None:
    excepted = make.offence(
        unless=[
            {
                "id": "peers",
                "priority": 1,
                "lifts": True,
                "reason": "Private use between those involved.",
                "when": {"fact": "conduct.private_consensual", "eq": True, **CITED},
                **CITED,
            }
        ]
    )
    unknown = ask(make, excepted)
    assert unknown.outcome is Truth.UNKNOWN
    assert [each.fact for each in unknown.missing] == ["conduct.private_consensual"]
    assert ask(make, excepted, conduct__private_consensual=True).outcome is Truth.NO
    assert ask(make, excepted, conduct__private_consensual=False).outcome is Truth.YES


def unless(
    name: str, fact: str, *, lifts: bool, priority: int, **more: object
) -> dict[str, object]:
    return {
        "id": name,
        "priority": priority,
        "lifts": lifts,
        "reason": "Not law.",
        "when": {"fact": fact, "eq": True, **CITED},
        **CITED,
    } | more


@pytest.mark.parametrize(
    ("facts", "outcomes"),
    [
        ((True, True), (Truth.YES, Truth.NO, Truth.UNKNOWN)),
        ((True, False), (Truth.NO, Truth.NO, Truth.NO)),
        ((True, None), (Truth.UNKNOWN, Truth.NO, Truth.UNKNOWN)),
        ((False, True), (Truth.YES, Truth.YES, Truth.YES)),
        ((False, None), (Truth.YES, Truth.YES, Truth.YES)),
        ((None, True), (Truth.YES, Truth.UNKNOWN, Truth.UNKNOWN)),
        ((None, False), (Truth.UNKNOWN, Truth.UNKNOWN, Truth.UNKNOWN)),
    ],
)
def test_an_exception_to_an_exception_lets_the_offence_stand_by_priority(
    make: Maker, facts: tuple[bool | None, bool | None], outcomes: tuple[Truth, Truth, Truth]
) -> None:
    """Where the one that lifts nothing is of a higher, a lower and the same priority.

    Of one priority a lawyer must decide where both hold, so the answer is open.
    """
    private, spread = facts
    for priority, wanted in zip((3, 1, 2), outcomes, strict=True):
        offence = make.offence(
            unless=[
                unless("peers", "conduct.private_consensual", lifts=True, priority=2),
                unless("spread", "conduct.for_distribution", lifts=False, priority=priority),
            ]
        )
        found = ask(
            make, offence, conduct__private_consensual=private, conduct__for_distribution=spread
        )
        assert found.outcome is wanted, priority


def test_an_exception_whose_own_text_is_unchecked_is_said_as_such(make: Maker) -> None:
    weak = unless("peers", "conduct.private_consensual", lifts=True, priority=1, **WEAK)
    found = ask(make, make.offence(unless=[weak]), conduct__private_consensual=True)
    assert found.outcome is Truth.UNKNOWN
    assert found.why.startswith("Cannot say at status secondary: exception.peers")
    read = ask(
        make,
        make.offence(unless=[weak]),
        conduct__private_consensual=True,
        floor=Status.RECALLED,
    )
    assert (read.outcome, read.status) == (Truth.NO, Status.RECALLED)


def test_a_no_is_only_as_sure_as_the_weakest_offence_that_says_it(make: Maker) -> None:
    weak = make.offence(
        id="de.test.zz-other",
        scope=[
            row("act", "possess"),
            row("medium", "photo"),
            row("depiction", "real_child"),
            {"of": "age", "below": 14, **WEAK},
        ],
    )
    found = ask(make, make.offence(), weak, victim__age=17, floor=Status.RECALLED)
    assert (found.outcome, found.status) == (Truth.NO, Status.RECALLED)


def test_an_age_below_0_is_refused_and_not_called_unpunished(make: Maker) -> None:
    with pytest.raises(BadInput, match="below 0"):
        ask(make, make.offence(), victim__age=-1)


def test_the_day_before_commencement_is_not_law_and_an_unrecorded_day_is_unknown(
    make: Maker,
) -> None:
    begins = make.offence()
    older = make.offence(in_force=SPAN | {"before": "unrecorded"})
    eve = date(2025, 12, 31)
    assert ask(make, begins, on=eve).outcome is Truth.NO
    assert ask(make, begins, on=date(2026, 1, 1)).outcome is Truth.YES
    assert ask(make, older, on=eve).outcome is Truth.UNKNOWN


def test_a_bill_punishes_nobody(make: Maker) -> None:
    bill = make.offence(legal_status="bill", in_force=SPAN | {"from": None})
    assert ask(make, bill).outcome is Truth.NO
    nearest = ask(make, bill).nearest
    assert nearest is not None
    assert nearest.fails == "dates"


def test_a_place_the_book_does_not_know_is_refused(make: Maker) -> None:
    with pytest.raises(NotFound, match="not recorded does not mean that there is none"):
        punished(make.book_with(), "ZZ", {}, as_of=DAY)
