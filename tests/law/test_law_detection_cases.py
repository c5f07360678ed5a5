"""Every detection case beside the lawbook: a place, a day, a channel, and what a lawyer expects."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

import tutela
from tutela.law.acceptance import Acceptance
from tutela.law.book import Lawbook
from tutela.law.countries import Channel, Tier
from tutela.law.detecting import DetectionAnswer, may_detect
from tutela.law.model import Status
from tutela.law.parsing import read_yaml

LAWBOOK = Path(tutela.__file__).parent / "lawbook"
CASES = sorted(LAWBOOK.glob("*/detection-cases/*.yaml"))
KEYS = {
    "title", "about", "as_of", "jurisdictions", "tier", "channel", "status", "accepted",
    "facts", "expected",
}  # fmt: skip


def seen(answer: DetectionAnswer) -> dict[str, object]:
    last = "none" if answer.expires is None else str(answer.expires - timedelta(days=1))
    return {
        "outcome": answer.outcome.value,
        "stance": answer.stance.value if answer.stance else "none",
        "bases": [each.id for each in answer.bases],
        "last_day": last,
        "warn": answer.warn or "none",
        "asks": [each.fact for each in answer.missing],
        "to_accept": list(answer.to_accept),
    }


def accepted(book: Lawbook, ids: list[str]) -> list[Acceptance]:
    return [
        Acceptance(
            rule_id=each.id,
            rule_version=each.version,
            by="counsel",
            note="Read.",
            at=datetime(2026, 11, 20, tzinfo=UTC),
        )
        for name in ids
        for each in book.acceptable(name)
    ]


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_case_is_answered_as_expected(path: Path, book: Lawbook) -> None:
    case = read_yaml(path.read_text("utf-8"), where=path.name)
    assert set(case) <= KEYS
    expected = cast("Mapping[str, object]", case["expected"])
    assert {"outcome", "stance"} <= set(expected)
    answer = may_detect(
        book,
        jurisdictions=cast("list[str]", case.get("jurisdictions", [path.parts[-3].upper()])),
        tier=Tier(case["tier"]),
        channel=Channel(case["channel"]),
        facts=cast("Mapping[str, object]", case["facts"]),
        as_of=date.fromisoformat(str(case["as_of"])),
        floor=Status(str(case.get("status", "secondary"))),
        accepted=accepted(book, cast("list[str]", case.get("accepted", []))),
    )
    shown = seen(answer)
    assert {key: shown[key] for key in expected} == dict(expected)
    assert answer.reasons


def test_the_cases_stand_on_each_side_of_every_edge_of_the_interim_regime() -> None:
    days = {
        str(read_yaml(path.read_text("utf-8"), where=path.name)["as_of"])
        for path in CASES
        if path.parts[-3] == "eu"
    }
    edges = {"2026-04-03", "2026-04-04", "2026-07-30", "2026-07-31", "2028-04-03", "2028-04-04"}
    assert edges <= days
