"""More work than connections: an answer that says so, not a fault."""

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool

from cases.case_parts import Desk
from tutela.intake.model import Context, Origin
from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable


def test_when_every_connection_is_taken_nothing_is_stored(database_url: str) -> None:
    database = Database(database_url)
    database.engine = create_engine(
        database_url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.1
    )
    desk = Desk(database)
    data = desk.matcher.learn(b"known")
    with database.begin(), pytest.raises(Unavailable, match="in use"):
        desk.intake.admit_file(data, context=Context(), by="x", origin=Origin.SCAN)
    assert list(desk.blobs.contents()) == []
    assert desk.open(b"known")
    database.close()
