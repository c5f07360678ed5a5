"""One reading of a file: digests of all of it, and the bytes only if a decoder may see them."""

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tutela.adapters.media.model import RefusalReason
from tutela.adapters.media.sniffing import HEAD_BYTES, Kind, sniff
from tutela.hashing.digests import CHUNK_BYTES, Digesting
from tutela.hashing.model import Digests

Source = bytes | Path | BinaryIO


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """A file after its one reading; `body` is empty when `refused` says why."""

    digests: Digests
    kind: Kind | None
    body: bytes
    refused: RefusalReason | None


def read_once(source: Source, *, max_file_bytes: int) -> Read:
    """Read to the end in chunks; keeps at most `max_file_bytes`, whatever the length.

    Raises `OSError` when a path cannot be opened or is not a plain file (a pipe or a
    device would never end).
    """
    if isinstance(source, bytes):
        return _read_bytes(source, max_file_bytes=max_file_bytes)
    if not isinstance(source, Path):
        return _read_stream(source, max_file_bytes=max_file_bytes)
    if not stat.S_ISREG(source.stat().st_mode):
        raise OSError("not a plain file")
    with source.open("rb") as stream:
        return _read_stream(stream, max_file_bytes=max_file_bytes)


def _read_bytes(body: bytes, *, max_file_bytes: int) -> Read:
    """Bytes that are in memory already are not copied."""
    digesting = Digesting()
    digesting.update(body)
    kind = sniff(body[:HEAD_BYTES])
    refused = _refused(len(body), kind, max_file_bytes=max_file_bytes)
    return Read(digests=digesting.done(), kind=kind, body=b"" if refused else body, refused=refused)


def _refused(size_bytes: int, kind: Kind | None, *, max_file_bytes: int) -> RefusalReason | None:
    if size_bytes == 0:
        return RefusalReason.EMPTY
    if kind is None:
        return RefusalReason.NOT_A_PICTURE
    return RefusalReason.TOO_MANY_BYTES if size_bytes > max_file_bytes else None


def _read_stream(stream: BinaryIO, *, max_file_bytes: int) -> Read:
    digesting = Digesting()
    kept: list[bytes] = []
    size_bytes = 0
    kind: Kind | None = None
    head = b""
    while chunk := stream.read(CHUNK_BYTES):
        digesting.update(chunk)
        size_bytes += len(chunk)
        if len(head) < HEAD_BYTES:
            head += chunk[: HEAD_BYTES - len(head)]
            kind = sniff(head)
        if size_bytes > max_file_bytes or (kind is None and len(head) == HEAD_BYTES):
            kept.clear()  # only the digests are wanted from here on
        else:
            kept.append(chunk)
    refused = _refused(size_bytes, kind, max_file_bytes=max_file_bytes)
    return Read(
        digests=digesting.done(),
        kind=kind,
        body=b"" if refused else b"".join(kept),
        refused=refused,
    )
