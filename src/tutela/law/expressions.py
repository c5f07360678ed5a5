"""Evaluating conditions over facts: strong Kleene logic, and a trace that is the explanation.

The truth tables (Kleene 1952, the strong ones): `all` is NO as soon as one part is NO, YES
only when every part is YES; `any` the other way round; what could still turn is UNKNOWN.

The status floor: a leaf whose citation is checked less than the reader asks for is UNKNOWN,
whatever the facts say. A disputed leaf counts at no floor.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tutela.law.model import All, AnyOf, AtLeast, Expr, Leaf, Not, Op, Status, Truth
from tutela.law.vocabulary import Known, Value
from tutela.primitives.errors import BadInput

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """How one node was judged. A leaf carries fact, value, citation, source and status.

    `missing`: the fact is not known. `unchecked`: the leaf is below the asked status, so its
    result is UNKNOWN although fact, value and citation are shown.
    """

    path: str
    op: str
    result: Truth
    parts: tuple["Trace", ...] = ()
    fact: str | None = None
    expected: object = None
    value: object = None
    missing: bool = False
    unchecked: bool = False
    cite: str | None = None
    source: str | None = None
    status: Status | None = None

    def leaves(self) -> Iterator["Trace"]:
        """Every leaf, in the order in which it is written."""
        if self.fact is not None:
            yield self
        for part in self.parts:
            yield from part.leaves()

    def deciding(self) -> list["Trace"]:
        """The leaves that carry the result: parts that did not matter are left out."""
        if self.fact is not None:
            return [self]
        turned = self.op == "not"
        matter = [part for part in self.parts if turned or part.result is self.result]
        return [leaf for part in matter for leaf in part.deciding()]

    def open_leaves(self) -> Iterator["Trace"]:
        """The leaves whose missing fact could still turn the result; none once it is known.

        A leaf that is unchecked as well is not among them: no fact settles it at this floor.
        """
        return (leaf for leaf in self.unknown_leaves() if not leaf.unchecked)

    def unchecked_leaves(self) -> Iterator["Trace"]:
        """The leaves below the floor that could still turn the result; none once it is known."""
        return (leaf for leaf in self.unknown_leaves() if leaf.unchecked)

    def unknown_leaves(self) -> list["Trace"]:
        """The leaves, missing or unchecked, that could still turn the result."""
        if self.result is not UNKNOWN:
            return []
        if self.fact is not None:
            return [self]
        return [leaf for part in self.parts for leaf in part.unknown_leaves()]


def conjunction(values: Sequence[Truth]) -> Truth:
    """`all`. Empty means no: an empty sequence refuses with `BadInput`."""
    return threshold(len(values), values)


def disjunction(values: Sequence[Truth]) -> Truth:
    """`any`. Empty means no: an empty sequence refuses with `BadInput`."""
    return threshold(1, values)


def negation(value: Truth) -> Truth:
    """`not`; what is unknown stays unknown."""
    if value is UNKNOWN:
        return UNKNOWN
    return NO if value is YES else YES


def threshold(n: int, values: Sequence[Truth]) -> Truth:
    """`at_least(n)`: UNKNOWN as long as `n` can still be reached but is not."""
    if not values or not 1 <= n <= len(values):
        raise BadInput(
            "A condition without parts cannot be judged",
            why=f"{n} of {len(values)} parts are asked for",
        )
    surely = values.count(YES)
    if surely >= n:
        return YES
    perhaps = surely + values.count(UNKNOWN)
    return UNKNOWN if perhaps >= n else NO


def below(status: Status, floor: Status) -> bool:
    """Whether a statement of `status` does not count at `floor`; a disputed one never counts."""
    return status is Status.DISPUTED or status.rank < floor.rank


def evaluate(
    expr: Expr, facts: Mapping[str, Value], *, path: str, floor: Status = Status.RECALLED
) -> Trace:
    """Judge `expr` on admitted facts (`Vocabulary.admit`); every part is judged and traced.

    A leaf below `floor` is UNKNOWN and `unchecked`. The default floor leaves out only what is
    disputed.
    """
    match expr:
        case Leaf():
            return _leaf(expr, facts, path, floor)
        case All(parts=parts):
            inner = _parts(parts, facts, f"{path}.all", floor)
            return Trace(path=path, op="all", result=conjunction(_results(inner)), parts=inner)
        case AnyOf(parts=parts):
            inner = _parts(parts, facts, f"{path}.any", floor)
            return Trace(path=path, op="any", result=disjunction(_results(inner)), parts=inner)
        case AtLeast(n=n, parts=parts):
            inner = _parts(parts, facts, f"{path}.at_least", floor)
            result = threshold(n, _results(inner))
            return Trace(path=path, op="at_least", result=result, parts=inner, expected=n)
        case Not(part=part):
            one = evaluate(part, facts, path=f"{path}.not", floor=floor)
            return Trace(path=path, op="not", result=negation(one.result), parts=(one,))
    raise TypeError(f"not an expression: {type(expr).__name__}")


def _parts(
    parts: Sequence[Expr], facts: Mapping[str, Value], path: str, floor: Status
) -> tuple[Trace, ...]:
    return tuple(
        evaluate(part, facts, path=f"{path}[{n}]", floor=floor) for n, part in enumerate(parts)
    )


def _results(traces: Sequence[Trace]) -> list[Truth]:
    return [trace.result for trace in traces]


def _leaf(leaf: Leaf, facts: Mapping[str, Value], path: str, floor: Status) -> Trace:
    missing = leaf.fact not in facts
    unchecked = leaf.status.rank < floor.rank or leaf.status is Status.DISPUTED
    value = None if missing else facts[leaf.fact]
    known = not missing and not unchecked
    return Trace(
        path=path,
        op=leaf.op.value,
        result=(YES if _holds(leaf, value) else NO) if known else UNKNOWN,
        fact=leaf.fact,
        expected=leaf.value,
        value=value,
        missing=missing,
        unchecked=unchecked,
        cite=leaf.cite,
        source=leaf.source,
        status=leaf.status,
    )


def _holds(leaf: Leaf, value: object) -> bool:  # noqa: PLR0911 - one line an operator
    """Whether a known value passes; what is known not to exist passes no test."""
    if value is Known.NONE:
        return False
    match leaf.op, leaf.value, value:
        case Op.EXISTS, _, _:
            return True
        case Op.EQ, wanted, _:
            return value == wanted
        case Op.IN, tuple(wanted), _:
            return value in wanted
        case Op.COVERS, tuple(wanted), tuple(have):
            return set(wanted) <= set(have)
        case Op.GE, wanted, _:
            return _order(value, wanted) >= 0
        case Op.LT, wanted, _:
            return _order(value, wanted) < 0
        case Op.BETWEEN, (low, high), _:
            return _order(value, low) >= 0 and _order(value, high) < 0
    raise TypeError(f"{leaf.op.value} cannot test {leaf.fact}")


def _order(left: object, right: object) -> int:
    """-1, 0 or 1 for two moments or two whole numbers."""
    if isinstance(left, datetime) and isinstance(right, datetime):
        return (left > right) - (left < right)
    if isinstance(left, int) and isinstance(right, int):
        return (left > right) - (left < right)
    raise TypeError("only moments and whole numbers have an order")
