"""Time alignment: which stretch of one video is which stretch of another.

Frames that meet give pairs of seconds (upload, known). Where one video plays inside the other
the pairs lie on a line, known = offset + speed * upload. Steps:

1. for each speed from 0.90 to 1.10 every pair votes for its offset, in bins of the tolerance;
2. the line with the most frames of both sides wins; the nearer to real speed wins a tie;
3. each frame keeps at most one partner, and time runs forward in both;
4. the longest stretch without a gap longer than `MAX_GAP_SECONDS` counts;
5. a line is fitted through it (least squares), and steps 3 and 4 done again by that line: the
   answer, unless it has lost frames.

A scene that stands still meets many seconds at once; counting frames and not pairs, it has no
more votes than it has frames.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]

SPEEDS = tuple(round(1 + step / 100, 2) for step in sorted(range(-10, 11), key=abs))
"""Nearest to real speed first: the first of equals wins."""
TOLERANCE_SECONDS = 1.0
"""Frames are taken a second apart, so that partners may lie half a second from the line, twice."""
MAX_GAP_SECONDS = 6.0
_SLOWEST, _FASTEST = 0.88, 1.12  # what the fit may make of the grid's ends
_FIT_FROM = 4  # below so many pairs the grid's speed is better than a fitted one


@dataclass(frozen=True, kw_only=True, slots=True)
class Alignment:
    """A stretch of the upload that is a stretch of the known video.

    `frames` met there, of `frames_possible` that lie in it; `speed` is seconds of the known
    video that pass in one second of the upload.
    """

    query_start_s: float
    query_end_s: float
    bank_start_s: float
    bank_end_s: float
    speed: float
    frames: int
    frames_possible: int

    @property
    def seconds(self) -> float:
        """How long the stretch is in the upload."""
        return self.query_end_s - self.query_start_s

    @property
    def score(self) -> float:
        """Share of the frames in the stretch that met, 0 to 1."""
        return self.frames / max(1, self.frames_possible)


def aligned(query_s: Seconds, bank_s: Seconds, *, all_query_s: Seconds) -> Alignment | None:
    """The longest consistent stretch of these pairs, or None when there are none.

    `query_s` and `bank_s` are the seconds of each pair; `all_query_s` those of every frame of
    the upload that was compared, met or not.
    """
    if not len(query_s):
        return None
    speed, offset = _voted(query_s, bank_s)  # 1, 2
    query, bank = _run(query_s, bank_s, speed, offset)  # 3, 4
    slope, level = _fitted(query, bank, speed, offset)  # 5
    fitted_query, fitted_bank = _run(query_s, bank_s, slope, level)
    if len(fitted_query) >= len(query):
        speed, query, bank = slope, fitted_query, fitted_bank
    inside = (all_query_s >= query[0]) & (all_query_s <= query[-1])
    return Alignment(
        query_start_s=float(query[0]),
        query_end_s=float(query[-1]),
        bank_start_s=float(bank[0]),
        bank_end_s=float(bank[-1]),
        speed=round(float(speed), 3),
        frames=len(query),
        frames_possible=max(len(query), int(inside.sum())),
    )


def _voted(query_s: Seconds, bank_s: Seconds) -> tuple[float, float]:
    """Speed and offset with the most frames: bins overlap by half, so that none is cut in two."""
    best = (0, 1.0, 0.0)
    width = 2 * TOLERANCE_SECONDS
    for speed in SPEEDS:
        offsets = bank_s - speed * query_s
        for shift in (0.0, TOLERANCE_SECONDS):
            bins = np.floor((offsets - shift) / width).astype(np.int64)
            votes, fullest = _fullest(bins, query_s, bank_s)
            if votes > best[0]:
                middle = float(np.median(offsets[bins == fullest]))
                best = (votes, speed, middle)
    return best[1], best[2]


def _fullest(bins: NDArray[np.int64], query_s: Seconds, bank_s: Seconds) -> tuple[int, int]:
    """The bin with the most frames, counted on the side that has fewer."""
    by_query = _distinct(bins, query_s)
    by_bank = _distinct(bins, bank_s)
    counts = {name: min(count, by_bank[name]) for name, count in by_query.items()}
    fullest = max(counts, key=lambda name: (counts[name], -abs(name)))
    return counts[fullest], fullest


def _distinct(bins: NDArray[np.int64], seconds: Seconds) -> dict[int, int]:
    """How many different seconds each bin holds."""
    order = np.lexsort((seconds, bins))
    bins, seconds = bins[order], seconds[order]
    fresh = np.ones(len(bins), np.bool_)
    fresh[1:] = (bins[1:] != bins[:-1]) | (seconds[1:] != seconds[:-1])
    names, counts = np.unique(bins[fresh], return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def _run(query_s: Seconds, bank_s: Seconds, speed: float, offset: float) -> tuple[Seconds, Seconds]:
    """The longest stretch on this line, frame by frame with its partner."""
    query, bank = _partners(query_s, bank_s, speed, offset)
    first, last = _longest(query)
    return query[first:last], bank[first:last]


def _fitted(query: Seconds, bank: Seconds, speed: float, offset: float) -> tuple[float, float]:
    """Least squares through a stretch; the grid's line where that says nothing."""
    if len(query) < _FIT_FROM:
        return speed, offset
    spread = query - query.mean()
    slope = float(spread @ (bank - bank.mean())) / float(spread @ spread)
    if not _SLOWEST <= slope <= _FASTEST:
        return speed, offset
    return slope, float(bank.mean() - slope * query.mean())


def _partners(
    query_s: Seconds, bank_s: Seconds, speed: float, offset: float
) -> tuple[Seconds, Seconds]:
    """For each frame of the upload the nearest to the line, forward in time on both sides."""
    away = np.abs(bank_s - offset - speed * query_s)
    order = np.lexsort((away, query_s))
    query_s, bank_s, away = query_s[order], bank_s[order], away[order]
    first = np.ones(len(query_s), np.bool_)
    first[1:] = query_s[1:] != query_s[:-1]
    near = first & (away <= TOLERANCE_SECONDS)
    if not near.any():
        near = away == away.min()
    query, bank = query_s[near], bank_s[near]
    forward = bank >= np.maximum.accumulate(bank)
    return query[forward], bank[forward]


def _longest(query: Seconds) -> tuple[int, int]:
    """First and behind-last place of the run with the most frames between long gaps."""
    cuts = np.flatnonzero(np.diff(query) > MAX_GAP_SECONDS) + 1
    edges = np.concatenate(([0], cuts, [len(query)]))
    longest = int(np.argmax(np.diff(edges)))
    return int(edges[longest]), int(edges[longest + 1])
