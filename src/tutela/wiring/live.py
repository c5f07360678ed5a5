"""Live input: a file that still grows, or a named pipe, looked at while it is written.

1. a feeder reads what is there, takes the digests, and hands the bytes on to the decoder;
2. each frame is looked up alone, the moment it is hashed: a hit names its second;
3. when the writer has ended, or for so long nothing came, the whole is matched and admitted
   like any other video: with its bytes when it is a file, by its hashes when it was a pipe,
   whose bytes are gone. Nothing is kept of what does not match.
"""

import os
import select
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tutela.adapters.media.video.containers import (
    GROWING,
    HEAD_BYTES,
    VIDEO_NAMES,
    VideoKind,
    video_candidates,
)
from tutela.adapters.media.video.frame_stream import Frames
from tutela.adapters.media.video.jail import Videos, pipeline_of
from tutela.hashing.digests import Digesting
from tutela.hashing.model import Digests, FrameHash, Hashed
from tutela.primitives.errors import BadInput

_CHUNK_BYTES = 1 << 16
_LOOK_AGAIN_SECONDS = 0.1
_LEAVE_SECONDS = 10.0
"""How long a feeder may take to notice that it has to stop: its disk may be slow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """An open live input: its frames as they come, and afterwards what it was as a whole."""

    kind: VideoKind
    frames: Frames
    is_file: bool
    _feeder: "_Feeder"

    def hashed(self, frames: tuple[FrameHash, ...]) -> Hashed:
        """Everything so far as one item; its digests once the writer has ended."""
        digests = self._feeder.digests()
        return Hashed(
            digests=digests,
            pdq=None,
            pipeline=pipeline_of(),
            media_type=self.kind.media_type,
            width_px=self.frames.facts.width_px,
            height_px=self.frames.facts.height_px,
            video=self.frames.video(frames),
        )


@contextmanager
def follow(videos: Videos, path: Path, *, idle_seconds: float, dihedral: bool) -> Iterator[Live]:
    """Open a growing file or a named pipe (waits for its writer); raise `BadInput` if neither.

    `idle_seconds` without a new byte end a file; a pipe ends with its writer, or when the decoder
    has waited too long for it.
    """
    file = _opened(path)
    read_end, write_end = os.pipe()
    feeder = _Feeder(file, write_end, idle_seconds=idle_seconds)
    try:
        kind = feeder.kind()
        feeder.start()
        with videos.frames(read_end, kind, live=True, dihedral=dihedral) as frames:
            yield Live(
                kind=kind,
                frames=frames,
                is_file=stat.S_ISREG(os.fstat(file).st_mode),
                _feeder=feeder,
            )
    finally:
        os.close(read_end)  # a feeder that still writes notices
        feeder.stop()
        os.close(file)


def _opened(path: Path) -> int:
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise BadInput("This cannot be followed", why="it is neither a file nor a named pipe")
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise BadInput("This cannot be followed", why=error.strerror or "it is away") from error


class _Feeder:
    """Reads the input in a thread of its own and hands the bytes on."""

    def __init__(self, source: int, target: int, *, idle_seconds: float) -> None:
        self._source = source
        self._target = os.fdopen(target, "wb", buffering=0)  # a number would be closed twice
        self._idle_seconds = idle_seconds
        self._is_file = stat.S_ISREG(os.fstat(source).st_mode)
        self._head = b""
        self._at_end = False
        self._digesting = Digesting()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follow", daemon=True)

    def kind(self) -> VideoKind:
        """What the first bytes say; waits for enough of them."""
        while len(self._head) < HEAD_BYTES and (chunk := self._read()):
            self._head += chunk
        kinds = video_candidates(self._head[:HEAD_BYTES])
        kind = next((one for one in kinds if one.container in GROWING), None)
        if kind is None:
            raise BadInput(
                "This cannot be followed",
                why="its first bytes are not those of a container that can be read while it grows",
                remedy="Write MPEG-TS, Matroska, WebM, FLV or fragmented MP4, or scan the finished "
                f"file ({VIDEO_NAMES})",
            )
        return kind

    def start(self) -> None:
        """Begin to hand on."""
        self._thread.start()

    def stop(self) -> None:
        """End, whatever is still to come."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_LEAVE_SECONDS)
        self._target.close()

    def digests(self) -> Digests:
        """Of the whole input, once its end has been read; none before, for a part is nobody's."""
        self._thread.join(timeout=1)
        return self._digesting.done() if self._at_end else Digests()

    def _run(self) -> None:
        chunk = self._head
        # The decoder has enough, or is gone (its reader is told), or `stop` has closed the pipe.
        with suppress(OSError, ValueError), self._target:
            while chunk:
                self._digesting.update(chunk)
                view = memoryview(chunk)
                while view:
                    view = view[self._target.write(view) :]
                chunk = self._read()
            self._at_end = not self._stopping.is_set()

    def _read(self) -> bytes:
        """The next bytes; empty at the end, and when it has to stop."""
        since = time.monotonic()
        watch = select.poll()  # a pipe that stays silent must not hold anybody up
        watch.register(self._source, select.POLLIN)
        while not self._stopping.is_set():
            if not watch.poll(1000 * _LOOK_AGAIN_SECONDS):
                continue
            chunk = os.read(self._source, _CHUNK_BYTES)
            if chunk or not self._is_file or time.monotonic() - since > self._idle_seconds:
                return chunk
            self._stopping.wait(_LOOK_AGAIN_SECONDS)
        return b""
