"""The process that decodes one stranger's video. Started by `cell`, never imported by it.

Standard input is the file itself (or a pipe of its bytes, for live input): the child is handed
no name and could open none. Answers are lines of JSON on standard output, each one frame, so
that neither side holds more than one.
"""

import dataclasses
import importlib
import io
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
from tutela.adapters.media.video.decoding import (
    NoVideo,
    Showing,
    Wish,
    check_size,
    hash_of,
    opened,
    video_stream,
)
from tutela.adapters.media.video.model import VideoLimits
from tutela.primitives import kernels

_SIGN_OF_LIFE_SECONDS = 1.0
_FRAMES_DRAWN = 5
_GREY = np.arange(64 * 96, dtype=np.uint8).reshape(64, 96)
_NOT_FOR_READING = frozenset({"__main__", "datasets", "device"})


class _Input:
    """Standard input as the decoder reads it; a pipe cannot be sought in."""

    def __init__(self, *, live: bool) -> None:
        if not live:
            self.seek = self._seek
            self.tell = self._tell

    def read(self, size: int) -> bytes:
        """What is there, at most `size`; empty at the end."""
        return os.read(0, size)

    def _seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return os.lseek(0, offset, whence)

    def _tell(self) -> int:
        return os.lseek(0, 0, os.SEEK_CUR)


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
    container = opened(_Input(live=live), container=given["container"], live=live)
    stream = video_stream(container, limits)
    context = stream.codec_context
    duration = container.duration / 1_000_000 if container.duration else None
    answers.send(
        width=context.width, height=context.height, codec=context.codec.name, seconds=duration
    )
    if given["job"] == "sheet":
        picture = _sheet(container, stream, limits, seconds=duration)
        answers.send(sheet=len(picture))
        answers.body(picture)
        return
    wish = Wish(every_s=float(given["every_s"]), key_frames=given["key_frames"] == "1")
    turned = given["dihedral"] == "1"
    _tell_frames(Showing(container, stream, wish), limits, answers, turned=turned)


def _tell_frames(showing: Showing, limits: VideoLimits, answers: _Answers, *, turned: bool) -> None:
    """One line for each frame, then the end and whether it was the whole file."""
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
    answers.send(
        end=count,
        broke_off=showing.broke_off,
        errors=showing.errors,
        cpu_used_seconds=confining.cpu_used_seconds(),
    )


def _warm_up(container: str) -> None:
    """Load and compile what the work needs: afterwards nothing can be opened."""
    kernels.prepare()
    for picture in (_GREY, np.dstack([_GREY] * 3)):
        frame = av.VideoFrame.from_ndarray(picture, "gray" if picture is _GREY else "rgb24")
        for name in ("yuv420p", "yuv420p10le", "rgb24"):
            for turned in (False, True):
                hash_of(frame.reformat(format=name, threads=1), dihedral=turned)
    _load_all_of_av()
    source, stream = _drawn(container)
    frames = [one for one in Showing(source, stream, Wish(every_s=0.0)) if one]
    if len(frames) != _FRAMES_DRAWN:
        raise SystemExit(f"the {container} reader does not work here")


def _warm_up_sheet(container: str) -> None:
    source, stream = _drawn(container)
    if not _sheet(source, stream, VideoLimits(), seconds=0.1):
        raise SystemExit("contact sheets cannot be drawn here")


def _sheet(
    container: InputContainer, stream: VideoStream, limits: VideoLimits, *, seconds: float | None
) -> bytes:
    from tutela.adapters.media.video.sheet import sheet_of  # noqa: PLC0415 - Pillow, only for it

    return sheet_of(container, stream, limits, seconds=seconds)


def _load_all_of_av() -> None:
    """PyAV loads a part when a file first needs it; here that is too late."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if module.name.rpartition(".")[2] not in _NOT_FOR_READING:
            importlib.import_module(module.name)


def _drawn(container: str) -> tuple[InputContainer, VideoStream]:
    """A clip of our own, opened."""
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
    return source, video_stream(source, VideoLimits())


if __name__ == "__main__":
    main()
