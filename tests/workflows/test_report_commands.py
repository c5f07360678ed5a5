"""`tutela report` and `tutela worker` on the command line."""

import json
import os

import pytest
from click.testing import Result
from typer.testing import CliRunner

from accounts.people import SECRET, account
from tutela.accounts.model import Role
from tutela.cli.report import report_app
from tutela.ledger import store as ledger
from tutela.primitives.errors import BadInput, Conflict, NotFound
from tutela.primitives.ids import CaseId
from tutela.reporting.preparing import prepare
from tutela.reporting.reports import HeldBecause
from tutela.reporting.submitting import advance
from workflows.filing_world import World


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, database_url: str, world: World) -> None:
    monkeypatch.setenv("TUTELA_CONFIG", os.devnull)
    monkeypatch.setenv("TUTELA_HOME", str(world.home))
    monkeypatch.setenv("TUTELA_DATABASE_URL", database_url)


def run(*words: str) -> Result:
    return CliRunner().invoke(report_app, list(words), input=f"{SECRET}\n")


def test_a_held_report_says_why_and_can_be_asked_for_again(world: World) -> None:
    counsel = account(world.database, "person-c", Role.COUNSEL)
    case_id = world.decided()
    prepare(world.desk(None), case_id)
    [line] = run("list", "--state", "held", "--json").stdout.splitlines()
    assert json.loads(line)["held_because"] == HeldBecause.LAW
    assert {case_id, json.loads(line)["report"], "held"} <= set(run("list").stdout.split())
    shown = json.loads(run("show", case_id, "--json").stdout)
    assert "counsel has not accepted" in shown["reports"][0]["why"]
    assert "us.2258A.report" in run("show", case_id).stdout
    before = len(world.rows("SELECT 1 FROM follow_ups"))
    asked = run("retry", case_id, "--by", "person-c", "--voluntary", "our policy", "--json")
    assert json.loads(asked.stdout.splitlines()[-1]) == {"case": case_id, "asked": True}
    assert len(world.rows("SELECT 1 FROM follow_ups")) == before + 1
    assert world.actions(case_id)[-2:] == ["report_asked_again", "report_ordered_voluntarily"]
    with world.database.begin() as tx:
        lines = list(ledger.lines(tx, subject=case_id))
    assert {line.actor for line in lines[-2:]} == {counsel.id}


def test_the_book_of_calls_shows_no_bytes(world: World) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox() as (_, authority):
        desk = world.desk(authority)
        report_id = prepare(desk, case_id)
        assert report_id is not None
        advance(desk, report_id)
    lines = [json.loads(each) for each in run("exchanges", case_id, "--json").stdout.splitlines()]
    assert [(each["call"], each["code"]) for each in lines] == [("submit", None), ("submit", 0)]
    assert [each["sandbox"] for each in lines] == [None, True], "the answer says it"
    assert "reports@drawn.example" not in run("exchanges", case_id, "--json").stdout
    assert "submit" in run("exchanges", case_id).stdout


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("list", "--state", "nowhere"), BadInput),
        (("show", "rep_x"), BadInput),
        (("show", CaseId.new()), NotFound),
        (("retry", CaseId.new(), "--by", "person-c"), NotFound),
    ],
)
def test_what_is_not_there_is_said(
    words: tuple[str, ...], error: type[Exception], world: World
) -> None:
    account(world.database, "person-c", Role.COUNSEL)
    assert isinstance(run(*words).exception, error)


def test_what_is_under_way_is_not_asked_for_again(world: World) -> None:
    account(world.database, "person-c", Role.COUNSEL)
    case_id = world.decided()
    world.accept()
    with world.sandbox() as (_, authority):
        assert prepare(world.desk(authority), case_id)
    assert isinstance(run("retry", case_id, "--by", "person-c").exception, Conflict)
