"""Numbering: which entry stands in which row, in little room.

The entries of a frozen segment are sorted, so row numbers say almost everything. Two forms,
the smaller one is kept:

    runs    stretches of consecutive entries: first entry and first row of each (16 bytes a run)
    steps   the first entry of every 64 rows, and how far each row is from it (1, 2, 4 or 8
            bytes a row, the same for all)
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tutela.index.bits import Numbers
from tutela.primitives.errors import BadInput

_RUN_BYTES = 16
_BLOCK = 64
_STEP_TYPES = (np.uint8, np.uint16, np.uint32, np.uint64)


class Numbering:
    """Rows 0..N-1 and their entries (int64, ascending, none twice), both ways."""

    def __init__(self, *, rows: int, entry: Numbers, row: Numbers, step: NDArray[Any]) -> None:
        """Take the arrays as they are; use `of_sorted` or `of`."""
        self._rows = rows
        self._entry = entry
        self._row = row
        self._step = step
        self._in_runs = row.size > 0

    @classmethod
    def of_sorted(cls, entries: Numbers) -> "Numbering":
        """Number these entries; raises `BadInput` unless each is greater than the one before."""
        if not bool(np.all(entries[1:] > entries[:-1])):
            raise BadInput("These entries are not in order", why="one does not follow the other")
        apart = entries[1:].view(np.uint64) - entries[:-1].view(np.uint64)
        first = np.concatenate(([0], np.flatnonzero(apart != 1) + 1))[: len(entries)]
        base = entries[::_BLOCK].copy()
        runs_room = len(first) * _RUN_BYTES
        in_runs = cls(
            rows=len(entries), entry=entries[first], row=first, step=np.empty(0, np.uint8)
        )
        if runs_room <= len(entries) + base.nbytes:
            return in_runs
        steps = entries.view(np.uint64) - np.repeat(base, _BLOCK)[: len(entries)].view(np.uint64)
        widest = int(steps.max(initial=0))
        kind = next(kind for kind in _STEP_TYPES if widest <= np.iinfo(kind).max)
        if runs_room <= len(entries) * np.dtype(kind).itemsize + base.nbytes:
            return in_runs
        return cls(
            rows=len(entries), entry=base, row=np.empty(0, np.int64), step=steps.astype(kind)
        )

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], rows: int) -> "Numbering":
        """The numbering of `rows` rows from `arrays`; raises `BadInput` when they do not fit."""
        entry, row, step = arrays["entry"], arrays["row"], arrays["step"]
        shapes = (
            len(entry) == len(row) and not step.size
            if row.size or not rows
            else len(step) == rows and len(entry) == -(-rows // _BLOCK)
        )
        types = entry.dtype == row.dtype == np.int64 and step.dtype.type in _STEP_TYPES
        if not (shapes and types and entry.ndim == row.ndim == step.ndim == 1):
            raise BadInput("These entries do not fit the rows", why=f"expected {rows} rows")
        return cls(rows=rows, entry=entry, row=row, step=step)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What `of` takes."""
        return {"entry": self._entry, "row": self._row, "step": self._step}

    def __len__(self) -> int:
        return self._rows

    @property
    def nbytes(self) -> int:
        """Room of the arrays."""
        return self._entry.nbytes + self._row.nbytes + self._step.nbytes

    def entries_at(self, rows: Numbers) -> Numbers:
        """The entry of each row."""
        if not self._in_runs:
            return _plus(self._entry[rows // _BLOCK], self._step[rows])
        if len(self._row) == 1:
            return _plus(self._entry[:1], rows)
        run = np.searchsorted(self._row, rows, side="right") - 1
        return _plus(self._entry[run], rows - self._row[run])

    def entries(self) -> Numbers:
        """All entries, in the order of rows."""
        return self.entries_at(np.arange(self._rows, dtype=np.int64))

    def rows_of(self, entries: Numbers) -> Numbers:
        """The row of each entry, -1 for an entry that is not here."""
        if not self._rows:
            return np.full(len(entries), -1, np.int64)
        part = np.searchsorted(self._entry, entries, side="right") - 1
        known = part >= 0
        part = np.maximum(part, 0)
        # Unsigned, because two 64-bit entries may be farther apart than a signed number holds.
        step = entries.view(np.uint64) - self._entry[part].view(np.uint64)
        if self._in_runs:
            last = len(self._row) - 1
            end = np.where(part < last, self._row[np.minimum(part + 1, last)], self._rows)
            known &= step < (end - self._row[part]).view(np.uint64)
            return np.where(known, self._row[part] + step.view(np.int64), -1)
        low, high = part * _BLOCK, np.minimum((part + 1) * _BLOCK, self._rows)
        while bool((low < high).any()):
            middle = (low + high) // 2
            before = (low < high) & (self._step[np.minimum(middle, self._rows - 1)] < step)
            low, high = np.where(before, middle + 1, low), np.where(before, high, middle)
        place = np.minimum(low, self._rows - 1)
        known &= (low < (part + 1) * _BLOCK) & (low < self._rows) & (self._step[place] == step)
        return np.where(known, place, -1)


def _plus(first: Numbers, step: NDArray[Any]) -> Numbers:
    """Entries that far from the first, also across the whole range of 64 bits."""
    return (first.view(np.uint64) + step.astype(np.uint64)).view(np.int64)
