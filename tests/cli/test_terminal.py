"""Outside text never reaches a terminal raw, and is never markup, whatever command prints it."""

import io
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from typer.core import TyperGroup

from accounts.people import SECRET, account
from tutela.accounts.keys import create_key
from tutela.accounts.model import Role
from tutela.cli import app, main
from tutela.cli.presenting import Terminal, print_lines
from tutela.cli.terminal import GuardedStream, escaped, guard_output, one_line, write_line
from tutela.intake.tips import hand_in
from tutela.primitives.database import Database
from tutela.reporting.preparing import prepare
from workflows.filing_world import World

HOSTILE = (
    "evil[/red][link=https://example.org]x[/link][bold :bomb: "
    "\x1b]52;c;Z2FyYmFnZQ==\x07\x1b[2J\x1b[31mred\x9b1;1H\x7f\rover "
    "\u202egnp.exe\u2066\u200f\ufeff end"
)
"""Markup, the clipboard, a cleared screen, C1, DEL, a carriage return, bidirectional controls."""
STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]"
)
ENDLESS = {
    "demo", "worker", "serve staff", "serve public", "serve lookup",
    "sandbox cybertip", "sandbox platform", "docs write",
}  # fmt: skip
"""They answer until they are ended; what they print is their address (and docs write: files)."""


@dataclass
class Stored:
    """What the commands are asked about; each name and text in it is hostile."""

    folder: Path
    case: str = ""
    exhibit: str = ""
    tip: str = ""
    facts: str = ""
    words: dict[str, list[list[str]]] = field(default_factory=dict)


@pytest.fixture
def stored(
    database: Database, monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path
) -> Stored:
    monkeypatch.setenv("TUTELA_CONFIG", os.devnull)
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TUTELA_DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    found = Stored(tmp_path)
    world = World(database=database, home=tmp_path / "home")
    found.case = world.decided(service=HOSTILE, item_reference=HOSTILE, file_name=None)
    prepare(world.desk(None), found.case)  # type: ignore[arg-type]
    hostile_file = tmp_path / (HOSTILE.replace("/", "_")[:80] + ".png")
    hostile_file.write_bytes(b"no picture")
    listed = tmp_path / "list.csv"
    listed.write_text("kind,value,external_id\nmd5,zz,a\nmd5," + "0" * 32 + ",b\n", "utf-8")
    for name in ("one", "two"):
        run(["lists", "import", str(listed), "--name", name])
    answers = {"address": HOSTILE, "description": HOSTILE}
    with world.database.begin() as tx:
        found.exhibit = tx.execute(text("SELECT id FROM exhibits")).scalar_one()
        hand_in(tx, answers=answers, seal=world.seal, at=world.began)
        found.tip = tx.execute(text("SELECT id FROM tips")).scalar_one()
    run(["keys", "create", "a key"])
    password = tmp_path / "password"
    password.write_text(f"{SECRET}\n", "utf-8")
    run(["accounts", "create", "person-b", "--role", "operator", "--password-file", str(password)])
    owner = create_engine(database_url)
    with owner.begin() as tx:  # what an older version, or a hand at the database, has let in
        for change in (
            "UPDATE hash_lists SET name = name || :odd, provenance = :odd",
            "UPDATE list_entries SET external_id = external_id || :odd",
            "UPDATE api_keys SET name = :odd",
            "UPDATE accounts SET login = login || :odd",
            "UPDATE matches SET list_name = :odd, external_id = :odd, reasons = ARRAY[:odd]",
            "UPDATE decisions SET note = :odd",
            "UPDATE reports SET why = :odd",
            "UPDATE exhibits SET media_type = :odd, pipeline = :odd",
        ):
            tx.execute(text(change), {"odd": HOSTILE})
    owner.dispose()
    account(database, "person-r", *(set(Role) - {Role.PLATFORM}))
    with database.begin() as tx:
        made = create_key(
            tx, name="program", roles={Role.OPERATOR}, by="tests", at=datetime.now(UTC)
        )
    monkeypatch.setenv("TUTELA_TOKEN", made[1].reveal())
    return found


def commands() -> Iterator[str]:
    """Every command by its words."""

    def walk(command: object, words: tuple[str, ...]) -> Iterator[str]:
        if isinstance(command, TyperGroup):
            context = typer.Context(command)
            for name in command.list_commands(context):
                yield from walk(command.get_command(context, name), (*words, name))
        else:
            yield " ".join(words)

    yield from walk(typer.main.get_command(app), ())


def calls(stored: Stored) -> dict[str, list[str]]:
    """Arguments for each command: what is stored, else hostile text where it takes text."""
    odd = HOSTILE
    by = ["--by", "person-r"]
    listed = "one" + odd
    return {
        "accounts create": [odd, "--role", odd],
        "accounts disable": [odd],
        "accounts list": [],
        "case export": [stored.case],
        "case list": [],
        "case restrict-done": [stored.case, *by],
        "case restrict-retry": [stored.case, *by],
        "case show": [stored.case],
        "check": [],
        "db migrate": [odd],
        "evidence destroy": [stored.exhibit, *by],
        "evidence due": [],
        "evidence verify": [],
        "evidence request": [stored.exhibit, *by],
        "hash": [str(stored.folder)],
        "init": [],
        "keys create": [odd],
        "keys list": [],
        "keys revoke": [odd],
        "law accept": [odd, *by, "--note", odd],
        "law compare": [odd, "GB", "--conduct", odd],
        "law detection": ["--jurisdiction", odd],
        "law draft": ["--jurisdiction", odd, "--for", odd],
        "law duties": ["--facts", odd],
        "law gap": ["--jurisdiction", odd],
        "law instruments": ["--as-of", odd],
        "law lint": [odd],
        "law reform": [odd, "--jurisdiction", "FR"],
        "law rules": ["--jurisdiction", odd],
        "law search": [odd],
        "law show": [odd],
        "law withdraw": [odd, *by, "--note", odd],
        "law words": [odd],
        "ledger head": [],
        "ledger reconcile": [*by, "--yes"],
        "ledger show": [],
        "ledger verify": ["--anchor", odd],
        "lists clusters": [listed],
        "lists configure": [listed, "--second-person"],
        "lists import": [odd, "--name", odd],
        "lists list": [],
        "lists map-category": [listed, odd, odd],
        "lists overlap": [listed, "two" + odd],
        "lists refusals": [listed],
        "lists restore": [listed],
        "lists show": [listed],
        "lists withdraw": [listed],
        "oversight figures": ["--since", odd],
        "oversight pack": ["--jurisdiction", odd, "--out", odd],
        "report exchanges": [stored.case],
        "report list": [],
        "report retry": [stored.case, *by],
        "report show": [stored.case],
        "scan": [str(stored.folder), "--dry-run"],
        "tips advance": [stored.tip, odd, *by],
        "tips list": [],
        "tips show": [stored.tip, "--by", "person-r"],
    }


def run(words: list[str]) -> tuple[str, str, int]:
    """What the program prints to a terminal that takes colours, and how it ends."""
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", streams[0])
        patch.setattr(sys, "stderr", streams[1])
        patch.setattr(sys, "argv", ["tutela", *words])
        patch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\n"))
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
    out, err = (stream.buffer.getvalue().decode("utf-8") for stream in streams)  # type: ignore[attr-defined]
    return out, err, status


def test_no_command_lets_outside_text_steer_a_terminal(stored: Stored) -> None:
    table = calls(stored)
    assert set(table) | ENDLESS == set(commands()), "each new command needs its line here"
    for command, arguments in table.items():
        for as_json in (False, True):
            words = [*command.split(), *arguments, *(["--json"] if as_json else [])]
            out, err, status = run(words)
            where = f"{command}: {out[-300:]!r} {err[-300:]!r}"
            assert status in range(8), where
            assert "Traceback" not in err, where
            assert not STEERING.search(out), where
            assert not STEERING.search(err), where


def test_what_is_stored_is_shown_and_not_swallowed_as_markup(stored: Stored) -> None:
    for words in (
        ["lists", "show", "one" + HOSTILE],
        ["tips", "show", stored.tip, "--by", "person-r"],
    ):
        out, err, status = run(words)
        assert status == 0, err
        joined = "".join(out.split())
        assert "evil[/red][link=https://example.org]x[/link][bold:bomb:" in joined, words
        assert "\\u001b]52;c;" in joined


def test_json_of_hostile_text_is_the_text_again(stored: Stored) -> None:
    out, _, _ = run(["tips", "show", stored.tip, "--by", "person-r", "--json"])
    assert json.loads(out)["answers"]["description"] == HOSTILE


@given(st.text())
def test_escaping_leaves_nothing_that_steers_and_json_what_it_was(given: str) -> None:
    assert not STEERING.search(escaped(given))
    assert "\n" not in one_line(given)
    line = json.dumps({"text": given}, ensure_ascii=False)
    assert json.loads(escaped(line)) == {"text": given}
    assert escaped("Zürich 日本 😀 \u200d") == "Zürich 日本 😀 \u200d"


def test_styles_are_ours_alone_on_a_terminal_with_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    guard_output()
    assert isinstance(sys.stdout, GuardedStream)
    Terminal().print(HOSTILE, style="bold")
    drawn = out.getvalue()
    assert drawn.startswith("\x1b[1m")
    assert re.sub(r"\x1b\[[01]m", "", drawn).count("\x1b") == 0
    write_line(HOSTILE)
    print_lines(json.dumps({"a": HOSTILE}, ensure_ascii=False) + "\n")
    assert not STEERING.search(out.getvalue()[len(drawn) :])


ROOT = Path(__file__).resolve().parents[2]
PRINTING = re.compile(
    r"(?<![\w.])print\(|\bConsole\(|typer\.echo|click\.echo|std(?:out|err)\.(?:write|buffer)"
)
OWN = {
    "cli/terminal.py",  # the path itself
    "cli/presenting.py",
    "wiring/patience.py",  # a constant sentence, to a guarded stream
}


def test_there_is_one_printing_path() -> None:
    """What prints past it would print names of strangers raw one day."""
    source = ROOT / "src" / "tutela"
    found = {
        f"{path.relative_to(source)}:{number}"
        for path in source.rglob("*.py")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if PRINTING.search(line) and str(path.relative_to(source)) not in OWN
    }
    assert found == set()
