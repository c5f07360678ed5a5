"""Groups of near-duplicates: pictures that chains of near pairs connect, found in one go.

Two pictures are alike when their PDQ hashes differ in no more bits than both of their lists
allow. A group is everything that such pairs connect: A and C are in one group when both are
like B, although their own distance may be larger.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tutela.index.bits import Found, Numbers, Words, hamming
from tutela.index.clusters import clusters
from tutela.index.prefix import PrefixIndex
from tutela.primitives.ids import CaseId

_PIVOTS = 32
"""Rows whose surroundings are taken out first, because in a crowd nearly all pairs are near."""
_TOGETHER = 128
"""Queries answered together: with 5,000 rows at most some megabytes of pairs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pictures:
    """Cases of one comparable picture each: `words` uint64[N, 4], `radii` bits, in one order."""

    cases: Sequence[CaseId]
    words: Words
    radii: Numbers


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """A case in the group of another: how far its picture is, and over how many near pairs.

    `steps` 1: the two are alike themselves. With more, `distance_bits` may exceed the radius.
    """

    case: CaseId
    distance_bits: int
    steps: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """What surrounds one case: the nearest of its group, and how many the group has besides it."""

    nearest: tuple[Joined, ...]
    total: int


class Groups:
    """The groups of the pictures that wait.

    Some 20 ms for 5,000 pictures, whether none are near each other or all.
    """

    def __init__(self, waiting: Pictures) -> None:
        """Join `waiting` with itself and connect what is near."""
        self._waiting = waiting
        self._index = PrefixIndex(waiting.words)
        self._places = {case_id: row for row, case_id in enumerate(waiting.cases)}
        self._group = np.arange(len(waiting.cases))
        for rows in clusters(self._pairs(), len(waiting.cases)):
            self._group[rows] = rows[0]

    def around(self, asked: Pictures, *, most: int) -> list[Group]:
        """For each of `asked` its group among those that wait, `most` cases of it at most.

        Fewest steps first, then the smallest distance, then their order in `waiting`. One that
        does not wait itself has around it the groups of all that it is like.
        """
        return [self._around(asked, number, most) for number in range(len(asked.cases))]

    def _around(self, asked: Pictures, number: int, most: int) -> Group:
        words, radii = asked.words[number : number + 1], asked.radii[number : number + 1]
        left = np.ones(len(self._group), bool)
        if (own := self._places.get(asked.cases[number])) is not None:
            left[own] = False
        _, reached, _ = self._near(words, radii, left)
        left &= np.isin(self._group, self._group[reached])
        total = int(np.count_nonzero(left))
        nearest: list[Joined] = []
        for step in range(1, total + 1):
            rows = np.unique(reached)
            left[rows] = False
            nearest += self._level(words, rows, steps=step, most=most - len(nearest))
            if len(nearest) == min(most, total):
                break
            _, reached, _ = self._near(self._waiting.words[rows], self._waiting.radii[rows], left)
        return Group(nearest=tuple(nearest), total=total)

    def _level(self, words: Words, rows: Numbers, *, steps: int, most: int) -> list[Joined]:
        """The nearest of what was reached in one step, by distance from what was asked about."""
        bits = hamming(self._waiting.words[rows], words)
        return [
            Joined(
                case=self._waiting.cases[rows[place]], distance_bits=int(bits[place]), steps=steps
            )
            for place in np.argsort(bits, kind="stable")[:most]
        ]

    def _pairs(self) -> Iterator[Found]:
        """Near pairs of rows, enough to connect all that is connected.

        What is near a pivot is connected by it, so its pairs among itself are left out: only
        those with the rest are looked for. Without this a crowd of N would bring N² / 2 pairs.
        """
        left = np.ones(len(self._group), bool)
        for pivot in range(0, len(left), len(left) // _PIVOTS + 1):
            star = self._near_rows(np.array([pivot]), left)
            yield star
            left[star[1]] = False
            for rows in _blocks(star[1]):
                yield self._near_rows(rows, left)
        for rows in _blocks(np.flatnonzero(left)):
            yield self._near_rows(rows, left)
            left[rows] = False

    def _near_rows(self, rows: Numbers, among: NDArray[np.bool_]) -> Found:
        query, row, bits = self._near(self._waiting.words[rows], self._waiting.radii[rows], among)
        return rows[query], row, bits

    def _near(self, words: Words, radii: Numbers, among: NDArray[np.bool_]) -> Found:
        """Query, row and distance of what is alike, for the rows that are set in `among`."""
        if not len(words) or not among.any():
            nothing = np.empty(0, np.int64)
            return nothing, nothing, np.empty(0, np.uint16)
        alive = np.packbits(among, bitorder="little")
        query, row, bits = self._index.rows_within(words, int(radii.max()), alive=alive)
        alike = bits <= np.minimum(radii[query], self._waiting.radii[row])
        return query[alike], row[alike], bits[alike]


def _blocks(rows: Numbers) -> Iterator[Numbers]:
    for first in range(0, len(rows), _TOGETHER):
        yield rows[first : first + _TOGETHER]
