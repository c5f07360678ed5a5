"""Periods by the calendar; fixed, qualitative and delegated clocks kept apart."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.law.clocks import ClockState, Due, OperatorTarget, add, due
from tutela.law.model import ClockKind, Rule, Status, Unit
from tutela.law.vocabulary import Known, Value

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
STARTS = "event.notice_received_at"


@pytest.mark.parametrize(
    ("start", "n", "unit", "to_act", "to_keep"),
    [
        ("2026-11-21", 24, Unit.HOURS, "2026-11-22", "2026-11-22"),
        ("2026-11-21", 21, Unit.DAYS, "2026-12-12", "2026-12-12"),
        ("2026-11-21", 1, Unit.YEARS, "2027-11-21", "2027-11-21"),
        ("2027-03-01", 1, Unit.YEARS, "2028-03-01", "2028-03-01"),
        ("2028-02-29", 1, Unit.YEARS, "2029-02-28", "2029-03-01"),
        ("2028-02-29", 4, Unit.YEARS, "2032-02-29", "2032-02-29"),
        ("2026-01-31", 1, Unit.MONTHS, "2026-02-28", "2026-03-01"),
        ("2026-12-31", 2, Unit.MONTHS, "2027-02-28", "2027-03-01"),
        ("2026-12-15", 1, Unit.MONTHS, "2027-01-15", "2027-01-15"),
        ("2026-11-30", 13, Unit.MONTHS, "2027-12-30", "2027-12-30"),
    ],
)
def test_adding_a_period(start: str, n: int, unit: Unit, to_act: str, to_keep: str) -> None:
    moment = datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert add(moment, n, unit, at_least=False).date().isoformat() == to_act
    assert add(moment, n, unit, at_least=True).date().isoformat() == to_keep


@given(
    st.integers(0, 36_500).map(lambda days: START - timedelta(days=9000) + timedelta(days=days)),
    st.integers(1, 120),
    st.sampled_from([Unit.MONTHS, Unit.YEARS]),
)
def test_a_keeping_is_never_shorter_and_a_deadline_never_later(
    moment: datetime, n: int, unit: Unit
) -> None:
    to_act, to_keep = (add(moment, n, unit, at_least=each) for each in (False, True))
    assert to_keep - to_act in {timedelta(0), timedelta(days=1)}
    assert to_act > moment
    if unit is Unit.YEARS:
        assert to_keep >= moment + timedelta(days=365 * n)


@pytest.fixture
def clock_due(
    make_rule: Callable[..., Rule], cited: Mapping[str, str]
) -> Callable[..., Callable[..., Due]]:
    def make(**clock: object) -> Callable[..., Due]:
        rule = make_rule(clock={**clock, **cited})

        def run(facts: Mapping[str, Value], **options: object) -> Due:
            return due(rule.clock, facts, **({"now": None, "met": False} | options))  # type: ignore[arg-type]

        return run

    return make


def test_a_fixed_clock_runs_from_its_event(clock_due: Callable[..., Callable[..., Due]]) -> None:
    run = clock_due(kind="fixed", n=24, unit="h", starts=STARTS)
    end = START + timedelta(hours=24)
    answer = run({STARTS: START}, now=end)
    assert (answer.due_at, answer.state, answer.started_at) == (end, ClockState.RUNNING, START)
    assert run({STARTS: START}, now=end + timedelta(seconds=1)).state is ClockState.LATE
    assert run({STARTS: START}).state is ClockState.RUNNING
    assert run({STARTS: START}, met=True).state is ClockState.MET


def test_a_clock_that_has_not_started_has_no_end(
    clock_due: Callable[..., Callable[..., Due]],
) -> None:
    run = clock_due(kind="fixed", n=24, unit="h", starts=STARTS)
    assert (run({}).due_at, run({}).state) == (None, ClockState.UNKNOWN)
    waiting = run({STARTS: Known.NONE})
    assert (waiting.due_at, waiting.state) == (None, ClockState.NOT_STARTED)


def test_words_of_the_law_are_never_turned_into_a_moment(
    clock_due: Callable[..., Callable[..., Due]],
) -> None:
    words = {"standard": "promptly", "legal_text": "promptly"}
    run = clock_due(kind="qualitative", starts=STARTS, **words)
    target = OperatorTarget(
        rule_id="us.test.report", n=4, unit=Unit.HOURS, set_by="board", rationale="be quick"
    )
    answer = run({STARTS: START}, now=START + timedelta(days=900), target=target)
    assert answer.kind is ClockKind.QUALITATIVE
    assert (answer.due_at, answer.legal_text, answer.state) == (
        None,
        "promptly",
        ClockState.RUNNING,
    )
    assert answer.target_at == START + timedelta(hours=4)
    assert answer.target is target
    with pytest.raises(ValueError, match="only a fixed clock"):
        Due(
            kind=ClockKind.QUALITATIVE,
            state=ClockState.RUNNING,
            due_at=START,
            cite="s.1",
            source="x",
            status=Status.RECALLED,
        )


def test_a_delegated_clock_names_who_sets_it(
    clock_due: Callable[..., Callable[..., Due]],
) -> None:
    run = clock_due(kind="delegated", delegated_to="a decree not yet read", starts=STARTS)
    answer = run({STARTS: START})
    assert (answer.due_at, answer.delegated_to) == (None, "a decree not yet read")


def test_levels_take_the_one_that_holds_and_show_the_strictest_that_may(
    clock_due: Callable[..., Callable[..., Due]],
    test_leaf: Callable[..., dict[str, object]],
    cited: Mapping[str, str],
) -> None:
    def level(name: str, n: int, fact: str) -> dict[str, object]:
        when = test_leaf(fact, eq=True)
        return {"id": name, "when": when, "kind": "fixed", "n": n, "unit": "h", **cited}

    levels = [
        level("urgent", 1, "decision.imminent_threat"),
        level("soon", 6, "decision.offender_known"),
    ]
    run = clock_due(kind="fixed", n=3, unit="d", starts=STARTS, levels=levels)
    threat, known = "decision.imminent_threat", "decision.offender_known"

    def answer(**facts: bool) -> tuple[object, ...]:
        named = {key.replace("_", ".", 1): value for key, value in facts.items()}
        one = run({STARTS: START, **named})
        hours = (one.due_at - START).total_seconds() / 3600 if one.due_at else None
        return hours, one.level, one.candidates

    assert answer(decision_imminent_threat=True) == (1, "urgent", ())
    assert answer(decision_imminent_threat=False, decision_offender_known=True) == (6, "soon", ())
    assert answer(decision_imminent_threat=False, decision_offender_known=False) == (
        72,
        "otherwise",
        (),
    )
    assert answer(decision_offender_known=True) == (1, None, ("urgent", "soon"))
    assert answer() == (1, None, ("urgent", "soon", "otherwise"))
    assert {threat, known} == {leaf.fact for one in run({}).levels for leaf in one.leaves()}
