"""Figures come from the ledger alone, with units, and small ones are withheld."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tutela.ledger.chain import GENESIS, link
from tutela.ledger.model import Line
from tutela.oversight.measuring import measure
from tutela.primitives.errors import BadInput

START = datetime(2026, 3, 1, tzinfo=UTC)


def chain(actions: list[str]) -> list[Line]:
    lines: list[Line] = []
    for number, action in enumerate(actions):
        lines.append(
            link(
                previous=lines[-1].digest if lines else GENESIS,
                seq=number + 1,
                at=START + timedelta(hours=number),
                actor="system",
                action=action,
                subject="case_x",
                detail={},
            )
        )
    return lines


def test_small_figures_are_withheld_and_zero_is_shown() -> None:
    lines = chain(["case_opened"] * 12 + ["report_finished"] * 3)
    counted = {
        f.key: f.count for f in measure(lines, since=START.date(), until=date(2026, 4, 1)).figures
    }
    assert counted["cases_opened"] == 12
    assert counted["reports_finished"] is None
    assert counted["destroyed"] == 0


def test_only_the_period_counts() -> None:
    lines = chain(["case_opened"] * 48)
    counted = measure(lines, since=date(2026, 3, 2), until=date(2026, 3, 3), smallest=1)
    assert next(f.count for f in counted.figures if f.key == "cases_opened") == 24
    assert counted.ledger_lines == 24
    assert counted.head == lines[-1].digest


def test_an_empty_period_is_refused() -> None:
    with pytest.raises(BadInput, match="period is empty"):
        measure([], since=date(2026, 3, 2), until=date(2026, 3, 2))
