"""Every case beside the lawbook: facts, a day and what a lawyer expects."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import cast

import pytest

import tutela
from tutela.law.answers import Duty
from tutela.law.duties import duties
from tutela.law.loading import Lawbook
from tutela.law.model import Status, Truth
from tutela.law.parsing import read_yaml
from tutela.law.serialising import as_plain

LAWBOOK = Path(tutela.__file__).parent / "lawbook"
CASES = sorted(LAWBOOK.glob("*/cases/*.yaml"))
KEYS = {"title", "about", "as_of", "status", "facts", "expected", "preserve_until", "uncovered"}


def seen(duty: Duty) -> dict[str, object]:
    due = duty.due
    return {
        "outcome": duty.outcome.value,
        "state": duty.state.value,
        "status": duty.status.value,
        "clock": due.kind.value if due else None,
        "due_at": as_plain(due.due_at) if due else None,
        "standard": due.standard if due else None,
        "level": (due.level or "none") if due else None,
        "recipients": [each.id for each in duty.recipients if each.result is not Truth.NO],
        "discharged_by": [each.id for each in duty.discharged_by if each.result is Truth.YES],
        "unmet": [each.id for each in duty.preconditions if each.result is not Truth.YES],
        "safeguards": [each.id for each in duty.safeguards],
    }


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_case_is_answered_as_expected(path: Path, book: Lawbook) -> None:
    case = read_yaml(path.read_text("utf-8"), where=path.name)
    assert set(case) <= KEYS
    expected = cast("Mapping[str, Mapping[str, object]]", case["expected"])
    assert expected
    answer = duties(
        book,
        cast("Mapping[str, object]", case["facts"]),
        date.fromisoformat(str(case["as_of"])),
        floor=Status(case.get("status", "recalled")),
        jurisdictions=[path.parent.parent.name.upper()],
    )
    for rule_id, wanted in expected.items():
        duty = answer.of(rule_id)
        shown = seen(duty)
        assert {key: shown[key] for key in wanted if key != "asks"} == {
            key: value for key, value in wanted.items() if key != "asks"
        }, rule_id
        asked = {each.fact for each in duty.questions}
        assert set(cast("list[str]", wanted.get("asks", []))) <= asked, rule_id
    if "preserve_until" in case:
        kept = answer.preservation
        if case["preserve_until"] == "nothing":
            assert kept.required is Truth.NO
        elif case["preserve_until"] == "open":
            assert kept.required is not Truth.NO
            assert answer.preserve_until is None
        else:
            assert as_plain(answer.preserve_until) == case["preserve_until"]
    if "uncovered" in case:
        others = {"US", "GB"}  # covered by the book, though not by this one jurisdiction
        assert [each for each in answer.uncovered if each not in others] == case["uncovered"]


@pytest.mark.parametrize("jurisdiction", ["us", "gb", "eu"])
def test_each_jurisdiction_has_cases_with_a_boundary_and_an_unknown(jurisdiction: str) -> None:
    mine = [path for path in CASES if path.parent.parent.name == jurisdiction]
    texts = [path.read_text("utf-8") for path in mine]
    assert len(mine) >= 4
    assert any("outcome: unknown" in text for text in texts)
    names = " ".join(path.stem for path in mine)
    assert "before" in names
    assert "first-day" in names


def test_every_rule_has_a_case_that_applies_it(book: Lawbook) -> None:
    applied = "\n".join(path.read_text("utf-8") for path in CASES)
    for rule_id in book.ids():
        if any(edition.in_force.from_ for edition in book.editions(rule_id)):
            assert f"  {rule_id}:\n    outcome: yes" in applied, rule_id
        else:  # it binds nobody yet, and a case says so
            assert f"  {rule_id}:\n    outcome: no\n    state: not_in_force" in applied, rule_id
