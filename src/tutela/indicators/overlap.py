"""Overlap: every pair of entries of two lists, or of one, whose PDQ hashes are near; and groups.

Only numbers and the sources' own names leave here, never a hash. The pairs come from the index
as they are found; each is confirmed by the database, so that entries withdrawn a moment ago are
in no pair.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from tutela.index.searcher import Searcher
from tutela.indicators import store
from tutela.indicators.listing import MAX_THRESHOLD_BITS
from tutela.indicators.model import EntryStatus
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput
from tutela.primitives.ids import ListId

_AT_ONCE = 10_000
Searchers = Callable[[ListId], Searcher]
"""Gives each list's own searcher."""
_NAMES = select(store.ENTRIES.c.id, store.ENTRIES.c.external_id).where(
    store.ENTRIES.c.id == func.any(bindparam("ids")),
    store.ENTRIES.c.status == EntryStatus.ACTIVE.value,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """An entry by its number and, where it has one, the source's own name of the record."""

    entry: int
    external_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two entries and how many of their 256 bits differ."""

    left: Named
    right: Named
    distance_bits: int


def pairs(
    database: Database, searcher: Searchers, left: ListId, right: ListId, radius_bits: int
) -> Iterator[Pair]:
    """Every pair within the radius: an entry of `left` and one of `right`.

    Of a list with itself each pair comes once, the lower number first. Streamed in no promised
    order. Raises `BadInput` for a radius that no list may have.
    """
    check_radius(radius_bits)
    return _pairs(database, searcher(left), searcher(right), radius_bits)


def groups(
    database: Database, searcher: Searchers, list_id: ListId, radius_bits: int
) -> Iterator[Sequence[Named]]:
    """Groups of two or more entries that chains of near pairs connect, the largest first."""
    check_radius(radius_bits)
    found = searcher(list_id).clusters(radius_bits)
    for group in sorted(found, key=len, reverse=True):
        names = _names(database, group.tolist())
        if len(names) > 1:
            yield [Named(entry=entry, external_id=name) for entry, name in sorted(names.items())]


def check_radius(radius_bits: int) -> None:
    """Raise `BadInput` unless a list may have this radius as its threshold."""
    if not 0 <= radius_bits <= MAX_THRESHOLD_BITS:
        raise BadInput(
            "This radius makes no sense", why=f"it is not between 0 and {MAX_THRESHOLD_BITS} bits"
        )


def _pairs(database: Database, left: Searcher, right: Searcher, radius_bits: int) -> Iterator[Pair]:
    same = left is right
    for found in left.pairs_within(radius_bits) if same else left.join(right, radius_bits):
        for first in range(0, len(found[0]), _AT_ONCE):
            lefts, rights, distances = (
                column[first : first + _AT_ONCE].tolist() for column in found
            )
            names = _names(database, {*lefts, *rights})
            for one, other, distance in zip(lefts, rights, distances, strict=True):
                if one in names and other in names:
                    yield Pair(
                        left=Named(entry=one, external_id=names[one]),
                        right=Named(entry=other, external_id=names[other]),
                        distance_bits=distance,
                    )


def _names(database: Database, entries: Iterable[int]) -> dict[int, str]:
    """The sources' names of those entries that are active now."""
    numbers = sorted(entries)
    names: dict[int, str] = {}
    for first in range(0, len(numbers), _AT_ONCE):
        names.update(database.read(_NAMES, {"ids": numbers[first : first + _AT_ONCE]}))
    return names
