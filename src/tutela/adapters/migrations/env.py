"""Alembic's entry: runs the migrations online, all in one transaction."""

from alembic import context
from sqlalchemy import create_engine, text


def run() -> None:
    """Upgrade or downgrade the database named by the configuration's `url` attribute."""
    engine = create_engine(context.config.attributes["url"])
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(7355609)"))  # one migrator at a time
        context.configure(connection=connection, transactional_ddl=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
