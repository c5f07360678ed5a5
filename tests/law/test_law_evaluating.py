"""One rule: exceptions by priority, conflicts, status, missing facts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.law.evaluating import day_of, judge
from tutela.law.expressions import NO, UNKNOWN, YES
from tutela.law.model import (
    Action,
    Beyond,
    Cited,
    Clock,
    ClockKind,
    InForce,
    Leaf,
    LegalStatus,
    Op,
    Rule,
    Status,
    Truth,
    Unless,
)
from tutela.law.vocabulary import Value
from tutela.primitives.errors import BadInput, Conflict

DAY = date(2026, 11, 21)
BASE = ("base.bearer", "base.connection", "base.trigger")
EXCEPTIONS = ("unless.a", "unless.b", "unless.c")


def leaf(fact: str, status: Status = Status.SECONDARY) -> Leaf:
    return Leaf(fact=fact, op=Op.EQ, value=True, cite="s.1", source="x", status=status)


def unless(fact: str, *, priority: int, lifts: bool, status: Status = Status.SECONDARY) -> Unless:
    return Unless(
        id=fact.replace(".", "-"),
        priority=priority,
        lifts=lifts,
        reason="an exception",
        when=leaf(fact),
        cite="s.2",
        source="x",
        status=status,
    )


CITED = {"cite": "s.1", "source": "x", "status": Status.SECONDARY}


def rule_with(*exceptions: Unless) -> Rule:
    return Rule(
        id="us.test.report",
        jurisdiction="US",
        title="t",
        summary="s",
        legal_status=LegalStatus.IN_FORCE,
        legal_basis=(Cited(**CITED),),
        in_force=InForce(from_=date(2026, 1, 1), to=None, before=Beyond.NOT_LAW, **CITED),
        status=Status.SECONDARY,
        reviewers=(),
        action=Action.REPORT,
        bearer=leaf(BASE[0]),
        connection=leaf(BASE[1]),
        trigger=leaf(BASE[2]),
        clock=Clock(kind=ClockKind.NONE, **CITED),
        unless=exceptions,
        version="v",
    )


ALL_YES: dict[str, Value] = dict.fromkeys(BASE, True)


def result(rule: Rule, **facts: bool) -> Truth:
    named = {key.replace("_", "."): value for key, value in facts.items()}
    return judge(rule, {**ALL_YES, **named}, as_of=DAY).outcome


def test_an_exception_lifts_the_duty_and_an_unknown_one_makes_it_unknown() -> None:
    rule = rule_with(unless(EXCEPTIONS[0], priority=1, lifts=True))
    assert result(rule, unless_a=False) is YES
    assert result(rule, unless_a=True) is NO
    assert result(rule) is UNKNOWN
    missing = judge(rule, ALL_YES, as_of=DAY).missing
    assert [each.fact for each in missing] == ["unless.a"]


def test_the_higher_priority_wins() -> None:
    rule = rule_with(
        unless(EXCEPTIONS[0], priority=1, lifts=True),
        unless(EXCEPTIONS[1], priority=2, lifts=False),
    )
    assert result(rule, unless_a=True, unless_b=True) is YES
    assert result(rule, unless_a=True, unless_b=False) is NO
    assert result(rule, unless_a=True) is UNKNOWN
    assert result(rule, unless_b=True) is YES  # whatever the lower one says
    assert result(rule, unless_a=False) is YES  # whatever the higher one says


def test_an_exception_to_an_exception_never_makes_a_duty_out_of_nothing() -> None:
    rule = rule_with(unless(EXCEPTIONS[0], priority=1, lifts=False))
    facts = {**ALL_YES, BASE[2]: False, EXCEPTIONS[0]: True}
    assert judge(rule, facts, as_of=DAY).outcome is NO


def test_two_of_one_priority_with_opposite_effects_are_a_conflict() -> None:
    rule = rule_with(
        unless(EXCEPTIONS[0], priority=1, lifts=True),
        unless(EXCEPTIONS[1], priority=1, lifts=False),
    )
    with pytest.raises(Conflict, match="contradicts itself"):
        result(rule, unless_a=True, unless_b=True)
    assert result(rule, unless_a=True) is UNKNOWN
    facts = {**ALL_YES, BASE[0]: False, EXCEPTIONS[0]: True, EXCEPTIONS[1]: True}
    assert judge(rule, facts, as_of=DAY).outcome is NO  # no duty at all: nothing to contradict


RULES = st.lists(
    st.tuples(st.sampled_from(EXCEPTIONS), st.integers(1, 3), st.booleans()),
    max_size=3,
    unique_by=lambda one: one[0],
).map(lambda many: rule_with(*(unless(f, priority=p, lifts=x) for f, p, x in many)))
FULL = st.fixed_dictionaries({fact: st.booleans() for fact in BASE + EXCEPTIONS})
PART = st.sets(st.sampled_from(BASE + EXCEPTIONS))


def outcome(rule: Rule, facts: dict[str, bool]) -> Truth | None:
    try:
        return judge(rule, dict(facts), as_of=DAY).outcome
    except Conflict:
        return None


@given(RULES, FULL, PART)
def test_more_facts_never_turn_a_known_answer(
    rule: Rule, full: dict[str, bool], kept: set[str]
) -> None:
    before = outcome(rule, {fact: full[fact] for fact in kept})
    after = outcome(rule, full)
    if before is not None and after is not None:
        assert before in {UNKNOWN, after}
    assert before is not None or after is None  # a contradiction does not go away


@given(RULES, FULL, st.sampled_from(EXCEPTIONS))
def test_only_a_listed_exception_turns_yes_to_no(
    rule: Rule, full: dict[str, bool], changed: str
) -> None:
    turned = {**full, changed: not full[changed]}
    if outcome(rule, full) is YES and outcome(rule, turned) is NO:
        listed = {each.when.fact: each for each in rule.unless if isinstance(each.when, Leaf)}
        assert changed in listed


@given(RULES, FULL, PART, st.permutations(range(3)))
def test_the_order_of_exceptions_does_not_matter(
    rule: Rule, full: dict[str, bool], kept: set[str], order: list[int]
) -> None:
    mixed = tuple(rule.unless[n] for n in order if n < len(rule.unless))
    facts = {fact: full[fact] for fact in kept}
    assert outcome(rule, facts) is outcome(replace(rule, unless=mixed), facts)


def test_the_status_is_that_of_the_weakest_leaf_the_answer_rests_on() -> None:
    rule = replace(rule_with(), trigger=leaf(BASE[2], Status.RECALLED))
    assert judge(rule, ALL_YES, as_of=DAY).status is Status.RECALLED
    no_bearer = {**ALL_YES, BASE[0]: False}
    assert judge(rule, no_bearer, as_of=DAY).status is Status.SECONDARY
    weak = rule_with(unless(EXCEPTIONS[0], priority=1, lifts=True, status=Status.DISPUTED))
    assert judge(weak, {**ALL_YES, EXCEPTIONS[0]: True}, as_of=DAY).status is Status.DISPUTED
    assert judge(weak, {**ALL_YES, EXCEPTIONS[0]: False}, as_of=DAY).status is Status.SECONDARY


def test_status_is_ordered() -> None:
    ordered = [
        Status.DISPUTED,
        Status.RECALLED,
        Status.SECONDARY,
        Status.SINGLE_REVIEWER,
        Status.VERIFIED,
    ]
    assert sorted(Status, key=lambda each: each.rank) == ordered
    assert sorted(set(Status)) == ordered
    assert min(ordered) is Status.DISPUTED
    assert Status.VERIFIED > Status.SINGLE_REVIEWER >= Status.SINGLE_REVIEWER


def test_an_evaluation_says_which_version_on_which_day() -> None:
    answer = judge(rule_with(), ALL_YES, as_of=datetime(2026, 11, 21, 12, tzinfo=UTC))
    assert (answer.rule_id, answer.rule_version, answer.as_of) == ("us.test.report", "v", DAY)
    assert [part.path for part in answer.trace.parts] == ["bearer", "connection", "trigger"]


def test_a_naive_time_is_no_moment() -> None:
    with pytest.raises(BadInput):
        day_of(datetime(2026, 11, 21, 12))  # noqa: DTZ001 - the point of the test


def test_the_day_is_read_in_the_zone_that_was_given(make_rule: Callable[..., Rule]) -> None:
    assert day_of(datetime.fromisoformat("2026-04-07T00:30:00+01:00")) == date(2026, 4, 7)
    assert day_of(datetime.fromisoformat("2026-04-06T23:30:00+00:00")) == date(2026, 4, 6)
    assert make_rule().in_force.covers(date(2026, 1, 1))
    assert not make_rule().in_force.covers(date(2025, 12, 31))
