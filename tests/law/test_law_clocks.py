"""Periods by the calendar; fixed, qualitative and delegated clocks kept apart."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.law.clocks import ClockState, Due, OperatorTarget, add, due
from tutela.law.linting import facts_asked
from tutela.law.linting_rules import rule_faults
from tutela.law.model import ClockKind, Rule, Status, Unit
from tutela.law.vocabulary import Known, Value, Vocabulary

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


SINCE, UNTIL = "event.detected_at", "event.knowledge_at"


@pytest.fixture
def bent(
    clock_due: Callable[..., Callable[..., Due]], cited: Mapping[str, str]
) -> Callable[..., Callable[..., Due]]:
    """A clock of 24 hours with one pause, one extension or one precondition."""

    def make(**more: object) -> Callable[..., Due]:
        listed = {key: [{**one, **cited}] for key, one in more.items() if isinstance(one, dict)}
        return clock_due(kind="fixed", n=24, unit="h", starts=STARTS, **listed)

    return make


def test_a_pause_does_not_count_and_an_open_one_stops_the_clock(
    bent: Callable[..., Callable[..., Due]],
) -> None:
    run = bent(pauses={"id": "asked", "text": "asked back", "from": SINCE, "until": UNTIL})
    day, late = timedelta(hours=24), START + timedelta(days=9)
    begun = {STARTS: START, SINCE: START + timedelta(hours=2)}
    none = run({STARTS: START, SINCE: Known.NONE}, now=late)
    assert (none.due_at, none.state) == (START + day, ClockState.LATE)
    over = run({**begun, UNTIL: START + timedelta(hours=5)}, now=START)
    assert (over.due_at, over.state) == (START + timedelta(hours=27), ClockState.RUNNING)
    stopped = run({**begun, UNTIL: Known.NONE}, now=late)
    assert (stopped.due_at, stopped.state) == (None, ClockState.PAUSED)
    for facts, missing in (({STARTS: START}, (SINCE, UNTIL)), (begun, (UNTIL,))):
        unsaid = run(facts, now=late)  # the earliest moment stands, but late it is not called
        assert (unsaid.due_at, unsaid.state) == (START + day, ClockState.UNKNOWN)
        assert unsaid.pauses[0].missing == missing


def test_only_time_in_which_the_clock_ran_is_stopped_and_once(
    clock_due: Callable[..., Callable[..., Due]], cited: Mapping[str, str]
) -> None:
    """Hours after the start: a pause that began too late, two at one time, one before the start."""
    other = ("event.clarification_requested_at", "event.clarification_received_at")
    spans = [{"from": SINCE, "until": UNTIL}, {"from": other[0], "until": other[1]}]
    listed = [{"id": f"p{n}", "text": "stopped", **one, **cited} for n, one in enumerate(spans)]
    run = clock_due(kind="fixed", n=24, unit="h", starts=STARTS, pauses=listed)

    def ask(*hours: float | None) -> tuple[datetime | None, ClockState]:
        names = (SINCE, UNTIL, *other)
        moments = (None if each is None else START + timedelta(hours=each) for each in hours)
        facts = {name: at or Known.NONE for name, at in zip(names, moments, strict=True)}
        answer = run({STARTS: START} | facts, now=START + timedelta(days=9))
        return answer.due_at, answer.state

    def late(hours: float) -> tuple[datetime, ClockState]:
        return START + timedelta(hours=hours), ClockState.LATE

    assert ask(30, 40, None, None) == late(24)  # it had run out by then
    assert ask(30, None, None, None) == late(24)
    assert ask(2, 5, 3, 8) == late(30)  # together from the second to the eighth hour
    assert ask(3, 8, 2, 20) == late(42)
    assert ask(-9, -3, None, None) == late(24)
    assert ask(-9, 3, None, None) == late(27)
    assert ask(2, 10, 30, 31) == late(33)  # the first pause lets the second begin in time
    assert ask(-9, None, None, None) == (None, ClockState.PAUSED)


def test_an_extension_counts_only_where_it_surely_holds(
    bent: Callable[..., Callable[..., Due]], test_leaf: Callable[..., dict[str, object]]
) -> None:
    when = test_leaf("decision.offender_known", eq=True)
    run = bent(extends={"id": "more", "text": "by decision", "when": when, "n": 12, "unit": "h"})
    due_after = {
        value: run({STARTS: START, "decision.offender_known": value}).due_at
        for value in (True, False)
    }
    assert due_after == {True: START + timedelta(hours=36), False: START + timedelta(hours=24)}
    unsaid = run({STARTS: START}, now=START + timedelta(hours=30))
    assert (unsaid.due_at, unsaid.state) == (START + timedelta(hours=24), ClockState.UNKNOWN)


def test_a_clock_waits_for_its_precondition(
    bent: Callable[..., Callable[..., Due]], test_leaf: Callable[..., dict[str, object]]
) -> None:
    met = test_leaf("event.notice_received", eq=True)
    run = bent(preconditions={"id": "first", "text": "a first notice", "met_when": met})
    states = {
        value: run({STARTS: START, "event.notice_received": value}).state for value in (True, False)
    }
    assert states == {True: ClockState.RUNNING, False: ClockState.NOT_STARTED}
    assert run({STARTS: START}).state is ClockState.UNKNOWN


def test_a_clock_below_the_floor_is_shown_and_says_nothing(
    bent: Callable[..., Callable[..., Due]],
    clock_due: Callable[..., Callable[..., Due]],
) -> None:
    answer = bent()({STARTS: START}, floor=Status.SECONDARY, now=START)
    assert (answer.due_at, answer.state, answer.unchecked) == (None, ClockState.UNKNOWN, True)
    assert answer.status is Status.RECALLED
    words = {"kind": "qualitative", "standard": "promptly", "legal_text": "promptly"}
    said = clock_due(starts=STARTS, **words)({STARTS: START}, floor=Status.SECONDARY)
    assert (said.legal_text, said.state, said.unchecked) == ("promptly", ClockState.UNKNOWN, True)
    assert bent()({STARTS: START}, floor=Status.RECALLED).due_at == START + timedelta(hours=24)


def test_what_bends_a_clock_is_linted(
    make_rule: Callable[..., Rule],
    vocabulary: Vocabulary,
    test_leaf: Callable[..., dict[str, object]],
    cited: Mapping[str, str],
) -> None:
    def found(**clock: object) -> str:
        whole = {"kind": "none", **clock, **cited}
        return "; ".join(rule_faults(make_rule(clock=whole), vocabulary))

    when = test_leaf("decision.offender_known", eq=True)
    longer = {"id": "a", "text": "t", "when": when, "n": 0, "unit": "h", **cited}
    pause = {"id": "a", "text": "t", "from": "service.type", "until": UNTIL, **cited}
    assert found() == ""
    assert "needs a positive n" in found(extends=[longer])
    assert "needs a fixed clock" in found(extends=[longer])
    assert "uses an id twice" in found(extends=[longer, longer])
    assert "service.type is choice" in found(pauses=[pause])
    told = {"id": "a", "body": "b", "payload_allowed": ["url", "name"], **cited}
    rule = make_rule(recipients=[told | {"payload_forbidden": ["url"]}])
    assert "a payload is made of" in "; ".join(rule_faults(rule, vocabulary))
    assert "allowed and forbidden" in "; ".join(rule_faults(rule, vocabulary))
    one = make_rule(clock={"kind": "none", "pauses": [pause | {"from": SINCE}], **cited})
    assert {SINCE, UNTIL} <= facts_asked(one)
