"""The demo's processes: started together, stopped together, none left behind."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tutela.primitives.errors import Unavailable

_PR_SET_PDEATHSIG = 1
_GRACE_SECONDS = 15.0


class Processes:
    """Child processes of this one; leaving the `with` block stops them, newest first."""

    def __init__(self, *, environment: Mapping[str, str], logs: Path) -> None:
        """Children see `environment` and write to files under `logs`."""
        self._environment = dict(environment)
        self._logs = logs
        self._children: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._files: list[IO[bytes]] = []
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, arguments: Sequence[str], **settings: str) -> None:
        """Start `python -m tutela ARGUMENTS…`; `settings` are added to its environment."""
        log = (self._logs / f"{name}.log").open("ab")
        self._files.append(log)
        child = subprocess.Popen(  # noqa: S603 - our own program, fixed arguments
            [sys.executable, "-m", "tutela", *arguments],
            env=self._environment | settings,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us alone; we stop them in order
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - no threads yet; only prctl is called
        )
        self._children.append((name, child))

    def wait_for_port(self, name: str, port: int, *, seconds: float = 60.0) -> None:
        """Wait until something listens on loopback `port`, or say which log to read."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            self.still_running()
            with socket.socket() as probe:
                probe.settimeout(0.5)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.1)
        raise Unavailable(f"The demo's {name} did not start", remedy=f"Read {self._log(name)}.")

    def still_running(self) -> None:
        """Raise `Unavailable` when a child has ended by itself."""
        for name, child in self._children:
            if child.poll() is not None:
                raise Unavailable(
                    f"The demo's {name} has ended",
                    why=f"exit code {child.returncode}",
                    remedy=f"Read {self._log(name)}.",
                )

    def stop(self) -> None:
        """Ask each child to end, newest first; end by force what does not."""
        for _, child in reversed(self._children):
            if child.poll() is None:
                child.terminate()
        give_up = time.monotonic() + _GRACE_SECONDS
        for _, child in reversed(self._children):
            try:
                child.wait(max(0.1, give_up - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        self._children.clear()
        for file in self._files:
            file.close()
        self._files.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


_RESERVED: list[socket.socket] = []
"""Names taken for the life of this process; the kernel gives them back at its end."""


def free_port(preferred: int = 0) -> int:
    """`preferred` when nobody listens there and no other demo has chosen it, else a free one."""
    for port in (preferred, 0):
        if port and not _reserve(port):
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Unavailable("No port is free on this machine")


def _reserve(port: int) -> bool:
    """Whether this demo may have the port: another may have chosen it and still be starting."""
    if sys.platform != "linux":
        return True
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0tutela-demo-{port}")  # an abstract name: no file, gone with the process
    except OSError:
        name.close()
        return False
    _RESERVED.append(name)
    return True


def _die_with_parent() -> None:
    """If the demo itself is killed, its children get SIGTERM from the kernel."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
