"""Where a broken-off scan takes up again.

The journal holds one keyed digest a finished file (path, size and time of change under a
random key that dies with the journal) and no finding, so that it tells nobody anything
about a file that did not match. It is removed when the scan ends.
"""

import hashlib
import os
import secrets
from pathlib import Path
from typing import Self

_KEY_BYTES = 32
_MARK_BYTES = 16


class Journal:
    """Marks of finished files in one append-only file; a torn last mark is dropped."""

    def __init__(self, path: Path, *, restart: bool = False) -> None:
        """Take up the journal at `path`, or begin a new one."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if restart:
            path.unlink(missing_ok=True)
        content = path.read_bytes() if path.exists() else b""
        if len(content) < _KEY_BYTES:
            content = secrets.token_bytes(_KEY_BYTES)
            path.write_bytes(content)
            path.chmod(0o600)
        self._key = content[:_KEY_BYTES]
        marks = content[_KEY_BYTES:]
        whole = len(marks) - len(marks) % _MARK_BYTES
        self._done = {marks[i : i + _MARK_BYTES] for i in range(0, whole, _MARK_BYTES)}
        self._file = path.open("r+b")
        self._file.truncate(_KEY_BYTES + whole)
        self._file.seek(0, os.SEEK_END)

    def __len__(self) -> int:
        return len(self._done)

    def has(self, file: Path) -> bool:
        """Whether this very file (same place, size and time of change) is finished."""
        return self._mark(file) in self._done

    def finish(self, file: Path) -> None:
        """Mark the file; called after its result is committed, so a crash repeats it."""
        mark = self._mark(file)
        self._done.add(mark)
        self._file.write(mark)
        self._file.flush()

    def remove(self) -> None:
        """The scan is complete: forget everything."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _mark(self, file: Path) -> bytes:
        try:
            status = file.stat()
        except OSError:
            return b""
        name = os.fsencode(file.resolve())  # a name need not be UTF-8
        text = name + f"\0{status.st_size}\0{status.st_mtime_ns}".encode()
        return hashlib.blake2b(text, key=self._key, digest_size=_MARK_BYTES).digest()
