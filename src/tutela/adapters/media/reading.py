"""One reading of a file: digests of all of it, and the bytes only if a decoder may see them.

Bytes that a decoder gets are digested when the digests are asked for, so that the parent can
do that while the child decodes.
"""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from tutela.adapters.media.model import RefusalReason
from tutela.adapters.media.sniffing import HEAD_BYTES, Found, sniff
from tutela.hashing.digests import CHUNK_BYTES, Digesting
from tutela.hashing.model import Digests

Source = bytes | Path | BinaryIO


@dataclass(kw_only=True)
class Read:
    """A file after its one reading; `body` is empty when `refused` says why."""

    found: tuple[Found, ...]
    body: bytes
    refused: RefusalReason | None
    early: Digests | None = None

    @cached_property
    def digests(self) -> Digests:
        """Of the whole file: taken while reading where nothing was kept, else now."""
        if self.early is not None:
            return self.early
        digesting = Digesting()
        digesting.update(self.body)
        return digesting.done()


def _nothing() -> None:
    """Let the reading go on."""


def read_once(
    source: Source, *, max_file_bytes: int, before_each: Callable[[], object] = _nothing
) -> Read:
    """Read to the end in chunks; keeps at most `max_file_bytes`, whatever the length.

    `before_each` chunk may raise, and so end the reading of a file that takes minutes.

    Raises `OSError` when a path cannot be opened or is not a plain file (a pipe or a
    device would never end).
    """
    if isinstance(source, bytes):
        return _read_bytes(source, max_file_bytes=max_file_bytes)
    if not isinstance(source, Path):
        return _read_stream(source, max_file_bytes=max_file_bytes, before_each=before_each)
    if not stat.S_ISREG(source.stat().st_mode):
        raise OSError("not a plain file")
    with source.open("rb") as stream:
        return _read_stream(stream, max_file_bytes=max_file_bytes, before_each=before_each)


def _read_bytes(body: bytes, *, max_file_bytes: int) -> Read:
    """Bytes that are in memory already are not copied."""
    found = sniff(body[:HEAD_BYTES])
    refused = _refused(len(body), found, max_file_bytes=max_file_bytes)
    if refused is None:
        return Read(found=found, body=body, refused=None)
    digesting = Digesting()
    digesting.update(body)
    return Read(found=found, body=b"", refused=refused, early=digesting.done())


def _refused(
    size_bytes: int, found: tuple[Found, ...], *, max_file_bytes: int
) -> RefusalReason | None:
    if size_bytes == 0:
        return RefusalReason.EMPTY
    if not found:
        return RefusalReason.NOT_A_PICTURE
    return RefusalReason.TOO_MANY_BYTES if size_bytes > max_file_bytes else None


def _read_stream(
    stream: BinaryIO, *, max_file_bytes: int, before_each: Callable[[], object]
) -> Read:
    """What may be a picture is kept; once it may not, the rest goes through the digests only."""
    head = stream.read(HEAD_BYTES)
    while 0 < len(head) < HEAD_BYTES and (more := stream.read(HEAD_BYTES - len(head))):
        head += more
    kept = [head]
    size_bytes = len(head)
    found = sniff(head)
    if found:
        while size_bytes <= max_file_bytes and (chunk := stream.read(CHUNK_BYTES)):
            before_each()
            kept.append(chunk)
            size_bytes += len(chunk)
        if size_bytes <= max_file_bytes:
            return _read_bytes(b"".join(kept), max_file_bytes=max_file_bytes)
    digesting = Digesting()
    for part in kept:
        digesting.update(part)
    kept.clear()
    while chunk := stream.read(CHUNK_BYTES):
        before_each()
        digesting.update(chunk)
    digests = digesting.done()
    refused = _refused(digests.size_bytes or 0, found, max_file_bytes=max_file_bytes)
    return Read(found=found, body=b"", refused=refused, early=digests)
