"""No side field of a case holds its report: what no field takes stands in the free text."""

from pathlib import Path
from typing import Any

import pytest

from reporting.case_composing import composed
from tutela.primitives.database import Database
from tutela.primitives.redacted import Redacted
from workflows.filing_world import World

ODD = ["  ", "x" * 5000, "\u2028A reviewer decided", "\x00", "a@", "[2001:db8::1]:443", "fe80::1%e"]


@pytest.mark.parametrize("text", ODD)
def test_any_text_in_any_side_field_is_reported(
    database: Database, tmp_path: Path, text: str
) -> None:
    world = World(database=database, home=tmp_path / "home")
    wrapped: Any = Redacted(text)
    case_id = world.decided(
        service=text[:200],
        uploader_reference=text,
        uploader_screen_name=wrapped,
        uploader_email=wrapped,
        uploader_ip=wrapped,
        location_url=wrapped,
        file_name=wrapped,
        extra={text[:100]: text},
    )
    tip, _ = composed(world, case_id)
    assert tip.incident.platform is None or len(tip.incident.platform) <= 255
    free = tip.additional_info or ""
    assert not [line for line in free.splitlines() if line.startswith("A reviewer decided")]
