from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from console_parts import Office

from tutela.accounts import passwords
from tutela.adapters.media.jail import Jail
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database


@pytest.fixture(scope="session")
def media() -> Iterator[Jail]:
    """The real decoders in one confined child."""
    with Jail(workers=1) as jail:
        yield jail


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real algorithm at its lowest cost: the cost itself is proven in tests/accounts."""
    monkeypatch.setattr(
        passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    )


@pytest.fixture
def office(database: Database, media: Jail, clock: FixedClock) -> Office:
    return Office(database=database, media=media, clock=clock)
