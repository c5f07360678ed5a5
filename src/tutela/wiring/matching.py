"""The matcher on the indexes that this machine's processes share, behind its gate."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from tutela.counsel.gate import Basis, DetectionGate
from tutela.indicators.keeping import MatcherState
from tutela.indicators.matching import Matcher
from tutela.indicators.overlap import Searchers
from tutela.primitives.database import Database
from tutela.wiring.patience import load_kernels
from tutela.wiring.settings import Settings


class ListIndex(Protocol):
    """What a process may do with the lists' indexes without a basis: nothing that matches."""

    def refresh(self) -> int:
        """Take in what has changed since the last time; returns how many changes."""
        ...

    def state(self) -> MatcherState:
        """How the indexes stand against the database; raises `Unavailable` when that is away."""
        ...


Opened = tuple[ListIndex, DetectionGate[Matcher]]


@contextmanager
def open_matching(
    settings: Settings, database: Database, basis: Callable[[], Basis]
) -> Iterator[Opened]:
    """The lists, all taken in, and the only way to match with them.

    `basis` is asked for once the lists are there: it may be made meanwhile.
    """
    with _matcher(settings, database) as matcher:
        yield _Index(matcher), DetectionGate(basis(), lambda: matcher)


@contextmanager
def open_searchers(settings: Settings, database: Database) -> Iterator[Searchers]:
    """Each list's own searcher, to compare lists with each other; nobody's upload is compared."""
    with _matcher(settings, database) as matcher:
        yield matcher.searcher


@contextmanager
def _matcher(settings: Settings, database: Database) -> Iterator[Matcher]:
    """The kernels of the search are compiled or loaded first, so that no request waits for them."""
    load_kernels()
    matcher = Matcher(database, settings.folder / "index")
    try:
        matcher.refresh()
        yield matcher
    finally:
        matcher.close()


class _Index:
    """The index's own life, without its matches."""

    def __init__(self, matcher: Matcher) -> None:
        self.refresh = matcher.refresh
        self.state = matcher.state
