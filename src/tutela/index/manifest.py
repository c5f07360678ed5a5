"""Manifest: which files in a folder are the index, as one small file replaced at once.

A reader that has read a manifest may find its files gone, because a newer manifest has been
published meanwhile; it reads again. Files that it has opened stay readable.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tutela.index import frozen
from tutela.index.model import BadSegment

NAME = "manifest.json"
VERSION = 1
_FILE_NAME = re.compile(r"\d{8,}-\d+\.(segment|alive|delta)")
_OURS = re.compile(rf"({_FILE_NAME.pattern}|{re.escape(NAME)})(\.part)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """A file in the folder; `digest` names its content."""

    file: str
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedSegment:
    """Rows, and the bitmap of those that count (None: all)."""

    rows: Named
    alive: Named | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """One saved state: everything up to the caller's number `change`."""

    generation: int
    change: int
    entries: int
    segments: tuple[SavedSegment, ...]
    delta: Named | None


def read(folder: Path) -> Manifest | None:
    """The manifest of the folder, None where nothing has been saved; `BadSegment` if altered."""
    path = folder / NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise frozen.bad(path, f"it cannot be read ({error.strerror})") from error
    try:
        facts = json.loads(content)
        check = facts.pop("check")
        version = facts.pop("version")
        if check != _digest(version, facts):
            raise frozen.bad(path, "it has been altered")
        if version != VERSION:
            raise frozen.bad(path, f"it has version {version}, this program reads {VERSION}")
        return _of(path, facts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise frozen.bad(path, "it is no manifest") from error


def next_generation(folder: Path) -> int:
    """A number above every file in the folder, also above what a broken-off save has left."""
    names = [path.name for path in folder.iterdir() if _FILE_NAME.match(path.name)]
    try:
        last = read(folder)
    except BadSegment:
        last = None  # a new manifest takes the place of a broken one
    used = [int(name.split("-")[0]) for name in names]
    return 1 + max([*used, last.generation if last else 0])


def publish(folder: Path, manifest: Manifest) -> None:
    """Make this the folder's manifest; on disk when it returns, unchanged when it raises."""
    facts = json.loads(json.dumps(asdict(manifest)))
    whole = {"version": VERSION, **facts, "check": _digest(VERSION, facts)}
    content = json.dumps(whole, indent=1).encode()
    draft = folder / (NAME + ".part")
    try:
        with suppress(FileNotFoundError):
            draft.unlink()
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / NAME)
        frozen.flush_folder(folder)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise frozen.unwritable(error) from error


def clear_away(folder: Path, *, keep: Iterable[str]) -> None:
    """Remove what older states and broken-off saves left; others' files stay.

    A reader that has such a file open keeps it. A file that cannot be removed costs room only.
    """
    kept = {NAME, *keep}
    for path in folder.iterdir():
        if _OURS.fullmatch(path.name) and path.name not in kept:
            with suppress(OSError):
                path.unlink()


def files_of(manifest: Manifest) -> set[str]:
    """The names of all files of this state."""
    names = {one.rows.file for one in manifest.segments}
    names |= {one.alive.file for one in manifest.segments if one.alive}
    return names | ({manifest.delta.file} if manifest.delta else set())


def _of(path: Path, facts: dict[str, Any]) -> Manifest:
    return Manifest(
        generation=int(facts["generation"]),
        change=int(facts["change"]),
        entries=int(facts["entries"]),
        segments=tuple(
            SavedSegment(
                rows=_named(path, one["rows"]),
                alive=_named(path, one["alive"]) if one["alive"] else None,
            )
            for one in facts["segments"]
        ),
        delta=_named(path, facts["delta"]) if facts["delta"] else None,
    )


def _named(path: Path, one: dict[str, str]) -> Named:
    if not _FILE_NAME.fullmatch(one["file"]):
        raise frozen.bad(path, "it names a file that is not of an index")
    return Named(file=one["file"], digest=one["digest"])


def _digest(version: object, facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([version, facts], sort_keys=True).encode()).hexdigest()
