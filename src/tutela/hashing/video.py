"""The hashes of a video: one PDQ hash for each frame looked at, with its second.

As vPDQ (interfaces.md 4.2): a video is a bag of frame hashes, and a frame of low quality or
without a picture is kept but never compared. Times are exact: whatever text or timestamp they
came from, the same text comes out again.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.model import MIN_QUALITY, PDQ_BYTES, Pdq
from tutela.primitives.errors import BadInput

MAX_FRAMES = 1_000_000
"""More frames than any video needs: at one a second, eleven days."""
MAX_FRAME_NUMBER = (1 << 32) - 1
MAX_SECONDS = 1e9
"""No time of a frame lies beyond this (31 years)."""
EVERY_SECONDS = 1.0
"""One frame a second, as vPDQ's lists are made."""

_PACKED = np.dtype(
    [("number", "<u4"), ("second", "<f8"), ("quality", "u1"), ("bits", "u1", (PDQ_BYTES,))]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameHash:
    """One frame: its number in the stream, its second from the first frame on, its hash."""

    frame_number: int
    timestamp_s: float
    pdq: Pdq
    key_frame: bool = False
    turned: tuple[Pdq, ...] = ()  # the eight of `DIHEDRAL`, when they were asked for

    def __post_init__(self) -> None:
        if not 0 <= self.frame_number <= MAX_FRAME_NUMBER:
            raise BadInput("This is not a frame's number", why="it is negative or too large")
        if not (math.isfinite(self.timestamp_s) and 0 <= self.timestamp_s <= MAX_SECONDS):
            raise BadInput("This is not a frame's second", why="it is not a time from 0 on")

    def comparable(self, min_quality: int = MIN_QUALITY) -> bool:
        """Whether this frame says enough to be compared with a list."""
        return self.pdq.quality >= min_quality and not self.pdq.degenerate


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoHash:
    """The frames of one video in their order: numbers rise, seconds never fall."""

    frames: tuple[FrameHash, ...]
    complete: bool = True  # False: the file broke off, and these are the frames before

    def __post_init__(self) -> None:
        if len(self.frames) > MAX_FRAMES:
            raise BadInput("This video has too many frames", why=f"over {MAX_FRAMES:,}")
        for before, after in zip(self.frames, self.frames[1:], strict=False):
            if why := order_flaw(before, after):
                raise BadInput("These frames are not in order", why=why)

    def comparable(self, min_quality: int = MIN_QUALITY) -> tuple[FrameHash, ...]:
        """The frames that may be compared with a list."""
        return tuple(frame for frame in self.frames if frame.comparable(min_quality))

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the frames: the name under which a list holds this video's hashes."""
        return hashlib.sha256(self.packed()).digest()

    def packed(self) -> bytes:
        """The frames as bytes, 45 each: number, second, quality, hash, little-endian."""
        rows = np.empty(len(self.frames), _PACKED)
        rows["number"] = [frame.frame_number for frame in self.frames]
        rows["second"] = [frame.timestamp_s for frame in self.frames]
        rows["quality"] = [frame.pdq.quality for frame in self.frames]
        rows["bits"] = rows_of(self.frames)
        return rows.tobytes()

    @classmethod
    def unpacked(cls, packed: bytes) -> Self:
        """Read `packed`; raise `BadInput` when these bytes are none."""
        if len(packed) % _PACKED.itemsize:
            raise BadInput("These are not the frames of a video", why="the length does not fit")
        rows = np.frombuffer(packed, _PACKED)
        flat = rows["bits"].tobytes()
        return cls(
            frames=tuple(
                FrameHash(
                    frame_number=number,
                    timestamp_s=second,
                    pdq=Pdq(flat[place : place + PDQ_BYTES], quality),
                )
                for number, second, quality, place in zip(
                    rows["number"].tolist(),
                    rows["second"].tolist(),
                    rows["quality"].tolist(),
                    range(0, len(flat), PDQ_BYTES),
                    strict=True,
                )
            )
        )


def order_flaw(before: FrameHash, after: FrameHash) -> str:
    """Why `after` cannot come after `before`; empty when it can."""
    if after.frame_number == before.frame_number:
        return "the number of a frame stands there twice"
    if after.frame_number < before.frame_number:
        return "the numbers of the frames do not rise"
    if after.timestamp_s < before.timestamp_s:
        return "a frame lies before the one that it follows"
    return ""


def pruned(frames: Iterable[FrameHash], *, within_bits: int) -> Iterator[FrameHash]:
    """Leave out each frame that is within so many bits of the last one kept.

    A scene that stands still then counts once; vPDQ does the same where it is asked to.
    """
    kept: FrameHash | None = None
    for frame in frames:
        if kept is not None and kept.pdq.distance_bits(frame.pdq) <= within_bits:
            continue
        kept = frame
        yield frame


def rows_of(frames: Sequence[FrameHash]) -> NDArray[np.uint8]:
    """The hashes as uint8[N, 32], for a search."""
    flat = np.frombuffer(b"".join(frame.pdq.bits for frame in frames), np.uint8)
    return flat.reshape(len(frames), PDQ_BYTES)
