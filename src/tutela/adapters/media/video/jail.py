"""The door to the video decoder: one confined child for each video, frames as they come.

The child is handed an open descriptor and no name. The parent takes the digests of the same
descriptor itself while the child decodes; pixels never enter it, save as a small contact sheet
that a picture decoder then takes apart like any stranger's picture.
"""

import fcntl
import os
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from subprocess import Popen
from typing import Any

from tutela.adapters.media.cell import CellLost
from tutela.adapters.media.checking import png_of, whole
from tutela.adapters.media.frames import BadFrame
from tutela.adapters.media.model import MediaFacts, Refusal, RefusalReason
from tutela.adapters.media.video.cell import VideoCell
from tutela.adapters.media.video.containers import HEAD_BYTES, VideoKind, video_candidates
from tutela.adapters.media.video.frame_stream import Frames, not_refused
from tutela.adapters.media.video.gathering import Gathered
from tutela.adapters.media.video.model import VideoLimits
from tutela.adapters.media.video.refusing import VideoRefused, refuse_video
from tutela.hashing.digests import CHUNK_BYTES, Digesting
from tutela.hashing.model import EVERY_SECONDS, MAX_FRAMES, Digests, Hashed
from tutela.primitives.errors import Unavailable

POLICY_VERSION = "tutela-video/2"


def pipeline_of(*, every_s: float = EVERY_SECONDS, key_frames: bool = False) -> str:
    """For example `tutela-video/2+av-18.1.0+1s`: policy, decoder, which frames."""
    try:
        decoder = f"av-{version('av')}"
    except PackageNotFoundError:
        decoder = "no-decoder"
    return f"{POLICY_VERSION}+{decoder}+{'key' if key_frames else f'{every_s:g}s'}"


def is_installed() -> bool:
    """Whether videos can be decoded here at all."""
    return find_spec("av") is not None


class Videos:
    """Hashes and shows videos by means of at most `workers` children at a time.

    Safe to use from many threads; a call waits until there is room.
    """

    def __init__(self, limits: VideoLimits | None = None, workers: int | None = None) -> None:
        self.limits = limits or VideoLimits()
        self._room = threading.BoundedSemaphore(workers or os.cpu_count() or 1)
        self._lock = threading.Lock()
        self._cells: set[VideoCell] = set()
        self._newborn: Popen[bytes] | None = None  # perhaps not yet ready, perhaps a cell's
        self._closed = False
        # Children die with the thread that started them, so one thread starts them all.
        self._starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="videos")

    def hash(
        self, source: bytes | Path, kind: VideoKind, *, dihedral: bool = False
    ) -> Hashed | Refusal:
        """Digests and the frames at one a second; a `Refusal` only for a path that is no file.

        A video that gives no frame is still `Hashed`, with `unmatchable` and `why`; of one that
        is incomplete the frames that came count, and `why` says so. Further tracks and cover
        pictures come with it, each read by a child of its own.
        """
        try:
            with (
                _opened(source) as file,
                ThreadPoolExecutor(max_workers=1) as beside,
                self._while_wanted() as wanted,
            ):
                digesting = beside.submit(_digests, file, wanted)
                try:
                    found = self._hashed(file, kind, dihedral=dihedral)
                except VideoRefused as refused:
                    found = Gathered(refusal=refused.refusal)
                digests = digesting.result()
        except OSError as error:
            return refuse_video(RefusalReason.UNREADABLE, self.limits, type(error).__name__)
        return found.hashed(digests, kind, pipeline=pipeline_of())

    @contextmanager
    def frames(
        self,
        source: bytes | Path | int,
        kind: VideoKind,
        *,
        every_s: float = EVERY_SECONDS,
        key_frames: bool = False,
        dihedral: bool = False,
        live: bool = False,
        track: int = 0,
    ) -> Iterator[Frames]:
        """The frames of a file, of bytes, or of an open descriptor, one at a time.

        `track` 0 is the main one; how many there are the facts say.
        `every_s` 0 is every frame; `key_frames` those that the stream starts anew at. `live`:
        the descriptor is a pipe that somebody else fills, and time is measured from line to
        line only. Raises `VideoRefused` when there is not even a first frame to expect.
        """
        limits = self.limits
        job = {"every_s": every_s, "key_frames": key_frames, "dihedral": dihedral, "live": live}
        with (
            _opened(source) as file,
            self._cell(file, kind, job="frames", track=track, **job) as cell,
        ):
            try:
                frames = Frames(cell.lines(), limits, dihedral=dihedral)
            except CellLost as lost:
                raise VideoRefused(refuse_video(lost.reason, limits)) from lost
            except (BadFrame, StopIteration) as nonsense:
                raise VideoRefused(refuse_video(RefusalReason.DECODER_DIED, limits)) from nonsense
            yield frames

    def sheet(self, data: bytes, kind: VideoKind) -> bytes:
        """A contact sheet of up to nine frames as PNG; raise `VideoRefused` when there is none."""
        with _opened(data) as file, self._cell(file, kind, job="sheet") as cell:
            return _sheet(cell, self.limits)

    def facts(self, data: bytes, kind: VideoKind) -> MediaFacts:
        """What the container says; `frames` is never 1, since one view cannot show them all."""
        with self.frames(data, kind) as frames:
            told = frames.facts
        return MediaFacts(
            media_type=kind.media_type,
            width_px=told.width_px,
            height_px=told.height_px,
            frames=max(2, round(told.seconds or 0)),
        )

    def close(self) -> None:
        """End all children; later calls raise `Unavailable`."""
        with self._lock:
            self._closed = True
            for cell in self._cells:
                cell.process.kill()
            if self._newborn is not None:
                self._newborn.kill()
        self._starter.shutdown()

    @contextmanager
    def _while_wanted(self) -> Iterator[Callable[[], None]]:
        """What is yielded raises `Unavailable` once this is left, or the decoder closed."""
        left = threading.Event()

        def wanted() -> None:
            if left.is_set() or self._closed:
                raise _closed()

        try:
            yield wanted
        finally:
            left.set()

    def _hashed(self, file: int, kind: VideoKind, *, dihedral: bool) -> Gathered:
        """The frames of the main track and of further ones; raise `VideoRefused` for none."""
        if os.fstat(file).st_size > self.limits.max_file_bytes:
            raise VideoRefused(refuse_video(RefusalReason.TOO_MANY_BYTES, self.limits))
        found = Gathered()
        track = 0
        while track < found.hashable:
            try:
                with self.frames(file, kind, dihedral=dihedral, track=track) as frames:
                    found.add(frames, tuple(frames), self.limits)
            except VideoRefused as refused:
                if not track:
                    raise
                found.note(track, refused.refusal)
            track += 1
        return found

    @contextmanager
    def _cell(self, file: int, kind: VideoKind, **job: Any) -> Iterator[VideoCell]:  # noqa: ANN401 - VideoCell's own
        if not is_installed():
            raise VideoRefused(refuse_video(RefusalReason.NO_VIDEO_DECODER, self.limits))
        with self._room:
            cell = self._started(file, kind, **job)
            try:
                yield cell
            finally:
                with self._lock:
                    self._cells.discard(cell)
                cell.end()

    def _started(self, file: int, kind: VideoKind, **job: Any) -> VideoCell:  # noqa: ANN401 - same
        if self._closed:
            raise _closed()
        cell = self._starter.submit(
            VideoCell,
            file,
            self.limits,
            container=kind.container,
            offset=kind.offset,
            born=self._born,
            **job,
        ).result()
        with self._lock:
            self._cells.add(cell)
            if self._closed:
                cell.process.kill()
        return cell

    def _born(self, process: "Popen[bytes]") -> None:
        with self._lock:
            self._newborn = process
            if self._closed:
                process.kill()


def _closed() -> Unavailable:
    return Unavailable("The video decoder has been closed")


def video_kinds(source: bytes | Path) -> tuple[VideoKind, ...]:
    """The kinds of video to try for a source; empty for anything else, or an unreadable path."""
    if isinstance(source, bytes):
        return video_candidates(source[:HEAD_BYTES])
    try:
        if not stat.S_ISREG(source.stat().st_mode):
            return ()
        with source.open("rb") as file:
            return video_candidates(file.read(HEAD_BYTES))
    except OSError:
        return ()


@contextmanager
def _opened(source: bytes | Path | int) -> Iterator[int]:
    """A descriptor for reading at the start; bytes lie in memory that nobody can change."""
    if isinstance(source, int):
        yield source
        return
    if isinstance(source, Path):
        file = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    else:
        file = os.memfd_create("video", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        if isinstance(source, bytes):
            _fill(file, source)
        elif not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError("not a plain file")
        yield file
    finally:
        os.close(file)


def _fill(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]
    os.lseek(file, 0, os.SEEK_SET)
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)


def _digests(file: int, wanted: Callable[[], None]) -> Digests:
    """Of the whole file; reads by place, because the child moves the descriptor's own.

    A large file takes minutes: `wanted` raises when nobody waits for them any more.
    """
    digesting = Digesting()
    place = 0
    while chunk := os.pread(file, CHUNK_BYTES, place):
        wanted()
        digesting.update(chunk)
        place += len(chunk)
    return digesting.done()


def _sheet(cell: VideoCell, limits: VideoLimits) -> bytes:
    try:
        for line in cell.lines():
            not_refused(line, limits)
            if "sheet" in line:
                return png_of(cell.body(whole(line, "sheet")))
    except CellLost as lost:
        raise VideoRefused(refuse_video(lost.reason, limits)) from lost
    except BadFrame as nonsense:
        raise VideoRefused(refuse_video(RefusalReason.DECODER_DIED, limits)) from nonsense
    raise VideoRefused(refuse_video(RefusalReason.DECODER_DIED, limits))


assert VideoLimits().max_frames <= MAX_FRAMES  # noqa: S101 - `VideoHash` would refuse more
