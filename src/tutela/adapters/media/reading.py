"""One reading of a file: digests of all of it, and the bytes only if a decoder may see them."""

import io
import stat
from contextlib import ExitStack
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
    with ExitStack() as opened:
        if isinstance(source, Path):
            if not stat.S_ISREG(source.stat().st_mode):
                raise OSError("not a plain file")
            stream: BinaryIO = opened.enter_context(source.open("rb"))
        else:
            stream = io.BytesIO(source) if isinstance(source, bytes) else source
        return _read(stream, max_file_bytes=max_file_bytes)


def _read(stream: BinaryIO, *, max_file_bytes: int) -> Read:
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
    refused = None
    if size_bytes == 0:
        refused = RefusalReason.EMPTY
    elif kind is None:
        refused = RefusalReason.NOT_A_PICTURE
    elif size_bytes > max_file_bytes:
        refused = RefusalReason.TOO_MANY_BYTES
    return Read(
        digests=digesting.done(),
        kind=kind,
        body=b"" if refused else b"".join(kept),
        refused=refused,
    )
