"""With CI=true a part that is missing fails the run; elsewhere it is a skip that says why."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SKIPS = """
import pytest

def test_asks_for_a_part():
    pytest.skip("no such program")

@pytest.mark.skipif(True, reason="no such file")
def test_is_marked():
    raise AssertionError
"""
MODULE_SKIPS = 'import pytest\npytest.importorskip("no_such_package")\n'


@pytest.mark.parametrize("body", [SKIPS, MODULE_SKIPS])
@pytest.mark.parametrize(("ci", "status"), [("true", {1, 2}), ("", {0, 5})])
def test_a_skip_fails_on_a_ci_machine(tmp_path: Path, body: str, ci: str, status: set[int]) -> None:
    (tmp_path / "test_parts.py").write_text(body, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "conftest", "-c", os.devnull,
         "--rootdir", str(tmp_path), str(tmp_path)],
        check=False, capture_output=True, text=True, timeout=300,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT / "tests")},
    )  # fmt: skip
    assert run.returncode in status, run.stdout
    if ci:
        assert "CI=true and a part is missing" in run.stdout
        assert "skipped" not in run.stdout
    else:
        assert "failed" not in run.stdout
