"""Three-valued logic, the operators and the trace."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.law.evaluating import ranked
from tutela.law.expressions import (
    NO,
    UNKNOWN,
    YES,
    conjunction,
    disjunction,
    evaluate,
    negation,
    threshold,
)
from tutela.law.model import All, AnyOf, AtLeast, Expr, Leaf, Not, Op, Status, Truth
from tutela.law.parsing import Reader
from tutela.law.serialising import as_plain
from tutela.law.vocabulary import Known, Value
from tutela.primitives.errors import BadInput

TRUTHS = st.sampled_from(list(Truth))
FACTS = [f"test.f{n}" for n in range(5)]


def leaf_of(
    fact: str, op: Op = Op.EQ, value: object = True, status: Status = Status.RECALLED
) -> Leaf:
    return Leaf(fact=fact, op=op, value=value, cite="s.1", source="x", status=status)  # type: ignore[arg-type]


def combined(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    lists = st.lists(inner, min_size=1, max_size=4).map(tuple)
    return st.one_of(
        lists.map(lambda parts: All(parts=parts)),
        lists.map(lambda parts: AnyOf(parts=parts)),
        inner.map(lambda part: Not(part=part)),
        lists.flatmap(
            lambda parts: st.integers(1, len(parts)).map(lambda n: AtLeast(n=n, parts=parts))
        ),
    )


LEAVES = st.builds(leaf_of, st.sampled_from(FACTS), value=st.booleans())
MIXED_LEAVES = st.builds(
    leaf_of, st.sampled_from(FACTS), value=st.booleans(), status=st.sampled_from(list(Status))
)
EXPRESSIONS: st.SearchStrategy[Expr] = st.recursive(LEAVES, combined, max_leaves=12)
MIXED: st.SearchStrategy[Expr] = st.recursive(MIXED_LEAVES, combined, max_leaves=12)
FLOORS = st.sampled_from(list(Status)[1:])
COMPLETE = st.fixed_dictionaries({fact: st.booleans() for fact in FACTS})
PARTIAL = st.fixed_dictionaries({}, optional={fact: st.booleans() for fact in FACTS})


def outcome(expr: Expr, facts: dict[str, Value]) -> Truth:
    return evaluate(expr, facts, path="x").result


def completions(values: list[Truth]) -> set[tuple[bool, ...]]:
    choices = [(True, False) if each is UNKNOWN else (each is YES,) for each in values]
    return set(product(*choices))


@given(
    st.lists(TRUTHS, min_size=1, max_size=6).flatmap(
        lambda values: st.tuples(st.just(values), st.integers(1, len(values)))
    )
)
def test_threshold_says_what_all_ways_of_filling_the_gaps_agree_on(
    case: tuple[list[Truth], int],
) -> None:
    values, n = case
    answers = {sum(each) >= n for each in completions(values)}
    expected = UNKNOWN if len(answers) == 2 else (YES if answers == {True} else NO)
    assert threshold(n, values) is expected


@given(TRUTHS, TRUTHS, TRUTHS)
def test_kleene_laws(a: Truth, b: Truth, c: Truth) -> None:
    both, either = lambda *v: conjunction(v), lambda *v: disjunction(v)
    assert both(a, b) is both(b, a)
    assert either(a, b) is either(b, a)
    assert both(a, both(b, c)) is both(both(a, b), c) is both(a, b, c)
    assert either(a, either(b, c)) is either(either(a, b), c) is either(a, b, c)
    assert both(a, either(b, c)) is either(both(a, b), both(a, c))
    assert either(a, both(b, c)) is both(either(a, b), either(a, c))
    assert both(a, a) is a is either(a, a)
    assert both(a, either(a, b)) is a is either(a, both(a, b))
    assert negation(negation(a)) is a
    assert negation(both(a, b)) is either(negation(a), negation(b))
    assert both(a, YES) is a is either(a, NO)
    assert both(a, NO) is NO
    assert either(a, YES) is YES


def test_there_is_no_excluded_middle_when_the_fact_is_missing() -> None:
    one = leaf_of(FACTS[0])
    assert outcome(AnyOf(parts=(one, Not(part=one))), {}) is UNKNOWN
    assert outcome(Not(part=one), {}) is UNKNOWN


@pytest.mark.parametrize("judge", [conjunction, disjunction])
def test_empty_means_no_answer_at_all(judge: Callable[[list[Truth]], Truth]) -> None:
    with pytest.raises(BadInput):
        judge([])
    with pytest.raises(BadInput):
        evaluate(All(parts=()), {}, path="x")


@given(EXPRESSIONS, PARTIAL, COMPLETE)
def test_another_fact_never_turns_a_known_answer(
    expr: Expr, some: dict[str, bool], rest: dict[str, bool]
) -> None:
    before = outcome(expr, dict(some))
    after = outcome(expr, {**rest, **some})
    assert before in {UNKNOWN, after}
    assert after is not UNKNOWN


@given(EXPRESSIONS, PARTIAL)
def test_an_unknown_answer_always_names_a_fact_to_ask_for(
    expr: Expr, some: dict[str, bool]
) -> None:
    trace = evaluate(expr, dict(some), path="x")
    missing = [each.fact for each in trace.open_leaves()]
    assert bool(missing) is (trace.result is UNKNOWN)
    assert not set(missing) & set(some)


@given(EXPRESSIONS, PARTIAL, st.randoms(use_true_random=False))
def test_the_order_of_parts_does_not_matter(
    expr: Expr, some: dict[str, bool], chance: object
) -> None:
    def shuffled(one: Expr) -> Expr:
        match one:
            case All(parts=parts):
                return All(parts=mixed(parts))
            case AnyOf(parts=parts):
                return AnyOf(parts=mixed(parts))
            case AtLeast(n=n, parts=parts):
                return AtLeast(n=n, parts=mixed(parts))
            case Not(part=part):
                return Not(part=shuffled(part))
        return one

    def mixed(parts: tuple[Expr, ...]) -> tuple[Expr, ...]:
        turned = [shuffled(part) for part in parts]
        chance.shuffle(turned)  # type: ignore[attr-defined]
        return tuple(turned)

    assert outcome(expr, dict(some)) is outcome(shuffled(expr), dict(some))


@given(EXPRESSIONS, PARTIAL)
def test_every_leaf_is_in_the_trace_with_its_citation(expr: Expr, some: dict[str, bool]) -> None:
    for each in evaluate(expr, dict(some), path="trigger").leaves():
        assert each.path.startswith("trigger")
        assert (each.cite, each.source, each.status) == ("s.1", "x", Status.RECALLED)
        assert each.missing is (each.fact not in some)
        assert each.value == some.get(str(each.fact))


NOON = datetime(2026, 4, 7, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("op", "expected", "value", "result"),
    [
        (Op.EQ, "GB", "GB", YES),
        (Op.EQ, "GB", "US", NO),
        (Op.IN, ("GB", "US"), "US", YES),
        (Op.IN, ("GB", "US"), "FR", NO),
        (Op.GE, 18, 18, YES),
        (Op.GE, 18, 17, NO),
        (Op.LT, 18, 17, YES),
        (Op.LT, 18, 18, NO),
        (Op.GE, NOON, NOON, YES),
        (Op.LT, NOON, NOON, NO),
        (Op.BETWEEN, (1, 3), 1, YES),
        (Op.BETWEEN, (1, 3), 2, YES),
        (Op.BETWEEN, (1, 3), 3, NO),
        (Op.BETWEEN, (NOON, LATER), NOON, YES),
        (Op.BETWEEN, (NOON, LATER), LATER, NO),
        (Op.COVERS, ("GB",), ("FR", "GB"), YES),
        (Op.COVERS, ("GB", "US"), ("FR", "GB"), NO),
        (Op.COVERS, ("GB",), (), NO),
        (Op.EXISTS, True, NOON, YES),
        (Op.EXISTS, True, False, YES),
        (Op.EXISTS, True, Known.NONE, NO),
        (Op.EQ, "GB", Known.NONE, NO),
        (Op.GE, NOON, Known.NONE, NO),
    ],
)
def test_operators(op: Op, expected: object, value: Value, result: Truth) -> None:
    expr = leaf_of("test.f", op, expected)
    assert outcome(expr, {"test.f": value}) is result
    assert outcome(expr, {}) is UNKNOWN


def test_missing_facts_are_ranked_by_the_branches_they_decide() -> None:
    a, b, c, d = (leaf_of(fact) for fact in FACTS[:4])
    decided = AnyOf(parts=(leaf_of(FACTS[4]), d))  # d no longer matters: the other is YES
    expr = All(parts=(AnyOf(parts=(a, b)), AnyOf(parts=(b, c)), decided, Not(part=b)))
    trace = evaluate(expr, {FACTS[4]: True}, path="x")
    found = [(each.fact, each.decides) for each in ranked(trace.open_leaves())]
    assert found == [(FACTS[1], 3), (FACTS[0], 1), (FACTS[2], 1)]


def test_only_the_leaves_that_carry_the_answer_count() -> None:
    strong = leaf_of(FACTS[0], status=Status.SECONDARY)
    weak = leaf_of(FACTS[1], status=Status.DISPUTED)
    trace = evaluate(AnyOf(parts=(strong, weak)), {FACTS[0]: True, FACTS[1]: False}, path="x")
    assert [each.fact for each in trace.deciding()] == [FACTS[0]]


@given(MIXED, PARTIAL, FLOORS, FLOORS)
def test_raising_the_floor_never_settles_an_answer(
    expr: Expr, some: dict[str, bool], one: Status, other: Status
) -> None:
    low, high = sorted((one, other))
    weak = evaluate(expr, dict(some), path="x", floor=low)
    strict = evaluate(expr, dict(some), path="x", floor=high)
    assert strict.result in {UNKNOWN, weak.result}
    if strict.result is not UNKNOWN:
        assert all(leaf.status and leaf.status >= high for leaf in strict.deciding())
    shown = [(each.fact, each.value, each.cite, each.status) for each in weak.leaves()]
    assert shown == [(each.fact, each.value, each.cite, each.status) for each in strict.leaves()]


@given(MIXED, PARTIAL, COMPLETE, FLOORS)
def test_another_fact_never_turns_a_known_answer_at_any_floor(
    expr: Expr, some: dict[str, bool], rest: dict[str, bool], floor: Status
) -> None:
    before = evaluate(expr, dict(some), path="x", floor=floor)
    after = evaluate(expr, {**rest, **some}, path="x", floor=floor)
    assert before.result in {UNKNOWN, after.result}
    unsettled = [*before.open_leaves(), *before.unchecked_leaves()]
    assert bool(unsettled) is (before.result is UNKNOWN)
    assert bool(list(after.unchecked_leaves())) is (after.result is UNKNOWN)


@pytest.mark.parametrize("floor", list(Status))
def test_a_leaf_below_the_floor_is_unknown_and_still_shown(floor: Status) -> None:
    for status in Status:
        leaf = leaf_of(FACTS[0], status=status)
        trace = evaluate(leaf, {FACTS[0]: True}, path="x", floor=floor)
        counts = status >= floor and status is not Status.DISPUTED
        assert (trace.result, trace.unchecked) == ((YES, False) if counts else (UNKNOWN, True))
        assert (trace.value, trace.cite, trace.status) == (True, "s.1", status)
    assert outcome(leaf_of(FACTS[0], status=Status.RECALLED), {FACTS[0]: True}) is YES


def test_reading_writes_the_same_expression_again(reader: Reader, cited: dict[str, str]) -> None:
    data = {
        "all": [
            {"fact": "provider.established_in", "in": {"set": "nordic"}, **cited},
            {"not": {"fact": "event.detected_at", "exists": True, **cited}},
            {
                "at_least": {
                    "n": 2,
                    "of": [
                        {"fact": "service.targets_markets", "covers": ["GB"], **cited},
                        {"fact": "event.detected_at", "lt": "2026-04-07T00:00:00Z", **cited},
                        {
                            "any": [{"fact": "service.type", "eq": "u2u", **cited}],
                        },
                    ],
                }
            },
        ]
    }
    once = reader.expression(data, where="x")
    assert reader.expression(as_plain(once), where="x") == once


@pytest.mark.parametrize(
    "data",
    [
        {"all": []},
        {"any": []},
        {"at_least": {"n": 1, "of": []}},
        {"at_least": {"n": 3, "of": [{"fact": "service.type", "eq": "u2u"}]}},
        {"at_least": {"n": True, "of": [{"fact": "service.type", "eq": "u2u"}]}},
        {"all": [], "any": []},
        {"xor": []},
        {},
        "service.type == 'u2u'",
        {"fact": "service.type", "eq": "u2u"},  # no citation
        {"fact": "service.typ", "eq": "u2u"},
        {"fact": "service.type", "eq": "website"},
        {"fact": "service.type", "eq": "u2u", "in": ["u2u"]},
        {"fact": "service.type", "matches": "u.u"},
        {"fact": "service.type", "in": []},
        {"fact": "service.type", "in": {"set": "nordics"}},
        {"fact": "service.type", "in": ["u2u", "u2u"]},
        {"fact": "service.targets_markets", "eq": "GB"},
        {"fact": "provider.established_in", "ge": "GB"},
        {"fact": "provider.established_in", "eq": "UK"},
        {"fact": "event.known_match", "eq": "yes"},
        {"fact": "event.detected_at", "exists": False},
        {"fact": "event.detected_at", "lt": "2026-04-07"},
        {"fact": "event.detected_at", "between": ["2026-04-07T00:00:00Z"]},
        {
            "fact": "event.detected_at",
            "between": ["2026-04-07T00:00:00Z", "2026-04-07T00:00:00Z"],
        },
    ],
)
def test_conditions_that_mean_nothing_are_refused(
    data: object, reader: Reader, cited: dict[str, str]
) -> None:
    if isinstance(data, dict) and "fact" in data and data != {"fact": "service.type", "eq": "u2u"}:
        data = {**data, **cited}
    with pytest.raises(BadInput):
        reader.expression(data, where="x")


def test_a_condition_nested_without_end_is_refused(reader: Reader, cited: dict[str, str]) -> None:
    data: dict[str, object] = {"fact": "service.type", "eq": "u2u", **cited}
    for _ in range(25):
        data = {"not": data}
    with pytest.raises(BadInput):
        reader.expression(data, where="x")
