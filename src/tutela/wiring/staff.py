"""The staff process's parts: everything the console and the API work with, kept current."""

from collections.abc import Iterator
from contextlib import contextmanager

from tutela.accounts.keys import caller_of
from tutela.accounts.model import Actor
from tutela.indicators.following import following
from tutela.primitives.redacted import Redacted
from tutela.wiring.building import Parts, open_parts
from tutela.wiring.settings import Settings


@contextmanager
def staff_parts(settings: Settings) -> Iterator[Parts]:
    """The parts, with the index following the lists while they are open."""
    with (
        open_parts(settings, pool_size=10) as parts,
        following(parts.database, parts.lists.refresh),
    ):
        yield parts


def authenticated(parts: Parts, key: Redacted[str]) -> Actor | None:
    """The platform that a key stands for, or None."""
    return caller_of(parts.database, key)
