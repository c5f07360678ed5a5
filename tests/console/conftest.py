from collections.abc import Iterator

import pytest
from console_parts import Office

from tutela.adapters.media.jail import Jail
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database


@pytest.fixture(scope="session")
def media() -> Iterator[Jail]:
    """The real decoders in one confined child."""
    with Jail(workers=1) as jail:
        yield jail


@pytest.fixture
def office(database: Database, media: Jail, clock: FixedClock) -> Office:
    return Office(database=database, media=media, clock=clock)
