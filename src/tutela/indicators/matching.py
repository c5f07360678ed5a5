"""Matching: every list entry that a file's hashes meet, or why they cannot be compared.

Two ways, each exact. Digests are looked up in the database by its index on kind and value: a
list of millions costs this process no memory, and an answer is as fresh as the database. PDQ
hashes are searched in one `Searcher` a list, which holds numbers and hashes only; each hit is
then read from the database, so an entry that was withdrawn, deleted or changed a moment ago
cannot match even before the next refresh. A refresh brings in what is new.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, or_, select, update

from tutela.hashing.model import Hashed, Pdq
from tutela.index.searcher import Searcher
from tutela.indicators import store
from tutela.indicators.model import EntryStatus, HashList, Match, MatchResult, SignalKind
from tutela.indicators.policy import EMPTY_FILE, ORIGINAL, comparable, is_pertinent, result_of
from tutela.indicators.signals import DIGESTS, OTHER_MAX_BYTES, SIZE_BYTES, flaw
from tutela.primitives.database import Database
from tutela.primitives.ids import ListId
from tutela.taxonomy.model import Category

_ROWS_AT_ONCE = 20_000
_HITS_AT_ONCE = 5_000
_ENTRIES = store.ENTRIES.c
_UNIFORM = [
    bytes([bits]) * size for size in sorted({*SIZE_BYTES.values()}) for bits in (0x00, 0xFF)
]


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


@dataclass(kw_only=True, slots=True)
class _Loaded:
    """One list's searcher, and the last change it has seen."""

    searcher: Searcher = field(default_factory=Searcher)
    change: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Meeting:
    """One hit, before the database has confirmed it."""

    item: int
    entry: int
    transform: str
    pdq: Pdq


@dataclass(kw_only=True, slots=True)
class _SortedOut:
    """Changed PDQ rows on their way into an index: who lives, who left, who is malformed."""

    read: int = 0
    gone: list[int] = field(default_factory=list)
    malformed: dict[int, str] = field(default_factory=dict)

    def living(self, tx: Connection, changed: ColumnElement[bool]) -> Iterator[tuple[int, bytes]]:
        """Stream the rows; hand on the active and well-formed ones."""
        rows = select(_ENTRIES.id, _ENTRIES.value, _ENTRIES.status).where(
            changed, _ENTRIES.kind == SignalKind.PDQ
        )
        with tx.execute(rows, execution_options={"yield_per": _ROWS_AT_ONCE}) as stream:
            for entry_id, value, status in stream:
                self.read += 1
                if status != EntryStatus.ACTIVE:
                    self.gone.append(entry_id)
                elif why := flaw(SignalKind.PDQ, value):
                    self.malformed[entry_id] = why
                else:
                    yield entry_id, value


class Matcher:
    """Matches hashes against all enabled lists; safe for many threads."""

    def __init__(self, database: Database) -> None:
        """Start empty; the first match loads the lists if nobody has refreshed before."""
        self._database = database
        self._refreshing = threading.Lock()
        self._loaded: dict[ListId, _Loaded] = {}
        self._fresh = False

    def refresh(self) -> int:
        """Take in what has changed since the last time; returns how many changes of PDQ entries.

        A stored row that is malformed is left out and marked `set_aside` with the reason; the
        others, of its kind and of every other, go in. Costs time by what has changed, and by
        the whole list only the first time.
        """
        with self._refreshing:
            with self._database.begin() as tx:
                known = [hash_list.id for hash_list in store.all_lists(tx)]
            taken = sum(self._take_in(list_id) for list_id in known)
            self._fresh = True
            return taken

    def match(self, hashed: Hashed) -> MatchResult:
        """All matches of one item, nearest first."""
        return self.match_many([hashed])[0]

    def match_many(self, items: Sequence[Hashed]) -> list[MatchResult]:
        """The same for each of `items`, in their order; stores nothing."""
        if not self._fresh:
            self.refresh()
        if not items:
            return []
        with self._database.begin() as tx:
            lists = {one.id: one for one in store.all_lists(tx) if one.enabled}
            found: list[list[Match]] = [[] for _ in items]
            for number, match in self._by_digest(tx, items, lists):
                found[number].append(match)
            for number, match in self._by_pdq(tx, items, lists):
                found[number].append(match)
        return [
            result_of(item, matches, tuple(lists.values()))
            for item, matches in zip(items, found, strict=True)
        ]

    def state(self) -> MatcherState:
        """How this matcher stands against the database; raises `Unavailable` when that is away."""
        loaded = self._loaded
        last_change = (
            select(func.max(_ENTRIES.change))
            .where(_ENTRIES.list_id == store.HASH_LISTS.c.id)
            .scalar_subquery()
        )
        with self._database.begin() as tx:
            rows = tx.execute(select(store.HASH_LISTS.c.id, func.coalesce(last_change, 0)))
            last = {ListId(list_id): int(change) for list_id, change in rows}
            set_aside = tx.execute(
                select(func.count()).where(_ENTRIES.status == EntryStatus.SET_ASIDE)
            ).scalar_one()
            seen = {key: one.change if (one := loaded.get(key)) else 0 for key in last}
            waiting = [
                tx.execute(
                    select(func.min(_ENTRIES.change)).where(
                        _ENTRIES.list_id == key, _ENTRIES.change > seen[key]
                    )
                ).scalar_one()
                for key, change in last.items()
                if seen[key] < change
            ]
        database_change = max(last.values(), default=0)
        return MatcherState(
            entries=sum(len(one.searcher) for one in loaded.values()),
            change=min(waiting) - 1 if waiting else database_change,
            database_change=database_change,
            set_aside=set_aside,
        )

    def _take_in(self, list_id: ListId) -> int:
        """Bring one list's searcher up to date; returns how many changed PDQ rows it read."""
        loaded = self._loaded.get(list_id) or _Loaded()
        with self._database.begin() as tx:
            until = tx.execute(
                select(func.max(_ENTRIES.change)).where(_ENTRIES.list_id == list_id)
            ).scalar()
            if until is None or until <= loaded.change:
                return 0
            changed = and_(
                _ENTRIES.list_id == list_id,
                _ENTRIES.change > loaded.change,
                _ENTRIES.change <= until,
            )
            sorted_out = _SortedOut()
            loaded.searcher.add(sorted_out.living(tx, changed))
            loaded.searcher.remove([*sorted_out.gone, *sorted_out.malformed])
            malformed = sorted_out.malformed | _malformed_others(tx, changed)
        loaded.change = until
        self._loaded = {**self._loaded, list_id: loaded}
        if not malformed:
            return sorted_out.read
        self._set_aside(malformed)
        return sorted_out.read + self._take_in(list_id)

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

    def _by_digest(
        self, tx: Connection, items: Sequence[Hashed], lists: Mapping[ListId, HashList]
    ) -> Iterator[tuple[int, Match]]:
        """Entries whose digest is the item's; one query a kind for all items."""
        for kind in DIGESTS:
            wanted: dict[bytes, list[int]] = {}
            for number, item in enumerate(items):
                digest: bytes = getattr(item.digests, kind.value)
                if digest and digest not in EMPTY_FILE:
                    wanted.setdefault(digest, []).append(number)
            for row in _digest_rows(tx, kind, wanted, lists):
                hash_list = lists[ListId(row.list_id)]
                match = _match(row, hash_list, kind=kind, distance_bits=0, transform=ORIGINAL)
                for number in wanted[bytes(row.value)]:
                    yield number, match

    def _by_pdq(
        self, tx: Connection, items: Sequence[Hashed], lists: Mapping[ListId, HashList]
    ) -> Iterator[tuple[int, Match]]:
        """Entries near enough, each confirmed by the database as it stands now."""
        meetings = [
            meeting
            for list_id, hash_list in lists.items()
            if (loaded := self._loaded.get(list_id)) is not None
            for meeting in _meetings(loaded.searcher, items, hash_list)
        ]
        entries = _entries(tx, {meeting.entry for meeting in meetings})
        nearest: dict[tuple[int, int], Match] = {}
        for meeting in meetings:
            row = entries.get(meeting.entry)
            match = _confirmed(row, meeting, lists) if row is not None else None
            if match is None:
                continue
            key = (meeting.item, meeting.entry)
            if key not in nearest or match.distance_bits < nearest[key].distance_bits:
                nearest[key] = match
        for (number, _), match in nearest.items():
            yield number, match


def _meetings(
    searcher: Searcher, items: Sequence[Hashed], hash_list: HashList
) -> Iterator[_Meeting]:
    """Hits of all items in one list, by its own threshold, quality and transforms."""
    asked = [
        (number, transform, pdq)
        for number, item in enumerate(items)
        for transform, pdq in comparable(item, hash_list)
    ]
    if not asked or not len(searcher):
        return
    queries = np.frombuffer(b"".join(pdq.bits for _, _, pdq in asked), np.uint8)
    found = searcher.search_many(queries.reshape(len(asked), -1), hash_list.threshold_bits)
    for (number, transform, pdq), hits in zip(asked, found, strict=True):
        for hit in hits:
            yield _Meeting(item=number, entry=hit.entry, transform=transform, pdq=pdq)


def _confirmed(row: Row[Any], meeting: _Meeting, lists: Mapping[ListId, HashList]) -> Match | None:
    """The match, if the entry as it stands now still deserves one."""
    hash_list = lists.get(ListId(row.list_id))
    if hash_list is None or row.kind != SignalKind.PDQ or flaw(row.kind, row.value):
        return None
    if row.quality is not None and row.quality < hash_list.min_quality:
        return None
    distance_bits = meeting.pdq.distance_bits(Pdq(bytes(row.value), 100))
    if distance_bits > hash_list.threshold_bits or not is_pertinent(_category(row)):
        return None
    return _match(
        row,
        hash_list,
        kind=SignalKind.PDQ,
        distance_bits=distance_bits,
        transform=meeting.transform,
        quality=meeting.pdq.quality,
    )


def _match(
    row: Row[Any],
    hash_list: HashList,
    *,
    kind: SignalKind,
    distance_bits: int,
    transform: str,
    quality: int | None = None,
) -> Match:
    """A match with its reasons."""
    if kind is SignalKind.PDQ:
        reasons = [
            f"PDQ distance {distance_bits} of 256 bits, the list allows {hash_list.threshold_bits}",
            f"quality {quality}, the list asks for {hash_list.min_quality}",
        ]
        if transform != ORIGINAL:
            reasons.append(f"met by the picture turned or mirrored: {transform}")
    else:
        reasons = [f"the file's {kind} is the entry's"]
    return Match(
        list_id=hash_list.id,
        list_name=hash_list.name,
        entry_id=row.id,
        external_id=row.external_id,
        kind=kind,
        distance_bits=distance_bits,
        threshold_bits=hash_list.threshold_bits if kind is SignalKind.PDQ else 0,
        transform=transform,
        category=_category(row),
        second_person=hash_list.second_person,
        reasons=tuple(reasons),
    )


def _digest_rows(
    tx: Connection,
    kind: SignalKind,
    wanted: Iterable[bytes],
    lists: Mapping[ListId, HashList],
) -> Iterator[Row[Any]]:
    """Active, well-formed entries of these digests in these lists."""
    values = [value for value in wanted if len(value) == SIZE_BYTES[kind]]
    if not values or not lists:
        return
    statement = select(store.ENTRIES).where(
        _ENTRIES.kind == kind,
        _ENTRIES.value == func.any(bindparam("values")),
        _ENTRIES.status == EntryStatus.ACTIVE,
    )
    for row in tx.execute(statement, {"values": values}):
        if (
            ListId(row.list_id) in lists
            and is_pertinent(_category(row))
            and not flaw(kind, row.value)
        ):
            yield row


def _entries(tx: Connection, ids: Iterable[int]) -> dict[int, Row[Any]]:
    """Those of these entries that are active now."""
    numbers = sorted(ids)
    found = {}
    statement = select(store.ENTRIES).where(
        _ENTRIES.id == func.any(bindparam("ids")), _ENTRIES.status == EntryStatus.ACTIVE
    )
    for first in range(0, len(numbers), _HITS_AT_ONCE):
        for row in tx.execute(statement, {"ids": numbers[first : first + _HITS_AT_ONCE]}):
            found[row.id] = row
    return found


def _malformed_others(tx: Connection, changed: ColumnElement[bool]) -> dict[int, str]:
    """Active rows of other kinds than PDQ that cannot be what they say."""
    size = func.octet_length(_ENTRIES.value)
    whole = [
        and_(_ENTRIES.kind == kind, size == length)
        for kind, length in SIZE_BYTES.items()
        if kind is not SignalKind.PDQ
    ]
    other = and_(_ENTRIES.kind == SignalKind.OTHER, size.between(1, OTHER_MAX_BYTES))
    rows = tx.execute(
        select(_ENTRIES.id, _ENTRIES.kind, _ENTRIES.value).where(
            changed,
            _ENTRIES.status == EntryStatus.ACTIVE,
            _ENTRIES.kind != SignalKind.PDQ,
            or_(~or_(*whole, other), _ENTRIES.value.in_(_UNIFORM)),
        )
    )
    return {entry_id: why for entry_id, kind, value in rows if (why := flaw(kind, value))}


def _category(row: Row[Any]) -> Category | None:
    """The stored category; None unless all three parts are there."""
    return store.category_of(row.scheme, row.scheme_version, row.category_code)
