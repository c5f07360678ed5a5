"""The matcher on the indexes that this machine's processes share."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from tutela.indicators.matching import Matcher
from tutela.primitives.database import Database
from tutela.primitives.kernels import prepare
from tutela.wiring.settings import Settings

_LOG = structlog.get_logger()


@contextmanager
def open_matcher(settings: Settings, database: Database) -> Iterator[Matcher]:
    """The lists, all taken in; saving is left to another process at the end.

    The kernels of the search are compiled or loaded first, so that no request waits for them.
    """
    prepare(when_slow=lambda: _LOG.info("compiling_for_this_processor_once"))
    matcher = Matcher(database, settings.folder / "index")
    try:
        matcher.refresh()
        yield matcher
    finally:
        matcher.close()
