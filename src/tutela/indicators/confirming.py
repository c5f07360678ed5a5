"""Confirming: entries as the database has them now, and every list's policy, in one statement."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice

from sqlalchemy import ARRAY, BigInteger, Executable, Text, bindparam, cast, func, select, union_all

from tutela.indicators import store
from tutela.indicators.model import EntryStatus, HashList, SignalKind, Uncategorised
from tutela.primitives.database import Database
from tutela.primitives.ids import ListId
from tutela.taxonomy.model import Category

_IDS = "ids"
_ENTRIES_AT_ONCE = 50_000
_LISTS = tuple(store.HASH_LISTS.c)
_ENTRIES = store.ENTRIES.c
_COLUMNS = (
    _ENTRIES.id,
    _ENTRIES.list_id,
    _ENTRIES.kind,
    _ENTRIES.value,
    _ENTRIES.external_id,
    _ENTRIES.scheme,
    _ENTRIES.scheme_version,
    _ENTRIES.category_code,
    _ENTRIES.quality,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One active entry, as far as a match needs it."""

    id: int
    list_id: ListId
    kind: str
    value: bytes
    external_id: str
    category: Category | Uncategorised | None
    quality: int | None


def read(
    database: Database,
    ids: Collection[int],
    digests: Mapping[SignalKind, Collection[bytes]],
) -> tuple[tuple[HashList, ...], list[Entry]]:
    """All lists by name, and the active entries that have one of these numbers or digests.

    One statement, unless there are very many numbers.
    """
    asked: dict[str, str | list[bytes]] = {
        kind.value: list(values) for kind, values in digests.items()
    }
    numbers = iter(sorted(ids))
    if first := list(islice(numbers, _ENTRIES_AT_ONCE)):
        asked[_IDS] = _array(first)
    rows = database.read(_statement(frozenset(asked)), asked)
    while more := list(islice(numbers, _ENTRIES_AT_ONCE)):
        rows += database.read(_statement(frozenset({_IDS})), {_IDS: _array(more)})
    entries = {row[len(_LISTS)]: row for row in rows if row[len(_LISTS)] is not None}
    return _lists(rows), [_entry(row) for row in entries.values()]


def _array(numbers: list[int]) -> str:
    """As PostgreSQL writes an array: one type of statement whatever the numbers' size."""
    return "{" + ",".join(map(str, numbers)) + "}"


@cache
def _statement(asked: frozenset[str]) -> Executable:
    """Every list with its entries among those asked for; a list without any is one row."""
    parts = [
        select(*_COLUMNS).where(
            _ENTRIES.id == func.any(cast(bindparam(_IDS, type_=Text), ARRAY(BigInteger)))
            if name == _IDS
            else (_ENTRIES.kind == name) & (_ENTRIES.value == func.any(bindparam(name))),
            _ENTRIES.status == EntryStatus.ACTIVE.value,
        )
        for name in sorted(asked)
    ]
    if not parts:
        parts = [select(*_COLUMNS).where(_ENTRIES.id.is_(None))]
    found = union_all(*parts).subquery()
    return select(*_LISTS, *found.c).select_from(
        store.HASH_LISTS.outerjoin(found, found.c.list_id == store.HASH_LISTS.c.id)
    )


def _lists(rows: Collection[tuple[object, ...]]) -> tuple[HashList, ...]:
    names = [column.name for column in _LISTS]
    values = {row[0]: row[: len(_LISTS)] for row in rows}
    lists = [
        HashList(**(dict(zip(names, row, strict=True)) | {"id": ListId(str(row[0]))}))  # type: ignore[arg-type]
        for row in values.values()
    ]
    return tuple(sorted(lists, key=lambda one: one.name))


def _entry(row: tuple[object, ...]) -> Entry:
    entry_id, list_id, kind, value, external_id, *category, quality = row[len(_LISTS) :]
    return Entry(
        id=entry_id,  # type: ignore[arg-type] # the columns' own types
        list_id=ListId(str(list_id)),
        kind=kind,  # type: ignore[arg-type]
        value=value,  # type: ignore[arg-type]
        external_id=external_id,  # type: ignore[arg-type]
        category=store.category_of(*category),  # type: ignore[arg-type]
        quality=quality,  # type: ignore[arg-type]
    )
