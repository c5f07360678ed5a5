"""The lawbook of this installation: ours, with the operator's own folder over it."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from tutela.law.book import Lawbook
from tutela.law.loading import KINDS, load_lawbook
from tutela.primitives.errors import Misconfigured
from tutela.wiring.settings import Settings

_Stamp = tuple[tuple[str, int, int], ...]
"""What the files of a folder were when they were read: path, time of change, size."""


def lawbook_of(settings: Settings, *, kinds: Iterable[str] = KINDS) -> Lawbook:
    """Read and check the lawbook; an entry of TUTELA_LAWBOOK with an id of ours replaces ours.

    `kinds` are the entries wanted, by default all. A process reads them once, and again when
    a file of the operator's folder has changed. Raises `Misconfigured` when the folder is not
    there: without it the law that somebody checked would quietly be left out. Raises
    `BadInput` with every fault of the files.
    """
    if settings.lawbook is None:
        return _read(None, (), frozenset(kinds))
    folder = settings.lawbook.expanduser()
    if not folder.is_dir():
        raise Misconfigured(
            "TUTELA_LAWBOOK cannot be used",
            why="there is no such folder",
            remedy="Name a folder laid out as docs/reference/lawbook.md says, or leave it empty.",
        )
    return _read(folder, _stamp(folder), frozenset(kinds))


@lru_cache(maxsize=2)
def _read(folder: Path | None, _stamp: _Stamp, kinds: frozenset[str]) -> Lawbook:
    return load_lawbook(overlays=(folder,) if folder else (), kinds=kinds)


def _stamp(folder: Path) -> _Stamp:
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            state = path.stat()
        except FileNotFoundError:  # an editor's lock, or gone since it was listed
            continue
        found.append((str(path), state.st_mtime_ns, state.st_size))
    return tuple(found)
