"""The how-to for an operator's own PostgreSQL, step by step."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from tutela.primitives.database import Database


def test_an_owner_migrates_and_a_login_with_less_rights_works(
    postgres: str, tmp_path: Path
) -> None:
    mark = uuid.uuid4().hex[:8]
    owner, login, name = f"owner_{mark}", f"login_{mark}", f"own_{mark}"
    admin = create_engine(make_url(postgres).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as server:  # 1
        server.execute(text(f"CREATE ROLE {owner} LOGIN CREATEROLE"))
        server.execute(text(f"CREATE ROLE {login} LOGIN"))
        known = server.execute(text("SELECT 1 FROM pg_roles WHERE rolname = 'tutela_app'")).first()
        if known:  # the role is the whole server's; another test's migration made it
            server.execute(text(f"GRANT tutela_app TO {owner} WITH ADMIN OPTION"))
        server.execute(text(f"CREATE DATABASE {name} OWNER {owner}"))
    place = make_url(postgres).set(database=name, drivername="postgresql")
    as_login = place.set(username=login).render_as_string(hide_password=False)
    as_owner = place.set(username=owner).render_as_string(hide_password=False)
    environment = os.environ | {"TUTELA_HOME": str(tmp_path), "TUTELA_DATABASE_URL": as_login}

    def tutela(*arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "tutela", *arguments],
            env=environment | more,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    refused = tutela("case", "list")
    assert refused.returncode == 7
    assert "tutela db migrate" in refused.stderr
    done = tutela("db", "migrate", TUTELA_DATABASE_ADMIN_URL=as_owner)  # 2
    assert done.returncode == 0, done.stderr
    with admin.connect() as server:  # 3
        server.execute(text(f"GRANT tutela_app TO {login}"))
    assert tutela("case", "list").returncode == 0  # 4
    worked = tutela("worker", "--once")
    assert worked.returncode == 0, worked.stderr
    database = Database(make_url(as_login).set(drivername="postgresql+psycopg").render_as_string())
    with database.begin() as tx:
        assert tx.execute(text("SELECT current_user")).scalar_one() == "tutela_app"
    with pytest.raises(DBAPIError, match="must be owner"), database.begin() as tx:
        tx.execute(text("DROP TABLE ledger"))
    database.close()
    with admin.connect() as server:
        server.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()
