"""What the index answers: hits, and rows it could not take."""

from dataclasses import dataclass

from tutela.primitives.errors import TutelaError

RADIUS_BITS = 31
"""Two pictures count as one when their PDQ hashes differ in at most this many of 256 bits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """One entry within the radius: `entry` is the caller's number for it."""

    entry: int
    distance_bits: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SetAside:
    """One row that is no hash and therefore cannot be searched; `why` is for the reader.

    `entry` is `None` when the row did not even name its entry by a whole number.
    """

    entry: int | None
    why: str


class BadSegment(TutelaError):
    """A saved index is torn, altered or of another version; build it again."""

    code = "bad_segment"
