"""The door to the picture decoders: a pool of confined children, refusals as results.

The parent reads a file once (digests and a bounded copy), a child decodes and hashes it;
pixels never enter the parent. A child that dies, overruns or talks nonsense is replaced,
its file gets a refusal, and the next file goes on.
"""

import os
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from subprocess import Popen
from types import TracebackType
from typing import Self

from tutela.adapters.media.cell import Cell, CellLost
from tutela.adapters.media.checking import (
    exif_of,
    forms_of,
    hashes_of,
    mode_of,
    png_of,
    refusal_of,
    whole,
)
from tutela.adapters.media.frames import BadFrame, Header
from tutela.adapters.media.model import (
    STYLES,
    Limits,
    MediaFacts,
    PictureRefused,
    Refusal,
    RefusalReason,
    Style,
)
from tutela.adapters.media.pipeline import pipeline_id
from tutela.adapters.media.reading import Read, Source, read_once
from tutela.adapters.media.refusing import refuse
from tutela.adapters.media.starting import start_decoder, stop_decoder
from tutela.adapters.media.video.jail import Videos, video_kind
from tutela.adapters.media.video.model import VideoLimits
from tutela.hashing.model import MIN_QUALITY, Hashed, Mode, Unmatchable, unmatchable_of
from tutela.primitives.errors import BadInput, Unavailable

_MAX_WORKERS = 4
_WHY_NOT = {
    None: "",
    Unmatchable.LOW_QUALITY: "The picture has too little detail to be compared (quality below "
    f"{MIN_QUALITY})",
    Unmatchable.DEGENERATE: "The picture is flat or tiny; its hash would match any other such",
}


class Jail:
    """Hashes, shows and describes pictures by means of at most `workers` children.

    Children start when first needed. Safe to use from many threads: a call waits until a
    child is free. Close it (or use it in `with`), or the children stay until the process
    ends. Each start happens within `starting()`, for whoever wants to say that it takes long.
    `ahead` is a process of `start_decoder`, to be the first child.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        workers: int | None = None,
        videos: VideoLimits | None = None,
        *,
        starting: Callable[[], AbstractContextManager[object]] = nullcontext,
        ahead: Popen[bytes] | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.workers = workers or min(_MAX_WORKERS, os.cpu_count() or 1)
        self.videos = Videos(videos, self.workers)
        self.pipeline = pipeline_id()
        self.fast_pipeline = pipeline_id(Mode.FAST)
        self._idle: queue.LifoQueue[Cell | None] = queue.LifoQueue()
        for _ in range(self.workers):
            self._idle.put(None)
        self._starting = starting
        self._ahead = ahead
        self._lock = threading.Lock()
        self._cells: set[Cell] = set()
        self._newborn: Popen[bytes] | None = None  # perhaps not yet ready, perhaps a cell's
        self._closed = False
        # Children die with the thread that started them, so one thread starts them all.
        self._starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jail")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def hash(
        self, source: Source, *, dihedral: bool = False, mode: Mode = Mode.EXACT
    ) -> Hashed | Refusal:
        """Digests and PDQ of a file, of bytes, or of an open binary stream (read to its end).

        In fast mode large JPEGs are decoded at a smaller scale; `pipeline` of the result says
        which way its hash was made, and `hashing.model.Mode` what that means.

        A file that gives no picture is still `Hashed`: digests, `pdq` None, `unmatchable`
        and `why`. A `Refusal` comes only for a path that cannot be read. Raises
        `Unavailable` when no decoder can be started at all.
        """
        if isinstance(source, bytes | Path) and (video := video_kind(source)) is not None:
            return self.videos.hash(source, video, dihedral=dihedral)
        try:
            read = read_once(
                source,
                max_file_bytes=self.limits.max_file_bytes,
                before_each=self._refuse_when_closed,
            )
        except OSError as error:
            return refuse(RefusalReason.UNREADABLE, self.limits, type(error).__name__)
        media_type = read.kind.media_type if read.kind else None
        request = {"job": "hash", "dihedral": dihedral, "mode": mode}
        try:
            answer, _ = self._ask(request, read, digest=lambda: read.digests)
            with _nonsense_is_death(self.limits):
                pdq, turned = hashes_of(answer, dihedral=dihedral)
                further = forms_of(answer, dihedral=dihedral)
                total = whole(answer, "pictures_total", low=1)
                looked_at = whole(answer, "pictures_hashed", low=1, high=total)
                used = mode_of(answer, asked=mode)
                width_px, height_px = whole(answer, "width"), whole(answer, "height")
        except PictureRefused as refused:
            return Hashed(
                digests=read.digests,
                pdq=None,
                pipeline=self.pipeline,
                unmatchable=refused.refusal.unmatchable,
                why=str(refused.refusal),
                media_type=media_type,
            )
        unmatchable = unmatchable_of(pdq, further)
        return Hashed(
            digests=read.digests,
            pdq=pdq,
            dihedral=turned,
            mode=used,
            pipeline=self.pipeline if used is Mode.EXACT else self.fast_pipeline,
            unmatchable=unmatchable,
            why=_WHY_NOT[unmatchable],
            media_type=media_type,
            width_px=width_px,
            height_px=height_px,
            further=further,
            pictures_total=total,
            pictures_hashed=looked_at,
        )

    def rendition(self, data: bytes, style: Style) -> bytes:
        """A reduced form as PNG without metadata; raise `PictureRefused` when there is none.

        Of a video, here and in the full view: a contact sheet of up to nine frames.
        """
        if style not in STYLES:
            raise BadInput("There is no such rendition", why=f"choose from {', '.join(STYLES)}")
        return self._picture({"job": "rendition", "style": str(style)}, data)

    def full_view(self, data: bytes) -> bytes:
        """The whole picture as PNG, long side at most 1600 px, without metadata."""
        return self._picture({"job": "full_view"}, data)

    def facts(self, data: bytes) -> MediaFacts:
        """What the file says about itself; raise `PictureRefused` when it is no picture."""
        if (video := video_kind(data)) is not None:
            return self.videos.facts(data, video)
        read = read_once(data, max_file_bytes=self.limits.max_file_bytes)
        answer, _ = self._ask({"job": "facts"}, read)
        with _nonsense_is_death(self.limits):
            return MediaFacts(
                media_type=read.kind.media_type if read.kind else "",
                width_px=whole(answer, "width"),
                height_px=whole(answer, "height"),
                frames=whole(answer, "frames"),
                exif=exif_of(answer),
            )

    def confinement(self) -> tuple[str, ...]:
        """Which limits took hold in a child on this machine (see docs/reference/media.md)."""
        cell = self._take()
        self._idle.put(cell)
        return cell.confinement

    def close(self) -> None:
        """End all children; running calls get a refusal, later calls raise `Unavailable`."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self.videos.close()
        with self._lock:
            for cell in self._cells:
                cell.process.kill()  # whoever talks to it notices and gives it back
            if self._newborn is not None:  # the first on a machine compiles for a minute or more
                self._newborn.kill()
        for _ in range(self.workers):
            if cell_or_none := self._idle.get():
                cell_or_none.end()
        for _ in range(self.workers):
            self._idle.put(None)  # wakes those who still wait, to be told that it is closed
        self._starter.shutdown()
        if self._ahead is not None:
            stop_decoder(self._ahead)

    def _picture(self, request: Header, data: bytes) -> bytes:
        if (video := video_kind(data)) is not None:
            data = self.videos.sheet(data, video)  # then a picture like any stranger's
        read = read_once(data, max_file_bytes=self.limits.max_file_bytes)
        _, body = self._ask(request, read)
        with _nonsense_is_death(self.limits):
            return png_of(body)

    def _ask(
        self, request: Header, read: Read, *, digest: Callable[[], object] = lambda: None
    ) -> tuple[Header, bytes]:
        """One job in one child; every way to get no picture becomes `PictureRefused`."""
        if read.refused:
            raise PictureRefused(refuse(read.refused, self.limits))
        header = {**request, "decoder": read.kind.decoder if read.kind else ""}
        cell = self._take()
        try:
            with _nonsense_is_death(self.limits):
                answer, body = cell.exchange(header, read.body, meanwhile=digest)
                if "refused" in answer:
                    reason, detail = refusal_of(answer)
                    raise PictureRefused(refuse(reason, self.limits, detail))
                return answer, body
        finally:
            self._idle.put(cell)

    def _take(self) -> Cell:
        """A usable child, started anew where the last one has served its time or died."""
        cell = self._idle.get()
        if cell is not None and cell.usable and not self._closed:
            return cell
        try:
            if cell is not None:
                self._forget(cell)
            self._refuse_when_closed()
            return self._starter.submit(self._start).result()
        except BaseException:
            self._idle.put(None)  # the place in the pool must not be lost
            raise

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise Unavailable("The picture decoder has been closed")

    def _start(self) -> Cell:
        ahead, self._ahead = self._ahead, None
        with self._starting():
            process = ahead or start_decoder()
            with self._lock:
                self._newborn = process
                if self._closed:
                    process.kill()
            cell = Cell(self.limits, process)
        with self._lock:
            self._cells.add(cell)
            if self._closed:
                cell.process.kill()
        return cell

    def _forget(self, cell: Cell) -> None:
        with self._lock:
            self._cells.discard(cell)
        cell.end()


@contextmanager
def _nonsense_is_death(limits: Limits) -> Iterator[None]:
    """A lost child and an answer that fails a check are refusals of this one file."""
    try:
        yield
    except CellLost as lost:
        raise PictureRefused(refuse(lost.reason, limits)) from lost
    except BadFrame as nonsense:
        raise PictureRefused(refuse(RefusalReason.DECODER_DIED, limits)) from nonsense
