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
from tutela.adapters.media.checking import png_of, refusal_of, whole
from tutela.adapters.media.frames import BadFrame
from tutela.adapters.media.model import MediaFacts, Refusal, RefusalReason
from tutela.adapters.media.video.cell import Line, VideoCell
from tutela.adapters.media.video.model import (
    HEAD_BYTES,
    VideoFacts,
    VideoKind,
    VideoLimits,
    sniff_video,
)
from tutela.adapters.media.video.refusing import VideoRefused, refuse_video
from tutela.hashing.digests import CHUNK_BYTES, Digesting
from tutela.hashing.model import (
    DIHEDRAL,
    EVERY_SECONDS,
    MAX_FRAMES,
    Digests,
    FrameHash,
    Hashed,
    Pdq,
    Unmatchable,
    VideoHash,
)
from tutela.primitives.errors import BadInput, Unavailable

POLICY_VERSION = "tutela-video/1"
_MAX_SIDE = 1 << 16


def pipeline_of(*, every_s: float = EVERY_SECONDS, key_frames: bool = False) -> str:
    """For example `tutela-video/1+av-18.1.0+1s`: policy, decoder, which frames."""
    try:
        decoder = f"av-{version('av')}"
    except PackageNotFoundError:
        decoder = "no-decoder"
    return f"{POLICY_VERSION}+{decoder}+{'key' if key_frames else f'{every_s:g}s'}"


def is_installed() -> bool:
    """Whether videos can be decoded here at all."""
    return find_spec("av") is not None


class Frames:
    """The frames of one video while it is read; `facts` first, the rest when they have come."""

    def __init__(self, lines: Iterator[Line], limits: VideoLimits, *, dihedral: bool) -> None:
        self._lines = lines
        self._limits = limits
        self._dihedral = dihedral
        self.facts: VideoFacts = _facts(_told(next(lines), limits))
        self.complete = False
        self.cpu_used_seconds = 0.0
        self.stopped: Refusal | None = None

    def __iter__(self) -> Iterator[FrameHash]:
        """Frame after frame; a video that breaks off ends here, and `stopped` says why."""
        last = -1
        try:
            for line in self._lines:
                if "alive" in line:
                    continue
                _told(line, self._limits)
                if "end" in line:
                    self.complete = line.get("broke_off") is False
                    used = line.get("cpu_used_seconds")
                    self.cpu_used_seconds = used if type(used) is float else 0.0
                    return
                frame = _frame(line, dihedral=self._dihedral)
                if frame.frame_number <= last:
                    raise BadFrame  # noqa: TRY301 - one place says what nonsense is
                last = frame.frame_number
                yield frame
        except VideoRefused as refused:
            self.stopped = refused.refusal
        except CellLost as lost:
            self.stopped = refuse_video(lost.reason, self._limits)
        except BadFrame:
            self.stopped = refuse_video(RefusalReason.DECODER_DIED, self._limits)


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
        breaks off the frames before count, and `why` says so.
        """
        try:
            with (
                _opened(source) as file,
                ThreadPoolExecutor(max_workers=1) as beside,
                self._while_wanted() as wanted,
            ):
                digesting = beside.submit(_digests, file, wanted)
                try:
                    video, why, size = self._hashed(file, kind, dihedral=dihedral)
                    unmatchable = _unmatchable(video)
                except VideoRefused as refused:
                    video, size = None, None
                    unmatchable, why = refused.refusal.unmatchable, str(refused.refusal)
                digests = digesting.result()
        except OSError as error:
            return refuse_video(RefusalReason.UNREADABLE, self.limits, type(error).__name__)
        if unmatchable is Unmatchable.LOW_QUALITY and not why:
            why = "No frame of the video has enough detail to be compared"
        return Hashed(
            digests=digests,
            pdq=None,
            pipeline=pipeline_of(),
            unmatchable=unmatchable,
            why=why,
            media_type=kind.media_type,
            width_px=size.width_px if size else None,
            height_px=size.height_px if size else None,
            video=video,
        )

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
    ) -> Iterator[Frames]:
        """The frames of a file, of bytes, or of an open descriptor, one at a time.

        `every_s` 0 is every frame; `key_frames` those that the stream starts anew at. `live`:
        the descriptor is a pipe that somebody else fills, and time is measured from line to
        line only. Raises `VideoRefused` when there is not even a first frame to expect.
        """
        limits = self.limits
        job = {"every_s": every_s, "key_frames": key_frames, "dihedral": dihedral, "live": live}
        with _opened(source) as file, self._cell(file, kind, job="frames", **job) as cell:
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

    def _hashed(
        self, file: int, kind: VideoKind, *, dihedral: bool
    ) -> tuple[VideoHash, str, VideoFacts]:
        """The frames, why they are not all (or nothing), and the size."""
        if os.fstat(file).st_size > self.limits.max_file_bytes:
            raise VideoRefused(refuse_video(RefusalReason.TOO_MANY_BYTES, self.limits))
        with self.frames(file, kind, dihedral=dihedral) as frames:
            found = tuple(frames)
        if not found:
            raise VideoRefused(frames.stopped or refuse_video(RefusalReason.DAMAGED, self.limits))
        video = VideoHash(frames=found, complete=frames.complete)
        why = ""
        if not frames.complete:
            why = "The video breaks off; the frames before were compared"
            why += f". {frames.stopped.why}" if frames.stopped else ""
        return video, why, frames.facts

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
            VideoCell, file, self.limits, container=kind.container, born=self._born, **job
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


def video_kind(source: object) -> VideoKind | None:
    """The kind of video a source is; None for a picture, anything else, or an unreadable path."""
    if isinstance(source, bytes):
        return sniff_video(source[:HEAD_BYTES])
    if isinstance(source, Path):
        try:
            if not stat.S_ISREG(source.stat().st_mode):
                return None
            with source.open("rb") as file:
                return sniff_video(file.read(HEAD_BYTES))
        except OSError:
            return None
    return None


def _unmatchable(video: VideoHash) -> Unmatchable | None:
    if any(not frame.pdq.degenerate and frame.comparable() for frame in video.frames):
        return None
    return Unmatchable.LOW_QUALITY


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


def _told(line: Line, limits: VideoLimits) -> Line:
    """The line, unless it is a refusal."""
    if "refused" in line:
        reason, detail = refusal_of(line)
        raise VideoRefused(refuse_video(reason, limits, detail))
    return line


def _facts(line: Line) -> VideoFacts:
    codec, seconds = line.get("codec"), line.get("seconds")
    if not isinstance(codec, str) or not codec.isalnum() or len(codec) > 20:  # noqa: PLR2004 - a name
        raise BadFrame
    return VideoFacts(
        width_px=whole(line, "width", high=_MAX_SIDE),
        height_px=whole(line, "height", high=_MAX_SIDE),
        codec=codec,
        seconds=seconds if type(seconds) is float and seconds >= 0 else None,
    )


def _frame(line: Line, *, dihedral: bool) -> FrameHash:
    quality = whole(line, "quality", high=100)
    texts, second = line.get("pdq"), line.get("second")
    expected = 1 + (len(DIHEDRAL) if dihedral else 0)
    if not isinstance(texts, list) or len(texts) != expected or type(second) is not float:
        raise BadFrame
    try:
        found = [Pdq.parse(text, quality=quality) for text in texts]
        return FrameHash(
            frame_number=whole(line, "frame", high=1 << 31),
            timestamp_s=second,
            pdq=found[0],
            key_frame=line.get("key") is True,
            turned=tuple(found[1:]),
        )
    except (BadInput, TypeError) as error:
        raise BadFrame from error


def _sheet(cell: VideoCell, limits: VideoLimits) -> bytes:
    try:
        for line in cell.lines():
            _told(line, limits)
            if "sheet" in line:
                return png_of(cell.body(whole(line, "sheet")))
    except CellLost as lost:
        raise VideoRefused(refuse_video(lost.reason, limits)) from lost
    except BadFrame as nonsense:
        raise VideoRefused(refuse_video(RefusalReason.DECODER_DIED, limits)) from nonsense
    raise VideoRefused(refuse_video(RefusalReason.DECODER_DIED, limits))


assert VideoLimits().max_frames <= MAX_FRAMES  # noqa: S101 - `VideoHash` would refuse more
