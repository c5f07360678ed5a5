"""The file an import reads: its format, its bytes counted and hashed on the way."""

import codecs
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from tutela.indicators.formats import csv, exchanges, hashed, ncmec, plain, vics, vpdq, vpdq_array
from tutela.indicators.model import ParsedRow
from tutela.primitives.errors import BadInput, NotFound

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""

Parse = Callable[[BinaryIO], Iterator[ParsedRow]]

FORMATS: Mapping[str, Parse] = {
    "csv": csv.parse,
    "vics": vics.parse,
    "ncmec": ncmec.parse,
    "vpdq": vpdq.parse,
    "vpdq-json": vpdq_array.parse,
    "plain": plain.parse,
    "hash": hashed.parse,
    "stopncii": exchanges.stopncii,
    "tat": exchanges.tat,
}

RECORDS_ARE_WHOLE = frozenset({"ncmec"})
"""Formats whose record always lists all its hashes: one it no longer lists is withdrawn."""

_READ_BYTES = 1 << 20
_HEAD_BYTES = 1 << 16


class SourceFile(io.RawIOBase):
    """A file that counts and hashes what is read from it, and tells `progress`."""

    def __init__(self, path: Path, progress: Progress | None) -> None:
        super().__init__()
        self._file = _open(path)
        self._total = path.stat().st_size
        self._done = 0
        self._progress = progress
        self._sha256 = hashlib.sha256()

    def readable(self) -> bool:
        """True: it is for reading only."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Fill `buffer`; returns how many bytes were read."""
        count = self._file.readinto(buffer)
        self._sha256.update(memoryview(buffer)[:count])
        self._done += count
        if self._progress is not None and count:
            self._progress(self._done, max(self._total, self._done))
        return count

    def buffered(self) -> io.BufferedReader:
        """The same, read in large pieces."""
        return io.BufferedReader(self, _READ_BYTES)

    def finish(self) -> str:
        """Read what the parser left; returns the file's SHA-256 in hexadecimal."""
        buffer = bytearray(_HEAD_BYTES)
        while self.readinto(buffer):
            pass
        return self._sha256.hexdigest()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def format_of(path: Path, wanted: str | None) -> str:
    """The format asked for, or the one the file's first bytes show; `BadInput` lists them all."""
    if wanted is not None:
        if wanted not in FORMATS:
            raise _unknown("the format asked for is not one of them")
        return wanted
    with _open(path) as file:
        head = file.read(_HEAD_BYTES).removeprefix(codecs.BOM_UTF8)
    if not head.strip():
        raise _unknown("the file is empty")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadInput(
            "This list cannot be read",
            why="the file is UTF-16, and lists are read as UTF-8",
            remedy="Save it as UTF-8 (in Excel: “CSV UTF-8” instead of “Unicode text”)",
        )
    first_line = head.partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
    recognised = {
        "hash": hashed.recognises(first_line),
        "vpdq": vpdq.recognises(first_line),
        "vpdq-json": vpdq_array.recognises(head),
        exchanges.recognises(head): bool(exchanges.recognises(head)),
        "vics": vics.recognises(head),
        "ncmec": ncmec.recognises(head),
        "csv": csv.recognises(first_line),
        "plain": plain.recognises(head),
    }
    for name, whether in recognised.items():  # the surest first: a row of ours is JSON, too
        if whether:
            return name
    raise _unknown("the file begins like none of them")


def _open(path: Path) -> io.FileIO:
    """Open for reading; what the system says becomes our error."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise BadInput(  # a pipe would keep us waiting, and a list is read twice
                "The file cannot be opened",
                why="it is a pipe or a device",
                remedy="Save the list to a file first",
            )
        return io.FileIO(path, "rb")
    except FileNotFoundError:
        raise NotFound("There is no such file", why=str(path)) from None
    except OSError as error:
        raise BadInput(
            "The file cannot be opened", why=error.strerror or type(error).__name__
        ) from None


def _unknown(why: str) -> BadInput:
    return BadInput(
        "Cannot detect the list format",
        why=why,
        remedy=f"Use --format {', '.join(sorted(FORMATS))}",
    )
