"""A face whose embedded database was killed answers again by itself."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from running_faces import running

pytestmark = pytest.mark.long

PATIENCE_S = 120


def pid_of(folder: Path) -> int:
    return int((folder / "postmaster.pid").read_text("utf-8").split("\n", maxsplit=1)[0])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for parent in (tmp_path, *tmp_path.parents[:2]):  # the server runs as another user than root
        parent.chmod(0o755)
    return tmp_path / "home"


def test_a_face_answers_again_after_its_database_was_killed(home: Path) -> None:
    environment = {**os.environ, "TUTELA_CONFIG": os.devnull, "TUTELA_HOME": str(home)}
    environment.pop("TUTELA_DATABASE_URL", None)
    subprocess.run(
        [sys.executable, "-m", "tutela", "db", "migrate"], check=True, env=environment, timeout=300
    )
    folder = home / "postgres"
    with running("staff", home=home, database_url="") as face:
        before = httpx.get(f"{face.url}/sign-in", timeout=60).status_code
        assert before == 200
        killed = pid_of(folder)
        os.kill(killed, signal.SIGKILL)
        end = time.monotonic() + PATIENCE_S
        while pid_of(folder) == killed or not alive(folder):
            assert time.monotonic() < end, face.log.read_text("utf-8")
            time.sleep(0.1)
        tried = httpx.get(
            f"{face.url}/v1/cases/none", headers={"Authorization": "Bearer x"}, timeout=60
        )
        assert tried.status_code == 401  # it has asked the database whose key that is
        assert "embedded_database_back" in face.log.read_text("utf-8")
    assert not alive(folder)


def alive(folder: Path) -> bool:
    """Whether the server that the folder names runs and takes connections."""
    if not (folder / "postmaster.pid").exists():
        return False
    lines = (folder / "postmaster.pid").read_text("utf-8").split("\n")
    return lines[-2].strip() == "ready" and Path(f"/proc/{lines[0]}").exists()
