"""What is known about a file after hashing: the perceptual hash, the digests, or why not."""

import hashlib
import math
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from tutela.primitives.errors import BadInput

PDQ_BITS = 256
PDQ_BYTES = 32
_PDQ_HEX = re.compile(r"[0-9a-fA-F]{64}")

MIN_QUALITY = 50
"""Lowest PDQ quality that may be matched (facebook/ThreatExchange, pdq README: drop <= 49)."""

DIHEDRAL = (
    "original",
    "rotate90",
    "rotate180",
    "rotate270",
    "flip_x",
    "flip_y",
    "flip_plus1",
    "flip_minus1",
)
"""Order of the eight hashes of a turned or mirrored picture, as the reference returns them."""

_DEGENERATE_BITS = 31
"""A hash this close to all zeros or all ones would match every other such hash."""


EVERY_SECONDS = 1.0
"""One frame of a video a second, as vPDQ's lists are made."""
MAX_FRAMES = 1_000_000
"""More frames than any video needs: at one a second, eleven days."""
MAX_FRAME_NUMBER = (1 << 32) - 1
MAX_SECONDS = 1e9
"""No time of a frame lies beyond this (31 years)."""
_PACKED = struct.Struct("<IdB32s")


FAST_SLACK_BITS = 8
"""No fast hash of quality `MIN_QUALITY` was found further from the exact one of its file."""


class Unmatchable(StrEnum):
    """Why a file's picture cannot be compared with a list; never a statement that it is safe."""

    LOW_QUALITY = "low_quality"
    UNDECODABLE = "undecodable"
    TOO_LARGE = "too_large"
    DEGENERATE = "degenerate"
    CUT_OFF = "cut_off"


class Mode(StrEnum):
    """How a picture's bytes become a hash.

    `EXACT` decodes every pixel: for lists, and whatever is compared bit for bit. `FAST`
    decodes large JPEGs at a smaller scale: for scanning, a few bits off.
    """

    EXACT = "exact"
    FAST = "fast"


@dataclass(frozen=True, slots=True)
class Pdq:
    """A 256-bit PDQ hash and its quality (0 to 100).

    `bits` are 32 bytes in the order in which the hexadecimal text prints them, so the
    first bit of the first byte is coefficient 255. Positional on purpose: two values.
    """

    bits: bytes
    quality: int

    def __post_init__(self) -> None:
        if len(self.bits) != PDQ_BYTES:
            raise BadInput("This is not a PDQ hash", why=f"expected {PDQ_BYTES} bytes")
        if not 0 <= self.quality <= 100:  # noqa: PLR2004 - the scale of the reference
            raise BadInput("This is not a PDQ quality", why="expected 0 to 100")

    @classmethod
    def parse(cls, hex_text: str, *, quality: int = 100) -> Self:
        """Read 64 hexadecimal digits of either case, and nothing else; raise `BadInput`.

        Lists carry no quality: their entries were filtered by whoever made them, so it is
        100 unless the list says otherwise. The text is matched in full: a trailing newline
        that slips through here would stop a whole index later.
        """
        if not _PDQ_HEX.fullmatch(hex_text):
            raise BadInput(
                "This is not a PDQ hash",
                why="expected exactly 64 hexadecimal digits, nothing before or after",
            )
        return cls(bytes.fromhex(hex_text), quality)

    @property
    def hex(self) -> str:
        """The hash as 64 lower-case hexadecimal digits."""
        return self.bits.hex()

    @property
    def degenerate(self) -> bool:
        """Whether the hash carries no picture: all zeros or ones, or a match of those."""
        ones = int.from_bytes(self.bits).bit_count()
        return ones <= _DEGENERATE_BITS or ones >= PDQ_BITS - _DEGENERATE_BITS

    @property
    def unmatchable(self) -> Unmatchable | None:
        """Why this hash must not be compared with a list, or None when it may be."""
        if self.degenerate:
            return Unmatchable.DEGENERATE
        if self.quality < MIN_QUALITY:
            return Unmatchable.LOW_QUALITY
        return None

    def distance_bits(self, other: "Pdq") -> int:
        """How many of the 256 bits differ."""
        return (int.from_bytes(self.bits) ^ int.from_bytes(other.bits)).bit_count()


@dataclass(frozen=True, kw_only=True, slots=True)
class Digests:
    """The exact file in three digests and its size; raw bytes, not hexadecimal.

    A file that was read has all of them. Of hashes computed elsewhere some may be missing:
    those are empty, and None for the size.
    """

    md5: bytes = b""
    sha1: bytes = b""
    sha256: bytes = b""
    size_bytes: int | None = None


class FormKind(StrEnum):
    """How a further hash of a file comes from it."""

    FRAME = "frame"
    PAGE = "page"
    IMAGE = "image"
    COVER = "cover"
    UPRIGHT = "upright"
    ALPHA_IGNORED = "alpha_ignored"
    CLIPPED = "clipped"
    SHOWN = "shown"
    STORED_NUMBERS = "stored_numbers"


_FORM_NAMES = {
    FormKind.UPRIGHT: "the upright form",
    FormKind.ALPHA_IGNORED: "the form with transparency ignored",
    FormKind.SHOWN: "the form that browsers show, blank where the file is cut off",
    FormKind.CLIPPED: "the form with values above 255 clipped",
    FormKind.STORED_NUMBERS: "the form of the stored numbers, before they become colours",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureForm:
    """A further hash of a picture file, and how it came from the file.

    `number` (from 1) and `total` are those of a frame, page or image, else None. `dihedral` are
    the eight of `DIHEDRAL`, or none when they were not asked for.
    """

    kind: FormKind
    pdq: Pdq
    number: int | None = None
    total: int | None = None
    dihedral: tuple[Pdq, ...] = ()

    @property
    def name(self) -> str:
        """For a reader: "frame 3 of 12", "the upright form"."""
        if self.number is None:
            return _FORM_NAMES.get(self.kind, f"another {self.kind}")
        return f"{self.kind} {self.number}" + (f" of {self.total}" if self.total else "")

    def as_json(self) -> dict[str, object]:
        """One object for programs; `number` and `of` only where there are any."""
        one: dict[str, object] = {"form": self.kind.value}
        if self.number is not None:
            one |= {"number": self.number, "of": self.total}
        one |= {"pdq": self.pdq.hex, "quality": self.pdq.quality}
        if self.dihedral:
            turned = zip(DIHEDRAL, self.dihedral, strict=True)
            one["dihedral"] = {name: pdq.hex for name, pdq in turned}
        return one


def unmatchable_of(pdq: Pdq, further: Iterable[PictureForm] = ()) -> Unmatchable | None:
    """Why none of a file's hashes may be compared, or None when one may be."""
    reasons = {pdq.unmatchable, *(form.pdq.unmatchable for form in further)}
    if None in reasons:
        return None
    # A list may accept a lower quality; no list accepts a flat picture.
    low = Unmatchable.LOW_QUALITY
    return low if low in reasons else Unmatchable.DEGENERATE


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
    """The frames of one video track in their order: numbers rise, seconds never fall.

    `complete` says whether the file gave all that it declares of itself: None where it declares
    nothing of its length (a transport stream). `undecodable` frames could not be decoded. It is
    video track `track` (from 1) of the `tracks_total` in the film, which begins at byte
    `begins_at` of the file.
    """

    frames: tuple[FrameHash, ...]
    complete: bool | None = True
    undecodable: int = 0
    track: int = 1
    tracks_total: int = 1
    begins_at: int = 0

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
    def name(self) -> str:
        """Which part of the file it is, for a reader; empty when it is the only one."""
        parts = [f"video track {self.track} of {self.tracks_total}"] * (self.tracks_total > 1)
        parts += [f"the film at byte {self.begins_at}"] * (self.begins_at > 0)
        return " of ".join(parts)

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the frames: the name under which a list holds this video's hashes."""
        return hashlib.sha256(self.packed()).digest()

    def packed(self) -> bytes:
        """The frames as bytes, 45 each: number, second, quality, hash, little-endian."""
        return b"".join(
            _PACKED.pack(one.frame_number, one.timestamp_s, one.pdq.quality, one.pdq.bits)
            for one in self.frames
        )

    @classmethod
    def unpacked(cls, packed: bytes) -> Self:
        """Read `packed`; raise `BadInput` when these bytes are none."""
        if len(packed) % _PACKED.size:
            raise BadInput("These are not the frames of a video", why="the length does not fit")
        return cls(
            frames=tuple(
                FrameHash(frame_number=number, timestamp_s=second, pdq=Pdq(bits, quality))
                for number, second, quality, bits in _PACKED.iter_unpack(packed)
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Hashed:
    """Everything hashing found out about one file.

    `digests` are always there. `pdq` is the primary hash: of the first picture of the file as it
    is stored. It is None when no picture could be decoded; a hash of low quality or of a
    degenerate picture is given, and never compared. `further` holds the other hashes by which
    the same file may be known (later frames and pages, forms that peers hash), each different
    from those before it. `unmatchable` says why none of all these may be compared.
    Of a file that is cut off `rows_decoded` of its rows came, and of these the hashes are.
    Of `pictures_total` frames, pages or images `pictures_hashed` were looked at. `dihedral` holds
    eight hashes in the order of `DIHEDRAL`, or none when not asked for. `pipeline` names decoder,
    version and policy: hashes are comparable bit for bit only within one pipeline. A hash of
    `mode` fast may be a few bits off the exact one: near a threshold it decides nothing before
    the file was hashed exactly. `why` is for the reader and is empty when all is well. Of a video
    `video` holds the frames of its main track, `further_videos` those of further tracks, and `pdq`
    is None unless the file is a picture too; `video` is None of a file that is none.
    """

    digests: Digests
    pdq: Pdq | None
    dihedral: tuple[Pdq, ...] = ()
    mode: Mode = Mode.EXACT
    pipeline: str
    unmatchable: Unmatchable | None = None
    why: str = ""
    media_type: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    video: VideoHash | None = None
    further_videos: tuple[VideoHash, ...] = ()
    further: tuple[PictureForm, ...] = ()
    pictures_total: int | None = None
    pictures_hashed: int | None = None
    rows_decoded: int | None = None

    @property
    def truncated(self) -> bool:
        """Whether the picture file is cut off, were it only by its end."""
        return self.rows_decoded is not None
