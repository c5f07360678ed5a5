"""What a container declares of its own length, from its structure: runs in the child only.

A demuxer gives the packets that are there and then ends, whether or not more were promised. So
the promise is read here: sizes of boxes and chunks, lengths in headers, marks of the end. Only a
few kilobytes are read, wherever the file is long; what contradicts itself declares nothing.

Sources: ISO/IEC 14496-12 (boxes, `mehd`, `sidx`), RFC 8794 and RFC 9559 (EBML, Matroska), AVI RIFF,
Adobe FLV 10.1 annex E, ASF 01.20.06, RFC 3533 (Ogg), ISO/IEC 13818-1, SMPTE 377-1 (MXF).
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

_MAX_BOXES = 100_000
_TAIL_BYTES = 1 << 17
_HEAD_BYTES = 1 << 16


class Shortfall(StrEnum):
    """In which way less came than a file declares."""

    BYTES = "bytes"
    FRAMES = "frames"
    SECONDS = "seconds"
    LAST_PACKET = "last_packet"
    END_MARK = "end_mark"
    ERROR = "error"
    UNDECODED = "undecoded"


class Stored(Protocol):
    """A file that can be read at any place."""

    size: int

    def at(self, place: int, count: int) -> bytes:
        """At most `count` bytes from `place` on; fewer at the end."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """What the structure says.

    `end` is the byte behind the last one that is declared, `seconds` and `frames` are for the
    whole file. `ends`: the structure shows that its end is there (True), that it is not (False),
    or nothing of it (None). `cut_packet`: the last unit of the file is cut off.
    """

    end: int | None = None
    seconds: float | None = None
    frames: int | None = None
    ends: bool | None = None
    cut_packet: bool = False


def declared_by(file: Stored, container: str) -> Declared:
    """What a file of that container declares; nothing where its structure cannot be read."""
    read = _READERS.get(container)
    if read is None:
        return Declared()
    try:
        return read(file)
    except (struct.error, IndexError, ValueError, OverflowError):
        return Declared()


# MP4 and QuickTime


def _boxes(file: Stored, start: int, stop: int, *, most: int = _MAX_BOXES) -> list["_Box"]:
    """The boxes that follow each other from `start` on; the last may reach beyond the file."""
    found: list[_Box] = []
    at = start
    while at + 8 <= stop and len(found) < most:
        head = file.at(at, 16)
        size, name, body = int.from_bytes(head[:4]), head[4:8], at + 8
        if size == 1:
            size, body = int.from_bytes(head[8:16]), at + 16
        elif size == 0:
            size = stop - at
        if size < body - at or not name.isalnum():
            break
        found.append(_Box(name, body, at + size))
        at += size
    return found


@dataclass(frozen=True, slots=True)
class _Box:
    name: bytes
    start: int
    end: int


def _of_boxes(file: Stored) -> Declared:
    top = _boxes(file, 0, file.size)
    if not top:
        return Declared()
    end = max(box.end for box in top)
    names = {box.name for box in top}
    seconds = None
    for box in top:
        if box.name == b"moov":
            seconds = _seconds_of_movie(file, box, fragmented=b"moof" in names)
        elif box.name == b"sidx":
            behind, lasting = _segment_index(file, box)
            end = max(end, behind)
            seconds = max(seconds or 0.0, lasting)
    whole = b"mfra" in names or (b"moof" not in names and b"mdat" in names)
    return Declared(end=end, seconds=seconds or None, ends=True if whole else None)


def _seconds_of_movie(file: Stored, movie: _Box, *, fragmented: bool) -> float | None:
    """From `mehd`, or else from `mvhd`; only for fragments, since tracks declare their frames."""
    found: dict[bytes, bytes] = {}
    for box in _boxes(file, movie.start, min(movie.end, file.size), most=1000):
        if box.name in {b"mvhd", b"mvex"}:
            found[box.name] = file.at(box.start, 64)
        if box.name == b"mvex":
            fragmented = True
            for inner in _boxes(file, box.start, min(box.end, file.size), most=100):
                if inner.name == b"mehd":
                    found[b"mehd"] = file.at(inner.start, 16)
    if not fragmented or b"mvhd" not in found:
        return None
    head = found[b"mvhd"]
    form, at = (">IQ", 20) if head[0] == 1 else (">II", 12)
    scale, duration = struct.unpack_from(form, head, at)
    if b"mehd" in found:
        extends = found[b"mehd"]
        (duration,) = struct.unpack_from(">Q" if extends[0] == 1 else ">I", extends, 4)
    unset = duration in {0, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF}
    return None if unset or not scale else float(duration / scale)


def _segment_index(file: Stored, box: _Box) -> tuple[int, float]:
    """The byte behind the last segment that it lists, and the seconds that it lists."""
    body = file.at(box.start, min(box.end - box.start, 12 * 0xFFFF + 64))
    (scale,) = struct.unpack_from(">I", body, 8)
    form, at = (">QQ", 28) if body[0] == 1 else (">II", 20)
    earliest, behind = struct.unpack_from(form, body, 12)
    (count,) = struct.unpack_from(">H", body, at + 2)
    end, ticks = box.end + behind, earliest
    for place in range(at + 4, at + 4 + 12 * count, 12):
        size, lasting = struct.unpack_from(">II", body, place)
        end += size & 0x7FFFFFFF
        ticks += lasting
    return end, ticks / scale if scale else 0.0


# Matroska and WebM

_SEGMENT, _INFO, _SCALE, _DURATION, _CLUSTER = 0x18538067, 0x1549A966, 0x2AD7B1, 0x4489, 0x1F43B675


def _element(data: bytes, at: int) -> tuple[int, int | None, int]:
    """Identifier, size (None: unknown) and start of the body of the element at this place."""
    width = 9 - data[at].bit_length()
    name = int.from_bytes(data[at : at + width])
    at += width
    width = 9 - data[at].bit_length()
    size = int.from_bytes(data[at : at + width]) & ((1 << 7 * width) - 1)
    return name, None if size == (1 << 7 * width) - 1 else size, at + width


def _of_matroska(file: Stored) -> Declared:
    head = file.at(0, _HEAD_BYTES)
    _, size, at = _element(head, 0)
    at += size or 0
    name, segment, at = _element(head, at)
    while name != _SEGMENT:  # a void between the two
        at += segment or 0
        name, segment, at = _element(head, at)
    end = None if segment is None else at + segment
    return Declared(
        end=end, seconds=_matroska_seconds(head, at), ends=None if end is None else True
    )


def _matroska_seconds(head: bytes, at: int) -> float | None:
    """The duration in the segment's information, where it stands before the first cluster."""
    while at < len(head) - 12:
        name, size, body = _element(head, at)
        if name == _CLUSTER or size is None:
            return None
        if name == _INFO:
            return _in_info(head, body, min(body + size, len(head)))
        at = body + size
    return None


def _in_info(head: bytes, at: int, end: int) -> float | None:
    scale, duration = 1_000_000, None
    while at < end:
        name, size, body = _element(head, at)
        value = head[body : body + (size or 0)]
        if name == _SCALE:
            scale = int.from_bytes(value)
        elif name == _DURATION:
            (duration,) = struct.unpack(">f" if len(value) == 4 else ">d", value)  # noqa: PLR2004 - a float
        at = body + (size or 0)
    return None if not duration else float(duration * scale / 1e9)


# RIFF


def _of_avi(file: Stored) -> Declared:
    end = at = 0
    for _ in range(_MAX_BOXES):  # one for each gigabyte of OpenDML
        head = file.at(at, 12)
        if head[:4] not in {b"RIFF", b"ON2 "} or len(head) < 12:  # noqa: PLR2004 - name, size, form
            break
        size = int.from_bytes(head[4:8], "little")
        if not size:
            return Declared()
        end = at + 8 + size
        at = end + size % 2
    return Declared(end=end or None, ends=True if end else None)


# FLV

_TAG_BYTES = 11
"""The head of a tag; behind each tag its size stands once more."""


def _of_flv(file: Stored) -> Declared:
    head = file.at(0, _HEAD_BYTES)
    seconds, size = _amf_number(head, b"duration"), _amf_number(head, b"filesize")
    tail = file.at(max(0, file.size - 4), 4)
    last = int.from_bytes(tail)
    known = _TAG_BYTES <= last < file.size - 4
    tag = file.at(file.size - 4 - last, _TAG_BYTES) if known else b""
    fits = len(tag) == _TAG_BYTES and int.from_bytes(tag[1:4]) == last - _TAG_BYTES
    behind = size is not None and size <= file.size  # what follows the declared end is not of it
    return Declared(
        end=int(size) if size else None, seconds=seconds, cut_packet=not (fits or behind)
    )


def _amf_number(head: bytes, name: bytes) -> float | None:
    place = head.find(len(name).to_bytes(2) + name + b"\x00")
    if place < 0:
        return None
    (value,) = struct.unpack_from(">d", head, place + 2 + len(name) + 1)
    return float(value) if 0 < value < 1e15 else None  # noqa: PLR2004 - beyond any file


# ASF

_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_BROADCAST = 1


def _of_asf(file: Stored) -> Declared:
    head = file.at(0, _HEAD_BYTES)
    at = head.find(_FILE_PROPERTIES)
    if at < 0:
        return Declared()
    size, _, packets, play, _, preroll, flags = struct.unpack_from("<QQQQQQI", head, at + 40)
    if flags & _BROADCAST:
        return Declared()
    seconds = play / 1e7 - preroll / 1e3
    return Declared(
        end=size or None,
        seconds=seconds if seconds > 0 and packets else None,
        ends=True if size else None,
    )


# Ogg

_LAST_PAGE = 4


def _of_ogg(file: Stored) -> Declared:
    start = max(0, file.size - _TAIL_BYTES)
    tail = file.at(start, _TAIL_BYTES)
    at = tail.rfind(b"OggS")
    if at < 0 or at + 27 > len(tail):
        return Declared(cut_packet=True)
    segments = tail[at + 27 : at + 27 + tail[at + 26]]
    end = start + at + 27 + tail[at + 26] + sum(segments)
    if len(segments) < tail[at + 26]:
        return Declared(cut_packet=True)
    return Declared(end=end, ends=bool(tail[at + 5] & _LAST_PAGE))


# MPEG

_PACK, _PROGRAMME_END = b"\x00\x00\x01\xba", b"\x00\x00\x01\xb9"


def _of_transport_stream(file: Stored) -> Declared:
    head = file.at(0, 4096)
    for length, first in ((188, 0), (192, 4), (204, 0), (208, 0)):
        for phase in range(first, length):
            places = head[phase::length]
            if len(places) > 2 and set(places) == {0x47}:  # noqa: PLR2004 - a rhythm
                over = (file.size - (phase - first)) % length
                rest = file.at(file.size - over, over)
                cut = rest[first] == 0x47 if over > first else any(rest)  # noqa: PLR2004 - sync
                return Declared(cut_packet=cut)
    return Declared()


def _of_programme_stream(file: Stored) -> Declared:
    """By the code of the end, or else by whether the last packet reaches its own end."""
    start = max(0, file.size - _TAIL_BYTES)
    tail = file.at(start, _TAIL_BYTES)
    if tail.rstrip(b"\x00").endswith(_PROGRAMME_END):
        return Declared(ends=True)
    at = tail.rfind(_PACK)
    if at < 0:
        return Declared()
    second = len(tail) > at + 13 and tail[at + 4] >> 6 == 1  # MPEG-2
    at += 14 + (tail[at + 13] & 7) if second else 12
    while at + 6 <= len(tail) and tail[at : at + 3] == _PACK[:3]:
        at += 6 + int.from_bytes(tail[at + 4 : at + 6])
    return Declared(cut_packet=at > len(tail))


def _with_end_code(code: bytes) -> Callable[[Stored], Declared]:
    def read(file: Stored) -> Declared:
        tail = file.at(max(0, file.size - 4096), 4096).rstrip(b"\x00")
        return Declared(ends=True if tail.endswith(code) else None)

    return read


# MXF, RealMedia, IVF, DV


def _of_mxf(file: Stored) -> Declared:
    head = file.at(0, _HEAD_BYTES)
    at = head.find(b"\x06\x0e\x2b\x34\x02\x05\x01")
    width = head[at + 16]
    body = at + 17 + (width & 0x7F if width & 0x80 else 0)
    (footer,) = struct.unpack_from(">Q", head, body + 24)
    if not footer:
        return Declared()
    return Declared(end=at + footer + 16, ends=True)


_REAL_SLACK = 16
"""Some writers count a part of the last chunk's head twice."""


def _of_real(file: Stored) -> Declared:
    end, at, seconds = 0, 0, None
    for _ in range(1000):
        head = file.at(at, 50)
        size = int.from_bytes(head[4:8])
        if len(head) < 10 or not head[:4].strip(b".").isalnum() or size < 10:  # noqa: PLR2004 - head
            break
        if head[:4] == b"PROP":
            (milliseconds,) = struct.unpack_from(">I", head, 30)
            seconds = milliseconds / 1000 or None
        end = at = at + size
    if file.size < end <= file.size + _REAL_SLACK:
        end = file.size
    return Declared(end=end or None, seconds=seconds, ends=True if end else None)


def _of_ivf(file: Stored) -> Declared:
    head = file.at(0, 32)
    frames = int.from_bytes(head[24:28], "little")
    return Declared(frames=frames or None)


def _of_dv(file: Stored) -> Declared:
    pal = file.at(3, 1)[0] & 0x80
    return Declared(cut_packet=file.size % (144_000 if pal else 120_000) != 0)


_READERS: dict[str, Callable[[Stored], Declared]] = {
    "mov": _of_boxes,
    "matroska": _of_matroska,
    "avi": _of_avi,
    "flv": _of_flv,
    "asf": _of_asf,
    "ogg": _of_ogg,
    "mpegts": _of_transport_stream,
    "mpeg": _of_programme_stream,
    "mpegvideo": _with_end_code(b"\x00\x00\x01\xb7"),
    "m4v": _with_end_code(b"\x00\x00\x01\xb1"),
    "mxf": _of_mxf,
    "rm": _of_real,
    "ivf": _of_ivf,
    "dv": _of_dv,
}
