"""Walking over files without holding their list: one folder's names are in memory at a time."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tutela.primitives.errors import NotFound


def walk(paths: Iterable[Path]) -> Iterator[Path]:
    """The files named and all files below the folders named, always in the same order.

    Within a folder files come before folders, each by name. Links to folders are not followed.
    A folder that may not be read stands for itself, so that whoever reads it next is refused.
    Raises `NotFound` for a path that does not exist, before the first file.
    """
    named = list(paths)
    for path in named:
        if not path.exists():
            raise NotFound("There is no such file or folder", why=str(path))
    for path in named:
        if path.is_dir():
            yield from _below(path)
        else:
            yield path


def count(paths: Iterable[Path]) -> int:
    """How many files `walk` will give."""
    return sum(1 for _ in walk(paths))


def _below(folder: Path) -> Iterator[Path]:
    """All files below one folder; folders wait on a stack, so that depth costs no recursion."""
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            files, folders = _inside(here)
        except OSError:
            yield here
            continue
        for name in files:
            yield Path(here, name)
        waiting += [Path(here, name) for name in reversed(folders)]


def _inside(folder: Path) -> tuple[list[str], list[str]]:
    """The names in one folder, files (and what only looks like one) and folders, sorted."""
    files: list[str] = []
    folders: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            # A link that leads nowhere must not hide its neighbours, and `Path.is_dir` may raise.
            elif not (entry.is_symlink() and os.path.isdir(entry.path)):  # noqa: PTH112
                files.append(entry.name)
    return sorted(files), sorted(folders)
