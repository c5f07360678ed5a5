"""`tutela evidence`: nothing goes by itself, and two persons prove who they are."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from accounts.people import SECRET, account
from cases.case_parts import AT, PERSON_A, Desk
from tutela.accounts.model import Role
from tutela.adapters.blobs import open_blobs
from tutela.cases.deciding import decide
from tutela.cases.model import Verdict
from tutela.cli import app
from tutela.evidence import store
from tutela.primitives.database import Database
from tutela.primitives.errors import Refused

RUN = CliRunner()


@pytest.fixture
def exhibit(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """An exhibit of a closed case that nothing holds any more; two operators, one reviewer."""
    monkeypatch.setenv("TUTELA_DATABASE_URL", database_url)
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    desk = Desk(database)
    case_id = desk.reviewed()
    account(database, "person-a", Role.OPERATOR)
    account(database, "person-b", Role.OPERATOR)
    account(database, "person-c", Role.REVIEWER)
    with database.begin() as tx:
        found = store.exhibits_of(tx, case_id)[0]
    assert found.blob_key is not None
    open_blobs(None, home=tmp_path).put(found.blob_key, desk.blobs.get(found.blob_key))
    listed = RUN.invoke(app, ["evidence", "due"])
    assert "Every exhibit is still held" in listed.output
    with database.begin() as tx:
        decide(tx, case_id, by=PERSON_A, at=AT, verdict=Verdict.NOT_CSAM)
    return found.id


def call(*words: str, password: str = SECRET) -> dict[str, object]:
    result = RUN.invoke(app, [*words, "--json"], input=f"{password}\n", catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def test_two_operators_destroy_what_nothing_holds(exhibit: str, tmp_path: Path) -> None:
    assert call("evidence", "due")["id"] == exhibit
    call("evidence", "request", exhibit, "--by", "person-a")
    same = RUN.invoke(
        app, ["evidence", "destroy", exhibit, "--by", "person-a"], input=f"{SECRET}\n"
    )
    assert isinstance(same.exception, Refused)
    assert call("evidence", "destroy", exhibit, "--by", "person-b")["destroyed_at"]
    assert list((tmp_path / "blobs").rglob("*.age")) == []
    assert RUN.invoke(app, ["evidence", "due", "--json"]).stdout == ""


def test_a_wrong_password_or_role_destroys_nothing(exhibit: str, tmp_path: Path) -> None:
    for login, password in (("person-a", "not the password"), ("person-c", SECRET)):
        tried = RUN.invoke(
            app, ["evidence", "request", exhibit, "--by", login], input=f"{password}\n"
        )
        assert isinstance(tried.exception, Refused), login
    assert list((tmp_path / "blobs").rglob("*"))
    assert call("evidence", "due")["asked_for_by"] is None
