import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tutela.cli import app
from tutela.primitives.errors import BadInput, NotFound

RUN = CliRunner()


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path) -> None:
    monkeypatch.setenv("TUTELA_DATABASE_URL", database_url)
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def call(*words: str, given: str = "") -> list[dict[str, object]]:
    result = RUN.invoke(app, [*words, "--json"], input=given, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def test_an_account_is_made_listed_and_disabled(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("four fictitious words here\n")
    (made,) = call(
        "accounts", "create", "person-a", "--role", "reviewer", "--role", "counsel",
        "--password-file", str(file),
    )  # fmt: skip
    assert made["roles"] == ["counsel", "reviewer"]
    (listed,) = call("accounts", "list")
    assert (listed["id"], listed["disabled_at"]) == (made["id"], None)
    assert "password" not in json.dumps(listed)
    call("accounts", "disable", "person-a")
    (listed,) = call("accounts", "list")
    assert listed["disabled_at"]


def test_without_a_file_the_password_is_asked_for_twice() -> None:
    secret = "four fictitious words here\n"
    result = RUN.invoke(
        app, ["accounts", "create", "person-a", "--role", "auditor"], input=secret * 2
    )
    assert result.exit_code == 0
    assert secret.strip() not in result.output


def test_bad_requests_are_told(tmp_path: Path) -> None:
    missing = str(tmp_path / "absent")
    for words, error in (
        (["accounts", "create", "a", "--role", "king"], BadInput),
        (["accounts", "create", "a", "--role", "auditor", "--password-file", missing], BadInput),
        (["accounts", "disable", "nobody"], NotFound),
        (["keys", "revoke", "not-an-id"], BadInput),
    ):
        assert isinstance(RUN.invoke(app, words).exception, error)
    told = RUN.invoke(
        app, ["accounts", "create", "a", "--role", "auditor", "--password-file", missing]
    )
    assert "No such file or directory" in str(told.exception)
    king = RUN.invoke(app, ["accounts", "create", "a", "--role", "king"]).exception
    assert "reviewer" in str(king)
    assert "platform" not in str(king)  # no person may have it


def test_a_key_is_shown_once() -> None:
    (made,) = call("keys", "create", "Upload service")
    (listed,) = call("keys", "list")
    assert str(made["key"]).startswith("tutela_")
    assert made["key"] not in json.dumps(listed)
    call("keys", "revoke", str(made["id"]))
    (listed,) = call("keys", "list")
    assert listed["revoked_at"]


def test_where_nobody_is_yet_the_next_command_is_named() -> None:
    assert "`tutela keys create NAME`" in RUN.invoke(app, ["keys", "list"]).stdout
    assert "`tutela accounts create --help`" in RUN.invoke(app, ["accounts", "list"]).stdout
    assert call("keys", "list") == call("accounts", "list") == []


def test_people_get_tables() -> None:
    call("keys", "create", "Upload service")
    for words in (["accounts", "list"], ["keys", "list"], ["keys", "create", "Another"]):
        result = RUN.invoke(app, words)
        assert result.exit_code == 0
        assert result.output.strip()
