"""Over random rules, facts and floors: monotony, order, floors, and serialise, parse, the same."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutela.law.answers import Duties, State
from tutela.law.duties import duties
from tutela.law.evaluating import Evaluation, judge
from tutela.law.expressions import NO, UNKNOWN, YES
from tutela.law.loading import Lawbook
from tutela.law.model import All, AnyOf, AtLeast, Expr, Leaf, Not, Op, Rule, Status, Truth
from tutela.primitives.errors import BadInput, Conflict

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
BOOLS = (
    "provider.is_electronic_service",
    "decision.apparent_csam",
    "decision.offender_known",
    "event.known_match",
    "event.notice_received",
)
MOMENT = "event.knowledge_at"
STATUSES = st.sampled_from(list(Status))
FLOORS = st.sampled_from([Status.VERIFIED, *Status.VERIFIED.weaker])


def leaf(fact: str, status: Status, *, op: Op = Op.EQ, value: Any = True) -> Leaf:
    return Leaf(fact=fact, op=op, value=value, cite=f"s.{fact}", source="memory", status=status)


LEAVES: st.SearchStrategy[Expr] = st.one_of(
    st.builds(leaf, st.sampled_from(BOOLS), STATUSES),
    st.builds(lambda status: leaf(MOMENT, status, op=Op.LT, value=NOON), STATUSES),
    st.builds(
        lambda status: leaf("service.type", status, op=Op.IN, value=("isp", "u2u")), STATUSES
    ),
)


def combined(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    lists = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        lists.map(lambda parts: All(parts=parts)),
        lists.map(lambda parts: AnyOf(parts=parts)),
        inner.map(lambda part: Not(part=part)),
        lists.map(lambda parts: AtLeast(n=len(parts), parts=parts)),
    )


EXPRESSIONS = st.recursive(LEAVES, combined, max_leaves=5)
FACTS = st.fixed_dictionaries(
    {},
    optional={
        **{fact: st.booleans() for fact in BOOLS},
        MOMENT: st.sampled_from([NOON, NOON - timedelta(days=1), "none"]),
        "service.type": st.sampled_from(["u2u", "search"]),
        "service.targets_markets": st.just(["GB", "FR"]),
    },
)
EXCEPTION = st.tuples(EXPRESSIONS, st.integers(1, 2), st.booleans(), STATUSES)
SHAPES = st.tuples(
    EXPRESSIONS, EXPRESSIONS, EXPRESSIONS, st.lists(EXCEPTION, max_size=2), STATUSES, STATUSES
)
PURE = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass(frozen=True, kw_only=True)
class Law:
    """Rules of random shape, and the book they stand in."""

    plain: Rule
    book: Lawbook

    def rule(self, shape: Any, name: str = "us.test.report") -> Rule:
        bearer, connection, trigger, exceptions, dates, done = shape
        changed = zip(self.plain.unless, exceptions, strict=False)
        return replace(
            self.plain,
            id=name,
            bearer=bearer,
            connection=connection,
            trigger=trigger,
            unless=tuple(
                replace(each, when=when, priority=priority, lifts=lifts, status=status)
                for each, (when, priority, lifts, status) in changed
            ),
            in_force=replace(self.plain.in_force, status=dates),
            discharged_by=(replace(self.plain.discharged_by[0], status=done),),
            version=name,
        )

    def judged(self, rule: Rule, facts: Mapping[str, object], floor: Status) -> Evaluation | None:
        try:
            return judge(rule, self.book.vocabulary.admit(facts), as_of=NOON, floor=floor)
        except Conflict:
            return None

    def book_of(self, *rules: Rule) -> Lawbook:
        return replace(self.book, rules=rules)


@pytest.fixture
def law(
    book: Lawbook,
    make_rule: Callable[..., Rule],
    test_leaf: Callable[..., dict[str, object]],
    cited: Mapping[str, str],
) -> Law:
    one = {"priority": 1, "lifts": True, "reason": "r", "when": test_leaf(BOOLS[0], eq=True)}
    done = {"id": "done", "by": "done", "when": test_leaf("event.restricted_at", exists=True)}
    plain = make_rule(
        unless=[{"id": name, **one, **cited} for name in "ab"],
        discharged_by=[done | dict(cited)],
        clock={"kind": "fixed", "n": 24, "unit": "h", "starts": MOMENT, **cited},
    )
    return Law(plain=plain, book=book)


@PURE
@given(SHAPES, FACTS, FACTS, FLOORS)
def test_a_fact_settles_and_never_unsettles(
    law: Law,
    shape: Any,
    some: dict[str, Any],
    more: dict[str, Any],
    floor: Status,
) -> None:
    rule = law.rule(shape)
    before, after = law.judged(rule, some, floor), law.judged(rule, {**more, **some}, floor)
    if before is None:
        assert after is None  # a contradiction does not go away
    elif after is not None:
        assert before.outcome in {UNKNOWN, after.outcome}
        assert bool(before.missing or before.unchecked) is (before.outcome is UNKNOWN)
        assert not {each.fact for each in before.missing} & set(some)


@PURE
@given(SHAPES, FACTS, FACTS, FLOORS)
def test_only_a_listed_exception_turns_yes_to_no(
    law: Law,
    shape: Any,
    some: dict[str, Any],
    other: dict[str, Any],
    floor: Status,
) -> None:
    rule = law.rule(shape)
    before, after = law.judged(rule, some, floor), law.judged(rule, other, floor)
    if before and after and (before.outcome, after.outcome) == (YES, NO):
        lifted = any(each.lifts and each.result is YES for each in after.exceptions)
        assert lifted or after.trace.result is NO


@PURE
@given(SHAPES, FACTS, FLOORS, FLOORS)
def test_raising_the_floor_never_settles(
    law: Law,
    shape: Any,
    facts: dict[str, Any],
    one: Status,
    other: Status,
) -> None:
    rule = law.rule(shape)
    low, high = sorted((one, other))
    weak, strict = law.judged(rule, facts, low), law.judged(rule, facts, high)
    if strict is None:
        assert weak is None
        return
    if weak is not None:
        assert strict.outcome in {UNKNOWN, weak.outcome}
    if strict.outcome is not UNKNOWN:
        assert strict.status >= high
        assert weak is not None


@PURE
@given(st.lists(SHAPES, min_size=1, max_size=4), FACTS, FLOORS, st.randoms(use_true_random=False))
def test_the_whole_answer_survives_json_and_any_order_of_rules(
    law: Law,
    shapes: list[Any],
    facts: dict[str, Any],
    floor: Status,
    chance: Any,
) -> None:
    rules = [law.rule(shape, f"us.test.r{n}") for n, shape in enumerate(shapes)]
    answer = duties(law.book_of(*rules), facts, NOON, floor=floor)
    text = json.dumps(answer.as_json())
    again = Duties.from_json(json.loads(text))
    assert again == answer
    assert json.dumps(again.as_json()) == text
    for duty in answer.duties:
        if duty.evaluation is not None:
            whole = json.loads(json.dumps(duty.evaluation.as_json()))
            assert Evaluation.from_json(whole) == duty.evaluation
        if duty.weaker is not None:
            assert duty.weaker.floor < duty.floor
            assert duty.weaker.state not in {State.UNKNOWN, duty.state}
        if duty.state is State.UNKNOWN:
            assert duty.why.startswith("Cannot say")
    chance.shuffle(rules)
    assert duties(law.book_of(*rules), facts, NOON, floor=floor) == answer


@PURE
@given(SHAPES, FACTS)
def test_an_accepted_version_is_read_in_full_but_for_what_is_disputed(
    law: Law,
    shape: Any,
    facts: dict[str, Any],
) -> None:
    rule = law.rule(shape)
    book = law.book_of(rule)
    accepted = duties(book, facts, NOON, floor=Status.VERIFIED, accepted={rule.version})
    recalled = duties(book, facts, NOON, floor=Status.RECALLED)
    assert accepted.duties == recalled.duties
    other = duties(book, facts, NOON, floor=Status.VERIFIED, accepted={"another"})
    assert other.duties == duties(book, facts, NOON, floor=Status.VERIFIED).duties


def test_a_day_and_the_real_book_survive_json(book: Lawbook) -> None:
    facts: dict[str, object] = {
        "provider.established_in": "US",
        "service.targets_markets": ["GB", "FR"],
        "event.knowledge_at": NOON,
        "event.reported_to_ncmec_at": "none",
        "decision.apparent_csam": True,
    }
    for as_of in (NOON, date(2026, 11, 21)):
        answer = duties(book, facts, as_of)
        assert Duties.from_json(json.loads(json.dumps(answer.as_json()))) == answer


@pytest.mark.parametrize("spoil", [{"as_of": 5}, {"extra": 1}, {"duties": None}, {"floor": "no"}])
def test_what_is_no_answer_is_refused(book: Lawbook, spoil: dict[str, object]) -> None:
    data = duties(book, {}, NOON).as_json()
    assert Duties.from_json(data).floor is Status.SECONDARY
    with pytest.raises(BadInput, match="no Duties of this version"):
        Duties.from_json(data | spoil)
    with pytest.raises(BadInput):
        Duties.from_json({})


def test_truth_and_status_are_not_mistaken_for_text() -> None:
    assert {each.value for each in Truth} == {"yes", "no", "unknown"}
    assert Status.VERIFIED.weaker == (Status.SINGLE_REVIEWER, Status.SECONDARY, Status.RECALLED)
    assert Status.RECALLED.weaker == ()
