"""Migrations go up and down on data; each step's schema is whole."""

from datetime import UTC, datetime

import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError

from tutela.adapters.postgres import alembic_config, migrate, schema_state, with_driver
from tutela.ledger.store import append, lines
from tutela.primitives.database import METADATA, Database
from tutela.primitives.errors import BadInput, Misconfigured, Refused, Unavailable

AT = datetime(2026, 11, 21, tzinfo=UTC)


def revisions(url: str) -> list[str]:
    script = ScriptDirectory.from_config(alembic_config(url))
    return [revision.revision for revision in script.walk_revisions()]  # newest first


def tables(url: str) -> set[str]:
    engine = create_engine(url)
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found


def test_there_is_one_line_of_revisions(database_url: str) -> None:
    assert revisions(database_url) == sorted(revisions(database_url), reverse=True)
    present, needed = schema_state(database_url)
    assert present == needed == revisions(database_url)[0]


def test_every_step_goes_down_and_up_again_and_keeps_the_data_below(database_url: str) -> None:
    database = Database(database_url)
    with database.begin() as tx:
        for number in range(3):
            append(tx, at=AT, actor="system", action="case_opened", subject=f"c{number}", detail={})
    full = tables(database_url)
    newest, *older = revisions(database_url)
    for revision in older:
        migrate(database_url, revision=revision)
        assert schema_state(database_url)[0] == revision
    assert "ledger" in tables(database_url)
    with database.begin() as tx:
        assert len(list(lines(tx))) == 3
    for revision in [*reversed(older), newest]:
        migrate(database_url, revision=revision)
        assert schema_state(database_url)[0] == revision
    assert tables(database_url) == full
    with database.begin() as tx:
        assert len(list(lines(tx))) == 3
    database.close()


def test_base_removes_everything_and_head_makes_it_again(database_url: str) -> None:
    full = tables(database_url)
    migrate(database_url, revision="base")
    assert tables(database_url) <= {"alembic_version"}
    migrate(database_url)
    assert tables(database_url) == full


def test_whoever_only_goes_upwards_loses_no_table(database_url: str) -> None:
    full = tables(database_url)
    for revision in ("0001", "base"):
        with pytest.raises(Refused, match="not taken back"):
            migrate(database_url, revision=revision, upwards_only=True)
    assert tables(database_url) == full
    present, _ = schema_state(database_url)
    assert present
    migrate(database_url, revision=present, upwards_only=True)


def test_a_revision_that_nobody_wrote_is_bad_input(database_url: str) -> None:
    with pytest.raises(BadInput, match="0001"):
        migrate(database_url, revision="9999")


def test_why_nobody_is_let_in_is_said_without_a_name(database_url: str) -> None:
    place = make_url(database_url)
    for other, why in (
        (place.set(database="elsewhere"), "no database of this name"),
        (place.set(username="person_a"), "no role of this name"),
        (place.set(host="127.0.0.1", port=1, query={}), "connection refused"),
    ):
        with pytest.raises(Unavailable) as caught:
            schema_state(other.render_as_string(hide_password=False))
        assert why in caught.value.why
        assert caught.value.remedy
        assert not {"elsewhere", "person_a"} & set(str(caught.value).split())


def test_the_rooms_tables_are_the_migrated_ones(database_url: str) -> None:
    import tutela.cli  # noqa: F401, PLC0415 - loads every room's store

    engine = create_engine(database_url)
    inspector = inspect(engine)
    for table in METADATA.sorted_tables:
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        assert {column.name for column in table.columns} <= columns, table.name
    engine.dispose()


def test_the_program_works_with_least_rights(database: Database) -> None:
    with database.begin() as tx:
        assert tx.execute(text("SELECT current_user")).scalar_one() == "tutela_app"
        powers = text(
            "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls OR rolreplication "
            "FROM pg_roles WHERE rolname = current_user"
        )
        assert tx.execute(powers).scalar_one() is False
    for statement in (
        "CREATE TABLE another ()",
        "ALTER TABLE accounts ADD COLUMN more text",
        "TRUNCATE accounts",
        "DELETE FROM decisions",
        "DELETE FROM exhibits",
        "DELETE FROM list_entries",
        "DELETE FROM tips",
        "UPDATE decisions SET note = ''",
        "UPDATE alembic_version SET version_num = ''",
    ):
        with pytest.raises(DBAPIError) as refused, database.begin() as tx:
            tx.execute(text(statement))
        assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege), statement


def test_calls_of_before_are_found_and_what_was_sent_stays_as_it_was(database_url: str) -> None:
    """A description whose answer was lost must be said again in the same bytes (0021)."""
    migrate(database_url, revision="0020")
    owner = create_engine(database_url)
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    with owner.begin() as tx:
        tx.execute(text("SET LOCAL session_replication_role = replica"))  # no case, no exhibit
        tx.execute(
            text(
                "INSERT INTO reports (id, case_id, channel, state, created_at, abandoned_ids, why)"
                " VALUES ('rep_1', 'case_1', 'cybertip', 'opened', :at, '{}', '')"
            ),
            {"at": at},
        )
        for number, file_id in enumerate(("f1", "f11", None)):
            tx.execute(
                text(
                    "INSERT INTO report_files (report_id, exhibit_id, position, file_id)"
                    " VALUES ('rep_1', :exhibit, :position, :file)"
                ),
                {"exhibit": f"exh_{number}", "position": number, "file": file_id},
            )
        for sent in (b"<fileId>f11</fileId>", b"<fileId>f1</fileId>", b"<report/>"):
            call = "submit" if sent == b"<report/>" else "fileinfo"
            tx.execute(
                text(
                    "INSERT INTO report_exchanges (report_id, call, method, sent, sent_note,"
                    " sent_at) VALUES ('rep_1', :call, 'POST', :sent, '', :at)"
                ),
                {"call": call, "sent": sent, "at": at},
            )
    migrate(database_url)
    with owner.begin() as tx:
        rows = tx.execute(text("SELECT exhibit_id, sandbox FROM report_exchanges ORDER BY id"))
        assert [tuple(row) for row in rows] == [("exh_1", None), ("exh_0", None), (None, None)]
    with pytest.raises(IntegrityError, match="stays as it was"), owner.begin() as tx:
        tx.execute(text("UPDATE report_exchanges SET sent = ''"))
    owner.dispose()


def test_another_database_is_refused() -> None:
    with pytest.raises(Misconfigured, match="no PostgreSQL address"):
        with_driver("sqlite:///x.db")


def test_a_database_that_is_away_is_said_plainly() -> None:
    with pytest.raises(Unavailable, match="did not answer"):
        migrate("postgresql+psycopg://nobody@127.0.0.1:1/none")
    database = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert not database.answers()
    database.close()
