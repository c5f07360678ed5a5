"""Searcher: the index the product uses. It takes and gives up entries while others search.

New entries go to a small brute-force part (the delta); when that is full it is frozen into a
ring segment, and segments merge geometrically, so N entries stand in about log N segments.
An entry taken out of a segment gets a tombstone. Readers search one immutable snapshot and
never wait; writers take turns for the short moment in which one snapshot follows another, and
freeze and merge outside of it.

A searcher can be saved into a folder and opened from there by many processes, which share
its memory. One process at a time may save; that is the caller's to see to.
"""

import threading
from array import array
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from tutela.index import frozen, manifest
from tutela.index.bits import (
    HASH_BYTES,
    WORDS,
    Found,
    Hashes,
    Numbers,
    Words,
    check_radius,
    hits_of,
    pack,
    pack_one,
)
from tutela.index.clusters import clusters
from tutela.index.linear import check_ids
from tutela.index.manifest import Manifest, Named, SavedSegment
from tutela.index.model import RADIUS_BITS, BadSegment, Hit, SetAside
from tutela.index.segment import File, Segment
from tutela.index.snapshot import NO_TURN, Delta, Snapshot, in_order
from tutela.primitives.errors import BadInput, Unavailable

DELTA_LIMIT = 16_384
"""Below about this many rows, looking at each is quicker than probing 16 tables."""

_MIN_ID, _MAX_ID = -(1 << 63), (1 << 63) - 1
_OPENINGS = 5


class Searcher:
    """Exact search over a changing set of entries; safe for many readers and writers.

    Entries are whole numbers of the caller (64 bits) with one 32-byte hash each.
    """

    def __init__(self, *, delta_limit: int = DELTA_LIMIT) -> None:
        """Start empty; `delta_limit` rows are searched by looking at each."""
        self._delta_limit = delta_limit
        self._writing = threading.Lock()
        self._merging = threading.Lock()
        self._snapshot = Snapshot()
        self._turn = 0
        self._set_aside: dict[int | None, SetAside] = {}
        self._change = 0

    @classmethod
    def open(
        cls, folder: Path, *, delta_limit: int = DELTA_LIMIT, like: "Searcher | None" = None
    ) -> "Searcher":
        """The state last saved in `folder`, its segments mapped and shared with other processes.

        Every byte is checked, except of files that `like` (an older searcher of the same
        folder) has open already. Raises `BadSegment` where nothing whole has been saved.
        """
        known = {one.file: one for one in like._snapshot.segments} if like else {}  # noqa: SLF001 - one class
        for _ in range(_OPENINGS):
            saved = manifest.read(folder)
            if saved is None:
                raise BadSegment("No index has been saved here", why="the folder has no manifest")
            try:
                snapshot = _opened(folder, saved, known)
            except BadSegment:
                # Published anew meanwhile: the older state's files are gone, not broken.
                if manifest.read(folder) == saved:
                    raise
                continue
            searcher = cls(delta_limit=delta_limit)
            searcher._snapshot = snapshot
            searcher._change = saved.change
            return searcher
        raise BadSegment("The index could not be opened", why="it is saved again and again")

    def save(self, folder: Path, *, change: int) -> Manifest:
        """Make what is here now the folder's state, under the caller's number `change`.

        Small segments are merged first. When this returns, the state is on disk; when it
        raises `Unavailable`, or the machine stops at any moment, the folder holds the state
        before. Others search, add and remove meanwhile; what comes later may or may not be in.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise frozen.unwritable(error) from error
        with self._merging:
            while self._merge(files=True):
                pass
            generation = manifest.next_generation(folder)
            try:
                snapshot = self._written(folder, generation)
                saved = _saved(folder, snapshot, generation, change)
                manifest.publish(folder, saved)
            except Unavailable:
                self._clear_after_failure(folder)
                raise
            manifest.clear_away(folder, keep=manifest.files_of(saved))
            self._change = change
            return saved

    def __len__(self) -> int:
        return len(self._snapshot)

    @property
    def change(self) -> int:
        """The caller's number of the state last opened or saved; 0 before."""
        return self._change

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """Rows that were refused and have not come again in good order, the latest for each id."""
        return tuple(self._set_aside.values())

    @property
    def nbytes(self) -> int:
        """Memory held by the arrays, mapped files included."""
        return self._snapshot.nbytes

    @property
    def bytes_per_hash(self) -> float:
        """Memory held by the arrays, divided by the number of living entries."""
        return self.nbytes / max(1, len(self))

    def search(self, query: bytes, radius_bits: int = RADIUS_BITS) -> list[Hit]:
        """Every entry within `radius_bits` of the 32-byte `query`, by (distance, entry)."""
        _, entry, distance = self.found_many(pack_one(query), radius_bits)
        near = sorted(zip(distance.tolist(), entry.tolist(), strict=True))
        return [Hit(entry=number, distance_bits=bits) for bits, number in near]

    def search_many(self, queries: Hashes, radius_bits: int = RADIUS_BITS) -> list[list[Hit]]:
        """The same for each row of `queries` uint8[Q, 32], all against one snapshot."""
        return hits_of(len(queries), [self.found_many(pack(queries), radius_bits)])

    def found_many(self, queries: Words, radius_bits: int = RADIUS_BITS) -> Found:
        """The same as arrays: query number, entry and distance, in no promised order."""
        check_radius(radius_bits)
        _check(queries)
        return self._snapshot.found(queries, radius_bits)

    def pairs_within(self, radius_bits: int = RADIUS_BITS) -> Iterator[Found]:
        """Every pair of entries within the radius once, as arrays: lower, higher, distance."""
        check_radius(radius_bits)
        return self._snapshot.pairs_within(radius_bits)

    def join(self, other: "Searcher", radius_bits: int = RADIUS_BITS) -> Iterator[Found]:
        """Every pair within the radius: entry here, entry of the other, distance, as arrays."""
        check_radius(radius_bits)
        return self._snapshot.join(other._snapshot, radius_bits)  # noqa: SLF001 - one class

    def clusters(self, radius_bits: int = RADIUS_BITS) -> list[Numbers]:
        """Groups of two or more entries that chains of pairs connect, by their first entry."""
        check_radius(radius_bits)
        snapshot = self._snapshot
        entries = snapshot.entries()
        places = (
            (np.searchsorted(entries, left), np.searchsorted(entries, right), distance)
            for left, right, distance in snapshot.pairs_within(radius_bits)
        )
        return [entries[group] for group in clusters(places, len(entries))]

    def rows(self) -> tuple[Numbers, Words]:
        """All entries, ascending, and their hashes."""
        return self._snapshot.rows()

    def add(self, entries: Iterable[tuple[int, bytes]]) -> list[SetAside]:
        """Take entries in; an id that is already here is replaced, the last of a batch counts.

        A row that is no (whole number, 32 bytes) is set aside and returned; the others go in,
        and what stood under its id before stays. All of a batch becomes visible at once, and
        nothing of it when the iterable itself fails half-way.
        """
        ids, rows, refused = _sort_out(entries)
        words = pack(np.frombuffer(rows, np.uint8).reshape(-1, HASH_BYTES))
        self._put(np.frombuffer(ids, np.int64), words, refused)
        return refused

    def add_rows(self, ids: Numbers, words: Words) -> None:
        """Take in `ids` int64[N] with their hashes `words` uint64[N, 4], as `add` does."""
        _check(words)
        # A copy, because the caller may write into its array when this has returned.
        self._put(check_ids(ids, len(words)), words.copy(), [])

    def remove(self, ids: Iterable[int]) -> int:
        """Take entries out; unknown ids are ignored. Returns how many were here."""
        wanted = {number for number in ids if _MIN_ID <= number <= _MAX_ID}
        gone = np.array(sorted(wanted), np.int64)
        with self._writing:
            self._note(settled=gone, refused=[])
            before = len(self._snapshot)
            self._snapshot = self._snapshot.without(gone)
            removed = before - len(self._snapshot)
        self._tend()
        return removed

    def _note(self, *, settled: Numbers, refused: list[SetAside]) -> None:
        if self._set_aside:
            gone = set(settled.tolist())
            self._set_aside = {key: row for key, row in self._set_aside.items() if key not in gone}
        if refused:
            self._set_aside = self._set_aside | {row.entry: row for row in refused}

    def _put(self, ids: Numbers, words: Words, refused: list[SetAside]) -> None:
        """Make rows visible all at once: a few in the delta, many as a segment of their own."""
        ids, words = _last_of_each(ids, words)
        built = Segment.build(ids, words) if len(ids) > self._delta_limit else None
        with self._writing:
            self._note(settled=ids, refused=refused)
            if not len(ids):
                return
            self._turn += 1
            if built is not None:
                self._snapshot = self._snapshot.with_segment(built)
            else:
                self._snapshot = self._snapshot.with_rows(ids, words, self._turn)
        self._tend()

    def _tend(self) -> None:
        """Freeze and merge what is due, unless another writer is at it (who then does all)."""
        due = True
        while due and self._merging.acquire(blocking=False):
            try:
                while self._merge(files=False):
                    pass
            finally:
                self._merging.release()
            # A writer that came between the last look and the release left its work to us.
            freeze, group = self._snapshot.due(delta_limit=self._delta_limit, files=False)
            due = freeze or bool(group)

    def _merge(self, *, files: bool) -> bool:
        """One freezing or merging step; False when nothing is due. Call with `_merging` held."""
        with self._writing:
            before, turn = self._snapshot, self._turn
        freeze, group = before.due(delta_limit=self._delta_limit, files=files)
        if not freeze and not group:
            return False
        if not freeze:
            turn = NO_TURN
        rows = [segment.living_rows() for segment in group]
        built = Segment.build(*in_order(rows, before.delta if freeze else Delta()))
        taken = {segment.birth for segment in group}
        with self._writing:
            self._snapshot = self._snapshot.swapped(before, turn, taken, built)
        return True

    def _clear_after_failure(self, folder: Path) -> None:
        """Give back what a full disk took: else each attempt would leave it fuller."""
        with suppress(BadSegment, OSError):
            last = manifest.read(folder)
            mapped = {one.file.path.name for one in self._snapshot.segments if one.file}
            keep = mapped | (manifest.files_of(last) if last else set())
            manifest.clear_away(folder, keep=keep)

    def _written(self, folder: Path, generation: int) -> Snapshot:
        """Put each segment that is not yet in the folder into a file, and search it from there."""
        snapshot = self._snapshot
        mapped = {
            segment.birth: segment.write(folder / f"{generation:08}-{number}.segment")
            for number, segment in enumerate(snapshot.segments)
            if not segment.stands_in(folder)
        }
        with self._writing:
            self._snapshot = self._snapshot.on_files(mapped)
        return snapshot.on_files(mapped)


def _check(words: Words) -> None:
    """Raise `BadInput` unless these are rows of hashes."""
    if words.ndim != 2 or words.shape[1] != WORDS or words.dtype != np.uint64:  # noqa: PLR2004 - rows and columns
        raise BadInput(
            "These are not rows of hashes",
            why=f"expected uint64 in the shape (N, {WORDS}), got {words.dtype} in the "
            f"shape {words.shape}",
        )


def _saved(folder: Path, snapshot: Snapshot, generation: int, change: int) -> Manifest:
    """Write tombstones and delta, and name all files; the segments are written already."""
    segments = []
    for number, segment in enumerate(snapshot.segments):
        if segment.file is None:  # pragma: no cover - `_written` has seen to it
            raise AssertionError
        rows = Named(file=segment.file.path.name, digest=segment.file.digest)
        alive = None
        if segment.alive is not None:
            path = folder / f"{generation:08}-{number}.alive"
            digest = frozen.write(path, "alive", {"alive": segment.alive})
            alive = Named(file=path.name, digest=digest)
        segments.append(SavedSegment(rows=rows, alive=alive))
    delta = None
    if len(snapshot.delta):
        path = folder / f"{generation:08}-0.delta"
        arrays = {"entries": snapshot.delta.entries, "words": snapshot.delta.words}
        delta = Named(file=path.name, digest=frozen.write(path, "delta", arrays))
    return Manifest(
        generation=generation,
        change=change,
        entries=len(snapshot),
        segments=tuple(segments),
        delta=delta,
    )


def _opened(folder: Path, saved: Manifest, known: dict[File | None, Segment]) -> Snapshot:
    """The snapshot that a manifest names; raises `BadSegment` unless all of it is whole."""
    segments = []
    for one in saved.segments:
        file = File(path=folder / one.rows.file, digest=one.rows.digest)
        if file in known:
            segment = known[file].revived()
        else:
            segment = Segment.open(file.path, digest=file.digest)
        if one.alive is not None:
            path = folder / one.alive.file
            bits = frozen.open_file(path, "alive", digest=one.alive.digest).arrays["alive"]
            segment = segment.with_alive(bits)
        segments.append(segment)
    delta = Delta()
    if saved.delta is not None:
        path = folder / saved.delta.file
        arrays = frozen.open_file(path, "delta", digest=saved.delta.digest).arrays
        delta = delta.with_rows(arrays["entries"], arrays["words"], 0)
    snapshot = Snapshot(segments=tuple(segments), delta=delta)
    if len(snapshot) != saved.entries:
        raise frozen.bad(folder / manifest.NAME, "its files hold another number of entries")
    return snapshot


def _last_of_each(ids: Numbers, words: Words) -> tuple[Numbers, Words]:
    """Rows ascending by id; of several rows with one id, the last."""
    if bool((ids[1:] > ids[:-1]).all()):
        return ids, words
    ids, first = np.unique(ids[::-1], return_index=True)
    return ids, words[::-1][first]


def _sort_out(
    entries: Iterable[tuple[int, bytes]],
) -> tuple["array[int]", bytearray, list[SetAside]]:
    """Split a batch into flat ids and rows, and the rows that cannot be searched."""
    ids = array("q")
    rows = bytearray()
    refused: list[SetAside] = []
    for number, entry in enumerate(entries, start=1):
        why, known = _why_not(entry)
        if why:
            refused.append(SetAside(entry=known, why=f"row {number}: {why}"))
            continue
        ids.append(entry[0])
        rows += entry[1]
    return ids, rows, refused


def _why_not(entry: object) -> tuple[str, int | None]:
    """Why a row cannot be searched (empty: it can), and its id as far as it has one."""
    if not isinstance(entry, tuple | list) or len(entry) != 2:  # noqa: PLR2004 - a pair
        return "not a pair of id and hash", None
    number, row = entry
    if isinstance(number, bool) or not isinstance(number, int):
        return "the id is not a whole number", None
    if not _MIN_ID <= number <= _MAX_ID:
        return "the id does not fit 64 bits", None
    if not isinstance(row, bytes | bytearray | memoryview):
        return f"the hash is {type(row).__name__}, not bytes", number
    size = row.nbytes if isinstance(row, memoryview) else len(row)
    if size != HASH_BYTES:
        return f"the hash has {size} bytes, not {HASH_BYTES}", number
    return "", number
