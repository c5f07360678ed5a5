"""A fresh machine: `check` makes nothing, `serve public` waits, `init` makes all of it once."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from tutela.adapters.keys import ensure_evidence_key
from tutela.adapters.postgres import migrate
from tutela.wiring.checking import check_everything
from tutela.wiring.public import wait_for_sealing_key
from tutela.wiring.settings import load_settings


def environment(home: Path, **settings: str) -> dict[str, str]:
    given = {"TUTELA_HOME": str(home), "TUTELA_CONFIG": os.devnull}
    return os.environ | given | settings


def tutela(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tutela", *arguments],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path in [folder, *folder.rglob("*")]:
        state = path.lstat()
        found[str(path)] = (state.st_mode, state.st_mtime_ns)
    return found


@contextmanager
def public(home: Path, log: Path) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "tutela", "serve", "public"],
            env=environment(home, TUTELA_PUBLIC_PORT=str(port)),
            stdout=written,
            stderr=written,
        )
        try:
            yield process, port
        finally:
            process.terminate()
            process.wait(60)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that PostgreSQL's own user may enter, whatever pytest does with its folders."""
    with tempfile.TemporaryDirectory(prefix="tutela-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_check_init_and_the_public_form_on_a_fresh_machine(place: Path, tmp_path: Path) -> None:
    home, log = place / "home", tmp_path / "public.log"
    before = tree(place)
    checked = tutela(home, "check", "--json")
    assert checked.returncode == 7
    rows = {row["part"]: row for row in map(json.loads, checked.stdout.splitlines())}
    for part in ("home", "database", "evidence key"):
        assert rows[part]["state"] == "missing"
        assert "`tutela init`" in rows[part]["why"]
    assert tree(place) == before
    with public(home, log) as (process, port):
        while b"sealing_key_awaited" not in log.read_bytes():
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        assert not home.exists()
        first = tutela(home, "init", "--json")
        assert first.returncode == 0, first.stderr
        assert json.loads(first.stdout)["made"] == ["home", "database schema", "evidence key"]
        url = f"http://127.0.0.1:{port}/healthz"
        for _ in range(600):
            assert process.poll() is None, log.read_text()
            try:
                assert httpx.get(url, timeout=60).status_code == 200
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                break
        else:
            pytest.fail(log.read_text())
    second = tutela(home, "init", "--json")
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout) == json.loads(first.stdout) | {"made": []}
    checked = tutela(home, "check", "--json")
    rows = {row["part"]: row for row in map(json.loads, checked.stdout.splitlines())}
    assert [rows[p]["state"] for p in ("home", "database", "evidence key")] == ["ok"] * 3


def test_check_leaves_a_database_without_a_schema_as_it_is(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(database_url, revision="base")
    monkeypatch.chdir(tmp_path)
    plain = SecretStr(database_url.replace("+psycopg", ""))
    settings = load_settings(home=tmp_path / "home", database_url=plain)
    for _ in range(2):  # the second one would find what the first one made
        found = {check.part: check for check in check_everything(settings)}
        assert found["database"].why.startswith("external, schema none")
    assert not (tmp_path / "home").exists()


def test_the_wait_ends_when_there_is_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(home=tmp_path / "home")
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            ensure_evidence_key(settings.folder)

    wait_for_sealing_key(settings, pause=pause)
    assert len(pauses) == 3
    wait_for_sealing_key(settings, pause=pytest.fail)
