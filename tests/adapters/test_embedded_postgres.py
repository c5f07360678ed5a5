"""The embedded server lives exactly as long as somebody uses it, whatever happens to them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import fasteners
import psutil
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tutela.adapters.postgres import PostgresServer, embedded

pytestmark = pytest.mark.long
USE = """
import sys, time
from pathlib import Path
from tutela.adapters.postgres import PostgresServer, embedded
with embedded(Path(sys.argv[1])) as url:
    print("ready", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def servers(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["name", "cmdline", "status"]):
        line = process.info["cmdline"] or []
        if process.info["name"] != "postgres":
            continue
        if str(folder) in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def says_ready(stdout: Iterable[str]) -> bool:
    """Whether a process says so; before that it may log that the server was started again."""
    return any(line == "ready\n" for line in stdout)


def user(folder: Path, seconds: float) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", USE, str(folder), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert says_ready(process.stdout)
    return process


def gone(folder: Path) -> bool:
    for _ in range(100):
        if not servers(folder):
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    return tmp_path / "postgres"


def test_the_last_one_out_stops_the_server(folder: Path) -> None:
    with embedded(folder):
        assert len(servers(folder)) == 1
        first = user(folder, 0.2)
        first.communicate(timeout=30)
        assert len(servers(folder)) == 1, "it was stopped while still in use"
    assert gone(folder)


def test_a_killed_user_neither_stops_it_nor_keeps_it(folder: Path) -> None:
    with embedded(folder):
        victim = user(folder, 60)
        os.kill(victim.pid, signal.SIGKILL)
        victim.communicate()
        assert len(servers(folder)) == 1
    assert gone(folder)


def test_two_that_leave_at_once_do_not_leave_it_behind(folder: Path) -> None:
    pair = [user(folder, 0.5), user(folder, 0.5)]
    for process in pair:
        process.communicate(timeout=30)
    assert gone(folder)


def test_another_users_lock_does_not_stand_in_the_way(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "somebody-elses"
    elsewhere.mkdir()
    (elsewhere / ".lockfile").mkdir()  # cannot be opened as a lock, like one that is not ours
    monkeypatch.setattr(
        PostgresServer, "_lock", fasteners.InterProcessLock(elsewhere / ".lockfile")
    )
    with embedded(folder) as url:
        assert url.startswith("postgresql+psycopg://")
    assert gone(folder)


def test_a_server_that_somebody_else_ended_is_left_without_noise(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    process = subprocess.Popen(
        [sys.executable, "-c", USE, str(folder), "3"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert says_ready(process.stdout)
    os.kill(int((folder / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    _, noise = process.communicate(timeout=60)
    assert (process.returncode, noise) == (0, "")


def test_a_slow_start_is_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start, tries = PostgresServer.start, []

    def slow(self: PostgresServer) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise subprocess.TimeoutExpired("pg_ctl", 10)
        if len(tries) == 2:  # the first one still holds the server's lock
            raise subprocess.CalledProcessError(1, "pg_ctl")
        start(self)

    monkeypatch.setattr(PostgresServer, "start", slow)
    with embedded(folder):
        assert len(tries) == 3
    assert gone(folder)


def pid_of(folder: Path) -> int:
    return int((folder / "postmaster.pid").read_text("utf-8").split("\n", maxsplit=1)[0])


def killed(folder: Path) -> int:
    """Kill the server as the kernel would for memory; gives its process number."""
    pid = pid_of(folder)
    os.kill(pid, signal.SIGKILL)
    return pid


def answers(url: str) -> bool:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return connection.execute(text("SELECT 1")).scalar_one() == 1
    except OperationalError:
        return False
    finally:
        engine.dispose()


def comes_back(folder: Path, url: str, *, after: int) -> bool:
    for _ in range(600):
        if (folder / "postmaster.pid").exists() and pid_of(folder) != after and answers(url):
            return True
        time.sleep(0.1)
    return False


def test_a_killed_server_is_started_again_by_who_uses_it(folder: Path) -> None:
    with embedded(folder) as url:
        for _ in range(2):
            assert comes_back(folder, url, after=killed(folder))
            assert len(servers(folder)) == 1
    assert gone(folder)


def test_several_users_of_a_killed_server_start_one_and_the_last_ends_it(folder: Path) -> None:
    pair = [user(folder, 60), user(folder, 60)]
    with embedded(folder) as url:
        assert comes_back(folder, url, after=killed(folder))
        assert len(servers(folder)) == 1
    assert len(servers(folder)) == 1, "it was stopped while still in use"
    for process in pair:
        process.terminate()
        process.communicate(timeout=60)
    with embedded(folder):  # two were ended without a chance to stop it
        assert len(servers(folder)) == 1
    assert gone(folder)


def test_who_joined_an_earlier_server_stops_the_one_that_runs(folder: Path) -> None:
    """Another process has started the server again: it would be left behind as an orphan."""
    with embedded(folder) as url:
        before = killed(folder)
        other = user(folder, 30)
        assert comes_back(folder, url, after=before)
        os.kill(other.pid, signal.SIGKILL)
        other.communicate()
    assert gone(folder)


def test_a_command_that_is_told_to_end_stops_the_server_it_was_the_last_to_use(
    folder: Path,
) -> None:
    home = folder.parent
    environment = {**os.environ, "TUTELA_HOME": str(home), "TUTELA_CONFIG": os.devnull}
    environment.pop("TUTELA_DATABASE_URL", None)
    script = (
        "import sys, time\n"
        "from tutela.cli import app, main\n"
        "from tutela.adapters.postgres import embedded\n"
        "from pathlib import Path\n"
        "import typer\n"
        "def wait():\n"
        "    with embedded(Path(sys.argv[1])):\n"
        "        print('ready', flush=True)\n"
        "        time.sleep(60)\n"
        "import tutela.cli as cli\n"
        "cli.app = wait\n"
        "main()\n"
    )
    command = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    assert command.stdout is not None
    assert says_ready(command.stdout)
    command.terminate()
    command.communicate(timeout=60)
    assert command.returncode == 128 + signal.SIGTERM
    assert gone(folder)
