"""Shelf: the folder of saved indexes that all matching processes of a machine share.

Each list has a folder of its own, opened by memory map, so that all processes use the same
pages. Exactly one of them saves: whoever holds the lock of the folder. A saved index counts only
with the database that it was saved from: that database knows the save by name (`store.INDEXES`),
and one restored from an older copy knows another or none.
"""

import fcntl
import hashlib
import os
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from tutela.index import manifest
from tutela.index.model import BadSegment
from tutela.index.searcher import Searcher
from tutela.indicators import store
from tutela.primitives.database import Database
from tutela.primitives.errors import Misconfigured
from tutela.primitives.ids import ListId

_LOG = structlog.get_logger()
_SAVE_ID = select(store.INDEXES.c.save_id).where(
    store.INDEXES.c.folder_id == bindparam("folder_id"),
    store.INDEXES.c.list_id == bindparam("list_id"),
)


@dataclass(kw_only=True, slots=True)
class Held:
    """One list's searcher; `change` is the last change it has seen, `save_id` its save."""

    searcher: Searcher
    change: int = 0
    saved_change: int = 0
    save_id: str = ""


class Shelf:
    """Saves and opens the searchers of one database's lists; closed by `close` or its process."""

    def __init__(self, database: Database, folder: Path) -> None:
        """Make the folder if need be; raises `Misconfigured` when that cannot be."""
        self._database = database
        self._folder = folder
        self._lock: int | None = None
        self._locking = threading.Lock()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder_id = _identity(folder / "identity")
        except OSError as error:
            raise Misconfigured(
                "The folder for the saved indexes cannot be used",
                why=f"{folder}: {error.strerror}",
                remedy="Set TUTELA_HOME to a folder that this user may write.",
            ) from error

    def saves(self) -> bool:
        """Whether this process is the one that saves; it becomes so when the place is free."""
        with self._locking:
            if self._lock is None:
                file = os.open(
                    self._folder / "writer.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600
                )
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    os.close(file)
                else:
                    self._lock = file
            return self._lock is not None

    def opened(self, list_id: ListId, held: Held | None = None) -> Held | None:
        """What is saved of a list; None when that is nothing, or the save that `held` knows.

        A folder that has been torn or altered, or that another database's save is in, is told
        in the log and is None too: the list is read from the database, never from bad files.
        """
        folder = self._folder / list_id
        save_id = _save_id(folder)
        if not save_id or (held is not None and save_id == held.save_id):
            return None
        named = self._database.read(
            _SAVE_ID, {"folder_id": self._folder_id, "list_id": str(list_id)}
        )
        if named != [(save_id,)]:
            if self.saves():  # else it may be on its way: the files come before their name
                _LOG.warning("saved_index_not_of_this_database", list_id=list_id)
            return None
        try:
            searcher = Searcher.open(folder, like=held.searcher if held is not None else None)
        except BadSegment as error:
            _LOG.warning("saved_index_refused", list_id=list_id, why=error.why)
            return None
        change = searcher.change
        return Held(searcher=searcher, change=change, saved_change=change, save_id=save_id)

    def save(self, list_id: ListId, held: Held) -> None:
        """Save a list's searcher, which from then on shares the saved pages."""
        folder = self._folder / list_id
        held.searcher.save(folder, change=held.change)
        save_id = _save_id(folder)
        statement = insert(store.INDEXES).values(
            folder_id=self._folder_id, list_id=list_id, save_id=save_id, saved_at=func.now()
        )
        with self._database.begin() as tx:
            tx.execute(
                statement.on_conflict_do_update(
                    index_elements=["folder_id", "list_id"],
                    set_={
                        "save_id": statement.excluded.save_id,
                        "saved_at": statement.excluded.saved_at,
                    },
                )
            )
        held.saved_change, held.save_id = held.change, save_id

    def close(self) -> None:
        """Let another process save."""
        with self._locking:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None


def _identity(path: Path) -> str:
    """The folder's own name for the database: random, made by whoever comes first."""
    if not path.exists():  # a full disk is no reason not to open what is saved
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        try:
            draft.write_text(secrets.token_hex(16), encoding="ascii")
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    return path.read_text(encoding="ascii")


def _save_id(folder: Path) -> str:
    """What a save is called: the digest of its manifest; empty where nothing is saved."""
    try:
        return hashlib.sha256((folder / manifest.NAME).read_bytes()).hexdigest()
    except OSError:
        return ""
