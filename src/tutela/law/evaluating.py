"""Judging one rule on a case's facts as of a date, exceptions included."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import cast

from tutela.law.expressions import NO, UNKNOWN, YES, Trace, below, conjunction, evaluate
from tutela.law.model import (
    Cited,
    Discharge,
    Expr,
    Extension,
    Precondition,
    Rule,
    Status,
    Truth,
    Unless,
)
from tutela.law.serialising import as_plain, from_plain
from tutela.law.vocabulary import Value
from tutela.primitives.errors import BadInput, Conflict

_RANK = attrgetter("rank")


@dataclass(frozen=True, kw_only=True, slots=True)
class Considered:
    """An exception that was looked at. `result` is UNKNOWN when only its own text is unchecked."""

    id: str
    priority: int
    lifts: bool
    reason: str
    result: Truth
    trace: Trace
    cite: str
    source: str
    status: Status


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked(Cited):
    """A condition with a name: a discharge, a precondition, an extension, and its result.

    `unchecked`: the condition holds, but the statement itself is below the floor.
    """

    id: str
    text: str
    result: Truth
    unchecked: bool
    trace: Trace


@dataclass(frozen=True, kw_only=True, slots=True)
class Unchecked(Cited):
    """A statement below the floor that could still turn the answer; `fact` where it tests one."""

    path: str
    fact: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingFact:
    """A fact that could still turn the answer, and in how many places."""

    fact: str
    decides: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """The answer for one rule, read at `floor`.

    `status` is that of the weakest statement the answer rests on; of a known answer it is
    never below the floor. `missing` and `unchecked` are empty once the answer is known.
    """

    rule_id: str
    rule_version: str
    as_of: date
    floor: Status
    outcome: Truth
    status: Status
    trace: Trace
    exceptions: tuple[Considered, ...]
    missing: tuple[MissingFact, ...]
    unchecked: tuple[Unchecked, ...]

    def as_json(self) -> dict[str, object]:
        """Plain JSON types; equal facts, day and rule give equal output."""
        return cast("dict[str, object]", as_plain(self))

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> "Evaluation":
        """The evaluation that `as_json` wrote; refuses with `BadInput` what is none."""
        return from_plain(cls, data)


def day_of(as_of: date | datetime) -> date:
    """The calendar day of a moment in the moment's own zone; refuses one without zone or UTC.

    A law begins at local midnight: convert the moment to that place's zone first where the
    hours around a commencement matter.
    """
    if not isinstance(as_of, datetime):
        return as_of
    if as_of.tzinfo is None:
        raise BadInput("A time without a zone is not a moment", remedy="Add Z or an offset.")
    try:
        as_of.astimezone(UTC)
    except OverflowError:
        raise BadInput("This moment does not exist in UTC", remedy="Name another day.") from None
    return as_of.date()


def weakest(statuses: Iterable[Status]) -> Status:
    """The least checked of some statuses; refuses none with `ValueError`."""
    return min(statuses, key=_RANK)


def ranked(leaves: Iterable[Trace]) -> tuple[MissingFact, ...]:
    """The missing facts among open leaves, the one that decides most branches first."""
    counted = Counter(leaf.fact for leaf in leaves if leaf.fact is not None)
    order = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    return tuple(MissingFact(fact=fact, decides=times) for fact, times in order)


def judge(
    rule: Rule,
    facts: Mapping[str, Value],
    *,
    as_of: date | datetime,
    floor: Status = Status.RECALLED,
) -> Evaluation:
    """Judge `rule` on admitted facts, whatever its dates; raise `Conflict` (see `_with`).

    1. The base is bearer and connection and trigger.
    2. Each exception turns it, by priority.
    3. What rests on dates below `floor` cannot be said.
    The caller has chosen the edition for the day (`Lawbook.edition`).
    """
    parts = (
        evaluate(rule.bearer, facts, path="bearer", floor=floor),
        evaluate(rule.connection, facts, path="connection", floor=floor),
        evaluate(rule.trigger, facts, path="trigger", floor=floor),
    )
    base = Trace(
        path="rule", op="all", result=conjunction([part.result for part in parts]), parts=parts
    )
    considered: tuple[Considered, ...] = ()
    outcome = base.result
    if rule.unless:
        ordered = sorted(rule.unless, key=lambda one: (one.priority, one.id))
        considered = tuple(_consider(each, facts, floor) for each in ordered)
        outcome = _with(base.result, considered, rule)
    if below(rule.in_force.status, floor):
        outcome = UNKNOWN
    unknown = _unknown(base, considered) if outcome is UNKNOWN else []
    return Evaluation(
        rule_id=rule.id,
        rule_version=rule.version,
        as_of=day_of(as_of),
        floor=floor,
        outcome=outcome,
        status=_weakest(outcome, base, considered, rule),
        trace=base,
        exceptions=considered,
        missing=_missing(unknown),
        unchecked=_unchecked(unknown, considered, rule, floor) if outcome is UNKNOWN else (),
    )


def check(
    stated: Discharge | Precondition | Extension,
    when: Expr,
    facts: Mapping[str, Value],
    *,
    among: str,
    text: str,
    floor: Status,
) -> Checked:
    """Judge a named condition; what it says below the floor is UNKNOWN, unless it fails anyway."""
    trace = evaluate(when, facts, path=f"{among}.{stated.id}", floor=floor)
    unchecked = trace.result is YES and below(stated.status, floor)
    return Checked(
        id=stated.id,
        text=text,
        result=UNKNOWN if unchecked else trace.result,
        unchecked=unchecked,
        trace=trace,
        cite=stated.cite,
        source=stated.source,
        status=stated.status,
    )


def unchecked_of(stated: Cited, *, path: str) -> Unchecked:
    """A statement of the rule itself (its dates, an exception) as one that is unchecked."""
    return Unchecked(path=path, cite=stated.cite, source=stated.source, status=stated.status)


def unchecked_in(trace: Trace) -> tuple[Unchecked, ...]:
    """The leaves of a trace that are below the floor and could still turn its result."""
    return tuple(_unchecked_leaf(leaf) for leaf in trace.unchecked_leaves())


def _consider(unless: Unless, facts: Mapping[str, Value], floor: Status) -> Considered:
    trace = evaluate(unless.when, facts, path=f"unless.{unless.id}", floor=floor)
    unchecked = trace.result is YES and below(unless.status, floor)
    return Considered(
        id=unless.id,
        priority=unless.priority,
        lifts=unless.lifts,
        reason=unless.reason,
        result=UNKNOWN if unchecked else trace.result,
        trace=trace,
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
        level = [(NO if each.lifts else base, each) for each in considered]
        level = [(says, each) for says, each in level if each.priority == priority]
        holding = {says for says, each in level if each.result is YES}
        perhaps = {says for says, each in level if each.result is UNKNOWN}
        if holding == {YES, NO}:
            names = ", ".join(each.id for _, each in level if each.result is YES)
            raise Conflict(
                f"The rule {rule.id} contradicts itself",
                why=f"the exceptions {names} have one priority and opposite effects",
                remedy="A lawyer must decide; then give one of them the higher priority.",
            )
        possible = (holding or {outcome}) | perhaps
        outcome = possible.pop() if len(possible) == 1 else UNKNOWN
    return outcome


def _weakest(outcome: Truth, base: Trace, considered: tuple[Considered, ...], rule: Rule) -> Status:
    """The weakest of the dates, the leaves that carry the answer and the exceptions used.

    What could not be judged counts only while the answer is unknown because of it.
    """
    used = [rule.in_force.status]
    if base.result is outcome:
        used += [leaf.status for leaf in base.deciding() if leaf.status is not None]
    for each in considered:
        if each.result is UNKNOWN and outcome is not UNKNOWN:
            continue
        used += [leaf.status for leaf in each.trace.deciding() if leaf.status is not None]
        if each.result is not NO:
            used.append(each.status)
    return weakest(used)


def _unknown(base: Trace, considered: tuple[Considered, ...]) -> list[Trace]:
    """Every leaf that could still turn an answer that is unknown."""
    leaves = base.unknown_leaves()
    for each in considered:
        leaves += each.trace.unknown_leaves()
    return leaves


def _missing(unknown: list[Trace]) -> tuple[MissingFact, ...]:
    """The facts that could settle it; a leaf that is unchecked as well is settled by none."""
    return ranked([leaf for leaf in unknown if not leaf.unchecked]) if unknown else ()


def _unchecked(
    unknown: list[Trace], considered: tuple[Considered, ...], rule: Rule, floor: Status
) -> tuple[Unchecked, ...]:
    """The dates, leaves and exceptions below the floor that keep the answer unknown."""
    found = [_unchecked_leaf(leaf) for leaf in unknown if leaf.unchecked]
    if below(rule.in_force.status, floor):
        found.insert(0, unchecked_of(rule.in_force, path="in_force"))
    for each in considered:
        if each.result is not NO and below(each.status, floor):
            at = Unchecked(
                path=f"unless.{each.id}", cite=each.cite, source=each.source, status=each.status
            )
            found.append(at)
    return tuple(found)


def _unchecked_leaf(leaf: Trace) -> Unchecked:
    assert leaf.cite is not None  # noqa: S101 - every leaf is cited
    assert leaf.source is not None  # noqa: S101
    assert leaf.status is not None  # noqa: S101
    return Unchecked(
        path=leaf.path, fact=leaf.fact, cite=leaf.cite, source=leaf.source, status=leaf.status
    )
