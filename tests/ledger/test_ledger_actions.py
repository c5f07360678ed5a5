"""Every line names an action of the one enumeration, and each of these is written somewhere."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tutela.law.acceptance import ACCEPTED, WITHDRAWN
from tutela.ledger.actions import LedgerAction

SOURCE = Path(__file__).resolve().parents[2] / "src" / "tutela"
ELSEWHERE = {"migrations", "law", "lawbook"}


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for path in SOURCE.rglob("*.py"):
        name = str(path.relative_to(SOURCE))
        if not ELSEWHERE & set(Path(name).parts) and name != "ledger/actions.py":
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                yield name, node


def test_no_action_is_a_text_of_its_own() -> None:
    """mypy asks for the enumeration at `append`; this finds what is compared or read by a text."""
    values = {action.value for action in LedgerAction}
    # The same words are events of a case, of the log, and of an account at the authority.
    shared = {
        "review_finished", "decision_made", "account_disabled",
        "outward_acts_go_on", "outward_acts_wait",
    }  # fmt: skip
    found = [
        f"{name}:{node.lineno} {node.value}"
        for name, node in nodes()
        if isinstance(node, ast.Constant) and node.value in values - shared
    ]
    assert found == []


def test_every_action_is_written_somewhere() -> None:
    used = {
        node.attr
        for _, node in nodes()
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "LedgerAction"
    }
    assert {action.name for action in LedgerAction} == used


def test_the_law_names_its_two_as_the_ledger_does() -> None:
    """That room knows no ledger."""
    assert LedgerAction.LAW_RULE_ACCEPTED == ACCEPTED
    assert LedgerAction.LAW_RULE_ACCEPTANCE_WITHDRAWN == WITHDRAWN


def test_each_says_what_it_means_in_a_sentence() -> None:
    for action in LedgerAction:
        assert action.meaning.endswith(".")
        assert action.meaning[0].isupper()
        assert action.value == action.name.lower()
