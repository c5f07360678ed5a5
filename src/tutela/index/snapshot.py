"""Snapshot: everything that one search sees. It never changes; a writer makes the next one.

New rows stand in the delta, older ones in frozen segments, largest first. An entry lives in at
most one place, so what the parts find together is exact and holds nothing twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tutela.index.bits import WORDS, Distances, Found, Numbers, Words
from tutela.index.linear import together
from tutela.index.prefix import PrefixIndex
from tutela.index.segment import Segment

GROWTH = 4
"""A segment is merged with all smaller ones unless it is this many times as large as they."""


NO_TURN = -1
"""Before every turn: nothing of the delta."""


def _no_words() -> Words:
    return np.empty((0, WORDS), np.uint64)


def _no_numbers() -> Numbers:
    return np.empty(0, np.int64)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Delta:
    """Rows not yet frozen; `turn` is the number of the change that each came with."""

    entries: Numbers = field(default_factory=_no_numbers)
    words: Words = field(default_factory=_no_words)
    turn: Numbers = field(default_factory=_no_numbers)
    index: PrefixIndex = field(default_factory=lambda: PrefixIndex(_no_words()))

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def nbytes(self) -> int:
        """Room of everything."""
        return self.entries.nbytes + self.words.nbytes + self.turn.nbytes + self.index.nbytes

    def found(self, queries: Words, radius_bits: int) -> Found:
        """Query, entry and distance of every row within the radius."""
        query, row, distance = self.index.rows_within(queries, radius_bits)
        return query, self.entries[row], distance

    def without(self, entries: Numbers) -> "Delta":
        """The rows of other entries."""
        gone = np.isin(self.entries, entries)
        return self._only(~gone) if gone.any() else self

    def with_rows(self, entries: Numbers, words: Words, turn: int) -> "Delta":
        """With these rows, in the place of any that their entries had before."""
        keep = ~np.isin(self.entries, entries)
        words = np.concatenate((self.words[keep], words))
        return Delta(
            entries=np.concatenate((self.entries[keep], entries)),
            words=words,
            turn=np.concatenate((self.turn[keep], np.full(len(entries), turn, np.int64))),
            index=PrefixIndex(words),
        )

    def later_than(self, turn: int) -> "Delta":
        """The rows that came after that turn."""
        return self if turn == NO_TURN else self._only(self.turn > turn)

    def upto(self, turn: int) -> Numbers:
        """The entries whose rows came with that turn or before."""
        return self.entries[self.turn <= turn]

    def _only(self, keep: NDArray[np.bool_]) -> "Delta":
        words = self.words[keep]
        return Delta(
            entries=self.entries[keep], words=words, turn=self.turn[keep], index=PrefixIndex(words)
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Snapshot:
    """Frozen segments, largest first, and the delta."""

    segments: tuple[Segment, ...] = ()
    delta: Delta = field(default_factory=Delta)

    def __len__(self) -> int:
        return len(self.delta) + sum(segment.living for segment in self.segments)

    @property
    def nbytes(self) -> int:
        """Room of everything."""
        return self.delta.nbytes + sum(segment.nbytes for segment in self.segments)

    def found(self, queries: Words, radius_bits: int) -> Found:
        """Query, entry and distance of every row within the radius, part after part."""
        parts = [segment.found(queries, radius_bits) for segment in self.segments]
        if len(self.delta):
            parts.append(self.delta.found(queries, radius_bits))
        full = [part for part in parts if part[0].size]
        return full[0] if len(full) == 1 else together(full)

    def without(self, entries: Numbers) -> "Snapshot":
        """The snapshot after these entries are taken out; wholly dead segments are dropped."""
        return Snapshot(segments=self._others(entries), delta=self.delta.without(entries))

    def with_rows(self, entries: Numbers, words: Words, turn: int) -> "Snapshot":
        """With these rows in the delta, in the place of any that their entries had before."""
        delta = self.delta.with_rows(entries, words, turn)
        return Snapshot(segments=self._others(entries), delta=delta)

    def with_segment(self, segment: Segment) -> "Snapshot":
        """With one more segment, in the place of any rows that its entries had before."""
        entries = segment.numbering.entries()
        return Snapshot(
            segments=_largest_first([*self._others(entries), segment]),
            delta=self.delta.without(entries),
        )

    def entries(self) -> Numbers:
        """All living entries, ascending."""
        parts = [segment.living_rows()[0] for segment in self.segments]
        return np.sort(np.concatenate((self.delta.entries, *parts)))

    def rows(self) -> tuple[Numbers, Words]:
        """All living rows, ascending by entry."""
        return in_order([segment.living_rows() for segment in self.segments], self.delta)

    def pairs_within(self, radius_bits: int) -> Iterator[Found]:
        """Every pair of living entries within the radius once: lower, higher, distance."""
        for segment in self.segments:
            for left, right, distance in segment.ring.pairs_within(radius_bits):
                both = segment.lives(left) & segment.lives(right)
                yield (
                    segment.numbering.entries_at(left[both]),
                    segment.numbering.entries_at(right[both]),
                    distance[both],
                )
        for larger, smaller in combinations(self.segments, 2):
            yield from map(_lower_first, _between(larger, *smaller.living_rows(), radius_bits))
        for segment in self.segments:
            delta = self.delta
            yield from map(_lower_first, _between(segment, delta.entries, delta.words, radius_bits))
        left, right, distance = self.delta.index.rows_within(self.delta.words, radius_bits)
        once = left < right
        entries = self.delta.entries
        yield _lower_first((entries[left[once]], entries[right[once]], distance[once]))

    def join(self, other: "Snapshot", radius_bits: int) -> Iterator[Found]:
        """Every pair within the radius: entry of this one, entry of the other, distance."""
        for segment in self.segments:
            for theirs in other.segments:
                if len(segment) >= len(theirs):
                    yield from _between(segment, *theirs.living_rows(), radius_bits)
                else:
                    for pairs in _between(theirs, *segment.living_rows(), radius_bits):
                        yield _turned(pairs)
            yield from _between(segment, other.delta.entries, other.delta.words, radius_bits)
        mine = self.delta
        for theirs in other.segments:
            for pairs in _between(theirs, mine.entries, mine.words, radius_bits):
                yield _turned(pairs)
        query, entry, distance = mine.found(other.delta.words, radius_bits)
        yield entry, other.delta.entries[query], distance

    def swapped(self, before: "Snapshot", turn: int, taken: set[int], built: Segment) -> "Snapshot":
        """With `built` in the place of what it was built from, in `before`.

        `taken` are the births of its segments, and all of the delta up to `turn`. Entries that
        were taken out or replaced since then are dead in the new segment too.
        """
        now = {segment.birth: segment for segment in self.segments if segment.birth in taken}
        lost = [np.setdiff1d(before.delta.upto(turn), self.delta.upto(turn))]
        for segment in before.segments:
            if segment.birth in now:
                lost.append(now[segment.birth].lost_since(segment))
            elif segment.birth in taken:
                lost.append(segment.living_rows()[0])
        rest = [segment for segment in self.segments if segment.birth not in taken]
        built = built.without(np.concatenate(lost))
        return Snapshot(
            segments=_largest_first([*rest, built] if built.living else rest),
            delta=self.delta.later_than(turn),
        )

    def on_files(self, mapped: dict[int, Segment]) -> "Snapshot":
        """The same rows, read from these files (by birth) instead of from memory."""
        return Snapshot(
            segments=tuple(
                segment.on_file_of(mapped[segment.birth]) if segment.birth in mapped else segment
                for segment in self.segments
            ),
            delta=self.delta,
        )

    def due(self, *, delta_limit: int, files: bool) -> tuple[bool, tuple[Segment, ...]]:
        """What should be frozen together now: the delta or not, and which segments.

        An over-full delta; segments not much larger than all that is smaller; segments of
        mostly dead rows. Segments in files only with `files`.
        """
        open_to = [one for one in self.segments if files or one.file is None]
        freeze = len(self.delta) > delta_limit
        smaller = len(self.delta) if freeze else 0
        first = len(open_to)
        for place in reversed(range(len(open_to))):
            if smaller and open_to[place].living < GROWTH * smaller:
                first = place
            smaller += open_to[place].living
        group = open_to[first:]
        wasted = [one for one in open_to[:first] if one.living * 2 < len(one)]
        return freeze, (*wasted, *group)

    def _others(self, entries: Numbers) -> tuple[Segment, ...]:
        segments = (segment.without(entries) for segment in self.segments)
        return tuple(segment for segment in segments if segment.living)


def in_order(parts: list[tuple[Numbers, Words]], delta: Delta) -> tuple[Numbers, Words]:
    """Rows of several parts as one, ascending by entry."""
    parts = [part for part in (*parts, (delta.entries, delta.words)) if len(part[0])]
    if not parts:
        return _no_numbers(), _no_words()
    entries = np.concatenate([part[0] for part in parts])
    order = np.argsort(entries, kind="stable")
    words = np.concatenate([part[1] for part in parts]) if len(parts) > 1 else parts[0][1]
    if bool((order[1:] > order[:-1]).all()):
        return entries, np.ascontiguousarray(words)
    return entries[order], words[order]


def _largest_first(segments: list[Segment]) -> tuple[Segment, ...]:
    return tuple(sorted(segments, key=lambda segment: -segment.living))


def _between(
    segment: Segment, entries: Numbers, words: Words, radius_bits: int
) -> Iterator[tuple[Numbers, Numbers, Distances]]:
    """Pairs of a living row of the segment and one of these rows, as entries."""
    if not len(entries):
        return
    for query, row, distance in segment.ring.join(words, radius_bits):
        lives = segment.lives(row)
        yield segment.numbering.entries_at(row[lives]), entries[query[lives]], distance[lives]


def _turned(pairs: Found) -> Found:
    return pairs[1], pairs[0], pairs[2]


def _lower_first(pairs: Found) -> Found:
    return np.minimum(pairs[0], pairs[1]), np.maximum(pairs[0], pairs[1]), pairs[2]
