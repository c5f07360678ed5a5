"""What the hashing tests share: the drawing script (loaded by its path) and benign samples."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def drawing() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "vectors" / "draw.py"
    spec = importlib.util.spec_from_file_location("drawn_for_tests", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
