"""`tutela lists overlap` and `tutela lists clusters`: lists compared with lists, by nearness."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.table import Table

from tutela.cli.presenting import OUT, AsJson, emit, note, plain, progress
from tutela.index.model import RADIUS_BITS
from tutela.indicators import overlap as overlapping
from tutela.indicators import store
from tutela.indicators.model import HashList
from tutela.indicators.overlap import Named, Pair
from tutela.primitives.database import Database
from tutela.wiring.matching import open_searchers
from tutela.wiring.opening import open_database
from tutela.wiring.settings import load_settings

_SHOWN = 20
_BAND = 8

Radius = Annotated[
    int, typer.Option("--radius", help="Largest distance in bits of 256 that counts as near.")
]


def overlap(
    left: Annotated[str, typer.Argument(help="Name of a list.")],
    right: Annotated[str, typer.Argument(help="Name of another, or of the same.")],
    radius: Radius = RADIUS_BITS,
    as_json: AsJson = False,
) -> None:
    """All pairs of entries of two lists whose pictures are near; of one list with itself too.

    With --json each pair is a line as it is found, and the counts are the last line.
    """
    overlapping.check_radius(radius)
    with _opened(left, right) as (database, searcher, lists):
        found = overlapping.pairs(database, searcher, lists[0].id, lists[1].id, radius)
        counted = _Counted()
        with progress("Pairs found", total=None) as advance:
            for pair in found:
                counted.take(pair)
                if as_json:
                    emit(_pair(pair), as_json=True, render=_nothing)
                if not counted.pairs % 1000:
                    advance(counted.pairs)
    emit(
        {"lists": [left, right], "radius_bits": radius, **counted.figures(same=left == right)},
        as_json=as_json,
        render=lambda: _show_overlap(left, right, radius, counted),
    )


def clusters(
    name: Annotated[str, typer.Argument(help="Name of the list.")],
    radius: Radius = RADIUS_BITS,
    as_json: AsJson = False,
) -> None:
    """Groups of entries of one list that chains of near pictures connect, the largest first.

    With --json each group is a line, and the counts are the last line.
    """
    overlapping.check_radius(radius)
    sizes: Counter[int] = Counter()
    shown: list[Sequence[Named]] = []
    with (
        _opened(name) as (database, searcher, lists),
        progress("Groups found", total=None) as advance,
    ):
        for group in overlapping.groups(database, searcher, lists[0].id, radius):
            sizes[len(group)] += 1
            if as_json:
                emit({"entries": [_named(one) for one in group]}, as_json=True, render=_nothing)
            elif len(shown) < _SHOWN:
                shown.append(group)
            advance(sizes.total())
    entries = sum(size * number for size, number in sizes.items())
    emit(
        {"list": name, "radius_bits": radius, "groups": sizes.total(), "entries": entries},
        as_json=as_json,
        render=lambda: _show_clusters(name, radius, sizes, shown),
    )


class _Counted:
    """What there is to say about all pairs, and the first of them."""

    def __init__(self) -> None:
        self.pairs = 0
        self.by_distance: Counter[int] = Counter()
        self.first: list[Pair] = []
        self._left: set[int] = set()
        self._right: set[int] = set()

    def take(self, pair: Pair) -> None:
        self.pairs += 1
        self.by_distance[pair.distance_bits] += 1
        self._left.add(pair.left.entry)
        self._right.add(pair.right.entry)
        if len(self.first) < _SHOWN:
            self.first.append(pair)

    def entries(self, *, same: bool) -> tuple[int, int]:
        """How many entries of either list are in a pair."""
        both = len(self._left | self._right)
        return (both, both) if same else (len(self._left), len(self._right))

    def figures(self, *, same: bool) -> dict[str, object]:
        return {
            "pairs": self.pairs,
            "entries": self.entries(same=same),
            "by_distance_bits": {
                str(bits): number for bits, number in sorted(self.by_distance.items())
            },
        }


@contextmanager
def _opened(*names: str) -> Iterator[tuple[Database, overlapping.Searchers, list[HashList]]]:
    """Database, the lists' own searchers, and the named lists."""
    settings = load_settings()
    with open_database(settings) as database:
        with database.begin() as tx:
            lists = [store.required(tx, name) for name in names]
        note("Opening the lists …")
        with open_searchers(settings, database) as searcher:
            yield database, searcher, lists


def _named(one: Named) -> dict[str, object]:
    return {"entry": one.entry, "external_id": one.external_id}


def _pair(pair: Pair) -> dict[str, object]:
    return {
        "left": _named(pair.left),
        "right": _named(pair.right),
        "distance_bits": pair.distance_bits,
    }


def _nothing() -> None:
    """Nothing is shown beside the line of JSON."""


def _told(one: Named) -> str:
    return f"{one.entry} {one.external_id}".strip()


def _show_overlap(left: str, right: str, radius: int, counted: _Counted) -> None:
    if not counted.pairs:
        OUT.print(f"No picture of {left} is within {radius} bits of one of {right}.")
        return
    table = Table("entry of " + left, "entry of " + right, "distance in bits")
    for pair in counted.first:
        table.add_row(plain(_told(pair.left)), plain(_told(pair.right)), str(pair.distance_bits))
    OUT.print(table)
    if counted.pairs > len(counted.first):
        OUT.print(f"… {counted.pairs - len(counted.first):,} more; --json gives all")
    bands = Table("distance in bits", "pairs")
    for low in range(0, radius + 1, _BAND):
        high = min(low + _BAND - 1, radius)
        number = sum(counted.by_distance[bits] for bits in range(low, high + 1))
        bands.add_row(f"{low} to {high}", f"{number:,}")
    OUT.print(bands)
    one, other = counted.entries(same=left == right)
    OUT.print(
        f"{counted.pairs:,} pairs within {radius} bits: {one:,} entries of {left}"
        + ("" if left == right else f", {other:,} of {right}"),
        markup=False,
    )


def _show_clusters(
    name: str, radius: int, sizes: Counter[int], shown: list[Sequence[Named]]
) -> None:
    if not sizes:
        OUT.print(f"No two pictures of {name} are within {radius} bits.")
        return
    table = Table("entries", "the first of them")
    for group in shown:
        table.add_row(f"{len(group):,}", plain(", ".join(_told(one) for one in group[:3])))
    OUT.print(table)
    if sizes.total() > len(shown):
        OUT.print(f"… {sizes.total() - len(shown):,} more; --json gives all")
    entries = sum(size * number for size, number in sizes.items())
    OUT.print(
        f"{sizes.total():,} groups of near pictures within {radius} bits, {entries:,} entries",
        markup=False,
    )
