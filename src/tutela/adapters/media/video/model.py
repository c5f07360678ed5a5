"""Limits and facts of the video decoder, and which files are videos at all."""

import re
from dataclasses import dataclass

from tutela.hashing.model import MAX_FRAMES

HEAD_BYTES = 1024
"""How much of a file says what it is: MPEG-TS shows itself by its rhythm of 188 bytes."""

_GIB = 1 << 30
_TS_PACKETS = ((188, 0), (192, 4), (204, 0))  # length, where in it the sync byte stands
_TS_SYNC = 0x47
_EBML = b"\x1a\x45\xdf\xa3"
_QUICKTIME_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"pnot"})
_PICTURE_BRANDS = re.compile(rb"mif[12]|msf1|miaf|hei[cxms]|hev[cxms]|avi[fso]|jxl |crx |jp2 |jpx ")


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoKind:
    """One container on the allow-list.

    `container` is the decoder's name of it, `name` the reader's.
    """

    media_type: str
    container: str
    name: str


MP4 = VideoKind(media_type="video/mp4", container="mov", name="MP4")
QUICKTIME = VideoKind(media_type="video/quicktime", container="mov", name="QuickTime")
MATROSKA = VideoKind(media_type="video/x-matroska", container="matroska", name="Matroska")
WEBM = VideoKind(media_type="video/webm", container="matroska", name="WebM")
AVI = VideoKind(media_type="video/x-msvideo", container="avi", name="AVI")
MPEG_TS = VideoKind(media_type="video/mp2t", container="mpegts", name="MPEG-TS")

VIDEO_KINDS = (MP4, QUICKTIME, MATROSKA, WEBM, AVI, MPEG_TS)
CONTAINERS = frozenset(kind.container for kind in VIDEO_KINDS)
VIDEO_NAMES = "MP4, QuickTime, Matroska, WebM, AVI and MPEG-TS"


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoLimits:
    """What one video may cost. Each has a child process of its own.

    The time allowed grows with the seconds of video that were reached, so that a long film is
    no fault and a file that stands still is: `wall_seconds` and, on top,
    `wall_per_second` for each second of video. `stall_seconds` is the longest silence.
    """

    max_file_bytes: int = 16 * _GIB
    max_pixels: int = 40_000_000
    max_frames: int = MAX_FRAMES
    memory_bytes: int = 2 * _GIB
    cpu_seconds: int = 6 * 3600
    wall_seconds: float = 60.0
    wall_per_second: float = 5.0
    stall_seconds: float = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoFacts:
    """What the container says about its video stream, before a frame is decoded."""

    width_px: int
    height_px: int
    codec: str
    seconds: float | None


def sniff_video(head: bytes) -> VideoKind | None:
    """The container that these first bytes announce, or None when it is none on the list."""
    if head[4:8] == b"ftyp":
        if _PICTURE_BRANDS.match(head[8:12]):
            return None
        return QUICKTIME if head[8:12] == b"qt  " else MP4
    if head[4:8] in _QUICKTIME_ATOMS:
        return QUICKTIME
    if head.startswith(_EBML):
        return WEBM if b"webm" in head[:64] else MATROSKA
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return AVI
    return MPEG_TS if _is_transport_stream(head) else None


def _is_transport_stream(head: bytes) -> bool:
    """Whether the sync byte stands at the start of each packet, at least three times."""
    for length, sync in _TS_PACKETS:
        places = head[sync::length]
        if len(places) >= 3 and set(places) == {_TS_SYNC}:  # noqa: PLR2004 - by chance: 1 in 2^24
            return True
    return False
