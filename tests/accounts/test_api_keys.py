import pytest
from sqlalchemy import text

from tutela.accounts.keys import actor_of, create_key, revoke_key
from tutela.accounts.model import Role
from tutela.ledger.store import lines
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, NotFound
from tutela.primitives.ids import AccountId
from tutela.primitives.redacted import Redacted


def test_a_key_stands_for_a_platform_until_it_is_revoked(
    database: Database, clock: FixedClock
) -> None:
    with database.begin() as tx:
        key_id, secret = create_key(tx, name=" Upload service ", by="tests", at=clock.now())
        actor = actor_of(tx, secret)
        assert actor is not None
        assert (actor.id, actor.login) == (key_id, "Upload service")
        assert actor.roles == {Role.PLATFORM}
        assert actor_of(tx, Redacted(secret.reveal() + "x")) is None
        revoke_key(tx, key_id, by="tests", at=clock.now())
        assert actor_of(tx, secret) is None
        with pytest.raises(NotFound):
            revoke_key(tx, key_id, by="tests", at=clock.now())
        assert [line.action for line in lines(tx)] == ["api_key_created", "api_key_revoked"]


def test_neither_the_table_nor_the_ledger_holds_the_key(
    database: Database, clock: FixedClock
) -> None:
    with database.begin() as tx:
        _, secret = create_key(tx, name="Upload service", by="tests", at=clock.now())
        rows = tx.execute(text("SELECT api_keys::text FROM api_keys")).scalars().all()
        kept = " ".join(rows) + " ".join(str(line) for line in lines(tx))
    assert secret.reveal() not in kept
    assert secret.reveal().encode().hex() not in kept  # as a column of bytes is shown
    assert "Upload service" not in kept.partition("Line(")[2]


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "two\nlines"])
def test_a_key_needs_a_readable_name(database: Database, clock: FixedClock, name: str) -> None:
    with pytest.raises(BadInput), database.begin() as tx:
        create_key(tx, name=name, by="tests", at=clock.now())


def test_an_unknown_key_cannot_be_revoked(database: Database, clock: FixedClock) -> None:
    with pytest.raises(NotFound), database.begin() as tx:
        revoke_key(tx, AccountId.new(), by="tests", at=clock.now())
