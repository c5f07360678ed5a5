"""Keeping: one searcher a list, brought up to date from the database, shared by a machine.

With a shelf (`shelf.py`) one process saves and the others open what it saved; each process keeps
the changes since then itself. Without one, everything is in this process's memory. More changes
than a few thousand are taken in once, by the process that saves; the others wait for its save.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import Integer, bindparam, func, literal_column, select, update

from tutela.index.searcher import Searcher
from tutela.indicators import loading, store
from tutela.indicators.loading import Left, Span
from tutela.indicators.model import EntryStatus
from tutela.indicators.shelf import Held, Shelf
from tutela.primitives.database import Database
from tutela.primitives.errors import TutelaError
from tutela.primitives.ids import ListId

MANY_CHANGES = 20_000
"""So many changes are worth a save, and worth waiting for somebody else's."""
_PATIENCE_SECONDS = 600.0
_WAIT_SECONDS = 0.2
_LOG = structlog.get_logger()

_ENTRIES = store.ENTRIES.c
_LAST_CHANGES = select(
    store.HASH_LISTS.c.id,
    select(func.coalesce(func.max(_ENTRIES.change), 0))
    .where(_ENTRIES.list_id == store.HASH_LISTS.c.id)
    .scalar_subquery(),
)
_FIRST_WAITING = select(func.min(_ENTRIES.change)).where(
    _ENTRIES.list_id == bindparam("list_id"), _ENTRIES.change > bindparam("since")
)
_WAITING = select(func.count()).select_from(
    select(_ENTRIES.change)
    .where(_ENTRIES.list_id == bindparam("list_id"), _ENTRIES.change > bindparam("since"))
    .limit(bindparam("most", type_=Integer))
    .subquery()
)
_SET_ASIDE = select(func.count()).where(
    _ENTRIES.status == literal_column(f"'{EntryStatus.SET_ASIDE}'")  # as the index says it
)


@dataclass(frozen=True, kw_only=True, slots=True)
class MatcherState:
    """How much of the database this matcher holds.

    `entries` are the PDQ entries held in memory (digests are looked up in the database).
    `change` is the number up to which every change of every list has been taken in;
    `database_change` is the database's last. Equal means: nothing is waiting. `set_aside`
    counts the stored rows that are malformed and left out.
    """

    entries: int
    change: int
    database_change: int
    set_aside: int

    @property
    def is_current(self) -> bool:
        """Whether nothing in the database is waiting to be taken in."""
        return self.change == self.database_change


class Keeper:
    """The searchers of all lists; safe for many threads, of which one at a time refreshes."""

    def __init__(self, database: Database, folder: Path | None = None) -> None:
        """Start empty; `folder` is the machine's shared place for saved indexes."""
        self._database = database
        self._shelf = Shelf(database, folder) if folder is not None else None
        self._refreshing = threading.Lock()
        self._held: Mapping[ListId, Held] = {}
        self._left_since: float | None = None
        self._fresh = False

    @property
    def fresh(self) -> bool:
        """Whether every list has been taken in at least once."""
        return self._fresh

    def searcher(self, list_id: ListId) -> Searcher | None:
        """The list's searcher, None for a list that has not been seen yet."""
        held = self._held.get(list_id)
        return held.searcher if held is not None else None

    def refresh(self) -> int:
        """Take in what has changed; returns how many changes of PDQ entries were read.

        The first time it returns only when every list is there. Later, a list with very many
        changes may be left to the process that saves; the next refresh looks again.
        """
        taken = 0
        while True:
            with self._refreshing:
                left = False
                for list_id, until in self._last_changes().items():
                    done = self._bring_up(list_id, until)
                    left |= done is None
                    taken += done or 0
                self._left_since = (self._left_since or time.monotonic()) if left else None
                self._fresh |= not left
                if self._fresh:
                    return taken
            time.sleep(_WAIT_SECONDS)

    def state(self) -> MatcherState:
        """How this stands against the database; raises `Unavailable` when that is away."""
        held = self._held
        last = self._last_changes()
        seen = {list_id: one.change if (one := held.get(list_id)) else 0 for list_id in last}
        waiting = [
            self._database.read(_FIRST_WAITING, {"list_id": list_id, "since": seen[list_id]})[0][0]
            for list_id, change in last.items()
            if seen[list_id] < change
        ]
        database_change = max(last.values(), default=0)
        return MatcherState(
            entries=sum(len(one.searcher) for one in held.values()),
            change=min((first for first in waiting if first), default=database_change + 1) - 1,
            database_change=database_change,
            set_aside=self._database.read(_SET_ASIDE)[0][0],
        )

    def close(self) -> None:
        """Leave the saving to another process."""
        if self._shelf is not None:
            self._shelf.close()

    def _last_changes(self) -> dict[ListId, int]:
        """Each list's last change."""
        rows = self._database.read(_LAST_CHANGES)
        return {ListId(list_id): int(change) for list_id, change in rows}

    def _bring_up(self, list_id: ListId, until: int) -> int | None:
        """Bring one list up to date; None leaves it to the process that saves."""
        held = self._held.get(list_id)
        if held is not None and until < held.change:  # the database is an older one now
            held = None
        if held is not None and until == held.change:
            return 0
        base = self._newly_saved(list_id, held, until) or held or Held(searcher=Searcher())
        many = self._shelf is not None and self._are_many(list_id, base.change)
        if many and not self._may_load():
            if held is None or base.change >= held.change:
                self._keep(list_id, base)
            else:
                held.save_id = base.save_id  # what it holds is newer: not to be opened again
            return None
        taken = self._take_in(list_id, base, until) if until > base.change else 0
        self._keep(list_id, base)
        if many or (self._shelf is not None and until - base.saved_change > MANY_CHANGES):
            self._save(list_id, base)
        return taken

    def _newly_saved(self, list_id: ListId, held: Held | None, until: int) -> Held | None:
        """What somebody has saved since we last looked, unless it is ahead of the database."""
        if self._shelf is None:
            return None
        opened = self._shelf.opened(list_id, held)
        return opened if opened is not None and opened.change <= until else None

    def _may_load(self) -> bool:
        """Whether this process loads many rows itself: it saves, or nobody did for too long."""
        if self._shelf is None or self._shelf.saves():
            return True
        since = self._left_since
        return since is not None and time.monotonic() - since > _PATIENCE_SECONDS

    def _are_many(self, list_id: ListId, since: int) -> bool:
        """Whether more changes wait than a process takes in by the way; looks no further."""
        asked = {"list_id": list_id, "since": since, "most": MANY_CHANGES + 1}
        return bool(self._database.read(_WAITING, asked)[0][0] > MANY_CHANGES)

    def _take_in(self, list_id: ListId, held: Held, until: int) -> int:
        """Read the changes up to `until` into the searcher; how many PDQ rows that were."""
        span, left, read = Span(list_id=list_id, since=held.change, until=until), Left(), 0
        with self._database.begin() as tx:
            for entries, words in loading.living(tx, span, left):
                held.searcher.add_rows(entries, words)
                read += len(entries)
            loading.leave(tx, span, left)
        read += len(left.gone) + len(left.malformed)
        held.searcher.remove([*left.gone, *left.malformed])
        held.change = until
        if left.malformed:
            self._set_aside(left.malformed)
            last = self._last_changes().get(list_id, until)
            if last > until:  # our own marks are changes too; they are in
                read += self._take_in(list_id, held, last)
        return read

    def _set_aside(self, malformed: Mapping[int, str]) -> None:
        """Mark malformed rows; the index is complete already, whatever becomes of this."""
        statement = (
            update(store.ENTRIES)
            .where(_ENTRIES.id == bindparam("entry"), _ENTRIES.status == EntryStatus.ACTIVE)
            .values(status=EntryStatus.SET_ASIDE, set_aside_why=bindparam("why"))
        )
        with self._database.begin() as tx:
            tx.execute(
                statement, [{"entry": entry, "why": why} for entry, why in malformed.items()]
            )

    def _save(self, list_id: ListId, held: Held) -> None:
        """Save a list when that is this process's office, and use the shared pages from now on."""
        if self._shelf is None or not self._shelf.saves():
            return
        try:
            self._shelf.save(list_id, held)
        except TutelaError as error:  # a full disk: the index in memory is as good
            _LOG.warning("index_not_saved", list_id=list_id, why=error.why)

    def _keep(self, list_id: ListId, held: Held) -> None:
        if self._held.get(list_id) is not held:
            self._held = {**self._held, list_id: held}
