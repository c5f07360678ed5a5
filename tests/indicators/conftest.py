"""Importing a text as a list."""

from pathlib import Path
from typing import Any

import pytest
from indicator_drawing import AT, Import

from tutela.indicators.importing import import_list
from tutela.indicators.model import Imported
from tutela.primitives.database import Database


@pytest.fixture
def import_text(database: Database, tmp_path: Path) -> Import:
    """Write a text or bytes to a file and import it into the list `name`."""

    def run(content: str | bytes, *, name: str = "first", **options: Any) -> Imported:
        path = tmp_path / "list"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return import_list(
            database, path=path, name=name, **({"by": "acct_person_a", "at": AT} | options)
        )

    return run
