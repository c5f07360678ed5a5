"""The child of one video as its parent sees it: start, lines until the end, deadlines.

Nothing that comes out of the child is trusted: a line that is too long, is no JSON object or
breaks the order of frames ends the child, and the video with it.
"""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from tutela.adapters.media.cell import CellLost
from tutela.adapters.media.frames import BadFrame
from tutela.adapters.media.model import RefusalReason
from tutela.adapters.media.starting import start_child, stop_decoder
from tutela.adapters.media.video.model import VideoLimits
from tutela.primitives.errors import Unavailable

STARTUP_SECONDS = 300.0
"""The first child on a machine may compile the kernels; on a busy one that takes minutes."""
MAX_LINE_BYTES = 4096
MAX_SHEET_BYTES = 12 << 20
_CHUNK_BYTES = 1 << 16

Line = dict[str, Any]
_WALL_TO_CPU = 2
"""On a busy machine a video may take twice the time on the clock that it may on the processor."""


class VideoCell:
    """A confined child that reads one video from the descriptor it is handed.

    Start it from a thread that outlives it: the kernel ends it with that thread. `born` is handed
    its process before it is waited for.
    """

    def __init__(
        self,
        source: int,
        limits: VideoLimits,
        *,
        job: str,
        container: str,
        offset: int = 0,
        track: int = 0,
        live: bool = False,
        every_s: float = 1.0,
        key_frames: bool = False,
        dihedral: bool = False,
        born: Callable[["subprocess.Popen[bytes]"], object] = lambda _: None,
    ) -> None:
        self._limits = limits
        self._live = live
        wish = {
            "job": job,
            "container": container,
            "offset": offset,
            "track": track,
            "live": int(live),
            "every_s": every_s,
            "key_frames": int(key_frames),
            "dihedral": int(dihedral),
        }
        given = (f"{name}={value}" for name, value in (asdict(limits) | wish).items())
        self.process = start_child("tutela.adapters.media.video.child", *given, stdin=source)
        born(self.process)
        assert self.process.stdout  # noqa: S101 - for the type checker; PIPE was asked for
        self._out = self.process.stdout.fileno()
        os.set_blocking(self._out, False)
        self._got = bytearray()
        self.confinement = self._hello()

    def lines(self) -> Iterator[Line]:
        """What it says, line by line, as fast as it comes; raise `CellLost` or `BadFrame`.

        The time it may take is counted from this call. It grows with the second of video that it
        says it has reached, up to twice the processor time of a whole video: whatever it says, it
        comes to an end. Live input may take any time, as long as something comes.
        """
        started = time.monotonic()
        reached = 0.0
        while True:
            allowed = self._limits.wall_seconds + reached * self._limits.wall_per_second
            allowed = min(allowed, _WALL_TO_CPU * self._limits.cpu_seconds)
            deadline = time.monotonic() + self._limits.stall_seconds
            line = self._line(deadline if self._live else min(started + allowed, deadline))
            second = line.get("second")
            if type(second) is float:
                reached = max(reached, second)
            yield line
            if "end" in line or "refused" in line or "sheet" in line:
                return

    def body(self, size: int) -> bytes:
        """The bytes that follow the last line."""
        if not 0 < size <= MAX_SHEET_BYTES:
            raise BadFrame
        deadline = time.monotonic() + self._limits.stall_seconds
        while len(self._got) < size:
            self._read(deadline)
        if len(self._got) > size:
            raise BadFrame
        return bytes(self._got)

    def end(self) -> None:
        """Kill it and wait for it; harmless when it is gone."""
        stop_decoder(self.process)

    def _hello(self) -> tuple[str, ...]:
        try:
            hello = self._line(time.monotonic() + STARTUP_SECONDS)
            return tuple(str(name) for name in hello["confinement"])
        except (CellLost, BadFrame, KeyError, TypeError) as error:
            self.end()
            raise Unavailable(
                "The video decoder does not start",
                why="its process ended or did not answer in time",
                remedy="Run `tutela check`, raise the decoder's memory limit, "
                "or install the package again",
            ) from error

    def _line(self, deadline: float) -> Line:
        while (end := self._got.find(b"\n")) < 0:
            if len(self._got) > MAX_LINE_BYTES:
                raise BadFrame
            self._read(deadline)
        text = bytes(self._got[:end])
        del self._got[: end + 1]
        try:
            line = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadFrame from error
        if not isinstance(line, dict):
            raise BadFrame
        return line

    def _read(self, deadline: float) -> None:
        watch = select.poll()
        watch.register(self._out, select.POLLIN)
        left = deadline - time.monotonic()
        if left <= 0 or not watch.poll(left * 1000):
            raise CellLost(RefusalReason.OUT_OF_TIME)
        chunk = os.read(self._out, _CHUNK_BYTES)
        if not chunk:
            raise CellLost(self._how_it_ended())
        self._got += chunk

    def _how_it_ended(self) -> RefusalReason:
        try:
            code = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return RefusalReason.DECODER_DIED
        if code == -signal.SIGXCPU:
            return RefusalReason.OUT_OF_TIME
        return RefusalReason.DECODER_DIED
