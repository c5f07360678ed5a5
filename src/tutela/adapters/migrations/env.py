"""Alembic's entry: runs the migrations online, all in one transaction."""

from alembic import context
from sqlalchemy import create_engine, text


_LET_THE_PROGRAM_READ_ITS_REVISION = """
    DO $$ BEGIN
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'tutela_app') THEN
            GRANT SELECT ON alembic_version TO tutela_app;
        END IF;
    END $$
"""


def run() -> None:
    """Upgrade or downgrade the database named by the configuration's `url` attribute."""
    engine = create_engine(context.config.attributes["url"])
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(7355609)"))  # one migrator at a time
        context.configure(connection=connection, transactional_ddl=True)
        with context.begin_transaction():
            context.run_migrations()
        connection.execute(text(_LET_THE_PROGRAM_READ_ITS_REVISION))
    engine.dispose()


run()
