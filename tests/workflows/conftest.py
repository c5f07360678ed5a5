"""Fixtures of the stories' tests."""

from pathlib import Path

import pytest

from tutela.primitives.database import Database
from workflows.filing_world import World


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    """An installation without cases, on the test's own database."""
    return World(database=database, home=tmp_path / "home")
