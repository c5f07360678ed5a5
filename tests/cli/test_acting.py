"""Who acts at the command line is proven: every command that writes, a new one too."""

import ast
import json
import os
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.core import TyperGroup
from typer.testing import CliRunner

from accounts.people import SECRET, account
from tutela.accounts.keys import create_key
from tutela.accounts.model import PROGRAM_ROLES, Permission, Role
from tutela.accounts.permissions import GRANTS
from tutela.cli import app
from tutela.ledger import store as ledger
from tutela.primitives.clock import SystemClock
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, Refused, TutelaError
from tutela.primitives.ids import CaseId, ExhibitId, SubmissionId

RUN = CliRunner()
SOURCE = Path(__file__).resolve().parents[2] / "src" / "tutela" / "cli"
P = Permission
CASE, EXHIBIT, TIP = CaseId.new(), ExhibitId.new(), SubmissionId.new()
RULE = "us.2258A.report"

BY_A_PERSON = {
    "case restrict-done": (P.ACCESS_RESTRICT, [CASE]),
    "case restrict-retry": (P.ACCESS_RESTRICT, [CASE]),
    "evidence destroy": (P.EVIDENCE_DESTROY, [EXHIBIT]),
    "evidence request": (P.EVIDENCE_DESTROY, [EXHIBIT]),
    "law accept": (P.LAW_ACCEPT, [RULE, "--note", "read"]),
    "law withdraw": (P.LAW_ACCEPT, [RULE, "--note", "read"]),
    "report retry": (P.REPORT_RETRY, [CASE]),
    "tips advance": (P.TIP_HANDLE, [TIP, "assessed"]),
    "tips show": (P.TIP_HANDLE, [TIP]),
}
"""What a person answers for: the permission, and arguments."""
BY_AN_ACTOR = {
    "case export": (P.CASE_EXPORT, [CASE]),
    "lists configure": (P.LISTS_WRITE, ["known", "--disable"]),
    "lists import": (P.LISTS_WRITE, [__file__, "--name", "known"]),
    "lists map-category": (P.LISTS_WRITE, ["known", "A9", "A1"]),
    "lists restore": (P.LISTS_WRITE, ["known", "--external-id", "1"]),
    "lists withdraw": (P.LISTS_WRITE, ["known", "--external-id", "1"]),
    "ledger reconcile": (P.LEDGER_RECONCILE, ["--yes"]),
}
"""What a program may do as well (but for `ledger reconcile`), and the first one anybody."""
BY_THE_MACHINE_USER = {
    "accounts create", "accounts disable", "keys create", "keys revoke",
    "db migrate", "demo", "docs write", "evidence verify", "init", "scan", "worker",
    "serve lookup", "serve public", "serve staff", "sandbox cybertip", "sandbox platform",
}  # fmt: skip
"""Setting up, running and checking: the ledger says `cli:uid-<number>`, or who asks the process."""
READING = {
    "accounts list", "case list", "case show", "check", "evidence due", "hash", "keys list",
    "law compare", "law detection", "law draft", "law duties", "law gap", "law instruments",
    "law lint", "law reform", "law rules", "law search", "law show", "law words",
    "ledger head", "ledger show", "ledger verify", "lists clusters", "lists list",
    "lists overlap", "lists refusals", "lists show", "oversight figures", "oversight pack",
    "report exchanges", "report list", "report show", "tips list",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _installation(monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path) -> None:
    monkeypatch.setenv("TUTELA_CONFIG", os.devnull)
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path))
    monkeypatch.setenv("TUTELA_DATABASE_URL", database_url)
    monkeypatch.delenv("TUTELA_TOKEN", raising=False)


def run(command: str, *arguments: str, password: str = SECRET) -> Result:
    return RUN.invoke(app, [*command.split(), *arguments], input=f"{password}\n")


def lines(database: Database) -> list[tuple[str, str]]:
    with database.begin() as tx:
        return [(line.actor, line.action) for line in ledger.lines(tx)]


def commands() -> set[str]:
    """Every command by its words."""

    def walk(command: object, words: tuple[str, ...]) -> set[str]:
        if not isinstance(command, TyperGroup):
            return {" ".join(words)}
        context = typer.Context(command)
        return {
            found
            for name in command.list_commands(context)
            for found in walk(command.get_command(context, name), (*words, name))
        }

    return walk(typer.main.get_command(app), ())


def test_every_command_says_here_who_acts() -> None:
    table = {*BY_A_PERSON, *BY_AN_ACTOR, *BY_THE_MACHINE_USER, *READING}
    assert commands() == table


def test_no_actor_of_a_command_is_a_text() -> None:
    """`by=` and `actor=` come from `acting`: never a constant, never an option's own text."""
    found = []
    for path in SOURCE.rglob("*.py"):
        if path.name == "acting.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg in {"by", "actor"}:
                typed = isinstance(node.value, ast.Constant | ast.JoinedStr) or (
                    isinstance(node.value, ast.Name) and node.value.id == "by"
                )
                if typed:
                    found.append(f"{path.name}:{node.value.lineno}")
    assert found == []


@pytest.mark.parametrize("command", sorted(BY_A_PERSON))
def test_a_person_answers_with_the_password_and_the_permission(
    command: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    permission, arguments = BY_A_PERSON[command]
    holders = {role for role, granted in GRANTS.items() if permission in granted}
    account(database, "person-a", *holders)
    account(database, "person-b", *(set(Role) - holders - {Role.PLATFORM}))
    assert run(command, *arguments).exit_code == 2, "--by is needed"
    nothing = RUN.invoke(app, [*command.split(), *arguments, "--by", "person-a"], input="")
    assert "No password was given" in str(nothing.exception)
    with database.begin() as tx:
        _, token = create_key(
            tx, name="program", roles=PROGRAM_ROLES, by="tests", at=SystemClock().now()
        )
    monkeypatch.setenv("TUTELA_TOKEN", token.reveal())
    assert run(command, *arguments).exit_code == 2, "a program's key does not do"
    before = len(lines(database))
    wrong = run(command, *arguments, "--by", "person-a", password="not the password")
    assert isinstance(wrong.exception, Refused)
    stranger = run(command, *arguments, "--by", "person-b")
    assert isinstance(stranger.exception, Refused)
    assert permission.value in str(stranger.exception)
    unknown = run(command, *arguments, "--by", "acct_typed")
    assert isinstance(unknown.exception, Refused)
    acts = {action for _, action in lines(database)[before:]}
    assert acts <= {"signed_in", "signed_out", "sign_in_refused"}
    done = run(command, *arguments, "--by", "person-a")
    assert not isinstance(done.exception, Refused | BadInput), done.exception


@pytest.mark.parametrize("command", sorted(BY_AN_ACTOR))
def test_as_soon_as_somebody_may_do_it_nobody_else_can(
    command: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    permission, arguments = BY_AN_ACTOR[command]
    first = run(command, *arguments)
    assert not isinstance(first.exception, Refused), first.exception
    holders = {role for role, granted in GRANTS.items() if permission in granted}
    account(database, "person-a", *holders)
    account(database, "person-b", *(set(Role) - holders - {Role.PLATFORM}))
    if command == "ledger reconcile":  # asks only when there is something to reconcile
        return
    before = len(lines(database))
    refused = run(command, *arguments)
    assert isinstance(refused.exception, BadInput)
    assert "--by" in str(refused.exception)
    assert isinstance(run(command, *arguments, "--by", "person-b").exception, Refused)
    monkeypatch.setenv("TUTELA_TOKEN", "tutela_made_up")
    assert isinstance(run(command, *arguments).exception, Refused)
    acts = {action for _, action in lines(database)[before:]}
    assert acts <= {"signed_in", "signed_out", "sign_in_refused"}
    with database.begin() as tx:
        keys = {
            role: create_key(tx, name=role, roles={role}, by="tests", at=SystemClock().now())[1]
            for role in (Role.PLATFORM, Role.OPERATOR)
        }
    monkeypatch.setenv("TUTELA_TOKEN", keys[Role.PLATFORM].reveal())
    assert isinstance(run(command, *arguments).exception, Refused)
    monkeypatch.setenv("TUTELA_TOKEN", keys[Role.OPERATOR].reveal())
    for words in ((), ("--by", "person-a")):
        done = run(command, *arguments, *words)
        assert not isinstance(done.exception, Refused), done.exception
        assert "Say who you are" not in str(done.exception)


def test_the_ledger_names_the_account_the_key_or_the_machine_s_user(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "list.csv"
    table.write_text("kind,value\nmd5," + "0" * 32 + "\n", "utf-8")
    user = f"cli:uid-{os.getuid()}"
    monkeypatch.setenv("LOGNAME", "somebody-else")  # what a name of the machine would be read from
    assert run("lists import", str(table), "--name", "known").exit_code == 0
    assert lines(database)[-1] == (user, "list_imported")
    secret = json.loads(run("keys create", "nightly", "--role", "operator", "--json").stdout)
    assert lines(database)[-1] == (user, "api_key_created")
    monkeypatch.setenv("TUTELA_TOKEN", secret["key"])
    assert run("lists configure", "known", "--disable").exit_code == 0
    assert lines(database)[-1][0] == secret["id"]
    person = account(database, "person-a", Role.OPERATOR)
    assert run("lists configure", "known", "--enable", "--by", "person-a").exit_code == 0
    assert lines(database)[-1][0] == person.id
    assert "person-a" not in str(lines(database))


def test_a_voluntary_report_is_counsel_s(database: Database) -> None:
    account(database, "person-a", Role.REVIEWER, Role.OPERATOR)
    account(database, "person-c", Role.COUNSEL)
    words = ["report retry", CASE, "--voluntary", "our policy", "--by"]
    assert isinstance(run(*words, "person-a").exception, Refused)
    asked = run(*words, "person-c").exception
    assert isinstance(asked, TutelaError)
    assert not isinstance(asked, Refused)  # there is no such case


@pytest.mark.parametrize("role", ["reviewer", "counsel", "nobody"])
def test_no_key_stands_for_a_person_s_judgment(role: str, database: Database) -> None:
    made = run("keys create", "program", "--role", role)
    assert isinstance(made.exception, BadInput)
    assert "auditor, operator, platform" in str(made.exception)
    assert lines(database) == []
