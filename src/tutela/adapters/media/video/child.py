"""The process that decodes one stranger's video. Started by `cell`, never imported by it.

Standard input is the file itself (or a pipe of its bytes, for live input): the child is handed
no name and could open none. Answers are lines of JSON on standard output, each one frame, so
that neither side holds more than one.
"""

import dataclasses
import importlib
import io
import itertools
import json
import os
import pkgutil
import sys
import time
from typing import Any, BinaryIO

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from tutela.adapters.media import confining
from tutela.adapters.media.model import RefusalReason
from tutela.adapters.media.video.containers import INDEXED, TRACK_LENGTHS
from tutela.adapters.media.video.declared import Shortfall, declared_by
from tutela.adapters.media.video.decoding import (
    NoVideo,
    Showing,
    Wish,
    check_size,
    hash_of,
    opened,
)
from tutela.adapters.media.video.model import VideoLimits
from tutela.adapters.media.video.shortfalls import Found, index_of, shortfalls, undecoded, whole
from tutela.adapters.media.video.tracks import Tracks, prepare, tracks_of
from tutela.primitives import kernels

_READ_AT_ONCE = 1 << 16
_MAX_INDEX = 4_000_000  # entries: more than frames of ten hours at a hundred a second
_SIGN_OF_LIFE_SECONDS = 1.0
_FRAMES_DRAWN = 5
_DRAWN = frozenset({"mov", "matroska", "avi", "mpegts", "asf"})
_GREY = np.arange(64 * 96, dtype=np.uint8).reshape(64, 96)
_NOT_FOR_READING = frozenset({"__main__", "datasets", "device"})


class _Input:
    """Standard input as the decoder reads it, from `offset` on; a pipe cannot be sought in."""

    def __init__(self, *, live: bool, offset: int) -> None:
        self._offset = offset
        self.size = 0
        if not live:
            self.seek = self._seek
            self.tell = self._tell
            self.size = max(0, os.fstat(0).st_size - offset)
            os.lseek(0, offset, os.SEEK_SET)
        while live and offset and (passed := os.read(0, min(offset, _READ_AT_ONCE))):
            offset -= len(passed)

    def read(self, size: int) -> bytes:
        """What is there, at most `size`; empty at the end."""
        return os.read(0, size)

    def at(self, place: int, count: int) -> bytes:
        """At most `count` bytes from `place` on, without moving; not of a pipe."""
        return os.pread(0, count, self._offset + place)

    def _seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        moved = offset + self._offset if whence == os.SEEK_SET else offset
        return os.lseek(0, moved, whence) - self._offset

    def _tell(self) -> int:
        return os.lseek(0, 0, os.SEEK_CUR) - self._offset


class _Answers:
    """Lines to the parent."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._last = time.monotonic()

    def send(self, **line: Any) -> None:  # noqa: ANN401 - JSON
        """One line, at once."""
        self._stream.write(json.dumps(line).encode() + b"\n")
        self._stream.flush()
        self._last = time.monotonic()

    def alive(self) -> None:
        """A line now and then while no frame is to be told."""
        if time.monotonic() - self._last > _SIGN_OF_LIFE_SECONDS:
            self.send(alive=True)

    def body(self, data: bytes) -> None:
        """Bytes after the last line."""
        self._stream.write(data)
        self._stream.flush()


def main() -> None:
    """Do one job; arguments are name=value."""
    given = dict(part.split("=", 1) for part in sys.argv[1:])
    values: dict[str, Any] = {
        field.name: (float if field.type is float else int)(given[field.name])
        for field in dataclasses.fields(VideoLimits)
    }
    limits = VideoLimits(**values)
    answers = _Answers(_replies())
    _warm_up(given["container"])
    if given["job"] == "sheet":
        _warm_up_sheet(given["container"])
    held = confining.confine(
        memory_bytes=limits.memory_bytes,
        cpu_seconds=limits.cpu_seconds,
        parent=int(given["parent"]),
    )
    answers.send(ready=True, confinement=held)
    try:
        _work(given, limits, answers)
    except NoVideo as refusal:
        answers.send(refused=refusal.reason, detail=refusal.detail)
    except MemoryError:
        answers.send(refused=RefusalReason.OUT_OF_MEMORY, detail="")
    except BrokenPipeError:
        os._exit(1)
    except Exception as error:  # noqa: BLE001 - decoders raise almost anything on hostile bytes
        answers.send(refused=RefusalReason.DAMAGED, detail=type(error).__name__)
    os._exit(0)  # destructors of a hostile file's decoder need not run


def _replies() -> BinaryIO:
    """Standard output for us alone; a library that prints reaches nobody."""
    replies = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.close(silence)
    return replies


def _work(given: dict[str, str], limits: VideoLimits, answers: _Answers) -> None:
    live = given["live"] == "1"
    source = _Input(live=live, offset=int(given["offset"]))
    container = opened(source, container=given["container"], live=live)
    tracks = tracks_of(container, limits)
    duration = container.duration / 1_000_000 if container.duration else None
    if given["job"] == "sheet":
        picture = _sheet(container, tracks, limits, seconds=duration)
        answers.send(sheet=len(picture))
        answers.body(picture)
        return
    track = tracks.chosen[min(int(given["track"]), len(tracks.chosen) - 1)]
    stream = prepare(container, track, limits)
    context = stream.codec_context
    answers.send(
        width=context.width,
        height=context.height,
        codec=context.codec.name,
        seconds=duration,
        track=track.number,
        tracks_total=tracks.total,
        hashable=len(tracks.chosen),
        cover=track.cover,
    )
    wish = Wish(every_s=float(given["every_s"]), key_frames=given["key_frames"] == "1")
    turned = given["dihedral"] == "1"
    showing = Showing(container, stream, wish)
    count = _send_frames(showing, limits, answers, turned=turned)
    complete, found = (None, []) if live else _compared(source, given["container"], stream, showing)
    if showing.broke_off:
        complete, found = False, [*found, (Shortfall.ERROR, 0.0, 0.0)]
    answers.send(
        end=count,
        complete=complete if not track.cover else True,
        shortfalls=found if not track.cover else [],
        undecodable=showing.undecodable,
        cpu_used_seconds=confining.cpu_used_seconds(),
    )


def _send_frames(showing: Showing, limits: VideoLimits, answers: _Answers, *, turned: bool) -> int:
    """One line for each frame; returns how many."""
    count = 0
    for shown in showing:
        if shown is None:
            answers.alive()
            continue
        check_size(shown.frame.width, shown.frame.height, limits)
        if count == limits.max_frames:
            raise NoVideo(RefusalReason.OUT_OF_TIME, "frames")
        count += 1
        found = hash_of(shown.frame, dihedral=turned)
        answers.send(
            frame=shown.number,
            second=shown.second,
            key=bool(shown.frame.key_frame),
            quality=found[0].quality,
            pdq=[one.hex for one in found],
        )
    return count


def _compared(
    source: _Input, container: str, stream: VideoStream, showing: Showing
) -> tuple[bool | None, list[Found]]:
    """Whether the file gave what it declares, and in which ways it did not."""
    declared = declared_by(source, container)
    in_index = itertools.islice(stream.index_entries, _MAX_INDEX) if container in INDEXED else ()
    index = index_of(((one.pos, one.size) for one in in_index), source.size)
    seconds = None
    if container in TRACK_LENGTHS and stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    found = shortfalls(declared, showing.came, index, size=source.size, stream_seconds=seconds)
    found += undecoded(showing.came, showing.decoded_to, errors=showing.undecodable)
    return whole(declared, found, stream_seconds=seconds), found


def _warm_up(container: str) -> None:
    """Load and compile what the work needs: afterwards nothing can be opened."""
    kernels.prepare()
    for picture in (_GREY, np.dstack([_GREY] * 3)):
        frame = av.VideoFrame.from_ndarray(picture, "gray" if picture is _GREY else "rgb24")
        for name in ("yuv420p", "yuv420p10le", "rgb24"):
            for turned in (False, True):
                hash_of(frame.reformat(format=name, threads=1), dihedral=turned)
    _load_all_of_av()
    source, tracks = _drawn(container)
    stream = prepare(source, tracks.chosen[0], VideoLimits())
    frames = [one for one in Showing(source, stream, Wish(every_s=0.0)) if one]
    if len(frames) != _FRAMES_DRAWN:
        raise SystemExit(f"the {container} reader does not work here")


def _warm_up_sheet(container: str) -> None:
    source, tracks = _drawn(container)
    if not _sheet(source, tracks, VideoLimits(), seconds=0.1):
        raise SystemExit("contact sheets cannot be drawn here")


def _sheet(
    container: InputContainer, tracks: Tracks, limits: VideoLimits, *, seconds: float | None
) -> bytes:
    from tutela.adapters.media.video.sheet import sheet_of  # noqa: PLC0415 - Pillow, only for it

    return sheet_of(container, tracks, limits, seconds=seconds)


def _load_all_of_av() -> None:
    """PyAV loads a part when a file first needs it; here that is too late."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if module.name.rpartition(".")[2] not in _NOT_FOR_READING:
            importlib.import_module(module.name)


def _drawn(container: str) -> tuple[InputContainer, Tracks]:
    """A clip of our own, opened; in the container itself where MPEG-4 may lie in it."""
    container = container if container in _DRAWN else "matroska"
    held = io.BytesIO()
    with av.open(held, "w", format=container) as target:
        stream = target.add_stream("mpeg4", rate=_FRAMES_DRAWN)
        stream.height, stream.width = _GREY.shape
        stream.pix_fmt = "yuv420p"
        for step in range(_FRAMES_DRAWN):
            frame = av.VideoFrame.from_ndarray(np.roll(_GREY, step, axis=1), "gray")
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    source = opened(io.BytesIO(held.getvalue()), container=container, live=False)
    return source, tracks_of(source, VideoLimits())


if __name__ == "__main__":
    main()
