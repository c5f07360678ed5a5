"""How long: fixed periods become a moment, qualitative ones stay the words of the law."""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from tutela.law.expressions import NO, YES, Trace, evaluate
from tutela.law.model import Clock, ClockKind, ClockLevel, Retention, Status, Timing, Unit
from tutela.law.vocabulary import Known, Value


class ClockState(Enum):
    """Where a clock stands. UNKNOWN: it cannot be said whether it has started."""

    NO_CLOCK = "no_clock"
    NOT_STARTED = "not_started"
    RUNNING = "running"
    LATE = "late"
    MET = "met"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorTarget:
    """The operator's own aim for a duty: policy, never law, and always shown as such."""

    rule_id: str
    n: int
    unit: Unit
    set_by: str
    rationale: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """By when. Only a fixed clock has `due_at`; a qualitative one has the words of the law.

    `level` is the priority level that holds; while several may hold, `candidates` lists them
    and the strictest is shown. `target_at` comes from the operator's policy alone.
    """

    kind: ClockKind
    state: ClockState
    due_at: datetime | None = None
    standard: str | None = None
    legal_text: str | None = None
    delegated_to: str | None = None
    starts: str | None = None
    started_at: datetime | None = None
    level: str | None = None
    candidates: tuple[str, ...] = ()
    levels: tuple[Trace, ...] = ()
    cite: str
    source: str
    status: Status
    target_at: datetime | None = None
    target: OperatorTarget | None = None

    def __post_init__(self) -> None:
        if self.due_at is not None and self.kind is not ClockKind.FIXED:
            raise ValueError("only a fixed clock has a due moment")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """One keeping period. `until` is `None` while it has not begun or this is not known."""

    id: str
    what: tuple[str, ...]
    n: int
    unit: Unit
    starts: str
    started_at: datetime | None
    until: datetime | None
    then: str
    cite: str
    source: str
    status: Status


def add(moment: datetime, n: int, unit: Unit, *, at_least: bool) -> datetime:
    """`moment` plus a legal period; months and years go by the calendar.

    When the day does not exist (29 February plus a year): the first of the next month for a
    time to keep (`at_least`), the last of the month for a time to act, so never too short a
    keeping and never too late a deadline.
    """
    if unit is Unit.HOURS:
        return moment + timedelta(hours=n)
    if unit is Unit.DAYS:
        return moment + timedelta(days=n)
    months = moment.year * 12 + moment.month - 1 + (n * 12 if unit is Unit.YEARS else n)
    year, month = divmod(months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    if moment.day <= last:
        return moment.replace(year=year, month=month + 1)
    end = moment.replace(year=year, month=month + 1, day=last)
    return end + timedelta(days=1) if at_least else end


def moment_of(fact: str | None, facts: Mapping[str, Value]) -> datetime | None:
    """The moment in a fact, or `None` when it is missing or known not to have come."""
    value = facts.get(fact) if fact is not None else None
    return value if isinstance(value, datetime) else None


def due(
    clock: Clock,
    facts: Mapping[str, Value],
    *,
    now: datetime | None,
    met: bool,
    target: OperatorTarget | None = None,
) -> Due:
    """The clock of a duty on these facts; `now` is needed only to say that it is late."""
    traces = tuple(evaluate(level.when, facts, path=f"clock.{level.id}") for level in clock.levels)
    candidates = _candidates(clock, traces)
    timing: Timing = candidates[0][1]
    started = moment_of(clock.starts, facts)
    due_at = None
    if timing.kind is ClockKind.FIXED and started and timing.n and timing.unit:
        due_at = add(started, timing.n, timing.unit, at_least=False)
    names = tuple(name for name, _ in candidates)
    return Due(
        kind=timing.kind,
        state=_state(clock, timing, facts, due_at, now=now, met=met),
        due_at=due_at,
        standard=timing.standard,
        legal_text=timing.legal_text,
        delegated_to=timing.delegated_to,
        starts=clock.starts,
        started_at=started,
        level=names[0] if len(names) == 1 and clock.levels else None,
        candidates=names if len(names) > 1 else (),
        levels=traces,
        cite=timing.cite,
        source=timing.source,
        status=min([timing.status, *_statuses(traces)]),
        target_at=add(started, target.n, target.unit, at_least=False)
        if target and started
        else None,
        target=target,
    )


def _candidates(clock: Clock, traces: tuple[Trace, ...]) -> list[tuple[str, Timing]]:
    """The levels that hold or may hold, strictest first, up to the first that surely holds."""
    found: list[tuple[str, Timing]] = []
    level: ClockLevel
    for level, trace in zip(clock.levels, traces, strict=True):
        if trace.result is NO:
            continue
        found.append((level.id, level))
        if trace.result is YES:
            return found
    found.append(("otherwise", clock))
    return found


def _statuses(traces: tuple[Trace, ...]) -> list[Status]:
    return [leaf.status for trace in traces for leaf in trace.deciding() if leaf.status]


def _state(
    clock: Clock,
    timing: Timing,
    facts: Mapping[str, Value],
    due_at: datetime | None,
    *,
    now: datetime | None,
    met: bool,
) -> ClockState:
    if timing.kind is ClockKind.NONE:
        return ClockState.NO_CLOCK
    if met:
        return ClockState.MET
    if clock.starts is None or clock.starts not in facts:
        return ClockState.UNKNOWN
    if facts[clock.starts] is Known.NONE:
        return ClockState.NOT_STARTED
    if due_at is not None and now is not None and now > due_at:
        return ClockState.LATE
    return ClockState.RUNNING


def kept(retention: Retention, facts: Mapping[str, Value]) -> Kept:
    """One keeping period on these facts."""
    started = moment_of(retention.from_, facts)
    return Kept(
        id=retention.id,
        what=retention.what,
        n=retention.n,
        unit=retention.unit,
        starts=retention.from_,
        started_at=started,
        until=add(started, retention.n, retention.unit, at_least=True) if started else None,
        then=retention.then.value,
        cite=retention.cite,
        source=retention.source,
        status=retention.status,
    )
