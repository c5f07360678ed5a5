"""Matching videos: frames of the upload against frames of the lists' videos.

The rule of vPDQ, in both directions (interfaces.md 4.2; decision 0026): frames of low quality
are dropped, two frames meet within the list's threshold (31 bits: at most, not below), and a
video matches when enough of its own frames are found in the known one, or enough of the known
one's frames in it. A third way is ours: so many seconds that run along with the known video,
for a piece of a known video inside something longer.

Every frame of every active video stands in one `Searcher` a list. Each video that may match is
read from the database again, so that what was withdrawn a moment ago cannot match.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from statistics import median_low

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, func, select

from tutela.hashing.model import DIHEDRAL, FrameHash, Hashed, Pdq, VideoHash
from tutela.hashing.video import pruned, rows_of
from tutela.index.alignment import Alignment, aligned
from tutela.index.bits import pack
from tutela.index.searcher import Searcher
from tutela.indicators import store
from tutela.indicators.categories import why_not_matched
from tutela.indicators.model import (
    EntryStatus,
    HashList,
    Match,
    SignalKind,
    VideoExtent,
    VideoStretch,
)
from tutela.indicators.reasons import nearness, reasons_of
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput
from tutela.primitives.ids import ListId
from tutela.taxonomy.model import Category

LEAST_PICTURES = 3
"""So many different pictures must lie in a stretch, or it says no more than one frame does."""
LEAST_SCORE = 0.5
"""Share of the frames of a stretch that must have met."""

_FRAME_BITS = 20  # a video has at most a million frames
_PLACE = (1 << _FRAME_BITS) - 1
_FRAMES_AT_ONCE = 256
_PARTNERS = 32
"""Of the frames of one video that one frame meets, so many of the nearest count in alignment."""
_VIDEOS_AT_ONCE = 500
_ENTRIES = store.ENTRIES.c


@dataclass(kw_only=True, slots=True)
class _Held:
    """One list's frames, how many each video has there, and the last change seen."""

    searcher: Searcher = field(default_factory=Searcher)
    frames: dict[int, int] = field(default_factory=dict)
    change: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Met:
    """Frames of an upload and of one known video that met, pair by pair."""

    query: NDArray[np.int64]
    place: NDArray[np.int64]
    distance: NDArray[np.int64]
    bank_frames: int  # how many different frames of the known video met, also beyond the pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """A known video as the database has it now."""

    entry: int
    external_id: str
    category: Category | None
    frames: tuple[FrameHash, ...]


class Videos:
    """Matches videos against all lists; safe for many threads."""

    def __init__(self, database: Database) -> None:
        """Start empty; each match first takes in what has changed."""
        self._database = database
        self._refreshing = threading.Lock()
        self._held: dict[ListId, _Held] = {}

    def refresh(self) -> int:
        """Take in videos that came, changed or went; returns how many."""
        with self._refreshing, self._database.begin() as tx:
            return sum(self._take_in(tx, one.id) for one in store.all_lists(tx))

    def matches(
        self, items: Sequence[Hashed], lists: Mapping[ListId, HashList]
    ) -> Iterator[tuple[int, Match]]:
        """The matches of those items that are videos, each with the number of its item."""
        videos = [(number, item) for number, item in enumerate(items) if item.video]
        if not videos:
            return
        self.refresh()
        for number, item in videos:
            for hash_list in lists.values():
                for match in self._of_item(item, hash_list):
                    yield number, match

    def _of_item(self, item: Hashed, hash_list: HashList) -> Iterator[Match]:
        """At most one match for each known video: by the track that meets most of it."""
        nearest: dict[int, Match] = {}
        for video in (item.video, *item.further_videos):
            for match in self._in_list(video, hash_list) if video else ():
                before = nearest.get(match.entry_id)
                if before is None or nearness(match) < nearness(before):
                    nearest[match.entry_id] = match
        yield from nearest.values()

    def _take_in(self, tx: Connection, list_id: ListId) -> int:
        held = self._held.setdefault(list_id, _Held())
        changed = tx.execute(
            select(_ENTRIES.id, _ENTRIES.status, _ENTRIES.change, store.VIDEOS.c.frames)
            .outerjoin(store.VIDEOS, store.VIDEOS.c.value == _ENTRIES.value)
            .where(
                _ENTRIES.list_id == list_id,
                _ENTRIES.kind == SignalKind.VPDQ,
                _ENTRIES.change > held.change,
            )
            .order_by(_ENTRIES.change),
            execution_options={"yield_per": _VIDEOS_AT_ONCE},
        )
        count = 0
        for entry, status, change, packed in changed:
            frames = _frames(packed) if status == EntryStatus.ACTIVE else ()
            before = held.frames.pop(entry, 0)
            if before > len(frames):
                held.searcher.remove(_numbers(entry, before)[len(frames) :].tolist())
            if frames:
                held.searcher.add_rows(_numbers(entry, len(frames)), pack(rows_of(frames)))
                held.frames[entry] = len(frames)
            held.change = change
            count += 1
        return count

    def _in_list(self, video: VideoHash, hash_list: HashList) -> Iterator[Match]:
        """At most one match for each known video: by the turn with the most frames."""
        held = self._held.get(hash_list.id)
        frames = video.comparable(hash_list.min_quality)
        if held is None or not held.frames or not frames:
            return
        best: dict[int, tuple[int, str, _Met]] = {}
        for transform, pdqs in _turns(frames, hash_list):
            for entry, met in _met(held.searcher, pdqs, hash_list.threshold_bits).items():
                found = len(np.unique(met.query))
                if entry not in best or found > best[entry][0]:
                    best[entry] = (found, transform, met)
        chosen = {
            entry: (transform, met)
            for entry, (found, transform, met) in best.items()
            if _may_match(found, met, held.frames.get(entry, 0), frames, hash_list)
        }
        with self._database.begin() as tx:
            known = list(_known(tx, hash_list, chosen))
        for one in known:
            transform, met = chosen[one.entry]
            match = _match(one, met, frames, hash_list, transform=transform, form=video.name)
            if match is not None:
                yield match


def _numbers(entry: int, count: int) -> NDArray[np.int64]:
    """The numbers under which the frames of a video stand in the index."""
    return (np.int64(entry) << _FRAME_BITS) + np.arange(count, dtype=np.int64)


def _frames(packed: bytes | None) -> tuple[FrameHash, ...]:
    """The comparable frames of a stored video; none of one that is malformed."""
    if packed is None:
        return ()
    try:
        return VideoHash.unpacked(packed).comparable()
    except BadInput:
        return ()


def _turns(frames: Sequence[FrameHash], hash_list: HashList) -> Iterator[tuple[str, list[Pdq]]]:
    """The frames as they are and, where the list asks for it, turned and mirrored."""
    yield DIHEDRAL[0], [frame.pdq for frame in frames]
    if hash_list.dihedral and all(len(frame.turned) == len(DIHEDRAL) for frame in frames):
        for place in range(1, len(DIHEDRAL)):
            yield DIHEDRAL[place], [frame.turned[place] for frame in frames]


def _met(searcher: Searcher, pdqs: Sequence[Pdq], radius_bits: int) -> dict[int, _Met]:
    """All pairs that meet, by known video; in portions, so that memory stays bounded."""
    parts: dict[int, list[NDArray[np.int64]]] = {}
    places: dict[int, set[int]] = {}
    for first in range(0, len(pdqs), _FRAMES_AT_ONCE):
        portion = pdqs[first : first + _FRAMES_AT_ONCE]
        flat = np.frombuffer(b"".join(pdq.bits for pdq in portion), np.uint8)
        found = searcher.found_many(pack(flat.reshape(len(portion), -1)), radius_bits)
        query, number, distance = (np.asarray(part).astype(np.int64) for part in found)
        entry, place = number >> _FRAME_BITS, number & _PLACE
        for one in np.unique(entry).tolist():
            mine = entry == one
            places.setdefault(one, set()).update(np.unique(place[mine]).tolist())
            rows = np.column_stack((query[mine] + first, place[mine], distance[mine]))
            parts.setdefault(one, []).append(_nearest(rows))
    joined = {one: np.concatenate(rows) for one, rows in parts.items()}
    return {
        one: _Met(
            query=rows[:, 0],
            place=rows[:, 1],
            distance=rows[:, 2],
            bank_frames=len(places[one]),
        )
        for one, rows in joined.items()
    }


def _nearest(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each frame of the upload at most `_PARTNERS` partners, the nearest."""
    rows = rows[np.lexsort((rows[:, 2], rows[:, 0]))]
    starts = np.flatnonzero(np.r_[True, rows[1:, 0] != rows[:-1, 0]])
    lengths = np.diff(np.r_[starts, len(rows)])
    rank = np.arange(len(rows)) - np.repeat(starts, lengths)
    return rows[rank < _PARTNERS]


def _may_match(
    found: int, met: _Met, bank_frames: int, frames: Sequence[FrameHash], hash_list: HashList
) -> bool:
    """Whether any of the three ways is still open; alignment is worth its while only then."""
    return (
        100 * found >= hash_list.video_query_percent * len(frames)
        or 100 * met.bank_frames >= hash_list.video_bank_percent * max(1, bank_frames)
        or (hash_list.video_seconds > 0 and found >= LEAST_PICTURES)
    )


def _known(tx: Connection, hash_list: HashList, entries: Mapping[int, object]) -> Iterator[_Known]:
    """Those of these videos that the list holds now."""
    numbers = sorted(entries)
    statement = (
        select(store.ENTRIES, store.VIDEOS.c.frames)
        .join(store.VIDEOS, store.VIDEOS.c.value == _ENTRIES.value)
        .where(
            _ENTRIES.id == func.any(bindparam("ids")),
            _ENTRIES.list_id == hash_list.id,
            _ENTRIES.kind == SignalKind.VPDQ,
            _ENTRIES.status == EntryStatus.ACTIVE,
        )
    )
    for first in range(0, len(numbers), _VIDEOS_AT_ONCE):
        for row in tx.execute(statement, {"ids": numbers[first : first + _VIDEOS_AT_ONCE]}):
            category = store.category_of(row.scheme, row.scheme_version, row.category_code)
            frames = _frames(row.frames)
            if frames and not why_not_matched(category, hash_list):
                yield _Known(
                    entry=row.id,
                    external_id=row.external_id,
                    category=category if isinstance(category, Category) else None,
                    frames=frames,
                )


def _match(
    known: _Known,
    met: _Met,
    frames: Sequence[FrameHash],
    hash_list: HashList,
    *,
    transform: str,
    form: str = "",
) -> Match | None:
    """The match with its reasons, when one of the three ways is met."""
    inside = met.place < len(known.frames)
    query, place, distance = met.query[inside], met.place[inside], met.distance[inside]
    if not len(query):
        return None
    query_found = len(np.unique(query))
    seconds = np.array([frame.timestamp_s for frame in frames])
    bank_seconds = np.array([frame.timestamp_s for frame in known.frames])
    stretch = aligned(
        seconds[query], bank_seconds[place], all_query_s=seconds, distance_bits=distance
    )
    shares = 100 * query_found >= hash_list.video_query_percent * len(
        frames
    ) or 100 * met.bank_frames >= hash_list.video_bank_percent * len(known.frames)
    if not shares and not _runs_along(stretch, frames, hash_list):
        return None
    match = Match(
        list_id=hash_list.id,
        list_name=hash_list.name,
        entry_id=known.entry,
        external_id=known.external_id,
        kind=SignalKind.VPDQ,
        distance_bits=None,
        threshold_bits=hash_list.threshold_bits,
        transform=transform,
        form=form,
        category=known.category,
        second_person=hash_list.second_person,
        reasons=(),
        video=VideoExtent(
            query_frames=len(frames),
            query_matched=query_found,
            bank_frames=len(known.frames),
            bank_matched=min(met.bank_frames, len(known.frames)),
            frame_distance_bits=int(median_low(distance.tolist())),
            stretch=_as_fact(stretch),
        ),
    )
    return replace(match, reasons=reasons_of(match, hash_list))


def _as_fact(stretch: Alignment | None) -> VideoStretch | None:
    """The alignment as the match keeps it."""
    if stretch is None:
        return None
    return VideoStretch(**{one.name: getattr(stretch, one.name) for one in fields(VideoStretch)})


def _runs_along(
    stretch: Alignment | None, frames: Sequence[FrameHash], hash_list: HashList
) -> bool:
    """The third way: long enough, mostly met, and more than a picture that stands still."""
    if stretch is None or not hash_list.video_seconds:
        return False
    if stretch.seconds < hash_list.video_seconds or stretch.score < LEAST_SCORE:
        return False
    inside = (
        frame
        for frame in frames
        if stretch.query_start_s <= frame.timestamp_s <= stretch.query_end_s
    )
    pictures = sum(1 for _ in pruned(inside, within_bits=hash_list.threshold_bits))
    return pictures >= LEAST_PICTURES
