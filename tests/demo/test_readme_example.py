"""The README's example runs as it stands, against a real process."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("demo")  # one process of pytest-xdist, one demo
README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_example_of_the_readme_runs(
    console: tuple[str, str, str], folder: Path, tmp_path: Path
) -> None:
    found = re.search(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert found
    code = found[1]
    assert len(code.strip().splitlines()) == 5
    environment = os.environ | {"TUTELA_HOME": str(folder / "home"), "TUTELA_DEMO": "1"}
    made = subprocess.run(
        [sys.executable, "-m", "tutela", "keys", "create", "readme", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    picture = next((folder / "pictures" / "known").glob("*.png"))
    (tmp_path / "upload.png").write_bytes(picture.read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"TUTELA_KEY": json.loads(made.stdout)["key"], "TUTELA_URL": console[0]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("matched case_")
