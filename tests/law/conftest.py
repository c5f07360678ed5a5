"""A small invented law ("XX-like" facts of the real vocabulary) and the real lawbook."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from own_lawbook import own_lawbook
from tutela.law.loading import Lawbook
from tutela.law.model import Rule
from tutela.law.parsing import Reader
from tutela.law.vocabulary import Vocabulary

CITED = {"cite": "Test Act s.1", "source": "memory", "status": "recalled"}


def leaf(fact: str, **test: object) -> dict[str, object]:
    return {"fact": fact, **{key.rstrip("_"): value for key, value in test.items()}, **CITED}


def rule_data(**changes: object) -> dict[str, object]:
    """The plain data of a rule whose three conditions are one yes-or-no fact each."""
    data: dict[str, object] = {
        "id": "us.test.report",
        "jurisdiction": "US",
        "title": "A duty for tests",
        "summary": "Not law.",
        "legal_status": "in_force",
        "legal_basis": [CITED],
        "in_force": {"from": "2026-01-01", "to": None, "before": "not_law", **CITED},
        "status": "recalled",
        "reviewers": [],
        "action": "report",
        "bearer": leaf("provider.is_electronic_service", eq=True),
        "connection": leaf("provider.established_in", eq="US"),
        "trigger": leaf("decision.apparent_csam", eq=True),
        "clock": {"kind": "none", **CITED},
        "recipients": [{"id": "body", "body": "A body", **CITED}],
    }
    return data | changes


@pytest.fixture(scope="session")
def book() -> Lawbook:
    return own_lawbook()


@pytest.fixture(scope="session")
def vocabulary(book: Lawbook) -> Vocabulary:
    return book.vocabulary


@pytest.fixture(scope="session")
def reader(vocabulary: Vocabulary) -> Reader:
    return Reader(vocabulary=vocabulary, sets={"nordic": ("DK", "NO", "SE")})


@pytest.fixture(scope="session")
def make_rule(reader: Reader) -> Callable[..., Rule]:
    def make(**changes: object) -> Rule:
        return reader.build(Rule, rule_data(**changes), where="test")

    return make


@pytest.fixture(scope="session")
def test_leaf() -> Callable[..., dict[str, object]]:
    return leaf


@pytest.fixture(scope="session")
def cited() -> Mapping[str, str]:
    return CITED


@pytest.fixture(scope="session")
def book_of(book: Lawbook) -> Callable[..., Lawbook]:
    def make(*rules: Any) -> Lawbook:
        return replace(book, rules=tuple(rules))

    return make
