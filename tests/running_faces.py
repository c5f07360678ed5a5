"""Every process of this program that answers HTTP, started for real on a free port."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]

from counsel.detection_parts import US_HOST

FACES: Mapping[str, tuple[str, ...]] = {
    "staff": ("serve", "staff"),
    "public": ("serve", "public"),
    "lookup": ("serve", "lookup"),
    "authority": ("sandbox", "cybertip", "--user", "u"),
    "platform": ("sandbox", "platform"),
}
_ANSWERING = {"staff": "/healthz", "public": "/healthz", "lookup": "/healthz"}


@dataclass(frozen=True, kw_only=True)
class Face:
    """One process that listens."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def memory_bytes(self) -> int:
        """What it holds in memory now."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


@contextmanager
def running(name: str, *, home: Path, database_url: str, **settings: str) -> Iterator[Face]:
    """The face `name` of `FACES`, answering."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = FACES[name]
    if command[0] == "sandbox":
        command = (*command, "--port", str(port))
    environment = os.environ | {
        "TUTELA_CONFIG": os.devnull,
        "TUTELA_HOME": str(home),
        "TUTELA_DATABASE_URL": database_url.replace("+psycopg", ""),
        "TUTELA_SECURE_COOKIES": "false",
        "TUTELA_DECODERS": "1",
        "TUTELA_SANDBOX_PASSWORD": "for-this-test",
        **{f"TUTELA_{face.upper()}_PORT": str(port) for face in _ANSWERING},
        **US_HOST,
        **settings,
    }
    log = home.parent / f"{name}.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "tutela", *command],
            stdout=written,
            stderr=written,
            env=environment,
        )
        try:
            _wait(process, f"http://127.0.0.1:{port}{_ANSWERING.get(name, '/')}", log)
            yield Face(process=process, port=port, log=log)
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    end = time.monotonic() + 150
    while True:
        try:
            httpx.get(url, timeout=60)
        except httpx.HTTPError:
            assert process.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < end, log.read_text("utf-8")
            time.sleep(0.1)
        else:
            return
