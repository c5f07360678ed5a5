"""The matcher on the indexes that this machine's processes share."""

from collections.abc import Iterator
from contextlib import contextmanager

from tutela.indicators.matching import Matcher
from tutela.primitives.database import Database
from tutela.wiring.patience import load_kernels
from tutela.wiring.settings import Settings


@contextmanager
def open_matcher(settings: Settings, database: Database) -> Iterator[Matcher]:
    """The lists, all taken in; saving is left to another process at the end.

    The kernels of the search are compiled or loaded first, so that no request waits for them.
    """
    load_kernels()
    matcher = Matcher(database, settings.folder / "index")
    try:
        matcher.refresh()
        yield matcher
    finally:
        matcher.close()
