"""Lookup processes: they look up hashes and do nothing else, as many as the settings say.

Each is a process of its own that opens the shared indexes and listens on the lookup port; the
kernel spreads the connections over all that do. The staff process starts them and starts one
again that has ended. They end with it, however it ends: each waits for the end of a pipe.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import structlog

from tutela.accounts.keys import caller_of
from tutela.accounts.model import Actor
from tutela.counsel.detection import Detecting
from tutela.hashing.model import Hashed
from tutela.indicators.following import following
from tutela.indicators.model import MatchResult
from tutela.law.detecting import KINDS_ASKED
from tutela.ledger.outward import OutwardGate
from tutela.primitives.clock import Clock, SystemClock
from tutela.primitives.database import Database
from tutela.primitives.redacted import Redacted
from tutela.wiring.lawbook import lawbook_of
from tutela.wiring.matching import ListIndex, Opened, open_matching
from tutela.wiring.opening import open_database, outward_gate
from tutela.wiring.provider import detecting_of
from tutela.wiring.settings import Settings

_LOOK_SECONDS = 0.5
_AGAIN_SECONDS = 5.0
_LEAVE_SECONDS = 15.0
_LOG = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookups:
    """What a lookup process works with: no key that opens anything, no decoder, no evidence."""

    database: Database
    clock: Clock
    detecting: Detecting
    outward: OutwardGate
    _opening: Future[Opened]

    @property
    def lists(self) -> ListIndex:
        """The indexes; waits until every list is there, and raises what went wrong with it."""
        return self._opening.result()[0]

    def look_up(self, hashes: Sequence[Hashed]) -> list[MatchResult]:
        """What each meets; a lookup is detection, so raise `Refused` without a basis today."""
        self.detecting.require()  # before it waits for the lists
        return self._opening.result()[1].open().match_many(hashes)

    def authenticated(self, key: Redacted[str]) -> Actor | None:
        """The platform that a key stands for, or None."""
        return caller_of(self.database, key)


@contextmanager
def open_lookups(settings: Settings) -> Iterator[Lookups]:
    """The parts of one lookup process, with the index following the lists while they are open.

    The saved indexes are checked in a thread of their own: reading them and loading the rest
    of the program take a second each, and `Lookups.lists` waits for what is left of it.
    """
    with open_database(settings) as database, ExitStack() as held:
        opening: Future[Opened] = Future()
        basis: Future[Detecting] = Future()

        def opened() -> None:
            try:
                both = held.enter_context(open_matching(settings, database, basis.result))
                held.enter_context(following(database, both[0].refresh))
            except BaseException as error:  # noqa: BLE001 - raised again where it is asked for
                opening.set_exception(error)
            else:
                opening.set_result(both)

        # A large list takes minutes, and who leaves meanwhile does not wait: no pool, a daemon.
        threading.Thread(target=opened, name="index", daemon=True).start()
        clock = SystemClock()
        book = lawbook_of(settings, kinds=KINDS_ASKED)
        detecting = detecting_of(settings, database, clock, book)
        basis.set_result(detecting)
        yield Lookups(
            database=database,
            clock=clock,
            detecting=detecting,
            outward=outward_gate(settings, database, clock),
            _opening=opening,
        )


@contextmanager
def lookup_workers(settings: Settings) -> Iterator[None]:
    """Keep `TUTELA_LOOKUP_WORKERS` lookup processes running while the block runs."""
    if not settings.lookup_workers:
        yield
        return
    ended = threading.Event()
    crew = [_Worker(number) for number in range(settings.lookup_workers)]
    thread = threading.Thread(target=_watch, args=(crew, ended), name="crew", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for worker in crew:
            worker.end()


class _Worker:
    """One child; `stdin` is the pipe whose end tells it that we are gone."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._process: subprocess.Popen[bytes] | None = None

    def look(self) -> bool:
        """Start it where it does not run; whether it had to be started again, or could not be."""
        again = self._process is not None and self._process.poll() is not None
        if again and self._process is not None:
            _LOG.warning("lookup_worker_ended", worker=self._number, code=self._process.returncode)
            self._close()
        if self._process is None:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tutela", "serve", "lookup", "--until-stdin-ends"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                )
            except OSError as error:  # no memory or no room for a process, for now
                why = error.strerror or type(error).__name__
                _LOG.warning("lookup_worker_not_started", worker=self._number, why=why)
                return True
        return again

    def end(self) -> None:
        """Let it finish what it answers, and go."""
        if self._process is None:
            return
        self._close()
        try:
            self._process.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
            if self._process.poll() is not None:
                self._process = None


def _watch(crew: list[_Worker], ended: threading.Event) -> None:
    """Start all, and again whoever ends, but not over and over at once."""
    while not ended.is_set():
        failed = [worker.look() for worker in crew]
        ended.wait(_AGAIN_SECONDS if any(failed) else _LOOK_SECONDS)
