"""`tutela law detection` and the line of `tutela check`, as a person runs them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from counsel.detection_parts import US_HOST, accept
from tutela.cli import app
from tutela.cli.presenting import OUT
from tutela.primitives.database import Database
from tutela.primitives.errors import NotFound
from tutela.wiring.checking import check_everything
from tutela.wiring.settings import load_settings


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal wide enough that no sentence is broken."""
    monkeypatch.setattr(OUT, "width", 200)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["law", "detection", *arguments])


def test_the_table_says_what_may_run_until_when_and_why(tmp_path: Path) -> None:
    facts = tmp_path / "facts.yaml"
    facts.write_text(
        "service.end_to_end_encrypted: no\ncounsel.eu_interim_conditions: true\n", "utf-8"
    )
    asked = ("--jurisdiction", "eu", "--tier", "known_hash", "--facts", str(facts))
    shown = run(*asked, "--as-of", "2027-12-01")
    assert shown.exit_code == 0, shown.output
    assert "may run (permitted)" in shown.output
    assert "2028-04-03" in shown.output
    assert "124 days left" in shown.output
    assert "may not run (forbidden)" in shown.output
    told = json.loads(run(*asked, "--as-of", "2026-05-01", "--json").output)
    messages = next(row for row in told["rows"] if row["channel"] == "interpersonal")
    assert messages["outcome"] == "no"
    assert "begins on 2026-07-31" in messages["reasons"][0]


def test_a_place_or_channel_without_a_basis_is_shown_as_off_when_it_is_asked_for() -> None:
    asked = ("--jurisdiction", "JP", "--tier", "text_pattern", "--channel", "audio")
    shown = run(*asked)
    assert "cannot say: off" in shown.output
    assert "records no basis" in shown.output
    assert isinstance(run("--jurisdiction", "XX").exception, NotFound)


def test_check_says_how_detection_stands(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTELA_DATABASE_URL", database_url.replace("+psycopg", ""))
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path / "home"))

    def detection() -> tuple[str, str]:
        (found,) = [one for one in check_everything(load_settings()) if one.part == "detection"]
        return found.state, found.why

    state, why = detection()
    assert state == "missing"
    assert "TUTELA_DETECTION_CHANNEL" in why
    for name, value in US_HOST.items():
        monkeypatch.setenv(name, value)
    state, why = detection()
    assert state == "missing"
    assert "tutela law accept us.detection.known-hash" in why
    accept(database)
    state, why = detection()
    assert (state, "US: us.detection.known-hash permitted" in why) == ("ok", True)
