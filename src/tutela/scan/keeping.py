"""A file of rows that a broken-off run of `tutela hash` takes up again.

One JSON object a line, only ever appended to. A row counts for the very file it names: same
path, size and time of change.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from tutela.hashing.model import Mode
from tutela.primitives.errors import BadInput, Conflict, Unavailable
from tutela.scan.marks import MARK_BYTES, Marks
from tutela.scan.naming import spelled

_LARGEST_ROW_BYTES = 1 << 17
"""A video's row may have 500 frames, and a name of 4096 bytes of which each is spelled out."""
_BEGINNING = b'{"path": '


class Rows:
    """The rows at `path`: those of earlier runs, and a place for new ones.

    Raises `Conflict` while another run writes there or when the rows there were made in
    another way, `BadInput` when the file holds something else.
    """

    def __init__(
        self, path: Path, *, mode: Mode, dihedral: bool, pipelines: frozenset[str]
    ) -> None:
        self.path = path
        self._wanted = (mode.value, dihedral, pipelines)
        try:
            self._file: BinaryIO = path.open("a+b")
        except OSError as error:
            raise Unavailable(
                "The file for the rows cannot be opened",
                why=error.strerror or type(error).__name__,
                remedy="Choose another place with --out",
            ) from error
        try:
            self._lock()
            self._done = self._read()
        except BaseException:
            self._file.close()
            raise
        status = os.fstat(self._file.fileno())
        self._itself = (status.st_dev, status.st_ino)

    def __len__(self) -> int:
        return len(self._done)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def unfinished(self, files: Sequence[Path]) -> tuple[list[Path], int]:
        """Those of `files` that have no row for their present content, and how many have one.

        The file of rows itself is neither.
        """
        marks, others = [], []
        for file in files:
            try:
                status = file.stat()
            except OSError:
                marks.append(b"")
            else:
                if (status.st_dev, status.st_ino) == self._itself:
                    continue
                marks.append(_mark(spelled(file), status.st_size, status.st_mtime_ns))
            others.append(file)
        known = self._done.hold(marks)
        left = [file for file, held in zip(others, known, strict=True) if not held]
        return left, len(others) - len(left)

    def append(self, lines: str) -> None:
        """Add whole lines; after this returns, the end of this process does not undo them."""
        self._file.write(lines.encode())
        self._file.flush()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "Another run writes into this file",
                remedy="Wait until it has ended, or choose another file with --out",
            ) from None

    def _read(self) -> Marks:
        """Marks of the finished files; a torn last line is cut off."""
        marks = bytearray()
        whole = 0
        self._file.seek(0)
        for line in self._lines():
            if not line.endswith(b"\n"):
                if line[: len(_BEGINNING)] != _BEGINNING[: len(line)]:
                    raise self._foreign()
                break
            marks += self._mark_of(line)
            whole += len(line)
        self._file.truncate(whole)
        return Marks(marks)

    def _lines(self) -> Iterator[bytes]:
        """Lines, the last perhaps without its end; a line that never ends is none of ours."""
        while line := self._file.readline(_LARGEST_ROW_BYTES):
            if len(line) == _LARGEST_ROW_BYTES and not line.endswith(b"\n"):
                raise self._foreign()
            yield line

    def _mark_of(self, line: bytes) -> bytes:
        """The mark of a row; empty when its file should be tried again."""
        try:
            row = json.loads(line)
            path, mode = row["path"], row["mode"]
        except (ValueError, KeyError, TypeError):
            raise self._foreign() from None
        self._require_same(row, mode)
        known = isinstance(row.get("size_bytes"), int) and isinstance(row.get("mtime_ns"), int)
        # A backslash may be a spelled-out byte: two files could have that name.
        if not known or "sha256" not in row or "\\" in str(path):
            return b""
        return _mark(str(path), row["size_bytes"], row["mtime_ns"])

    def _require_same(self, row: dict[str, Any], mode: object) -> None:
        """All rows of a file are made in one way, or they cannot be compared."""
        wanted_mode, dihedral, pipelines = self._wanted
        if mode != wanted_mode:
            raise self._different(f"its rows were made in the mode “{mode}”")
        if "pipeline" in row and row["pipeline"] not in pipelines:
            raise self._different(f"its rows come from the pipeline {row['pipeline']}")
        if "pdq" in row and ("dihedral" in row) is not dihedral:
            having = "with" if "dihedral" in row else "without"
            raise self._different(f"its rows were made {having} --dihedral")

    def _different(self, why: str) -> Conflict:
        return Conflict(
            "These rows do not belong together",
            why=why,
            remedy="Use the same options and version as before, or another file with --out",
        )

    def _foreign(self) -> BadInput:
        return BadInput(
            "This file does not hold rows of tutela hash",
            remedy="Choose another file with --out; nothing was changed in this one",
        )


def _mark(path: str, size_bytes: int, mtime_ns: int) -> bytes:
    text = f"{path}\0{size_bytes}\0{mtime_ns}".encode()
    return hashlib.blake2b(text, digest_size=MARK_BYTES).digest()
