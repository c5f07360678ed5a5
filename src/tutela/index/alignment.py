"""Time alignment: which stretch of one video is which stretch of another.

Frames that meet give pairs of seconds (upload, known). Where one video plays inside the other
the pairs lie on a line, known = offset + speed * upload. Steps:

1. for each speed from 0.78 to 1.28 every pair votes for its offset, in bins of the tolerance;
2. the line with the most frames of both sides wins; the nearer to real speed wins a tie;
3. each frame keeps at most one partner, and time runs forward in both;
4. the longest stretch without a gap longer than `MAX_GAP_SECONDS` counts;
5. all lines near to it are weighed by how many pairs lie on them, and how closely: the weighed
   mean is the line, its spread says how far the speed can be trusted. Partners are not asked: they
   were chosen by the line before, and would confirm it;
6. steps 3 and 4 are done by the new line, and step 5 again while the stretch grows.

A scene that stands still meets many seconds at once; counting frames and not pairs, it has no
more votes than it has frames.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]

SPEEDS = tuple(round(1 + step / 50, 2) for step in sorted(range(-11, 15), key=abs))
"""Nearest to real speed first: the first of equals wins."""
TOLERANCE_SECONDS = 1.0
"""Frames are taken a second apart, so that partners may lie half a second from the line, twice."""
MAX_GAP_SECONDS = 6.0
_SLOWEST, _FASTEST = 0.76, 1.30  # what step 5 may make of the grid's ends
_WEIGHED_FROM = 4  # below so many frames the grid's speed is as good as any
_UNKNOWN_SPEED = 0.25
"""How far off a speed may be of which nothing is known but that it is one of the grid."""
_NEAR_SECONDS = 4.0  # pairs so near to a line are weighed
_REACH_SECONDS = 2.0  # lines are weighed that part by so much in the middle, and twice at the ends
_STEP_SECONDS = 0.1
_SHARPNESS = 0.4
"""Frames by which one line must beat another to be e times as likely; set on drawn clips, so that
the true speed lies within three times the spread."""
_MOST_FRAMES = 200  # of a long stretch so many, evenly spread, say it as well
_MOST_ROUNDS = 8
_LEAST_DRIFT_SECONDS = 1.2
"""Frames a second apart meet best where both sides were taken at the same moments, which draws a
line towards real speed: by no more than so much over a whole stretch, on drawn scenes."""
_STILL_SECONDS, _STILL_DOUBT = 30.0, 0.75
"""Where scenes stand still for long, any speed at which cuts fall together explains the pairs: the
line may turn by most of a scene over the whole stretch. Shown by scenes of half a minute."""
_FULL_DISTANCE = 64.0  # a pair at so many bits would weigh nothing
_KEPT = 0.9  # a weighed line that loses more frames than this keeps is not the better one


@dataclass(frozen=True, kw_only=True, slots=True)
class Alignment:
    """A stretch of the upload that is a stretch of the known video.

    `frames` met there, of `frames_possible` that lie in it; `speed` is seconds of the known
    video that pass in one second of the upload, right within about `speed_error`.
    """

    query_start_s: float
    query_end_s: float
    bank_start_s: float
    bank_end_s: float
    speed: float
    speed_error: float
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


def aligned(
    query_s: Seconds,
    bank_s: Seconds,
    *,
    all_query_s: Seconds,
    distance_bits: NDArray[np.int64] | None = None,
) -> Alignment | None:
    """The longest consistent stretch of these pairs, or None when there are none.

    `query_s` and `bank_s` are the seconds of each pair, `distance_bits` how far its hashes are
    apart; `all_query_s` are those of every frame of the upload that was compared, met or not.
    """
    if not len(query_s):
        return None
    speed, offset = _voted(query_s, bank_s)  # 1, 2
    query, bank = _run(query_s, bank_s, speed, offset)  # 3, 4
    weights = np.ones(len(query_s))
    if distance_bits is not None:
        weights -= distance_bits / _FULL_DISTANCE
    error = _UNKNOWN_SPEED
    for _ in range(_MOST_ROUNDS):
        line = _weighed(query_s, bank_s, weights, query, (speed, offset))  # 5
        if line is None:
            break
        longer_query, longer_bank = _run(query_s, bank_s, line.speed, line.offset)  # 6
        if len(longer_query) < _KEPT * len(query):
            break
        grown = len(longer_query) > len(query)
        speed, offset, error = line.speed, line.offset, line.error
        query, bank = longer_query, longer_bank
        if not grown:
            break
    inside = (all_query_s >= query[0]) & (all_query_s <= query[-1])
    return Alignment(
        query_start_s=float(query[0]),
        query_end_s=float(query[-1]),
        bank_start_s=float(bank[0]),
        bank_end_s=float(bank[-1]),
        speed=round(float(speed), 3),
        speed_error=round(float(error), 4),
        frames=len(query),
        frames_possible=max(len(query), int(inside.sum())),
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """Known = offset + speed * upload; the speed is right within about `error`."""

    speed: float
    offset: float
    error: float


def _weighed(
    query_s: Seconds,
    bank_s: Seconds,
    weights: NDArray[np.float64],
    run: Seconds,
    line: tuple[float, float],
) -> _Line | None:
    """Step 5 for the pairs around a stretch of the line; None where there are too few."""
    speed, offset = line
    near = np.abs(bank_s - offset - speed * query_s) <= _NEAR_SECONDS
    length = max(1.0, float(run[-1] - run[0]))
    around = length + _NEAR_SECONDS  # beyond a long gap too: what meets there tells the speed
    near &= (query_s >= run[0] - around) & (query_s <= run[-1] + around)
    times = np.unique(query_s[near])
    if len(times) < _WEIGHED_FROM:
        return None
    if len(times) > _MOST_FRAMES:
        times = times[np.linspace(0, len(times) - 1, _MOST_FRAMES).astype(np.int64)]
        near &= np.isin(query_s, times)
    query, bank, weight = query_s[near], bank_s[near], weights[near]
    length = max(length, float(times[-1] - times[0]))
    middle = float(query.mean())
    turn, step = 2 * _REACH_SECONDS / length, _STEP_SECONDS / length
    speeds = speed + np.arange(-turn, turn + step, step)
    speeds = speeds[(speeds >= _SLOWEST) & (speeds <= _FASTEST)]
    levels = np.arange(-_REACH_SECONDS, _REACH_SECONDS + _STEP_SECONDS, _STEP_SECONDS)
    levels += offset + speed * middle
    scores = np.empty((len(speeds), len(levels)))
    for place, one in enumerate(speeds):
        away = np.abs(bank - one * (query - middle) - levels[:, None])
        scores[place] = np.maximum(0.0, 1.0 - away) @ weight
    likely = np.exp((scores - scores.max()) / _SHARPNESS)
    likely /= likely.sum()
    mean = float(likely.sum(axis=1) @ speeds)
    spread = float(np.sqrt(likely.sum(axis=1) @ (speeds - mean) ** 2))
    level = float(likely.sum(axis=0) @ levels)
    doubt = max(
        _LEAST_DRIFT_SECONDS, _STILL_DOUBT * _still(query_s, bank_s, times, (speed, offset))
    )
    error = min(_UNKNOWN_SPEED, max(3 * spread, doubt / length))
    return _Line(mean, level - mean * middle, error)


def _still(query_s: Seconds, bank_s: Seconds, times: Seconds, line: tuple[float, float]) -> float:
    """Seconds of the known video that a frame of the upload meets around the line, on average."""
    speed, offset = line
    around = np.abs(bank_s - offset - speed * query_s) <= _STILL_SECONDS
    around &= np.isin(query_s, times)
    return float(np.unique(query_s[around], return_counts=True)[1].mean())


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
