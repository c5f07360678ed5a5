"""A reader that lets no single item of a document grow without end."""

import codecs
from collections.abc import Callable
from typing import BinaryIO

from tutela.primitives.errors import BadInput

ITEM_LIMIT_BYTES = 4 << 20
CHUNK_BYTES = 1 << 16


OVERLAP_BYTES = 1024


class BoundedReader:
    """Hands on a stream without its byte order mark, and refuses what a parser must not see.

    `item()` says that an item ended; more than 4 MiB since the last one is `BadInput`, so a
    parser's memory stays bounded whatever the file holds. `why_not` looks at each piece, with
    1 KiB of the one before it, and answers why it must not reach the parser, or nothing.
    """

    def __init__(self, stream: BinaryIO, *, why_not: Callable[[bytes], str]) -> None:
        self._stream = stream
        self._why_not = why_not
        self._since_item = 0
        self._tail = b""
        self._started = False
        self.items = 0

    def item(self) -> int:
        """One more item has been read; returns its number, from 1."""
        self._since_item = 0
        self.items += 1
        return self.items

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        """At most `size` bytes; empty at the end."""
        if size == 0:
            return b""
        chunk = self._stream.read(min(size, CHUNK_BYTES) if size > 0 else CHUNK_BYTES)
        if not self._started:
            self._started = True
            if chunk.startswith(codecs.BOM_UTF8):
                chunk = chunk[len(codecs.BOM_UTF8) :] or self._stream.read(CHUNK_BYTES)
        self._since_item += len(chunk)
        if self._since_item > ITEM_LIMIT_BYTES:
            raise self._refused(f"more than {ITEM_LIMIT_BYTES >> 20} MiB come without an entry")
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
