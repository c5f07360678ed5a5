"""Where a broken-off scan takes up again.

The journal holds one keyed digest a finished file (path, size and time of change under a
random key that dies with the journal) and no finding, so that it tells nobody anything
about a file that did not match. It is removed when the scan ends.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from tutela.scan.marks import MARK_BYTES, Marks

_KEY_BYTES = 32


class Journal:
    """Marks of finished files in one append-only file; a torn last mark is dropped.

    `passed` counts the files that `unfinished` left out because an earlier run finished them.
    """

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
        whole = len(marks) - len(marks) % MARK_BYTES
        self._done = Marks(marks[:whole])
        self.passed = 0
        self._file = path.open("r+b")
        self._file.truncate(_KEY_BYTES + whole)
        self._file.seek(0, os.SEEK_END)

    def __len__(self) -> int:
        return len(self._done)

    def unfinished(self, files: Iterable[Path]) -> Iterator[tuple[Path, bytes]]:
        """Those that no earlier run has finished as they are now, with what `finish` wants."""
        for file in files:
            mark = self._mark(file)
            if self._done.hold([mark])[0]:
                self.passed += 1
            else:
                yield file, mark

    def finish(self, mark: bytes) -> None:
        """Mark the file; called after its result is committed, so a crash repeats it.

        The mark was made before the file was read: one that changed meanwhile counts as another.
        """
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
        return hashlib.blake2b(text, key=self._key, digest_size=MARK_BYTES).digest()
