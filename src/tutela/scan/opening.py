"""Opening what a walk has listed: below the folder that was named, and through no link.

Between listing and opening, whoever may write to the folder can put a link, a pipe or another
folder in place of a file. Every step of the way is therefore opened relative to the one before,
without following links, and what was opened is looked at, not its name.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tutela.primitives.errors import BadInput

_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe without a writer would block


class Folder:
    """The folder that was named, held open: it stays this one, whatever its name comes to mean."""

    def __init__(self, root: Path) -> None:
        """Open it; raises `OSError`."""
        self._root = root
        self._descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    @contextmanager
    def opened(self, path: Path, *, follow: bool = False) -> Iterator[Path]:
        """The plain file at `path` below the root, as a path to the open file itself.

        That path holds while the block runs and leads to what was opened, not to what has the
        name now. `follow` is for a file that the operator named: its last step may be a link.
        Raises `BadInput` for a link or anything that is not a plain file, `OSError`.
        """
        *folders, name = path.relative_to(self._root).parts
        at = self._descriptor
        try:
            for folder in folders:
                at = self._step(at, folder, _STEP)
            file = self._step(at, name, _FILE if follow else _FILE | os.O_NOFOLLOW)
            at = file
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise BadInput("The file cannot be read", why="it is not a plain file any more")
            yield Path(f"/proc/self/fd/{file}")
        finally:
            if at != self._descriptor:
                os.close(at)

    def _step(self, at: int, name: str, flags: int) -> int:
        """One step further; the one before is closed, unless it is the root, when this succeeds."""
        try:
            found = os.open(name, flags, dir_fd=at)
        except OSError as error:
            if stat.S_ISLNK(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
                why = "a link has taken its place since the folder was listed"
                raise BadInput("The file cannot be read", why=why) from error
            raise
        if at != self._descriptor:
            os.close(at)
        return found
