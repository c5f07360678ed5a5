"""Every noun on the command line is there: a wrong line in the table hides a command."""

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
