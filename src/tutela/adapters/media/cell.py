"""One child process as its parent sees it: start, one exchange under a deadline, end."""

import fcntl
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict

from tutela.adapters.media.frames import (
    LENGTH,
    BadFrame,
    Header,
    head_of,
    header_length,
    header_of,
)
from tutela.adapters.media.model import Limits, RefusalReason
from tutela.adapters.media.starting import start_decoder, stop_decoder
from tutela.primitives.errors import Unavailable

STARTUP_SECONDS = 600.0
"""The first start on a machine compiles the kernels; one that died is noticed at once."""
MAX_REPLY_BYTES = 12 << 20
"""A full view of 1600 x 1600 incompressible pixels is 7.7 MB."""

_PIPE_CHUNK_BYTES = 1 << 20
_JOBS_OF_CPU = 20
"""A child may use this many times the limit of one job in its life (the kernel's backstop)."""


class CellLost(Exception):
    """The child gave no usable answer and is gone; `reason` says how."""

    def __init__(self, reason: RefusalReason) -> None:
        self.reason = reason
        super().__init__(reason)


class Cell:
    """A confined child. One exchange at a time; start it from a thread that outlives it.

    The kernel ends the child when the thread that started it ends (the parent's death
    included), and the child ends itself when its input closes.
    """

    def __init__(self, limits: Limits, process: subprocess.Popen[bytes] | None = None) -> None:
        """Start it, or take `process`: one that `start_decoder` gave and nobody has talked to."""
        self._limits = limits
        self._jobs = 0
        self._lifetime_cpu_seconds = limits.cpu_seconds * _JOBS_OF_CPU
        self._cpu_used_seconds = 0.0
        self.process = process or start_decoder()
        assert self.process.stdin  # noqa: S101 - for the type checker; PIPE was asked for
        assert self.process.stdout  # noqa: S101 - same
        self._in = self.process.stdin.fileno()
        self._out = self.process.stdout.fileno()
        with suppress(OSError):  # it works without, in more and smaller steps
            fcntl.fcntl(self._in, fcntl.F_SETPIPE_SZ, _PIPE_CHUNK_BYTES)
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        self.confinement = self._hello()

    @property
    def usable(self) -> bool:
        """Whether it lives and has not seen enough yet."""
        return (
            self.process.poll() is None
            and self._jobs < self._limits.jobs_per_child
            and self._cpu_used_seconds < self._lifetime_cpu_seconds - 2 * self._limits.cpu_seconds
        )

    def exchange(
        self, header: Header, body: bytes, *, meanwhile: Callable[[], object] = lambda: None
    ) -> tuple[Header, bytes]:
        """One request, one answer, within `wall_seconds`; otherwise the child is ended.

        `meanwhile` is called once the child has the request, before its answer is waited for.
        """
        self._jobs += 1
        deadline = time.monotonic() + self._limits.wall_seconds
        try:
            head = head_of(header, body_bytes=len(body))
            answer, out = self._talk(head, body, deadline, meanwhile)
            self._cpu_used_seconds = _seconds(answer.get("cpu_used_seconds"))
        except BaseException:
            self.end()
            raise
        return answer, out

    def end(self) -> None:
        """Kill it and wait for it; harmless when it is gone."""
        stop_decoder(self.process)

    def _hello(self) -> tuple[str, ...]:
        """Tell it its limits, and wait until it has its decoders and has given up its rights."""
        try:
            wish = {"limits": asdict(self._limits), "cpu_seconds": self._lifetime_cpu_seconds}
            head = head_of(wish, body_bytes=0)
            hello, _ = self._talk(head, b"", time.monotonic() + STARTUP_SECONDS)
            return tuple(str(name) for name in hello["confinement"])
        except (CellLost, BadFrame, KeyError, TypeError) as error:
            self.end()
            raise Unavailable(
                "The picture decoder does not start",
                why="its process ended or did not answer within ten minutes",
                remedy="Run `tutela check`, raise the decoder's memory limit, "
                "or install the package again",
            ) from error

    def _talk(
        self,
        head: bytes,
        body: bytes,
        deadline: float,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> tuple[Header, bytes]:
        """Write and read at the same time, so that neither side can block the other."""
        waiting = [memoryview(part) for part in (head, body) if part]
        got = bytearray()
        watch = select.poll()
        watch.register(self._out, select.POLLIN)
        if waiting:
            watch.register(self._in, select.POLLOUT)
        while True:
            left = deadline - time.monotonic()
            ready = dict(watch.poll(max(0.0, left) * 1000)) if left > 0 else {}
            if not ready:
                raise CellLost(RefusalReason.OUT_OF_TIME)
            if self._in in ready and self._write(waiting):
                watch.unregister(self._in)
                meanwhile()
            if self._out in ready:
                chunk = os.read(self._out, _PIPE_CHUNK_BYTES)
                if not chunk:
                    raise CellLost(self._how_it_ended())
                got += chunk
                whole = _whole(got)
                if whole is not None:
                    if waiting:  # it answered before it had listened: nothing more to say
                        self.end()
                    return whole

    def _write(self, waiting: list[memoryview]) -> bool:
        """Write some; whether all of it is written (or nobody is there to read it)."""
        try:
            written = os.write(self._in, waiting[0][:_PIPE_CHUNK_BYTES])
        except BlockingIOError:
            return False
        except BrokenPipeError:
            waiting.clear()  # it is gone or going; reading will tell
            return True
        waiting[0] = waiting[0][written:]
        if not waiting[0]:
            waiting.pop(0)
        return not waiting

    def _how_it_ended(self) -> RefusalReason:
        """Its own processor limit, or something worse."""
        try:
            code = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return RefusalReason.DECODER_DIED
        if code == -signal.SIGXCPU:
            return RefusalReason.OUT_OF_TIME
        return RefusalReason.DECODER_DIED


def _seconds(value: object) -> float:
    """What the child says it has used; not a number counts as everything."""
    return float(value) if isinstance(value, int | float) else float("inf")


def _whole(got: bytearray) -> tuple[Header, bytes] | None:
    """The message in `got` when it is complete; `BadFrame` when it cannot become one."""
    if len(got) < LENGTH.size:
        return None
    start = LENGTH.size + header_length(bytes(got[: LENGTH.size]))
    if len(got) < start:
        return None
    header = header_of(bytes(got[LENGTH.size : start]), max_body_bytes=MAX_REPLY_BYTES)
    end = start + header["body"]
    if len(got) > end:
        raise BadFrame
    return (header, bytes(got[start:end])) if len(got) == end else None
