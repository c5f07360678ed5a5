"""The README's four questions to the law: each block is what its command prints, 100 columns wide.

With TUTELA_WRITE_README=1 the blocks are written again.
"""

import os
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tutela.cli import app
from tutela.cli.law_asking import the_lawbook
from tutela.cli.presenting import OUT

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
BLOCK = re.compile(r"```console\n\$ (tutela law [^\n]*)\n(.*?)```", re.DOTALL)
QUESTIONS = ("duties", "gap", "compare", "draft")
RUN = CliRunner()


@pytest.fixture(autouse=True)
def hundred_columns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where a reader would stand: in a clone, nothing configured, a wide terminal."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path))
    monkeypatch.delenv("TUTELA_LAWBOOK", raising=False)
    monkeypatch.setattr(OUT, "_width", 100)


def printed(command: str) -> str:
    """What a command prints, without the blanks at the ends of lines; `| head` and `| tail`."""
    asked, _, cut = command.partition(" | ")
    done = RUN.invoke(app, shlex.split(asked)[1:], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    if cut:
        part = re.fullmatch(r"(head|tail) -(\d+)", cut)
        assert part, cut
        number = int(part[2])
        lines = lines[:number] if part[1] == "head" else lines[-number:]
    return "".join(f"{line}\n" for line in lines)


def test_the_readme_shows_what_its_four_commands_print() -> None:
    text = README.read_text("utf-8")
    if os.environ.get("TUTELA_WRITE_README") == "1":
        text = BLOCK.sub(lambda block: f"```console\n$ {block[1]}\n{printed(block[1])}```", text)
        README.write_text(text, "utf-8")
    blocks = BLOCK.findall(text)
    assert tuple(command.split()[2] for command, _ in blocks) == QUESTIONS
    for command, shown in blocks:
        assert "--as-of" in command, "the day is fixed, so the answer is"
        assert shown == printed(command), f"TUTELA_WRITE_README=1 writes it again: {command}"


def test_the_readme_counts_what_the_book_holds() -> None:
    text = README.read_text("utf-8")
    book = the_lawbook()
    places, texts = len(book.countries), len(book.instruments)
    assert f"{places} jurisdictions and {texts} treaties, acts and indices" in text
    ruled = len({each.jurisdiction for each in book.rules})
    punishing = len({each.jurisdiction for each in book.offences})
    assert f"rules of {ruled} jurisdictions, offences of {punishing}" in text
    assert f"{len(book.requirements)} requirements of {texts} texts" in text
