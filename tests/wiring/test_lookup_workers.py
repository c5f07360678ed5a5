"""Lookup processes for real: on one port, started again when killed, gone with their parent."""

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]
import pytest
from pydantic import SecretStr

from counsel.detection_parts import US_HOST, accept
from tutela.accounts.keys import create_key
from tutela.indicators.importing import import_list
from tutela.primitives.database import Database
from tutela.wiring import lookups
from tutela.wiring.settings import Settings

pytestmark = pytest.mark.long
PARENT = """
import sys, time
from tutela.wiring.lookups import lookup_workers
from tutela.wiring.settings import load_settings
with lookup_workers(load_settings()):
    print("started", flush=True)
    sys.stdin.read()
"""
HASH = "6b" * 8 + "c5" * 8 + "3a" * 8 + "d2" * 8


def until(true: Callable[[], bool], *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def parent(database_url: str, tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A process with two lookup processes, and their address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "TUTELA_HOME": str(tmp_path / "home"),
        "TUTELA_DATABASE_URL": database_url.replace("+psycopg", ""),
        "TUTELA_LOOKUP_PORT": str(port),
        "TUTELA_LOOKUP_WORKERS": "2",
        **US_HOST,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", timeout=60).status_code == 200
    except httpx.HTTPError:
        return False


def children_of(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    return [one for one in psutil.Process(process.pid).children() if one.status() != "zombie"]


def listening(process: "subprocess.Popen[str]") -> list[int]:
    return [one.pid for one in children_of(process) if one.net_connections("tcp")]


def test_two_processes_share_a_port_come_again_and_end_with_their_parent(
    database: Database, parent: tuple["subprocess.Popen[str]", str], tmp_path: Path
) -> None:
    process, address = parent
    now = datetime.now(UTC)
    with database.begin() as tx:
        _, key = create_key(tx, name="a platform", by="test", at=now)
    until(lambda: len(listening(process)) == 2, seconds=150)
    assert ready(address)
    table = tmp_path / "list.csv"
    table.write_text(f"kind,value\npdq,{HASH}\n")
    import_list(database, path=table, name="drawn", by="test", at=now)
    accept(database)
    question = {"hashes": [{"pdq": HASH, "quality": 90}]}
    headers = {"Authorization": f"Bearer {key.reveal()}"}
    each_its_own = httpx.Limits(max_keepalive_connections=0)
    client = httpx.Client(base_url=address, limits=each_its_own, timeout=120)

    def all_match() -> bool:
        answers = [client.post("/v1/lookup", json=question, headers=headers) for _ in range(12)]
        return all(one.json()["results"][0]["finding"] == "matched" for one in answers)

    until(all_match, seconds=20)
    before = listening(process)
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len({*listening(process)} - {*before}) == 1, seconds=150)
    assert all_match()
    left = children_of(process)
    process.kill()  # it cannot say good-bye
    gone, alive = psutil.wait_procs(left, timeout=120)
    assert (len(gone), alive) == (2, [])
    assert not ready(address)
    client.close()


def test_who_leaves_while_the_lists_are_read_does_not_wait_for_them(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, never = threading.Event(), threading.Event()

    @contextmanager
    def large_lists(*_: object) -> Iterator[None]:
        reading.set()
        never.wait()
        yield

    monkeypatch.setattr(lookups, "open_matching", large_lists)
    url = SecretStr(database_url.replace("+psycopg", ""))
    settings = Settings(home=tmp_path, database_url=url)

    def leaving() -> None:
        with suppress(KeyboardInterrupt), lookups.open_lookups(settings):
            assert reading.wait(60)
            raise KeyboardInterrupt

    thread = threading.Thread(target=leaving, daemon=True)
    thread.start()
    thread.join(60)
    left = not thread.is_alive()
    never.set()
    assert left


def test_a_machine_without_room_for_a_process_gets_it_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []
    start = subprocess.Popen

    def crowded(*_: object, **options: Any) -> "subprocess.Popen[bytes]":
        tried.append(options)
        if len(tried) == 1:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return start([sys.executable, "-S", "-c", "import sys; sys.stdin.read()"], **options)

    monkeypatch.setattr(subprocess, "Popen", crowded)
    monkeypatch.setattr(lookups, "_AGAIN_SECONDS", 0.05)
    with lookups.lookup_workers(Settings(home=tmp_path, lookup_workers=1)):
        until(lambda: len(tried) > 1, seconds=60)
