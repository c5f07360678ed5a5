"""How long: fixed periods become a moment, qualitative ones stay the words of the law.

What bends a clock (pauses, extensions) is counted only where it is known: what is not known
leaves the earliest moment standing, so a deadline is never shown too late.
"""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from tutela.law.evaluating import Checked, check, weakest
from tutela.law.expressions import NO, UNKNOWN, YES, Trace, below, evaluate
from tutela.law.model import (
    Clock,
    ClockKind,
    ClockLevel,
    Pause,
    Retention,
    Status,
    Timing,
    Truth,
    Unit,
)
from tutela.law.vocabulary import Known, Value


class ClockState(Enum):
    """Where a clock stands. UNKNOWN: it cannot be said whether it runs, or how long."""

    NO_CLOCK = "no_clock"
    NOT_STARTED = "not_started"
    RUNNING = "running"
    PAUSED = "paused"
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
class Paused:
    """A pause: YES while it holds or has held, UNKNOWN while its begin or end is not known."""

    id: str
    text: str
    result: Truth
    since: datetime | None
    until: datetime | None
    missing: tuple[str, ...]
    unchecked: bool
    cite: str
    source: str
    status: Status


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """By when. Only a fixed clock has `due_at`; a qualitative one has the words of the law.

    `level` is the priority level that holds; while several may hold, `candidates` lists them
    and the strictest is shown. `unchecked`: the timing is below the floor; it is shown, and
    says nothing (state UNKNOWN, no due moment). `target_at` comes from the operator's policy
    alone.
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
    preconditions: tuple[Checked, ...] = ()
    pauses: tuple[Paused, ...] = ()
    extends: tuple[Checked, ...] = ()
    unchecked: bool = False
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
    """One keeping period. `until` is `None` while it has not begun or this is not known.

    `n` and `unit` are `None` where no period is recorded: it never ends by itself.
    `unchecked`: the period is below the floor; it is shown, and ends nothing.
    """

    id: str
    what: tuple[str, ...]
    n: int | None
    unit: Unit | None
    starts: str
    started_at: datetime | None
    until: datetime | None
    then: str
    unchecked: bool
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
    floor: Status = Status.RECALLED,
) -> Due:
    """The clock of a duty on these facts; `now` is needed only to say that it is late."""
    traces = tuple(
        evaluate(level.when, facts, path=f"clock.{level.id}", floor=floor) for level in clock.levels
    )
    candidates = _candidates(clock, traces)
    timing: Timing = candidates[0][1]
    unchecked = below(timing.status, floor)
    started = moment_of(clock.starts, facts)
    before, pauses, longer = _bending(clock, facts, floor)
    due_at = None
    if timing.kind is ClockKind.FIXED and started and timing.n and timing.unit and not unchecked:
        due_at = add(started, timing.n, timing.unit, at_least=False)
        due_at = _bent(started, due_at, clock, pauses, longer)
    names = tuple(name for name, _ in candidates)
    state = _state(timing, clock.starts, facts, due_at, now=now, met=met, unchecked=unchecked)
    return Due(
        kind=timing.kind,
        state=_held_up(state, before, pauses, longer, runs_out=due_at is not None),
        due_at=due_at,
        standard=timing.standard,
        legal_text=timing.legal_text,
        delegated_to=timing.delegated_to,
        starts=clock.starts,
        started_at=started,
        level=names[0] if len(names) == 1 and clock.levels else None,
        candidates=names if len(names) > 1 else (),
        levels=traces,
        preconditions=before,
        pauses=pauses,
        extends=longer,
        unchecked=unchecked,
        cite=timing.cite,
        source=timing.source,
        status=weakest([timing.status, *_statuses(traces)]),
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


def _bending(
    clock: Clock, facts: Mapping[str, Value], floor: Status
) -> tuple[tuple[Checked, ...], tuple[Paused, ...], tuple[Checked, ...]]:
    """What must come before the clock, what stops it and what makes it longer, on these facts."""
    if not (clock.preconditions or clock.pauses or clock.extends):
        return (), (), ()
    before = tuple(
        check(one, one.met_when, facts, among="clock.preconditions", text=one.text, floor=floor)
        for one in clock.preconditions
    )
    pauses = tuple(_paused(one, facts, floor) for one in clock.pauses)
    longer = tuple(
        check(one, one.when, facts, among="clock.extends", text=one.text, floor=floor)
        for one in clock.extends
    )
    return before, pauses, longer


def _paused(pause: Pause, facts: Mapping[str, Value], floor: Status) -> Paused:
    since, until = moment_of(pause.from_, facts), moment_of(pause.until, facts)
    unchecked = below(pause.status, floor)
    result = UNKNOWN
    if facts.get(pause.from_) is Known.NONE:
        result = NO
    elif since is not None and pause.until in facts and not unchecked:
        result = YES
    return Paused(
        id=pause.id,
        text=pause.text,
        result=result,
        since=since,
        until=until,
        missing=tuple(
            fact for fact in (pause.from_, pause.until) if result is UNKNOWN and fact not in facts
        ),
        unchecked=unchecked and result is UNKNOWN,
        cite=pause.cite,
        source=pause.source,
        status=pause.status,
    )


def _bent(
    started: datetime,
    due_at: datetime,
    clock: Clock,
    pauses: tuple[Paused, ...],
    longer: tuple[Checked, ...],
) -> datetime | None:
    """The moment after every known pause and extension; `None` while a pause holds.

    Only time in which the clock ran is stopped, and once: not what lies before its start, not
    what another pause has stopped already, and nothing after it has run out.
    """
    for extension, checked in zip(clock.extends, longer, strict=True):
        if checked.result is YES:
            due_at = add(due_at, extension.n, extension.unit, at_least=False)
    stood_until = started
    for since, until in sorted(
        ((each.since, each.until) for each in pauses if each.result is YES and each.since),
        key=lambda pause: pause[0],
    ):
        stopped = max(since, stood_until)
        if stopped >= due_at:
            break
        if until is None:
            return None
        if until > stopped:
            due_at += until - stopped
            stood_until = until
    return due_at


def _state(
    timing: Timing,
    starts: str | None,
    facts: Mapping[str, Value],
    due_at: datetime | None,
    *,
    now: datetime | None,
    met: bool,
    unchecked: bool,
) -> ClockState:
    if timing.kind is ClockKind.NONE and (met or not unchecked):
        return ClockState.NO_CLOCK
    if met:
        return ClockState.MET
    if unchecked or starts is None or starts not in facts:
        return ClockState.UNKNOWN
    if facts[starts] is Known.NONE:
        return ClockState.NOT_STARTED
    if due_at is not None and now is not None and now > due_at:
        return ClockState.LATE
    return ClockState.RUNNING


def _held_up(
    state: ClockState,
    before: tuple[Checked, ...],
    pauses: tuple[Paused, ...],
    longer: tuple[Checked, ...],
    *,
    runs_out: bool,
) -> ClockState:
    """The state with what bends the clock: late is said only when nothing unknown could help.

    `runs_out`: there is a due moment, so a pause that still holds began too late to stop it.
    """
    if state not in (ClockState.RUNNING, ClockState.LATE):
        return state
    if any(each.result is NO for each in before):
        return ClockState.NOT_STARTED
    if not runs_out and any(each.result is YES and each.until is None for each in pauses):
        return ClockState.PAUSED
    if any(each.result is UNKNOWN for each in before):
        return ClockState.UNKNOWN
    bends = [each.result for each in pauses] + [each.result for each in longer]
    if state is ClockState.LATE and UNKNOWN in bends:
        return ClockState.UNKNOWN
    return state


def kept(
    retention: Retention, facts: Mapping[str, Value], *, floor: Status = Status.RECALLED
) -> Kept:
    """One keeping period on these facts."""
    started = moment_of(retention.from_, facts)
    unchecked = below(retention.status, floor)
    until = None
    if started and retention.n and retention.unit and not unchecked:
        until = add(started, retention.n, retention.unit, at_least=True)
    return Kept(
        id=retention.id,
        what=retention.what,
        n=retention.n,
        unit=retention.unit,
        starts=retention.from_,
        started_at=started,
        until=until,
        then=retention.then.value,
        unchecked=unchecked,
        cite=retention.cite,
        source=retention.source,
        status=retention.status,
    )
