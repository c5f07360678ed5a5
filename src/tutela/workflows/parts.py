"""What the stories work with, and how they wait: durably, and ready to be stopped.

DBOS finds a story by its name after a crash, so its parts cannot be arguments; they are
set once, before the engine starts.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog
from dbos import DBOS

from tutela.counsel.detection import Detecting
from tutela.ledger.outward import OutwardGate
from tutela.primitives.clock import Clock, iso
from tutela.primitives.database import Database
from tutela.primitives.errors import Misconfigured, Unavailable
from tutela.reporting.conversing import Next
from tutela.reporting.desk import Desk
from tutela.reporting.notifying import DecisionListener
from tutela.reporting.restricting import Platform

log = structlog.get_logger()
T = TypeVar("T")
AT_ONCE = 4
"""Steps that run at the same moment; each uses up to two database connections."""
_LONGEST_PAUSE = 15.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How long a story waits before it tries again, and for how long it goes on trying.

    Waits double from `first` to `longest`. After `horizon` without one usable answer a
    story stops and says so to people; the work stays and can be taken up again.
    """

    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=15)
    horizon: timedelta = timedelta(days=7)

    def wait(self, attempt: int) -> timedelta:
        """The wait after failed attempt number `attempt` (from 1)."""
        return min(self.longest, self.first * int(2 ** min(attempt - 1, 30)))


@dataclass(kw_only=True)
class Parts:
    """Everything the stories use. `turns`: how many steps run at once, whatever waits.

    `outward` is the gate before every outward act; the desk and the channels hold the same one.
    `detecting` is the gate before every match, whose end is watched (None: not watched).
    `decisions` hears what was decided (None: nobody is told).
    `late_after` is the age at which a report that is under way is said to be late.
    `verify` reads some of the evidence back, now and then (None: nobody does).
    `running` are the threads of unfinished stories, `waiting` those that wait and until when.
    """

    desk: Desk
    platform: Platform | None
    outward: OutwardGate
    decisions: DecisionListener | None = None
    pace: Pace = field(default_factory=Pace)
    detecting: Detecting | None = None
    late_after: timedelta = timedelta(hours=1)
    verify: Callable[[], None] | None = None
    turns: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AT_ONCE))
    running: set[int] = field(default_factory=set)
    waiting: dict[int, datetime] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """The desk's database."""
        return self.desk.database

    @property
    def clock(self) -> Clock:
        """The desk's clock."""
        return self.desk.clock

    def sleep(self, seconds: float) -> None:
        """Wait, or raise `Stopped` as soon as the process is asked to end."""
        self.desk.pause(seconds)

    def idle(self, *, for_: timedelta) -> int:
        """How many stories will wait for longer than `for_`."""
        until = self.clock.now() + for_
        return sum(due > until for due in list(self.waiting.values()))

    def end(self) -> None:
        """Ask every story to stop at its next step or wait."""
        self.desk.stop.set()


_PARTS: Parts | None = None


@contextmanager
def using(parts: Parts) -> Iterator[None]:
    """The stories work with `parts` inside this block."""
    global _PARTS  # noqa: PLW0603 - see the module's promise
    _PARTS = parts
    try:
        yield
    finally:
        _PARTS = None


def parts() -> Parts:
    """The parts in use; raise `Misconfigured` outside `using`."""
    if _PARTS is None:
        raise Misconfigured("The stories have no parts", why="the engine is not running")
    return _PARTS


@contextmanager
def story(subject: str) -> Iterator[Parts]:
    """One story's run in this thread; counted, so that the relay knows how much is going on."""
    mine, me = parts(), threading.get_ident()
    mine.running.add(me)
    log.debug("story_begins", subject=subject)
    try:
        yield mine
    finally:
        mine.running.discard(me)


def durably(name: str, do: Callable[[], T]) -> T:
    """Run one step: its result is stored, so a finished step is not run again.

    It may still run twice when the process dies before the result is stored, so every step
    looks at the stored state first. While the database or the evidence store is away the
    step waits and tries again. The result must be JSON.
    """
    return DBOS.run_step({"name": name}, _patiently, name, do)


def wait(delay: timedelta) -> None:
    """Wait durably: after a crash only what is left of the time is waited.

    Never longer than `delay`, though the clock was set back since.
    """
    mine, me = parts(), threading.get_ident()
    due = datetime.fromisoformat(durably("due", lambda: iso(mine.clock.now() + delay)))
    left = min(delay, due - mine.clock.now())
    mine.waiting[me] = mine.clock.now() + left
    try:
        mine.sleep(left.total_seconds())
    finally:
        mine.waiting.pop(me, None)


def persist(
    name: str,
    step: Callable[[], Next],
    on_horizon: Callable[[], None],
    on_retry: Callable[[datetime], None],
) -> Next:
    """Repeat `step` until it is done or stopped, with growing waits while it fails.

    `on_retry` stores when the next attempt is made. When nothing has worked for as long as the
    pace's horizon, `on_horizon` runs (as a step of its own) and the story stops.
    """
    mine = parts()
    failures, since = 0, None
    while True:
        result = Next(durably(name, lambda: step().value))
        if result in {Next.DONE, Next.STOPPED}:
            return result
        if result is Next.GO_ON:
            since = None
            continue
        if result is Next.BUSY:
            wait(mine.pace.first)
            continue
        failures += 1
        delay = mine.pace.wait(failures)
        failed_at = durably("failed_at", partial(_failed_at, mine, delay, on_retry))
        now = datetime.fromisoformat(failed_at)
        since = since or now
        if now - since >= mine.pace.horizon:
            durably("horizon", on_horizon)
            return Next.STOPPED
        log.warning("step_failed", step=name, failures=failures, next_try_at=iso(now + delay))
        wait(delay)


def _failed_at(mine: Parts, delay: timedelta, on_retry: Callable[[datetime], None]) -> str:
    """The moment of a failed attempt, once the time of the next one is stored."""
    now = mine.clock.now()
    on_retry(now + delay)
    return iso(now)


def _patiently(name: str, do: Callable[[], T]) -> T:
    mine, attempt = parts(), 0
    while True:
        mine.sleep(0)
        try:
            with mine.turns:
                return do()
        except Unavailable as away:
            attempt += 1
            seconds = min(_LONGEST_PAUSE, 0.25 * 2 ** min(attempt, 10))
            log.warning("part_away", step=name, why=away.what, attempt=attempt, seconds=seconds)
            mine.sleep(seconds)
