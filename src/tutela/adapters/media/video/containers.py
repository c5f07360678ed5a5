"""Which containers are read, and what the first bytes of a file say of them.

First bytes are a claim: the kinds that they may stand for come in the order in which they are
tried. A container is always named to the decoder, never guessed by it, and one that can name
other files (playlists, `concat`, picture sequences, SDP) is not on the list.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

HEAD_BYTES = 4096
"""How much of a file says what it is: MPEG-TS shows itself by its rhythm of 188 bytes, and what
stands before the first box or header of a container is searched so far."""
MAX_CANDIDATES = 3

_TS_PACKETS = ((188, 0), (192, 4), (204, 0), (208, 0))  # length, where the sync byte stands
_TS_SYNC = 0x47
_TS_LEAST = 3  # by chance: 1 in 2^24
_TS_LEAST_LATE = 8  # where any of 208 places may be the start


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoKind:
    """One container on the list.

    `container` is the decoder's name of it, `name` the reader's. `offset` is the byte of the file
    at which it begins.
    """

    media_type: str
    container: str
    label: str
    offset: int = 0

    @property
    def name(self) -> str:
        """For the reader: the container, and where it begins unless that is the file's start."""
        return f"{self.label} at byte {self.offset}" if self.offset else self.label


MP4 = VideoKind(media_type="video/mp4", container="mov", label="MP4")
QUICKTIME = VideoKind(media_type="video/quicktime", container="mov", label="QuickTime")
THREE_GP = VideoKind(media_type="video/3gpp", container="mov", label="3GP")
MATROSKA = VideoKind(media_type="video/x-matroska", container="matroska", label="Matroska")
WEBM = VideoKind(media_type="video/webm", container="matroska", label="WebM")
AVI = VideoKind(media_type="video/x-msvideo", container="avi", label="AVI")
MPEG_TS = VideoKind(media_type="video/mp2t", container="mpegts", label="MPEG-TS")
ASF = VideoKind(media_type="video/x-ms-asf", container="asf", label="ASF (WMV)")
FLV = VideoKind(media_type="video/x-flv", container="flv", label="FLV")
MPEG_PS = VideoKind(media_type="video/mpeg", container="mpeg", label="MPEG-PS")
MXF = VideoKind(media_type="application/mxf", container="mxf", label="MXF")
OGG = VideoKind(media_type="video/ogg", container="ogg", label="Ogg")
REAL = VideoKind(media_type="application/vnd.rn-realmedia", container="rm", label="RealMedia")
IVF = VideoKind(media_type="video/x-ivf", container="ivf", label="IVF")
DV = VideoKind(media_type="video/x-dv", container="dv", label="DV")
MPEG_VIDEO = VideoKind(media_type="video/mpeg", container="mpegvideo", label="MPEG video")
MPEG4_VIDEO = VideoKind(media_type="video/mp4v-es", container="m4v", label="MPEG-4 video")
H264 = VideoKind(media_type="video/h264", container="h264", label="H.264 video")
HEVC = VideoKind(media_type="video/h265", container="hevc", label="HEVC video")

VIDEO_KINDS = (
    MP4, QUICKTIME, THREE_GP, MATROSKA, WEBM, AVI, MPEG_TS, ASF, FLV, MPEG_PS, MXF, OGG, REAL,
    IVF, DV, MPEG_VIDEO, MPEG4_VIDEO, H264, HEVC,
)  # fmt: skip
DEMUXERS = {kind.container: kind.container for kind in VIDEO_KINDS} | {
    "mov": "mov,mp4,m4a,3gp,3g2,mj2",
    "matroska": "matroska,webm",
}
"""The decoder library's full name of each: what its list of permitted formats must hold."""
GROWING = frozenset({"mov", "matroska", "mpegts", "flv", "mpeg", "ogg", "asf", "ivf"})
"""Containers that can be read from a pipe, from the start on."""
INDEXED = frozenset({"mov", "avi"})
"""Containers whose index lists each frame with its place in the file."""
TRACK_LENGTHS = frozenset({"mov", "avi", "mxf"})
"""Containers that declare the length of each track, which the demuxer hands on as it is."""
VIDEO_NAMES = (
    "MP4, QuickTime, 3GP, Matroska, WebM, AVI, MPEG-TS, MPEG-PS, ASF (WMV), FLV, MXF, Ogg, "
    "RealMedia, IVF, DV and bare MPEG, H.264 or HEVC video"
)

_BOXES = frozenset(
    (
        b"ftyp", b"styp", b"moov", b"mdat", b"moof", b"sidx", b"ssix", b"emsg", b"prft", b"free",
        b"skip", b"wide", b"uuid", b"pnot", b"junk", b"pict", b"meta", b"mfra", b"udta",
    )
)  # fmt: skip
"""Boxes that may stand first in MP4 and QuickTime files."""

_STARTS: tuple[tuple[re.Pattern[bytes], VideoKind], ...] = (
    (re.compile(rb"RIFF.{4}(?:AVI[ X\x19]|AMV )", re.DOTALL), AVI),
    (re.compile(rb"ON2 .{4}ON2f", re.DOTALL), AVI),
    (re.compile(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11"), ASF),
    (re.compile(rb"FLV[\x01\x02][\x00\x01\x04\x05]\x00"), FLV),
    (re.compile(rb"\x06\x0e\x2b\x34\x02\x05\x01.\x0d\x01\x02", re.DOTALL), MXF),
    (re.compile(rb"OggS\x00[\x00-\x07]"), OGG),
    (re.compile(rb"\.RMF\x00\x00\x00"), REAL),
    (re.compile(rb"DKIF\x00\x00.{2}[A-Z]", re.DOTALL), IVF),
    (re.compile(rb"\x00\x00\x01\xba"), MPEG_PS),
    (re.compile(rb"RIFF.{4}CDXA", re.DOTALL), MPEG_PS),
)
"""Signatures that are also searched for behind something else."""
_ONLY_FIRST: tuple[tuple[re.Pattern[bytes], VideoKind], ...] = (
    (re.compile(rb"\x00\x00\x01[\xbb\xbe\xe0-\xef]"), MPEG_PS),
    (re.compile(rb"\x00*\x00\x00\x01\xb3"), MPEG_VIDEO),
    (re.compile(rb"\x00\x00\x01(?:\xb0|\xb5|[\x00-\x2f]\x00\x00\x01)"), MPEG4_VIDEO),
    (re.compile(rb"\x00{2,3}\x01[\x07\x27\x47\x67\x09]"), H264),
    (re.compile(rb"\x00{2,3}\x01[\x40\x42\x46]\x01"), HEVC),
    (re.compile(rb"\x1f\x07\x00[\x3f\xbf]", re.DOTALL), DV),
)
_EBML = re.compile(rb"\x1a\x45\xdf\xa3")
_FTYP = re.compile(rb"\x00{2}[\x00-\x03][\x00-\xff]ftyp[ -~]{4}")
_DOCTYPE_BYTES = 64


def sniff_video(head: bytes) -> VideoKind | None:
    """The container that these first bytes announce most clearly; None: none on the list."""
    return next(iter(video_candidates(head)), None)


def video_candidates(head: bytes) -> tuple[VideoKind, ...]:
    """The containers that a file with these first bytes may be of, in the order to try them.

    A film may stand under the brand of a picture, and behind bytes that belong to nothing.
    """
    found: list[VideoKind] = []
    for one in _found(head):
        if one not in found:
            found.append(one)
        if len(found) == MAX_CANDIDATES:
            break
    return tuple(found)


def _found(head: bytes) -> Iterator[VideoKind]:
    if head[4:8] in _BOXES:
        yield _by_brand(head)
    if _EBML.match(head):
        yield _by_doctype(head)
    for start, kind in (*_STARTS, *_ONLY_FIRST):
        if start.match(head):
            yield kind
    if _is_transport_stream(head):
        yield MPEG_TS
    yield from _behind_junk(head)
    if _is_transport_stream_later(head):
        yield MPEG_TS


def _behind_junk(head: bytes) -> Iterator[VideoKind]:
    """Containers whose signature stands further on, the nearest first."""
    later: list[tuple[int, VideoKind]] = []
    for start, kind in _STARTS:
        if place := start.search(head, 1):
            later.append((place.start(), kind))
    if place := _EBML.search(head, 1):
        later.append((place.start(), _by_doctype(head[place.start() :])))
    if place := _FTYP.search(head, 1):
        later.append((place.start(), _by_brand(head[place.start() :])))
    for offset, kind in sorted(later, key=lambda one: one[0]):
        yield replace(kind, offset=offset)


def _by_brand(head: bytes) -> VideoKind:
    """MP4, QuickTime or 3GP, for the media type alone: one demuxer reads them all."""
    if head[4:8] != b"ftyp":
        return MP4 if b"ftyp" in head[:256] and b"ftypqt  " not in head[:256] else QUICKTIME
    if head[8:11] in {b"3gp", b"3g2", b"3ge", b"3gr", b"3gs"}:
        return THREE_GP
    return QUICKTIME if head[8:12] == b"qt  " else MP4


def _by_doctype(head: bytes) -> VideoKind:
    return WEBM if b"webm" in head[:_DOCTYPE_BYTES] else MATROSKA


def _is_transport_stream(head: bytes) -> bool:
    """Whether the sync byte stands at the start of each packet, at least three times."""
    for length, sync in _TS_PACKETS:
        places = head[sync::length]
        if len(places) >= _TS_LEAST and set(places) == {_TS_SYNC}:
            return True
    return False


def _is_transport_stream_later(head: bytes) -> bool:
    """The same for a recording that begins in the middle of a packet."""
    for length, _ in _TS_PACKETS:
        for first in range(1, min(length, len(head))):
            if head[first] != _TS_SYNC:
                continue
            places = head[first::length]
            if len(places) >= _TS_LEAST_LATE and set(places) == {_TS_SYNC}:
                return True
    return False
