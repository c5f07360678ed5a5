"""Open a video, choose its frames, hash them: runs in the child only (`child`).

What a stranger's file may use is on lists: the containers of `containers`, named by us and never
guessed; the decoders below; no other file, stream or protocol (nothing can be opened any more
anyway).
Rotation, edit of colours and sample aspect are ignored: pixels as stored, as for pictures.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tutela.adapters.media.model import RefusalReason
from tutela.adapters.media.video.choosing import Choosing, NoTimes, Release, Role
from tutela.adapters.media.video.containers import DEMUXERS
from tutela.adapters.media.video.model import VideoLimits
from tutela.adapters.media.video.shortfalls import Came
from tutela.hashing.dihedral import all_of
from tutela.hashing.model import Pdq
from tutela.hashing.pdq import pdq
from tutela.hashing.video_luma import full_range

DECODERS = (
    "h264", "hevc", "libdav1d", "vp8", "vp9", "mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v1",
    "msmpeg4v2", "msmpeg4", "h263", "flv", "wmv1", "wmv2", "mjpeg", "theora", "prores", "ffv1",
    "wmv3", "vc1", "vp3", "vp6", "vp6f", "vp6a", "h263i", "h263p", "rv10", "rv20", "rv30", "rv40",
    "svq1", "svq3", "cinepak", "indeo3", "indeo4", "indeo5", "msvideo1", "msrle", "qtrle", "rpza",
    "dvvideo", "dnxhd", "jpeg2000", "huffyuv", "ffvhuff", "rawvideo", "mjpegb", "amv", "flashsv",
)  # fmt: skip
"""What films are kept in, the old kinds too; what only games and few tools wrote is left out."""
STILL_DECODERS = ("png", "bmp")
"""For cover pictures, beside Motion JPEG."""
_SAFE_TO_SKIP = frozenset({"h264", "mpeg1video", "mpeg2video", "mpeg4", "msmpeg4", "h263"})
"""Decoders whose unreferenced pictures change no other; HEVC's may serve a higher layer."""

_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_LUMA_FIRST = re.compile(
    r"(?:yuv(?P<jpeg>j?)a?4[0-9]{2}p|gray)(?P<bits>9|10|12|14|16)?(?:le)?|nv\d\d"
)
_LIVE_PROBE = {"probesize": "200000", "analyzeduration": "500000"}


class NoVideo(Exception):
    """The file gives no frames; `detail` is a constant or a class name, never content."""

    def __init__(self, reason: RefusalReason, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """Which frames are asked for."""

    every_s: float = 1.0  # 0: every frame
    key_frames: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A frame that is to be hashed."""

    number: int
    second: float
    frame: VideoFrame


def opened(source: Any, *, container: str, live: bool) -> InputContainer:  # noqa: ANN401 - av's file-like
    """The container, read by the named demuxer and no other."""
    if container not in DEMUXERS:
        raise NoVideo(RefusalReason.NOT_A_VIDEO)
    options = {
        "format_whitelist": DEMUXERS[container],
        "codec_whitelist": ",".join(DECODERS + STILL_DECODERS),
        "protocol_whitelist": "",
    }
    try:
        found: InputContainer = av.open(
            source,
            "r",
            format=container,
            container_options=options | (_LIVE_PROBE if live else {}),
            metadata_errors="replace",
            io_open=_refuse,
        )
    except av.FFmpegError as error:
        raise NoVideo(RefusalReason.DAMAGED, type(error).__name__) from error
    return found


def _refuse(*_: object) -> None:
    raise OSError("no other file belongs to this one")


def check_size(width: int, height: int, limits: VideoLimits) -> None:
    """Refuse a frame of too many pixels before it is decoded."""
    if width * height > limits.max_pixels:
        raise NoVideo(RefusalReason.TOO_MANY_PIXELS)


class Showing:
    """Decodes a stream and gives the frames that are to be hashed, in the order of showing."""

    def __init__(self, container: InputContainer, stream: VideoStream, wish: Wish) -> None:
        self._container = container
        self._stream = stream
        self._context = stream.codec_context
        self._wish = wish
        self._unit = stream.time_base or Fraction(1, 1000)
        self._step = 0 if wish.key_frames else round(Fraction(wish.every_s) / self._unit)
        self._choosing: Choosing | None = Choosing(
            step=self._step,
            codec=self._context.codec.name,
            extradata=bytes(self._context.extradata or b""),
        )
        self._may_skip = self._context.codec.name in _SAFE_TO_SKIP
        self._count = 0
        self._packets = 0
        self._next_target = 0
        self._origin: int | None = None
        self._second = 0.0
        self._last_number = -1
        self._lost_before = 0  # wanted frames that gave no picture, before choosing was given up
        self.errors = 0  # packets that could not be decoded
        self.broke_off = False  # the container ended in an error
        self.came = Came(stream.index)
        self.decoded_to: float | None = None  # the stream's own time, in seconds

    def __iter__(self) -> Iterator[Shown | None]:
        """Frames to hash; None now and then, so that a reader knows that work goes on."""
        try:
            for packet in self._container.demux():
                if packet.size == 0 and packet.pts is None:
                    continue  # PyAV's own last packet of each track; we flush below
                if self.came.take(packet):
                    yield from self._taken(packet)
                yield None
        except av.FFmpegError:
            self.broke_off = True
        if self._choosing is not None:
            for release in self._choosing.finish():
                yield from self._decoded(release)
        yield from self._shown(self._frames(None))
        if self._choosing is not None:
            self._choosing.forget()

    @property
    def undecodable(self) -> int:
        """Frames that could not be decoded, as far as they were tried or wanted."""
        lost = 0 if self._choosing is None else self._choosing.lost
        return max(self.errors, self._lost_before + lost)

    def _taken(self, packet: Any) -> Iterator[Shown]:  # noqa: ANN401 - av.Packet
        if self._choosing is not None:
            try:
                for release in self._choosing.take(packet):
                    yield from self._decoded(release)
            except NoTimes:
                yield from self._give_up_choosing()
            else:
                return
        yield from self._decoded(Release(packet, Role.WANTED))

    def _give_up_choosing(self) -> Iterator[Shown]:
        """From here on every packet is decoded, and frames are chosen as they come out."""
        choosing = self._choosing
        if choosing is None:
            return
        for release in choosing.let_go():
            yield from self._decoded(release)
        self._count, self._next_target = choosing.count, choosing.next_target
        self._lost_before = choosing.lost
        self._origin = choosing.origin
        self._choosing = None

    def _decoded(self, release: Release) -> Iterator[Shown]:
        if self._wish.key_frames:
            self._context.skip_frame = "NONKEY"
        else:
            skip = release.role is Role.OTHER and self._may_skip
            self._context.skip_frame = "NONREF" if skip else "DEFAULT"
        yield from self._shown(self._frames(release.packet))

    def _frames(self, packet: Any) -> list[VideoFrame]:  # noqa: ANN401 - av.Packet or None
        self._packets += 1
        try:
            return self._context.decode(packet)
        except av.FFmpegError:
            self.errors += 1
            return []

    def _shown(self, frames: list[VideoFrame]) -> Iterator[Shown]:
        for frame in frames:
            if frame.pts is not None:
                self.decoded_to = max(self.decoded_to or 0.0, float(frame.pts * self._unit))
            number = self._number(frame)
            if number is None or (self._wish.key_frames and not frame.key_frame):
                continue
            if frame.pts is None:
                rate = self._stream.average_rate or Fraction(25)
                second = float(number / rate)
            else:
                origin = self._first(frame.pts)
                second = float((frame.pts - origin) * self._unit)
            self._second = max(self._second, second)
            self._last_number = max(self._last_number + 1, number)
            yield Shown(number=self._last_number, second=self._second, frame=frame)

    def _first(self, pts: int) -> int:
        """The time that counts as second 0."""
        if self._choosing is not None and self._choosing.origin is not None:
            return self._choosing.origin
        if self._origin is None:
            self._origin = pts
        return self._origin

    def _number(self, frame: VideoFrame) -> int | None:
        """The frame's number, when it is to be hashed."""
        if self._choosing is None:
            return self._number_as_it_comes(frame)
        if frame.pts is None:
            return None
        number = self._choosing.number_of(frame.pts)
        self._choosing.done(frame.pts)
        lost = self._choosing.overtaken(frame.pts)
        if number is None and lost is not None and not self._wish.key_frames:
            return lost[1]
        return number

    def _number_as_it_comes(self, frame: VideoFrame) -> int | None:
        number = self._packets - 1 if self._wish.key_frames else self._count
        self._count += 1
        if frame.pts is None:
            rate = self._stream.average_rate or Fraction(25)
            passed = round(number / rate / self._unit)
        else:
            passed = frame.pts - self._first(frame.pts)
        if passed < self._next_target:
            return None
        if self._step:
            self._next_target = (passed // self._step + 1) * self._step
        return number


def hash_of(frame: VideoFrame, *, dihedral: bool = False) -> tuple[Pdq, ...]:
    """PDQ of the frame's brightness at full size; when asked, the eight of the turned one too."""
    grey = grey_of(frame)
    if not dihedral:
        return (pdq(grey),)
    plain, turned = all_of(grey)
    return (plain, *turned)


def grey_of(frame: VideoFrame) -> NDArray[np.uint8]:
    """H x W brightness 0..255 from the luma plane; H x W x 3 of a format that has none."""
    found = _LUMA_FIRST.fullmatch(frame.format.name)
    if found is None:
        return np.asarray(frame.to_ndarray(format="rgb24", threads=1), np.uint8)
    bits = int(found["bits"] or 8)
    plane = frame.planes[0]
    samples = np.frombuffer(memoryview(plane), "<u1" if bits == 8 else "<u2")  # noqa: PLR2004 - a byte
    rows = samples.reshape(-1, plane.line_size // samples.itemsize)[: frame.height]
    full = bool(found["jpeg"]) or frame.color_range == _FULL_RANGE or "gray" in frame.format.name
    return full_range(rows, width=frame.width, bits=bits, limited=not full)
