"""Planning a scan: which files, in which order, and what is left out."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tutela.primitives.errors import BadInput

UNREADABLE = "a folder that may not be read"


class Plan:
    """All regular files under `root`, always in the same order, found while they are gone through.

    Within a folder files come before folders, each by name; one folder's names are in memory at
    a time. What is left out is counted in `skipped` (reason → how many) on the way. A link could
    lead out of the folder the operator named, so it is never followed.
    """

    def __init__(self, path: Path) -> None:
        """Of a folder, or of one file; raises `BadInput` for anything else."""
        if not path.is_dir() and not path.is_file():
            raise BadInput(
                "There is nothing to scan",
                why="the path is neither a folder nor a file",
                remedy="Give an existing folder.",
            )
        self._path = path
        self.root = path if path.is_dir() else path.parent
        self.named_file = None if path is self.root else path
        self.skipped: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Path]:
        if self._path is not self.root:
            yield self._path
            return
        waiting = [self.root]  # not a call for each, so that depth costs no recursion
        while waiting:
            here = waiting.pop()
            try:
                with os.scandir(here) as listed:
                    entries = sorted(listed, key=lambda entry: entry.name)
            except OSError:
                self.skipped[UNREADABLE] += 1
                continue
            folders = []
            for entry in entries:
                if entry.is_symlink():
                    self.skipped["link"] += 1
                elif entry.is_dir():
                    folders.append(Path(here, entry.name))
                elif entry.is_file():
                    yield Path(here, entry.name)
                else:
                    self.skipped["not a file"] += 1
            waiting += reversed(folders)

    def count(self) -> int:
        """How many files there are now, by a walk of its own that counts nothing as skipped."""
        return sum(1 for _ in Plan(self._path))
