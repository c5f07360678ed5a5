"""A reader that lets no single item of a document grow without end."""

import codecs
from typing import BinaryIO

from tutela.primitives.errors import BadInput

ITEM_LIMIT_BYTES = 4 << 20
CHUNK_BYTES = 1 << 16


class BoundedReader:
    """Hands on a stream without its byte order mark, and refuses what a parser must not see.

    `item()` says that an item ended; more than 4 MiB since the last one is `BadInput`, so a
    parser's memory stays bounded whatever the file holds. So is any of the `forbidden` words.
    """

    def __init__(self, stream: BinaryIO, *, forbidden: tuple[bytes, ...] = ()) -> None:
        self._stream = stream
        self._since_item = 0
        self._forbidden = forbidden
        self._tail = b""
        self._overlap = max(map(len, forbidden), default=1) - 1
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
            raise BadInput(
                "This list cannot be read",
                why=f"after item {self.items} come more than {ITEM_LIMIT_BYTES >> 20} MiB "
                "without an entry",
            )
        self._search(chunk)
        return chunk

    def _search(self, chunk: bytes) -> None:
        """Refuse forbidden words, also where two chunks meet."""
        if not self._forbidden:
            return
        window = self._tail + chunk
        if any(word in window for word in self._forbidden):
            raise BadInput(
                "This list cannot be read",
                why=f"after item {self.items} it declares a document type or entities",
                remedy="Ask the source for a file without them; they are never needed here.",
            )
        self._tail = window[-self._overlap :]
