"""The lookup process, put together from its parts."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI

from tutela.api.serving import build_lookup
from tutela.api.parts import LookupParts
from tutela.wiring.lookups import open_lookups
from tutela.wiring.settings import Settings


@contextmanager
def open_lookup(settings: Settings) -> Iterator[FastAPI]:
    """Addresses that look up hashes, and the process's state."""
    with open_lookups(settings) as lookups:
        yield build_lookup(
            LookupParts(
                look_up=lookups.look_up,
                clock=lookups.clock,
                authenticate=lookups.authenticated,
                index_state=lookups.matcher.state,
                requests_per_minute=settings.api_requests_per_minute,
            )
        )
