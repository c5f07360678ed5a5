"""Every noun on the command line is there: a wrong line in the table hides a command."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from tutela.cli import NOUNS, app


@pytest.mark.parametrize("noun", sorted(NOUNS))
def test_every_command_can_be_asked_for_help(noun: str) -> None:
    answer = CliRunner().invoke(app, [noun, "--help"])
    assert answer.exit_code == 0, answer.output
    assert noun in answer.output


def test_the_overview_names_every_command() -> None:
    listed = CliRunner().invoke(app, ["--help"]).output
    assert {noun for noun in NOUNS if f"\n  {noun} " in listed} == set(NOUNS)


def test_the_overview_loads_no_command() -> None:
    asked = "import sys; from tutela.cli import app; app(['--help'], standalone_mode=False); "
    told = "print([name for name in ('numba', 'sqlalchemy', 'numpy') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", asked + told], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
