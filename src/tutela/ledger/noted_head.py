"""The ledger's head, noted in a file outside the database.

A database that is put back from an older copy takes its own ledger back with it. This file does
not go back, so it still names a line that the older copy does not have. It is written whole, is
flushed to the disk, and only ever goes forwards, however many processes write it.
"""

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tutela.ledger import anchoring
from tutela.ledger.canonical import moment
from tutela.ledger.model import Anchor
from tutela.primitives.errors import BadInput, Unavailable


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted:
    """The head that was noted, and when."""

    anchor: Anchor
    at: datetime


class NotedHead:
    """The file at `path`. A file that is there and cannot be read is never taken for none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._here = threading.Lock()

    def read(self) -> Noted | None:
        """What was noted; None without a file. Raises `BadInput` for a file that says nothing."""
        try:
            data = self.path.read_bytes()
            written = datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(self.path, error.strerror or type(error).__name__) from None
        try:
            return Noted(anchor=anchoring.read_unsigned(data), at=_noted_at(data) or written)
        except BadInput as error:
            raise _unreadable(self.path, error.why) from None

    def advance(self, head: Anchor, *, at: datetime) -> None:
        """Note `head` unless the file is as far already; raises `Unavailable`, `BadInput`.

        When it returns, the file survives a power cut. Whoever calls it has seen that the line
        noted before stands in the ledger.
        """
        with self._alone():
            before = self.read()
            if before is None or before.anchor.seq < head.seq:
                self._write(head, at)

    def replace(self, head: Anchor, *, at: datetime) -> None:
        """Note `head` whatever the file says: a person has decided so. Raises `Unavailable`."""
        with self._alone():
            self._write(head, at)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else writes the file, in this process or another."""
        with self._here:
            try:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                lock = self.path.with_suffix(".lock").open("a")
            except OSError as error:
                raise _not_written(self.path, error) from error
            with lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX)
                    yield
                except OSError as error:
                    raise _not_written(self.path, error) from error

    def _write(self, head: Anchor, at: datetime) -> None:
        beside = self.path.with_suffix(".new")
        text = json.dumps({"seq": head.seq, "digest": head.digest, "at": moment(at)}) + "\n"
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _noted_at(data: bytes) -> datetime | None:
    """The time in the file; None in one that an older version wrote."""
    said = json.loads(data).get("at")
    try:
        at = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def _unreadable(path: Path, why: str) -> BadInput:
    return BadInput(
        "The noted head of the ledger cannot be read",
        why=f"{path}: {why}",
        remedy="Restore the file from a backup, or run `tutela ledger reconcile`.",
    )


def _not_written(path: Path, error: OSError) -> Unavailable:
    return Unavailable(
        "The ledger's head cannot be noted",
        why=f"{path}: {error.strerror or type(error).__name__}",
        remedy="Free space or correct the folder's rights. Nothing leaves until it is noted.",
    )
