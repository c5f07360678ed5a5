"""Judging one rule on a case's facts as of a date, exceptions included."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from tutela.law.expressions import NO, UNKNOWN, YES, Trace, conjunction, evaluate
from tutela.law.model import Rule, Status, Truth, Unless
from tutela.law.vocabulary import Value
from tutela.primitives.errors import BadInput, Conflict


@dataclass(frozen=True, kw_only=True, slots=True)
class Considered:
    """An exception that was looked at, with its result."""

    id: str
    priority: int
    lifts: bool
    reason: str
    trace: Trace
    cite: str
    source: str
    status: Status


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingFact:
    """A fact that could still turn the answer, and in how many places."""

    fact: str
    decides: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """The answer for one rule. `status` is that of the weakest leaf the answer rests on."""

    rule_id: str
    rule_version: str
    as_of: date
    outcome: Truth
    status: Status
    trace: Trace
    exceptions: tuple[Considered, ...]
    missing: tuple[MissingFact, ...]


def day_of(as_of: date | datetime) -> date:
    """The calendar day of a moment in the moment's own zone; refuses a time without zone.

    A law begins at local midnight: convert the moment to that place's zone first where the
    hours around a commencement matter.
    """
    if not isinstance(as_of, datetime):
        return as_of
    if as_of.tzinfo is None:
        raise BadInput("A time without a zone is not a moment", remedy="Add Z or an offset.")
    return as_of.date()


def ranked(leaves: Iterable[Trace]) -> tuple[MissingFact, ...]:
    """The missing facts among open leaves, the one that decides most branches first."""
    counted = Counter(leaf.fact for leaf in leaves if leaf.fact is not None)
    order = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    return tuple(MissingFact(fact=fact, decides=times) for fact, times in order)


def judge(rule: Rule, facts: Mapping[str, Value], *, as_of: date | datetime) -> Evaluation:
    """Judge `rule` on admitted facts, whatever its dates; raise `Conflict` (see `_with`).

    The base is bearer and connection and trigger; then each exception by its priority.
    The caller has chosen the edition for the day (`Lawbook.edition`).
    """
    parts = tuple(
        evaluate(part, facts, path=name)
        for name, part in (
            ("bearer", rule.bearer),
            ("connection", rule.connection),
            ("trigger", rule.trigger),
        )
    )
    base = Trace(
        path="rule", op="all", result=conjunction([part.result for part in parts]), parts=parts
    )
    considered = tuple(
        _consider(each, facts)
        for each in sorted(rule.unless, key=lambda one: (one.priority, one.id))
    )
    outcome = _with(base.result, considered, rule)
    return Evaluation(
        rule_id=rule.id,
        rule_version=rule.version,
        as_of=day_of(as_of),
        outcome=outcome,
        status=_weakest(outcome, base, considered, rule),
        trace=base,
        exceptions=considered,
        missing=_missing(outcome, base, considered),
    )


def _consider(unless: Unless, facts: Mapping[str, Value]) -> Considered:
    return Considered(
        id=unless.id,
        priority=unless.priority,
        lifts=unless.lifts,
        reason=unless.reason,
        trace=evaluate(unless.when, facts, path=f"unless.{unless.id}"),
        cite=unless.cite,
        source=unless.source,
        status=unless.status,
    )


def _with(base: Truth, considered: tuple[Considered, ...], rule: Rule) -> Truth:
    """The base outcome, turned level by level from the lowest priority to the highest.

    On one level: 1. an exception that holds replaces what the levels below say; 2. two that
    hold and contradict each other are a `Conflict`, for a lawyer; 3. one that may hold and
    would change the answer makes it UNKNOWN.
    """
    outcome = base
    for priority in sorted({each.priority for each in considered}):
        level = [each for each in considered if each.priority == priority]
        says = {each: NO if each.lifts else base for each in level}
        holding = {says[each] for each in level if each.trace.result is YES}
        perhaps = {says[each] for each in level if each.trace.result is UNKNOWN}
        if holding == {YES, NO}:
            names = ", ".join(each.id for each in level if each.trace.result is YES)
            raise Conflict(
                f"The rule {rule.id} contradicts itself",
                why=f"the exceptions {names} have one priority and opposite effects",
                remedy="A lawyer must decide; then give one of them the higher priority.",
            )
        possible = (holding or {outcome}) | perhaps
        outcome = possible.pop() if len(possible) == 1 else UNKNOWN
    return outcome


def _weakest(outcome: Truth, base: Trace, considered: tuple[Considered, ...], rule: Rule) -> Status:
    """The weakest of the dates, the leaves that carry the answer and the exceptions used."""
    used = [rule.in_force.status]
    if base.result is outcome:
        used += [leaf.status for leaf in base.deciding() if leaf.status is not None]
    for each in considered:
        used += [leaf.status for leaf in each.trace.deciding() if leaf.status is not None]
        if each.trace.result is not NO:
            used.append(each.status)
    return min(used)


def _missing(
    outcome: Truth, base: Trace, considered: tuple[Considered, ...]
) -> tuple[MissingFact, ...]:
    if outcome is not UNKNOWN:
        return ()
    leaves = list(base.open_leaves())
    for each in considered:
        leaves += each.trace.open_leaves()
    return ranked(leaves)
