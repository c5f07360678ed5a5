"""Whether the recorded law of a place punishes a conduct: by what was done, never by a label.

1. Offences that speak of the act are looked at; if none does, the answer is unknown.
2. Each is judged dimension by dimension on the edition of the day, then by what it requires
   beside its scope, then by its exceptions.
3. One that holds is enough; "no" needs every one of them to say so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from tutela.law.book import Lawbook, edition_on
from tutela.law.evaluating import MissingFact, ranked
from tutela.law.expressions import (
    NO,
    UNKNOWN,
    YES,
    Trace,
    below,
    conjunction,
    disjunction,
    evaluate,
    negation,
)
from tutela.law.model import Beyond, Status, Truth, Unless
from tutela.law.offences import About, Dimension, Offence, Penalty, ScopeRow
from tutela.law.vocabulary import Value

REQUIRES, EXCEPTION, DATES = "condition", "exception", "dates"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One offence held against a conduct. `fails` names the first part that is not a yes."""

    offence_id: str
    version: str
    title: str
    cite: str
    outcome: Truth
    beyond: Beyond | None
    trace: Trace
    fails: str | None
    penalty: Penalty | None

    @property
    def distance(self) -> int:
        """How far the offence is from holding: a no counts two, an unknown one."""
        return sum({YES: 0, UNKNOWN: 1, NO: 2}[part.result] for part in self.trace.parts)

    def failing(self) -> Trace | None:
        """The first part that is not a yes, as a trace."""
        return next((part for part in self.trace.parts if part.result is not YES), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Punished:
    """The answer for one place. `nearest` is the offence that holds, or comes closest.

    `why` is set where no offence could be judged. `status` is that of the weakest statement
    the answer rests on (`RECALLED` when there is none).
    """

    jurisdiction: str
    as_of: date
    floor: Status
    outcome: Truth
    status: Status
    offences: tuple[Judged, ...]
    missing: tuple[MissingFact, ...]
    why: str

    @property
    def nearest(self) -> Judged | None:
        """The offence that holds, or else the one that fails in the fewest parts."""
        return self.offences[0] if self.offences else None


def punished(
    book: Lawbook,
    code: str,
    facts: Mapping[str, Value],
    *,
    as_of: date,
    floor: Status = Status.SECONDARY,
) -> Punished:
    """Judge a conduct (admitted facts) by the law of `code`; raise `NotFound` for a strange one."""
    book.jurisdiction(code)
    act = facts.get(Dimension.ACT.fact)
    by_id: dict[str, list[Offence]] = {}
    for offence in book.offences:
        if offence.jurisdiction == code and (act is None or offence.names_act(act)):
            by_id.setdefault(offence.id, []).append(offence)
    judged = sorted(
        (_judge(editions, facts, on=as_of, floor=floor) for editions in by_id.values()),
        key=lambda one: (one.outcome is not YES, one.outcome is NO, one.distance, one.offence_id),
    )
    outcome = disjunction([one.outcome for one in judged]) if judged else UNKNOWN
    deciding = [one for one in judged if one.outcome is outcome]
    resting = deciding if outcome is NO else deciding[:1]  # a no rests on every one of them
    stated = [each for one in resting for each in _stated(one.trace)]
    return Punished(
        jurisdiction=code,
        as_of=as_of,
        floor=floor,
        outcome=outcome,
        status=min((each.status for each in stated if each.status), default=Status.RECALLED),
        offences=tuple(judged),
        missing=ranked(
            leaf
            for one in judged
            if outcome is UNKNOWN and one.outcome is UNKNOWN
            for leaf in one.trace.unknown_leaves()
            if leaf.missing
        ),
        why=_why(outcome, judged[0] if judged else None, act, floor),
    )


def _stated(trace: Trace) -> Iterator[Trace]:
    """The statements that carry the result, those of exceptions beside their conditions."""
    yield from trace.deciding()
    if trace.result is not YES:
        yield from (part for part in trace.parts if part.result is trace.result)


def _judge(
    editions: list[Offence], facts: Mapping[str, Value], *, on: date, floor: Status
) -> Judged:
    offence, beyond = edition_on(editions, on=on)
    parts = tuple(_parts(offence, beyond, facts, floor))
    trace = Trace(
        path=offence.id,
        op="all",
        result=conjunction([part.result for part in parts]),
        parts=parts,
    )
    failing = next((part.path for part in parts if part.result is not YES), None)
    return Judged(
        offence_id=offence.id,
        version=offence.version,
        title=offence.title,
        cite=offence.cite,
        outcome=trace.result,
        beyond=beyond,
        trace=trace,
        fails=failing,
        penalty=offence.penalty,
    )


def _parts(
    offence: Offence, beyond: Beyond | None, facts: Mapping[str, Value], floor: Status
) -> Iterator[Trace]:
    """The parts of an offence in the order in which a divergence is named."""
    for dimension in Dimension:
        asked = dimension in offence.about.dimensions
        if dimension is Dimension.CONTENT:  # looked at where the conduct says what it is
            asked = dimension.fact in facts and offence.about is About.MATERIAL
        if asked:
            yield _dimension(offence.rows(dimension), dimension, facts, floor)
    if offence.requires is not None:
        yield evaluate(offence.requires, facts, path=REQUIRES, floor=floor)
    yield from _exceptions(offence.unless, facts, floor)
    yield _dates(offence, beyond, floor)


def _dates(offence: Offence, beyond: Beyond | None, floor: Status) -> Trace:
    """The day as a part: outside the dates there is no law, or law that nobody recorded."""
    span = offence.in_force
    result = {None: YES, Beyond.NOT_LAW: NO, Beyond.UNRECORDED: UNKNOWN}[beyond]
    unchecked = below(span.status, floor)
    return Trace(
        path=DATES,
        op="in_force",
        result=UNKNOWN if unchecked else result,
        fact=DATES,
        expected=(span.from_, span.to),
        unchecked=unchecked,
        cite=span.cite,
        source=span.source,
        status=span.status,
    )


def _exceptions(
    listed: tuple[Unless, ...], facts: Mapping[str, Value], floor: Status
) -> Iterator[Trace]:
    """Each lifting exception as a part: the offence holds where it does not, or is lifted itself.

    One with `lifts` false only takes away those of a lower priority; whether it takes away one
    of its own priority, a lawyer must decide: where both hold the answer is unknown.
    """
    held = [(each, *_held(each, facts, floor)) for each in listed]
    for each, inner, holds in held:
        if not each.lifts:
            continue
        against = [
            (trace, UNKNOWN if one.priority == each.priority and says is YES else says)
            for one, trace, says in held
            if not one.lifts and one.priority >= each.priority and says is not NO
        ]
        stands = [negation(says) for _, says in against]
        yield Trace(
            path=f"{EXCEPTION}.{each.id}",
            op="not",
            result=negation(conjunction([holds, *stands])),
            parts=(inner, *(trace for trace, _ in against)),
            expected=each.reason,
            unchecked=holds is not inner.result,
            cite=each.cite,
            source=each.source,
            status=each.status,
        )


def _held(unless: Unless, facts: Mapping[str, Value], floor: Status) -> tuple[Trace, Truth]:
    """How an exception's condition was judged, and whether the exception holds at this floor."""
    inner = evaluate(unless.when, facts, path=f"{EXCEPTION}.{unless.id}.when", floor=floor)
    unchecked = inner.result is YES and below(unless.status, floor)
    return inner, UNKNOWN if unchecked else inner.result


def _dimension(
    rows: tuple[ScopeRow, ...], dimension: Dimension, facts: Mapping[str, Value], floor: Status
) -> Trace:
    """One dimension: covered, left out, or not recorded; a row below the floor is unchecked."""
    value = facts.get(dimension.fact)
    if value is None:
        return Trace(
            path=dimension.value,
            op="scope",
            result=UNKNOWN,
            fact=dimension.fact,
            expected=tuple(word for row in rows for word in row.covers),
            missing=True,
        )
    covering = [row for row in rows if _covers(row, value)]
    if dimension is Dimension.AGE:
        excluding = [] if covering else list(rows)
    else:
        excluding = [row for row in rows if value in row.excludes]
    naming = covering + excluding
    checked = [row for row in naming if not below(row.status, floor)]
    if not naming:
        return _unrecorded(dimension, value)
    if not checked:
        return _scope(dimension, value, naming[0], UNKNOWN, unchecked=True)
    saying = {row in covering for row in checked}
    if len(saying) > 1:
        return _scope(dimension, value, checked[0], UNKNOWN)
    return _scope(dimension, value, checked[0], YES if saying == {True} else NO)


def _covers(row: ScopeRow, value: Value) -> bool:
    if row.below is None:
        return value in row.covers
    return isinstance(value, int) and (row.from_ or 0) <= value < row.below


def _scope(
    dimension: Dimension, value: Value, row: ScopeRow, result: Truth, *, unchecked: bool = False
) -> Trace:
    expected: object = row.covers or None
    if row.below is not None:
        expected = f"from {row.from_ or 0}, below {row.below}"
    return Trace(
        path=dimension.value,
        op="scope",
        result=result,
        fact=dimension.fact,
        expected=expected,
        value=value,
        unchecked=unchecked,
        cite=row.cite,
        source=row.source,
        status=row.status,
    )


def _unrecorded(dimension: Dimension, value: Value) -> Trace:
    """No row names the value: the law may well speak of it, this book does not."""
    return Trace(
        path=dimension.value, op="unrecorded", result=UNKNOWN, fact=dimension.fact, value=value
    )


def _why(  # noqa: PLR0911 - one line a reason
    outcome: Truth, nearest: Judged | None, act: Value | None, floor: Status
) -> str:
    if nearest is None:
        return f"Cannot say: no recorded offence names the act “{_plain(act)}”."
    if outcome is YES:
        return f"Punished: {nearest.title} ({nearest.cite})."
    failing = nearest.failing()
    part = failing.path if failing else ""
    if outcome is NO:
        return f"Not punished by what is recorded; nearest: {nearest.cite}, {part}."
    if failing is not None and failing.op == "unrecorded":
        named = f"{part} “{_plain(failing.value)}”"
        return f"Cannot say: {nearest.cite} is recorded without a word on {named}."
    if failing is not None and (failing.unchecked or list(failing.unchecked_leaves())):
        return f"Cannot say at status {floor.value}: {part} rests on {nearest.cite}, not checked."
    if part == DATES:
        return f"Cannot say: {nearest.cite} is not recorded for that day."
    return f"Cannot say: {part} of {nearest.cite} needs more facts."


def _plain(value: object) -> str:
    """A word of the vocabulary as people write it."""
    return str(value).replace("_", " ")
