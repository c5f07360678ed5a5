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
from typing import Self, TypeVar

from tutela.adapters.media.beside import joined, kinds_beside
from tutela.adapters.media.candidates import (
    Candidate,
    candidates,
    gives_hashes,
    naming_all,
    none_of,
    worth_trying,
)
from tutela.adapters.media.cell import Cell, CellLost
from tutela.adapters.media.checking import (
    exif_of,
    forms_of,
    hashes_of,
    mode_of,
    png_of,
    refusal_of,
    rows_of,
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
from tutela.adapters.media.sniffing import Found
from tutela.adapters.media.starting import start_decoder, stop_decoder
from tutela.adapters.media.video.containers import VideoKind
from tutela.adapters.media.video.jail import Videos
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

_Answer = TypeVar("_Answer")


class _UnreadableError(Exception):
    """A path that cannot be read; the text is the class of the error."""


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
        try:
            return self._hash_any(source, dihedral=dihedral, mode=mode)
        except _UnreadableError as unreadable:
            return refuse(RefusalReason.UNREADABLE, self.limits, str(unreadable))

    def _hash_any(self, source: Source, *, dihedral: bool, mode: Mode) -> Hashed | Refusal:
        """The first kind in which something is found, else a refusal that names all kinds."""
        kinds = candidates(source)
        # A stream cannot be read twice; what is none that we decode is digested all the same.
        read = None if kinds else self._read(source)
        kinds = kinds or (read.found if read else ())

        def as_kind(kind: Candidate) -> Hashed | Refusal:
            nonlocal read
            if not isinstance(kind, VideoKind):
                read = read or self._read(source)
                return self._hash_picture(read, kind, dihedral=dihedral, mode=mode)
            if isinstance(source, bytes | Path):
                return self.videos.hash(source, kind, dihedral=dihedral)
            return self.videos.hash(read.body if read else b"", kind, dihedral=dihedral)

        tried: list[tuple[Candidate, Hashed]] = []
        for kind in kinds:
            if not worth_trying(kind, (answer for _, answer in tried)):
                continue
            answer = as_kind(kind)
            if isinstance(answer, Refusal):
                return answer
            if gives_hashes(answer):
                beside = kinds_beside(kind, kinds, read.body if read else b"")
                return joined(answer, map(as_kind, beside))
            tried.append((kind, answer))
        if tried:
            return none_of(tried)
        read = read or self._read(source)
        return self._without_hash(read, self._refusal(read))

    def _read(self, source: Source) -> Read:
        """The one reading of a file that may be a picture."""
        try:
            return read_once(
                source,
                max_file_bytes=self.limits.max_file_bytes,
                before_each=self._refuse_when_closed,
            )
        except OSError as error:
            raise _UnreadableError(type(error).__name__) from error

    def _refusal(self, read: Read) -> Refusal:
        return refuse(read.refused or RefusalReason.NOT_A_PICTURE, self.limits)

    def _without_hash(
        self, read: Read, refusal: Refusal, *, media_type: str | None = None
    ) -> Hashed:
        return Hashed(
            digests=read.digests,
            pdq=None,
            pipeline=self.pipeline,
            unmatchable=refusal.unmatchable,
            why=str(refusal),
            media_type=media_type,
        )

    def _hash_picture(self, read: Read, found: Found, *, dihedral: bool, mode: Mode) -> Hashed:
        """The hashes of a file as a picture of one kind, or why there are none."""
        media_type = found.kind.media_type
        request = {"job": "hash", "dihedral": dihedral, "mode": mode}
        try:
            answer, _ = self._ask(request, read, found, digest=lambda: read.digests)
            with _nonsense_is_death(self.limits):
                pdq, turned = hashes_of(answer, dihedral=dihedral)
                further = forms_of(answer, dihedral=dihedral)
                total = whole(answer, "pictures_total", low=1)
                looked_at = whole(answer, "pictures_hashed", low=1, high=total)
                used = mode_of(answer, asked=mode)
                rows = rows_of(answer)
                width_px, height_px = whole(answer, "width"), whole(answer, "height")
        except PictureRefused as refused:
            return self._without_hash(read, refused.refusal, media_type=media_type)
        unmatchable = unmatchable_of(pdq, further)
        return Hashed(
            digests=read.digests,
            pdq=pdq,
            dihedral=turned,
            mode=used,
            pipeline=self.pipeline if used is Mode.EXACT else self.fast_pipeline,
            unmatchable=unmatchable,
            why=" ".join(filter(None, (_cut_off(rows, height_px), _WHY_NOT[unmatchable]))),
            media_type=media_type,
            width_px=width_px,
            height_px=height_px,
            further=further,
            pictures_total=total,
            pictures_hashed=looked_at,
            rows_decoded=rows,
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
        return self._first_of(data, self._facts, lambda kind: self.videos.facts(data, kind))

    def _facts(self, read: Read, found: Found) -> MediaFacts:
        answer, _ = self._ask({"job": "facts"}, read, found)
        film = kinds_beside(found, candidates(read.body), read.body)
        with _nonsense_is_death(self.limits):
            return MediaFacts(
                media_type=found.kind.media_type,
                width_px=whole(answer, "width"),
                height_px=whole(answer, "height"),
                frames=max(whole(answer, "frames"), 2 if film else 1),
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
        def of_picture(read: Read, found: Found) -> bytes:
            _, body = self._ask(request, read, found)
            with _nonsense_is_death(self.limits):
                return png_of(body)

        def of_video(kind: VideoKind) -> bytes:
            sheet = self.videos.sheet(data, kind)  # then a picture like any stranger's
            return self._first_of(sheet, of_picture, of_video)

        return self._first_of(data, of_picture, of_video)

    def _first_of(
        self,
        data: bytes,
        of_picture: Callable[[Read, Found], _Answer],
        of_video: Callable[[VideoKind], _Answer],
    ) -> _Answer:
        """What the first kind that gives anything gives; raise `PictureRefused`, naming all."""
        read = read_once(data, max_file_bytes=self.limits.max_file_bytes)
        refused: dict[Candidate, Refusal] = {}
        for kind in candidates(data):
            try:
                return of_video(kind) if isinstance(kind, VideoKind) else of_picture(read, kind)
            except PictureRefused as error:
                refused[kind] = error.refusal
        if not refused:
            raise PictureRefused(self._refusal(read))
        raise PictureRefused(naming_all(next(iter(refused.values())), refused))

    def _ask(
        self,
        request: Header,
        read: Read,
        found: Found,
        *,
        digest: Callable[[], object] = lambda: None,
    ) -> tuple[Header, bytes]:
        """One job in one child; every way to get no picture becomes `PictureRefused`."""
        if read.refused:
            raise PictureRefused(refuse(read.refused, self.limits))
        header = {
            **request,
            "decoder": found.kind.decoder,
            "offset": found.offset,
            "brand": found.brand.decode("ascii"),
        }
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


def _cut_off(rows: int | None, height: int) -> str:
    if rows is None:
        return ""
    return f"The file is cut off: {rows} of {height} rows came ({100 * rows // height} %)."


@contextmanager
def _nonsense_is_death(limits: Limits) -> Iterator[None]:
    """A lost child and an answer that fails a check are refusals of this one file."""
    try:
        yield
    except CellLost as lost:
        raise PictureRefused(refuse(lost.reason, limits)) from lost
    except BadFrame as nonsense:
        raise PictureRefused(refuse(RefusalReason.DECODER_DIED, limits)) from nonsense
