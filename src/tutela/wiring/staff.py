"""The staff process's parts: everything the console and the API work with, kept current."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from tutela.accounts.keys import actor_of
from tutela.accounts.model import Actor
from tutela.primitives.errors import Unavailable
from tutela.primitives.redacted import Redacted
from tutela.wiring.building import Parts, open_parts
from tutela.wiring.settings import Settings

_REFRESH_SECONDS = 1.0
_LOG = structlog.get_logger()


@contextmanager
def staff_parts(settings: Settings) -> Iterator[Parts]:
    """The parts, with the index following the lists while they are open."""
    with open_parts(settings, pool_size=10) as parts, _following(parts):
        yield parts


def authenticated(parts: Parts, key: Redacted[str]) -> Actor | None:
    """The platform that a key stands for, or None."""
    with parts.database.begin() as tx:
        return actor_of(tx, key)


@contextmanager
def _following(parts: Parts) -> Iterator[None]:
    """Keep the index at the lists' newest change; a database that is away is tried again."""
    ended = threading.Event()

    def follow() -> None:
        while not ended.wait(_REFRESH_SECONDS):
            try:
                parts.matcher.refresh()
            except Unavailable as error:
                _LOG.warning("index_refresh_waits", why=error.what)

    thread = threading.Thread(target=follow, name="index", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
