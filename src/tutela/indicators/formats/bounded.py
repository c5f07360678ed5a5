"""Readers that let no single token of a document grow without end, and no field decide over it."""

import codecs
import re
from collections.abc import Callable
from typing import BinaryIO

from tutela.primitives.errors import BadInput

HELD_LIMIT_BYTES = 32 << 20
"""As much may be read before the parser lets go of what it holds."""
CHUNK_BYTES = 1 << 16
OVERLAP_BYTES = 1024
LONGEST_DIGITS = 600
"""So many digits reach the parser in a row; the smallest limit that Python can be given is 640."""

_DIGITS = re.compile(rb"[0-9]+")
_CUT = re.compile(f"[0-9]{{{LONGEST_DIGITS},}}", re.ASCII)


class ShortDigits:
    """Hands on a stream in which no row of digits is longer than `LONGEST_DIGITS`.

    ijson 3.6 crashes on a number of 4,301 digits, wherever it stands. The digits beyond are
    left out, so whoever takes a value of that length must know that it was cut (`was_cut`).
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._run = 0  # digits in a row at the end of what was handed on

    def read(self, size: int) -> bytes:
        """At most `size` bytes; empty at the end only."""
        while chunk := self._stream.read(size):
            if short := self._shortened(chunk):
                return short
        return b""

    def _shortened(self, chunk: bytes) -> bytes:
        before, last = self._run, 0

        def cut(digits: re.Match[bytes]) -> bytes:
            nonlocal last
            run = len(digits[0]) + (before if digits.start() == 0 else 0)
            if digits.end() == len(chunk):
                last = run
            return digits[0][: max(0, LONGEST_DIGITS - (run - len(digits[0])))]

        short = _DIGITS.sub(cut, chunk)
        self._run = last
        return short


def was_cut(value: object) -> bool:
    """Whether a number or a text may be one that `ShortDigits` has cut."""
    text = value if isinstance(value, str) else str(value)
    return len(text) >= LONGEST_DIGITS and bool(_CUT.search(text))


class BoundedReader:
    """Hands on a stream without its byte order mark, and refuses what a parser must not see.

    `item()` says that an item ended, `let_go()` that the parser holds nothing of what it has
    read; more than 32 MiB since then is `BadInput`, so a parser's memory stays bounded whatever
    the file holds. `why_not` looks at each piece, with 1 KiB of the one before it, and answers
    why it must not reach the parser, or nothing.
    """

    def __init__(
        self, stream: BinaryIO | ShortDigits, *, why_not: Callable[[bytes], str] | None = None
    ) -> None:
        self._stream = stream
        self._why_not = why_not
        self._held = 0
        self.bytes_read = 0
        self._tail = b""
        self._started = False
        self.items = 0

    def item(self) -> int:
        """One more item has been read; returns its number, from 1."""
        self._held = 0
        self.items += 1
        return self.items

    def let_go(self, since: int = 0) -> None:
        """The parser holds nothing of what was read after `since` bytes (`bytes_read`)."""
        self._held = max(0, self._held - (self.bytes_read - since))

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        """At most `size` bytes; empty at the end."""
        if size == 0:
            return b""
        chunk = self._stream.read(min(size, CHUNK_BYTES) if size > 0 else CHUNK_BYTES)
        if not self._started:
            self._started = True
            if chunk.startswith(codecs.BOM_UTF8):
                chunk = chunk[len(codecs.BOM_UTF8) :] or self._stream.read(CHUNK_BYTES)
        self._held += len(chunk)
        self.bytes_read += len(chunk)
        if self._held > HELD_LIMIT_BYTES:
            raise self._refused(f"more than {HELD_LIMIT_BYTES >> 20} MiB stand in one piece")
        if self._why_not is not None:
            window = self._tail + chunk
            if why := self._why_not(window):
                raise self._refused(why)
            self._tail = window[-OVERLAP_BYTES:]
        return chunk

    def _refused(self, why: str) -> BadInput:
        return BadInput(
            "This list cannot be read",
            why=f"after item {self.items}: {why}",
            remedy="Nothing was imported",
        )
