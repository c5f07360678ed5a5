"""A proxy before the sandbox that kills the worker at a chosen call, before or after it."""

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_COPIED = ("Authorization", "Content-Type", "Accept")


@dataclass(kw_only=True)
class Armed:
    """What happens next: kill `pid` when `call` comes, `before` or `after` it is passed on.

    With `instead`, that is done and the call goes on.
    """

    pid: int = 0
    instead: Callable[[], None] | None = None
    call: str = ""
    phase: str = ""
    hits: list[tuple[str, str]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def strikes(self, call: str, phase: str) -> bool:
        """Kill now if this is the point; the point is used up."""
        with self.lock:
            if (self.call, self.phase) != (call, phase) or not (self.pid or self.instead):
                return False
            self.call = ""
            self.hits.append((call, phase))
            if self.instead is not None:
                self.instead()
                return False
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            return True


@contextmanager
def proxy_to(url: str, armed: Armed) -> Iterator[str]:
    """Pass every call on to `url`; yields the proxy's address."""
    target = urlsplit(url)
    assert target.hostname is not None
    host, port = target.hostname, target.port

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._pass()

        def do_POST(self) -> None:
            self._pass()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            call = self.path.rpartition("/")[2]
            armed.seen.append(call)
            if armed.strikes(call, "before"):
                self.close_connection = True
                return
            connection = http.client.HTTPConnection(host, port, timeout=120)
            headers = {name: self.headers[name] for name in _COPIED if name in self.headers}
            connection.request(self.command, self.path, body=body, headers=headers)
            answer = connection.getresponse()
            received = answer.read()
            connection.close()
            if armed.strikes(call, "after"):
                self.close_connection = True
                return
            with suppress(OSError):  # the worker may have been killed meanwhile
                self.send_response(answer.status)
                for name in ("Content-Type", "Request-ID", "X-Tutela-Sandbox"):
                    if value := answer.getheader(name):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(received)))
                self.end_headers()
                self.wfile.write(received)

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A killed worker resets its connections: that is the point."""

    serving = Quiet(("127.0.0.1", 0), Passing)
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{serving.server_address[1]}"
    finally:
        serving.shutdown()
        thread.join(timeout=10)
        serving.server_close()


_ZYGOTE = """
import os, signal, sys
from tutela.wiring.lawbook import lawbook_of
from tutela.wiring.logging import set_up_logging
from tutela.wiring.settings import load_settings
from tutela.wiring.worker import run_worker
settings = load_settings()
set_up_logging(settings)
lawbook_of(settings)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        try:
            run_worker(settings, once=line.strip() == "once")
            os._exit(0)
        except BaseException as error:
            print(type(error).__name__, error, file=sys.stderr, flush=True)
            os._exit(1)
    print(pid, flush=True)
"""


class Workers:
    """Starts real worker processes quickly: each is a fork of one that has imported it all."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._zygote = subprocess.Popen(
            [sys.executable, "-c", _ZYGOTE],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._zygote.stdout is not None
        assert self._zygote.stdout.readline().strip() == "ready"

    def start(self, *, once: bool = False) -> int:
        """A worker's process id."""
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        self._zygote.stdin.write("once\n" if once else "run\n")
        self._zygote.stdin.flush()
        return int(self._zygote.stdout.readline())

    def close(self) -> None:
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        self._zygote.stdin.close()
        self._zygote.wait(timeout=120)
        self._zygote.stdout.close()


def gone(pid: int, *, within: float) -> bool:
    """Whether the process ends within so many seconds."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
