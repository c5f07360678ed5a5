"""Limits, refusals and facts of the picture decoders; imported on both sides of the pipe."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from tutela.hashing.model import Unmatchable
from tutela.primitives.errors import BadInput

Style = Literal["thumb", "blur", "grey", "lineart"]
STYLES: tuple[Style, ...] = ("thumb", "blur", "grey", "lineart")

FULL_VIEW_SIDE_PX = 1600
THUMB_SIDE_PX = 64
RENDITION_SIDE_PX = 320

_MIB = 1 << 20
_PICTURES_OF_FULL_SIZE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one picture may cost. Time and memory bind the child process, not the parent.

    `memory_bytes` is the child's whole address space (the interpreter and the libraries
    take about 0.5 GiB of it). `jobs_per_child` is how many files one process may see
    before a fresh one takes over; 1 gives each file a process of its own, at about half a
    second of start-up each. Small pictures take a few milliseconds, so the default keeps that
    start below a tenth of the work; processor time ends a child's life earlier when
    pictures are large. Of a file with several pictures `max_pictures` are hashed, as long as no
    more than `pixels_of_all` pixels are decoded for it.
    """

    max_file_bytes: int = 256 * _MIB
    max_pixels: int = 100_000_000
    max_side_px: int = 65_535
    max_pictures: int = 16
    memory_bytes: int = 2048 * _MIB
    cpu_seconds: int = 20
    wall_seconds: float = 30.0
    jobs_per_child: int = 2_000

    @property
    def pixels_of_all(self) -> int:
        """How many pixels all frames, pages and images of one file may have together."""
        return _PICTURES_OF_FULL_SIZE * self.max_pixels


class RefusalReason(StrEnum):
    """Why a file gave no picture."""

    UNREADABLE = "unreadable"
    EMPTY = "empty"
    NOT_A_PICTURE = "not_a_picture"
    NOT_A_VIDEO = "not_a_video"
    NO_VIDEO_DECODER = "no_video_decoder"
    DAMAGED = "damaged"
    CUT_OFF = "cut_off"
    TOO_MANY_BYTES = "too_many_bytes"
    TOO_MANY_PIXELS = "too_many_pixels"
    OUT_OF_MEMORY = "out_of_memory"
    OUT_OF_TIME = "out_of_time"
    DECODER_DIED = "decoder_died"


_TOO_LARGE = frozenset(
    {
        RefusalReason.TOO_MANY_BYTES,
        RefusalReason.TOO_MANY_PIXELS,
        RefusalReason.OUT_OF_MEMORY,
        RefusalReason.OUT_OF_TIME,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A file that was not decoded: the reason for programs, why and what to do for people."""

    reason: RefusalReason
    why: str
    remedy: str

    @property
    def unmatchable(self) -> Unmatchable:
        """The same in the words of hashing: too large, cut off, or not decodable."""
        if self.reason in _TOO_LARGE:
            return Unmatchable.TOO_LARGE
        if self.reason is RefusalReason.CUT_OFF:
            return Unmatchable.CUT_OFF
        return Unmatchable.UNDECODABLE

    def __str__(self) -> str:
        return f"{self.why}. {self.remedy}."


class PictureRefused(BadInput):
    """A picture was asked for and the file gives none; `refusal` says why."""

    code = "picture_refused"

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__("This file gives no picture", why=refusal.why, remedy=refusal.remedy)


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaFacts:
    """What the file says about itself; width and height as stored, before orientation.

    `exif` holds a fixed choice of entries by name (see docs/reference/media.md), text cut
    to 200 characters. It is a claim by the file, not a fact about the world.
    """

    media_type: str
    width_px: int
    height_px: int
    frames: int
    exif: dict[str, str] = field(default_factory=dict)
