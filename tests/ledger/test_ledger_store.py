import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, insert, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from tutela.adapters.postgres import embedded, migrate, schema_state
from tutela.ledger.chain import verify
from tutela.ledger.model import Anchor, Line
from tutela.ledger.store import LEDGER, append, head, lines
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput

DETAIL: dict[str, object] = {
    "text": 'umlaut ä, quote ", zero \0, end',
    "n": 2**53 - 1,
    "list": [None, True, {}],
}


@pytest.fixture
def owner(database_url: str) -> Iterator[Engine]:
    """The login that owns the tables, with all its rights."""
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


def fill(database: Database, clock: FixedClock, many: int = 5) -> list[Line]:
    with database.begin() as tx:
        return [
            append(
                tx,
                at=clock.now(),
                actor="system",
                action=("case_opened", "case_closed")[number % 2],
                subject=f"case_{number // 2}",
                detail=DETAIL | {"number": number},
            )
            for number in range(many)
        ]


def all_lines(database: Database) -> list[Line]:
    with database.begin() as tx:
        return list(lines(tx))


def current_user(database: Database) -> str:
    with database.begin() as tx:
        return str(tx.execute(text("SELECT current_user")).scalar_one())


def unlocked(owner: Engine, statement: str) -> None:
    """What an owner can do who first takes the lock off: the chain must show it."""
    with owner.begin() as tx:
        tx.execute(text("ALTER TABLE ledger DISABLE TRIGGER ledger_only_grows"))
        tx.exec_driver_sql(statement)


def test_what_was_appended_is_read_back_unbroken(database: Database, clock: FixedClock) -> None:
    with database.begin() as tx:
        assert head(tx) is None
        assert list(lines(tx)) == []
    written = fill(database, clock)
    assert all_lines(database) == written
    with database.begin() as tx:
        assert head(tx) == Anchor(seq=5, digest=written[-1].digest)
        found = verify(lines(tx), anchor=head(tx))
    assert (found.ok, found.checked) == (True, 5)


def test_lines_are_chosen_by_subject_action_number_and_limit(
    database: Database, clock: FixedClock
) -> None:
    fill(database, clock, 6)
    with database.begin() as tx:
        assert [line.seq for line in lines(tx, subject="case_1")] == [3, 4]
        assert [line.seq for line in lines(tx, action="case_closed")] == [2, 4, 6]
        assert [line.seq for line in lines(tx, since=4)] == [5, 6]
        assert [line.seq for line in lines(tx, limit=2)] == [1, 2]
        assert [line.seq for line in lines(tx, subject="case_2", action="case_opened")] == [5]
        assert list(lines(tx, subject="case_9")) == []


def test_a_line_falls_with_the_state_it_tells_of(database: Database, clock: FixedClock) -> None:
    written = fill(database, clock, 2)

    def fail() -> None:
        with database.begin() as tx:
            append(tx, at=clock.now(), actor="a", action="b", subject="c", detail={})
            raise OSError("the act failed")

    with pytest.raises(OSError, match="the act failed"):
        fail()
    assert all_lines(database) == written
    fill(database, clock, 1)
    assert verify(all_lines(database)).checked == 3


def test_what_json_cannot_hold_is_refused_and_nothing_written(
    database: Database, clock: FixedClock
) -> None:
    with database.begin() as tx, pytest.raises(BadInput, match="float"):
        append(tx, at=clock.now(), actor="a", action="b", subject="c", detail={"x": 0.5})
    assert all_lines(database) == []


def test_appends_from_many_threads_keep_one_chain(database: Database, clock: FixedClock) -> None:
    errors: list[BaseException] = []

    def work(name: int) -> None:
        try:
            for turn in range(15):
                with database.begin() as tx:
                    for part in range(2):
                        append(
                            tx,
                            at=clock.now(),
                            actor=f"worker_{name}",
                            action="worked",
                            subject=f"turn_{turn}",
                            detail={"part": part},
                        )
        except BaseException as error:  # noqa: BLE001 - told to the test below
            errors.append(error)

    workers = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert errors == []
    written = all_lines(database)
    assert verify(written).ok
    assert len(written) == 4 * 15 * 2
    # The two lines of one transaction stand together: nobody came between.
    for first, second in zip(written[::2], written[1::2], strict=True):
        assert (first.actor, first.subject) == (second.actor, second.subject)
        assert (first.detail, second.detail) == ({"part": 0}, {"part": 1})


def test_many_lines_are_streamed(database: Database, clock: FixedClock) -> None:
    fill(database, clock, 1200)
    with database.begin() as tx:
        reading = lines(tx)
        assert next(reading).seq == 1
        reading.close()  # type: ignore[attr-defined]
        assert verify(lines(tx)).checked == 1200


CHANGES = ["UPDATE ledger SET actor = 'x'", "DELETE FROM ledger", "TRUNCATE ledger"]


def test_the_owner_is_refused_by_the_trigger(
    database: Database, owner: Engine, clock: FixedClock
) -> None:
    written = fill(database, clock)
    for statement in [*CHANGES, "DELETE FROM ledger WHERE false"]:
        with pytest.raises(DBAPIError) as refused, owner.begin() as tx:
            tx.execute(text(statement))
        assert isinstance(refused.value.orig, psycopg.errors.RestrictViolation)
        assert "The ledger only grows" in str(refused.value.orig)
    assert all_lines(database) == written


def test_calling_oneself_a_replica_does_not_help(
    database: Database, owner: Engine, clock: FixedClock
) -> None:
    written = fill(database, clock)
    with pytest.raises(DBAPIError, match="The ledger only grows"), owner.begin() as tx:
        tx.exec_driver_sql("SET LOCAL session_replication_role = replica; DELETE FROM ledger")
    assert all_lines(database) == written


def test_the_program_s_role_has_no_right_to_change(database: Database, clock: FixedClock) -> None:
    written = fill(database, clock)
    assert current_user(database) == "tutela_app"
    for statement in [
        *CHANGES,
        "ALTER TABLE ledger DISABLE TRIGGER ledger_only_grows",
        "DROP TABLE ledger",
        "ALTER FUNCTION ledger_refuse_change() RENAME TO nothing",
    ]:
        with pytest.raises(DBAPIError) as refused, database.begin() as tx:
            tx.execute(text(statement))
        assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)
    assert all_lines(database) == written


def test_a_second_line_behind_the_same_one_is_refused(
    database: Database, clock: FixedClock
) -> None:
    written = fill(database, clock)
    with pytest.raises(DBAPIError) as refused, database.begin() as tx:
        tx.execute(
            insert(LEDGER).values(
                seq=6,
                at=clock.now(),
                actor="a",
                action="b",
                subject="c",
                detail_json="{}",
                previous=written[2].digest,
                digest="0" * 64,
            )
        )
    assert isinstance(refused.value.orig, psycopg.errors.UniqueViolation)


EDITS = [
    "actor = 'x'",
    "action = 'x'",
    "subject = 'x'",
    "at = at + interval '1 microsecond'",
    "at = 'infinity'",
    "at = '-infinity'",
    "at = '4000-01-01 BC'",
    "at = '20000-01-01'",
    "detail_json = '{}'",
    "detail_json = detail_json || ' '",
    "detail_json = replace(detail_json, '{\"', '{ \"')",
    "detail_json = replace(detail_json, 'ä', '\\u00e4')",
    'detail_json = replace(detail_json, \'"n":\', \'"n":1,"n":\')',
    "detail_json = 'no json'",
    "detail_json = '[]'",
    "detail_json = repeat('[', 100000)",
    "detail_json = '{\"x\":1.5}'",
    "detail_json = '{\"x\":NaN}'",
    "previous = 'x'",
    "digest = 'x'",
    "digest = upper(digest)",
]


def test_each_edit_behind_the_trigger_is_found_and_the_line_named(
    database: Database, owner: Engine, clock: FixedClock
) -> None:
    fill(database, clock)
    found = {}
    for change in EDITS:
        with owner.connect() as tx:  # never committed
            tx.exec_driver_sql("ALTER TABLE ledger DISABLE TRIGGER ledger_only_grows")
            tx.exec_driver_sql(f"UPDATE ledger SET {change} WHERE seq = 3")  # noqa: S608 - ours
            found[change] = verify(lines(tx)).bad_seq
    assert found == dict.fromkeys(EDITS, 3)
    assert verify(all_lines(database)).ok


def test_lines_deleted_or_renumbered_behind_the_trigger_are_found(
    database: Database, owner: Engine, clock: FixedClock
) -> None:
    written = fill(database, clock)
    unlocked(owner, "DELETE FROM ledger WHERE seq = 2")
    assert verify(all_lines(database)).bad_seq == 2
    unlocked(owner, "UPDATE ledger SET seq = seq - 1 WHERE seq > 2")
    found = verify(all_lines(database))
    assert (found.bad_seq, found.why) == (
        2,
        "line 2 does not follow line 1: one of the two was changed",
    )
    unlocked(owner, "DELETE FROM ledger WHERE seq > 1")
    assert verify(all_lines(database)).ok
    cut = verify(all_lines(database), anchor=Anchor(seq=5, digest=written[-1].digest))
    assert (cut.ok, cut.bad_seq) == (False, 2)


def test_columns_emptied_behind_the_trigger_are_found(
    database: Database, owner: Engine, clock: FixedClock
) -> None:
    for column in ("at", "actor", "action", "subject", "detail_json"):
        fill(database, clock, 1)
        with owner.begin() as tx:
            tx.execute(text(f"ALTER TABLE ledger ALTER {column} DROP NOT NULL"))
        unlocked(owner, f"UPDATE ledger SET {column} = NULL WHERE seq = 1")  # noqa: S608 - ours
        assert verify(all_lines(database)).bad_seq == 1
        unlocked(owner, "DELETE FROM ledger")


def test_the_schema_goes_down_and_up_again_on_data(
    database: Database, database_url: str, owner: Engine, clock: FixedClock
) -> None:
    fill(database, clock)
    _, newest = schema_state(database_url)
    migrate(database_url, revision="0001")
    assert verify(all_lines(database)).checked == 5
    database.close()
    migrate(database_url, revision="base")
    with owner.begin() as tx:
        left = tx.execute(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
                "AND relkind = 'r' AND relname <> 'alembic_version'"
            )
        )
        assert left.all() == []
        assert tx.execute(text("SELECT to_regproc('ledger_refuse_change')")).scalar_one() is None
    migrate(database_url)
    assert schema_state(database_url) == (newest, newest)
    written = fill(database, clock, 1)
    assert written[0].seq == 1
    with pytest.raises(DBAPIError, match="only grows"), owner.begin() as tx:
        tx.execute(text("DELETE FROM ledger"))


def tenant_of(postgres: str) -> str:
    """A rented PostgreSQL: URL of a login that owns one database and may not make roles."""
    admin = create_engine(make_url(postgres).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as tx:
        tx.execute(text("CREATE ROLE test_tenant LOGIN NOCREATEROLE"))
        tx.execute(text("CREATE DATABASE test_rented OWNER test_tenant"))
    admin.dispose()
    rented = make_url(postgres).set(username="test_tenant", database="test_rented")
    return rented.render_as_string(hide_password=False)


def evict(postgres: str) -> None:
    admin = create_engine(make_url(postgres).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as tx:
        tx.execute(text("DROP DATABASE test_rented WITH (FORCE)"))
        tx.execute(text("DROP ROLE test_tenant"))
    admin.dispose()


def guarded_by_the_trigger_alone(url: str, clock: FixedClock) -> None:
    migrate(url, revision="0001")
    database = Database(url)
    assert current_user(database) == "test_tenant"
    fill(database, clock)
    with pytest.raises(DBAPIError, match="only grows"), database.begin() as tx:
        tx.execute(text("DELETE FROM ledger"))
    assert verify(all_lines(database)).checked == 5
    database.close()
    migrate(url, revision="base")


def test_a_login_that_may_not_take_the_role_still_gets_the_trigger(
    template: str, postgres: str, clock: FixedClock
) -> None:
    assert template
    try:
        guarded_by_the_trigger_alone(tenant_of(postgres), clock)
    finally:
        evict(postgres)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A server of this test's own; roles belong to a server, not to a database."""
    folder.chmod(0o755)  # the embedded server may run under another account
    with embedded(folder / "postgres") as url:
        yield url


def test_without_the_role_the_trigger_holds_and_a_role_nobody_needs_goes(
    clock: FixedClock,
) -> None:
    with tempfile.TemporaryDirectory(prefix="tutela-roles-") as made, served(Path(made)) as url:
        roles = text("SELECT rolname FROM pg_roles WHERE rolname = 'tutela_app'")
        engine = create_engine(url)
        guarded_by_the_trigger_alone(tenant_of(url), clock)
        with engine.begin() as tx:
            assert tx.execute(roles).all() == []
        migrate(url, revision="0001")
        with engine.begin() as tx:
            assert tx.execute(roles).all() == [("tutela_app",)]
        migrate(url, revision="base")
        with engine.begin() as tx:
            assert tx.execute(roles).all() == []
        engine.dispose()


def test_moments_keep_their_microseconds(database: Database) -> None:
    at = datetime(2026, 2, 3, 4, 5, 6, 789_012, tzinfo=UTC)
    fill(database, FixedClock(at=at), 1)
    assert all_lines(database)[0].at == at
