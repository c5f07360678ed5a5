"""Segment: rows that never change, in memory or mapped from a file, and which still count.

A row is taken out by a tombstone: the segment after it shares everything with the segment
before but the bitmap of living rows. So a search that holds the older one is not disturbed.
"""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tutela.index import frozen
from tutela.index.bits import Found, Numbers, Words
from tutela.index.model import RADIUS_BITS
from tutela.index.numbering import Numbering
from tutela.index.ring import RingIndex
from tutela.primitives.errors import BadInput

Alive = NDArray[np.uint8]
"""One bit a row, the lowest bit of a byte first; 1 counts, 0 is a tombstone."""

KIND = "segment"
_BYTE_BITS = 8
_SAMPLE = 8
"""Rows looked up when a file is opened."""
_NUMBERING, _RING = "numbering.", "ring."
_births = itertools.count()


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """The file that a segment is mapped from; `digest` names its content."""

    path: Path
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Segment:
    """Rows in the order of their entries; `alive` None means that all count.

    `birth` is the same for all that share the same rows, with whatever tombstones.
    """

    numbering: Numbering
    ring: RingIndex
    living: int
    alive: Alive | None = None
    file: File | None = None
    birth: int

    @classmethod
    def build(cls, entries: Numbers, words: Words) -> "Segment":
        """Freeze rows: `entries` int64[N] ascending, none twice, and their hashes."""
        if len(entries) != len(words):
            raise BadInput(
                "These entries do not fit the rows",
                why=f"{len(entries)} entries, {len(words)} rows",
            )
        numbering = Numbering.of_sorted(entries)
        ring = RingIndex.build(words)
        return cls(numbering=numbering, ring=ring, living=len(entries), birth=next(_births))

    @classmethod
    def open(cls, path: Path, *, digest: str | None = None) -> "Segment":
        """The segment in a file, mapped; raises `BadSegment` unless every byte is as written."""
        opened = frozen.open_file(path, KIND, digest=digest)
        try:
            ring = RingIndex.of(_named(opened.arrays, _RING))
            numbering = Numbering.of(_named(opened.arrays, _NUMBERING), len(ring))
        except (BadInput, KeyError) as error:
            raise frozen.bad(path, "its arrays do not fit together") from error
        if not _finds_itself(ring):
            raise frozen.bad(path, "this version of the program sorts its rows in another way")
        return cls(
            numbering=numbering,
            ring=ring,
            living=len(ring),
            file=File(path=path, digest=opened.digest),
            birth=next(_births),
        )

    def write(self, path: Path) -> "Segment":
        """Put the rows (not the tombstones) into a file; returns this segment, mapped from it.

        The file is safely on disk when this returns, and not there when it raises.
        """
        numbering, ring = self.numbering.arrays(), self.ring.arrays()
        digest = frozen.write(
            path,
            KIND,
            {_NUMBERING + name: array for name, array in numbering.items()}
            | {_RING + name: array for name, array in ring.items()},
        )
        return self.on_file_of(Segment.open(path, digest=digest))

    def stands_in(self, folder: Path) -> bool:
        """Whether the rows are mapped from a file in this folder that is still there."""
        file = self.file
        return file is not None and file.path.parent == folder and file.path.exists()

    def on_file_of(self, other: "Segment") -> "Segment":
        """The same with its rows taken from the file of `other`, which holds the same."""
        return replace(self, numbering=other.numbering, ring=other.ring, file=other.file)

    def __len__(self) -> int:
        """All rows, the dead ones too."""
        return len(self.numbering)

    @property
    def nbytes(self) -> int:
        """Room of everything."""
        alive = 0 if self.alive is None else self.alive.nbytes
        return self.numbering.nbytes + self.ring.nbytes + alive

    def found(self, queries: Words, radius_bits: int) -> Found:
        """Query, entry and distance of every living row within the radius."""
        query, row, distance = self.ring.rows_within(queries, radius_bits, alive=self.alive)
        if not row.size:
            return query, row, distance
        return query, self.numbering.entries_at(row), distance

    def without(self, entries: Numbers) -> "Segment":
        """The same with tombstones on these entries; itself when none of them lives here."""
        rows = self.numbering.rows_of(entries)
        rows = rows[rows >= 0]
        rows = np.unique(rows[self.lives(rows)])
        if not rows.size:
            return self
        alive = all_alive(len(self)) if self.alive is None else self.alive.copy()
        np.bitwise_and.at(alive, rows // _BYTE_BITS, ~_bit(rows))
        return replace(self, alive=alive, living=self.living - rows.size)

    def revived(self) -> "Segment":
        """The same with all rows alive."""
        return replace(self, alive=None, living=len(self))

    def with_alive(self, alive: Alive) -> "Segment":
        """The same with another bitmap; raises `BadInput` when it does not fit the rows."""
        if alive.shape != (-(-len(self) // _BYTE_BITS),) or alive.dtype != np.uint8:
            raise BadInput("This bitmap does not fit the rows", why=f"expected {len(self)} bits")
        return replace(self, alive=alive, living=int(self._bits(alive).sum()))

    def lives(self, rows: Numbers) -> NDArray[np.bool_]:
        """Which of these rows count."""
        if self.alive is None:
            return np.ones(len(rows), np.bool_)
        bits: NDArray[np.bool_] = (self.alive[rows // _BYTE_BITS] & _bit(rows)) != 0
        return bits

    def living_rows(self) -> tuple[Numbers, Words]:
        """Entries and hashes of the living rows, by entry."""
        if self.alive is None:
            return self.numbering.entries(), self.ring.words
        rows = np.flatnonzero(self._bits(self.alive))
        return self.numbering.entries_at(rows), self.ring.words[rows]

    def lost_since(self, before: "Segment") -> Numbers:
        """Entries that were alive in `before`, an older state of these rows, and are no more."""
        if self.alive is None:
            return np.empty(0, np.int64)
        older = all_alive(len(self)) if before.alive is None else before.alive
        return self.numbering.entries_at(np.flatnonzero(self._bits(older & ~self.alive)))

    def _bits(self, alive: Alive) -> NDArray[np.uint8]:
        return np.unpackbits(alive, count=len(self), bitorder="little")


def _finds_itself(ring: RingIndex) -> bool:
    """Whether a few of its rows are found where they stand.

    Checksums say that the tables are as they were written, not that today's kernels would
    write them so.
    """
    rows = np.unique(np.linspace(0, len(ring) - 1, _SAMPLE).astype(np.int64))[: len(ring)]
    asked = np.zeros(len(ring), np.uint8)
    asked[rows] = 1
    alive = np.packbits(asked, bitorder="little")
    query, row, _ = ring.rows_within(ring.words[rows], RADIUS_BITS, alive=alive)
    return set(row[rows[query] == row].tolist()) == set(rows.tolist())


def all_alive(rows: int) -> Alive:
    """The bitmap in which every row counts."""
    return np.packbits(np.ones(rows, np.uint8), bitorder="little")


def _bit(rows: Numbers) -> NDArray[np.uint8]:
    return np.left_shift(1, rows % _BYTE_BITS).astype(np.uint8)


def _named(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
