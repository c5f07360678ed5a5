"""vPDQ as ThreatExchange stores it: a JSON array, the frames of one video.

Each frame is a text `hash,quality,timestamp` or `frame,quality,hash,timestamp`, or an object with
the keys `hash` (or `pdq_hex`), `quality` and `timestamp`. Frames without a number are counted.
"""

import json
from collections.abc import Iterator
from typing import BinaryIO

from tutela.indicators.formats import vpdq
from tutela.indicators.model import ListEntry, ParsedRow, Refusal, SignalKind
from tutela.primitives.errors import BadInput

MAX_BYTES = 64 << 20
_COMPACT = 3


def parse(stream: BinaryIO) -> Iterator[ParsedRow]:
    """The video, or its refusal: without some of its frames it would be another video."""
    raw = stream.read(MAX_BYTES + 1)
    why = f"it is longer than {MAX_BYTES >> 20} MiB" if len(raw) > MAX_BYTES else ""
    given: object = None
    try:
        given = None if why else json.loads(raw.decode("utf-8-sig"), parse_int=str, parse_float=str)
    except UnicodeDecodeError as error:
        why = f"line {raw.count(10, 0, error.start) + 1}: this is not UTF-8 text"
    except json.JSONDecodeError as error:
        why = f"line {error.lineno}: the JSON is broken or stops"
    except RecursionError:
        why = "it is nested too deep"
    if not isinstance(given, list):
        raise BadInput(
            "This list of frames cannot be read",
            why=why or "it is not a JSON array",
            remedy="Nothing was imported. One file holds the frames of one video, as an array",
        )
    try:
        video = vpdq.video_of(_line(frame, number) for number, frame in enumerate(given))
    except vpdq.NotFrames as error:
        yield Refusal(row=1, why=str(error).replace("line ", "frame ", 1))
        return
    if not vpdq.usable(video.frames):
        yield Refusal(row=1, why="none of its frames can be compared")
        return
    yield ListEntry(kind=SignalKind.VPDQ, value=video.fingerprint, video=video, row=1)


def recognises(head: bytes) -> bool:
    """Whether this begins like a JSON array; no other list is one."""
    return head.lstrip().startswith(b"[")


def _line(frame: object, number: int) -> str:
    """The frame as a line of vPDQ's text; of anything else, a line that is refused."""
    if isinstance(frame, dict):
        digits = frame.get("hash", frame.get("pdq_hex"))
        return f"{number},{frame.get('quality')},{digits},{frame.get('timestamp')}"
    if not isinstance(frame, str):
        return "not a frame"
    parts = frame.strip().split(",")
    if len(parts) == _COMPACT:
        return f"{number},{parts[1]},{parts[0]},{parts[2]}"
    return frame.strip() or "not a frame"
