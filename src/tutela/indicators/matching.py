"""Matching: every list entry that a file's hashes meet, or why they cannot be compared.

Two ways, each exact. Digests are looked up in the database by its index on kind and value: a
list of millions costs this process no memory, and an answer is as fresh as the database. PDQ
hashes are searched in one `Searcher` a list, which holds numbers and hashes only; each hit is
then read from the database, so an entry that was withdrawn, deleted or changed a moment ago
cannot match even before the next refresh. A refresh brings in what is new.

One statement confirms all hits of a call, looks up its digests and reads the lists' policies.
The search before it uses the policies of the last time; were they others, it is done again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.model import DIHEDRAL, PDQ_BITS, Hashed, Pdq
from tutela.index.bits import Words, pack
from tutela.index.searcher import Searcher
from tutela.indicators import confirming
from tutela.indicators.categories import why_not_matched
from tutela.indicators.confirming import Entry
from tutela.indicators.keeping import Keeper, MatcherState
from tutela.indicators.loading import are_degenerate
from tutela.indicators.model import Finding, HashList, Match, MatchResult, PictureHashes, SignalKind
from tutela.indicators.policy import EMPTY_FILE, ORIGINAL, Compared, compared, result_of
from tutela.indicators.reasons import nearness, reasons_of
from tutela.indicators.signals import DIGESTS, SIZE_BYTES, flaw
from tutela.indicators.videos import Videos
from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable
from tutela.primitives.ids import ListId
from tutela.taxonomy.model import Category

__all__ = ["Matcher", "MatcherState"]

_ATTEMPTS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """All PDQ hashes of a call, flat: whose they are, which turn, quality, and the bits.

    `forms` names the rows that are not of a file's primary hash.
    """

    item: NDArray[np.int64]
    turn: NDArray[np.int64]
    quality: NDArray[np.int64]
    words: Words
    forms: Mapping[int, str] = field(default_factory=dict)

    def pdq(self, row: int) -> Pdq:
        """One of them as hashing gives it."""
        return Pdq(self.words[row].tobytes(), int(self.quality[row]))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Meeting:
    """One hit, before the database has confirmed it."""

    item: int
    entry: int
    row: int  # of `_Asked`: an item's primary hash has the first
    transform: str
    pdq: Pdq
    form: str = ""


class Matcher:
    """Matches hashes against all enabled lists; safe for many threads."""

    def __init__(self, database: Database, folder: Path | None = None) -> None:
        """Start empty; the first match loads the lists if nobody has refreshed before.

        `folder` is where the processes of a machine share saved indexes; None keeps everything
        in this process's memory.
        """
        self._database = database
        self._kept = Keeper(database, folder)
        self._videos = Videos(database)
        self._lists: tuple[HashList, ...] = ()

    def refresh(self) -> int:
        """Take in what has changed since the last time; returns how many changes of PDQ entries.

        A stored row that is malformed is left out and marked `set_aside` with the reason; the
        others, of its kind and of every other, go in. Costs time by what has changed, and by
        the whole list only the first time that a machine sees it.
        """
        return self._kept.refresh()

    @property
    def dihedral_asked(self) -> bool:
        """Whether an enabled list, as of the last match, wants turned and mirrored pictures."""
        return any(one.enabled and one.dihedral for one in self._lists)

    def match(self, hashed: Hashed) -> MatchResult:
        """All matches of one item, nearest first."""
        return self.match_many([hashed])[0]

    def match_many(self, items: Sequence[Hashed]) -> list[MatchResult]:
        """The same for each of `items`, in their order; stores nothing.

        Items without a match share their result where it is the same.
        """
        if not self._kept.fresh:
            self.refresh()
        if not items:
            return []
        asked, digests = _asked(items), _digests(items)
        lists, meetings, entries = self._confirmed(asked, digests)
        found: dict[int, list[Match]] = {}
        for number, match in _by_digest(digests, entries, lists):
            found.setdefault(number, []).append(match)
        for number, match in _by_pdq(meetings, entries, lists):
            found.setdefault(number, []).append(match)
        if not isinstance(items, PictureHashes):  # among which there is no video
            for number, match in self._videos.matches(items, lists):
                found.setdefault(number, []).append(match)
        return _results(items, found, tuple(lists.values()))

    def sift(self, item: Hashed, *, slack_bits: int) -> MatchResult | None:
        """The answer to a fast hash: no known match, or None when the exact one must be asked.

        No known match is only said when no list has the digests or a picture within its
        threshold and `slack_bits` more, whatever the quality, and every list could be asked.
        """
        if not self._kept.fresh:
            self.refresh()
        asked, digests = _asked([item]), _digests([item])
        lists, meetings, entries = self._confirmed(asked, digests, slack_bits=slack_bits)
        result = _results([item], {}, tuple(lists.values()))[0]
        if meetings or entries or result.finding is not Finding.NO_KNOWN_MATCH or result.why:
            return None
        return result

    def state(self) -> MatcherState:
        """How this matcher stands against the database; raises `Unavailable` when that is away."""
        return self._kept.state()

    def searcher(self, list_id: ListId) -> Searcher:
        """A list's own searcher, to compare lists with; empty for a list that has no PDQ hash."""
        if not self._kept.fresh:
            self.refresh()
        return self._kept.searcher(list_id) or Searcher()

    def close(self) -> None:
        """Give up what other processes wait for."""
        self._kept.close()

    def _confirmed(
        self,
        asked: _Asked | None,
        digests: Mapping[SignalKind, Mapping[bytes, Sequence[int]]],
        *,
        slack_bits: int = 0,
    ) -> tuple[dict[ListId, HashList], list[_Meeting], list[Entry]]:
        """The lists as they are now, the hits by their policies, and the entries as they are."""
        lists = self._lists
        for _ in range(_ATTEMPTS):
            enabled = {one.id: one for one in lists if one.enabled}
            meetings = list(self._meetings(asked, enabled, slack_bits)) if asked else []
            now, entries = confirming.read(
                self._database, {meeting.entry for meeting in meetings}, digests
            )
            if now == lists:
                return enabled, meetings, entries
            self._lists = lists = now
        raise Unavailable(
            "The lists' policies change too quickly to match by them",
            remedy="Nothing was decided. Try again in a moment.",
        )

    def _meetings(
        self, asked: _Asked, lists: Mapping[ListId, HashList], slack_bits: int
    ) -> Iterator[_Meeting]:
        """Hits of all items in each list, by its own threshold, quality and transforms.

        With slack the threshold is that much wider and the quality does not count.
        """
        for list_id, hash_list in lists.items():
            searcher = self._kept.searcher(list_id)
            if searcher is None or not len(searcher):
                continue
            wanted = (asked.quality >= hash_list.min_quality) | (slack_bits > 0)
            if not hash_list.dihedral:
                wanted &= asked.turn == 0
            (rows,) = np.nonzero(wanted)
            if not len(rows):
                continue
            radius_bits = min(hash_list.threshold_bits + slack_bits, PDQ_BITS)
            query, entry, _ = searcher.found_many(asked.words[rows], radius_bits)
            for row, number in zip(rows[query].tolist(), entry.tolist(), strict=True):
                yield _Meeting(
                    item=int(asked.item[row]),
                    entry=number,
                    row=row,
                    transform=DIHEDRAL[asked.turn[row]],
                    pdq=asked.pdq(row),
                    form=asked.forms.get(row, ""),
                )


def _asked(items: Sequence[Hashed]) -> _Asked | None:
    """All comparable hashes of the items; None when there is none."""
    if isinstance(items, PictureHashes):
        return _flat(items)
    item: list[int] = []
    asked: list[Compared] = []
    for number, one in enumerate(items):
        for hashed in compared(one):
            item.append(number)
            asked.append(hashed)
    if not asked:
        return None
    flat = np.frombuffer(b"".join([one.pdq.bits for one in asked]), np.uint8)
    return _Asked(
        item=np.array(item),
        turn=np.array([one.turn for one in asked]),
        quality=np.array([one.pdq.quality for one in asked]),
        words=pack(flat.reshape(len(asked), -1)),
        forms={row: one.form for row, one in enumerate(asked) if one.form},
    )


def _flat(items: PictureHashes) -> _Asked | None:
    """The same for hashes that come flat."""
    words = pack(np.frombuffer(items.bits, np.uint8).reshape(len(items), -1))
    (item,) = np.nonzero(~are_degenerate(words))
    if not len(item):
        return None
    return _Asked(
        item=item,
        turn=np.zeros(len(item), np.int64),
        quality=np.frombuffer(items.qualities, np.uint8)[item].astype(np.int64),
        words=words[item],
    )


def _digests(items: Sequence[Hashed]) -> dict[SignalKind, dict[bytes, list[int]]]:
    """The items' digests by kind, and whose each is."""
    wanted: dict[SignalKind, dict[bytes, list[int]]] = {}
    if isinstance(items, PictureHashes):
        return wanted
    for number, item in enumerate(items):
        digests = item.digests
        given = zip(DIGESTS, (digests.md5, digests.sha1, digests.sha256), strict=True)
        for kind, digest in given:
            if digest and digest not in EMPTY_FILE and len(digest) == SIZE_BYTES[kind]:
                wanted.setdefault(kind, {}).setdefault(digest, []).append(number)
    return wanted


def _by_digest(
    digests: Mapping[SignalKind, Mapping[bytes, Sequence[int]]],
    entries: Iterable[Entry],
    lists: Mapping[ListId, HashList],
) -> Iterator[tuple[int, Match]]:
    """Entries whose digest is the item's."""
    for entry in entries:
        hash_list = lists.get(entry.list_id)
        if hash_list is None or entry.kind not in DIGESTS:
            continue
        kind = SignalKind(entry.kind)
        numbers = digests.get(kind, {}).get(entry.value, ())
        if numbers and not (why_not_matched(entry.category, hash_list) or flaw(kind, entry.value)):
            match = _match(entry, hash_list, kind=kind, distance_bits=None, transform=ORIGINAL)
            for number in numbers:
                yield number, match


def _by_pdq(
    meetings: Iterable[_Meeting], entries: Iterable[Entry], lists: Mapping[ListId, HashList]
) -> Iterator[tuple[int, Match]]:
    """Entries near enough, each as the database has it now."""
    known = {entry.id: entry for entry in entries if entry.kind == SignalKind.PDQ}
    nearest: dict[tuple[int, int], Match] = {}
    for meeting in sorted(meetings, key=lambda one: one.row):
        entry = known.get(meeting.entry)
        match = _met(entry, meeting, lists) if entry is not None else None
        if match is None:
            continue
        key = (meeting.item, meeting.entry)
        if key not in nearest or nearness(match) < nearness(nearest[key]):
            nearest[key] = match
    for (number, _), match in nearest.items():
        yield number, match


def _met(entry: Entry, meeting: _Meeting, lists: Mapping[ListId, HashList]) -> Match | None:
    """The match, if the entry as it stands now still deserves one."""
    hash_list = lists.get(entry.list_id)
    if hash_list is None or flaw(SignalKind.PDQ, entry.value):
        return None
    if entry.quality is not None and entry.quality < hash_list.min_quality:
        return None
    distance_bits = meeting.pdq.distance_bits(Pdq(entry.value, 100))
    if distance_bits > hash_list.threshold_bits or why_not_matched(entry.category, hash_list):
        return None
    return _match(
        entry,
        hash_list,
        kind=SignalKind.PDQ,
        distance_bits=distance_bits,
        transform=meeting.transform,
        form=meeting.form,
        quality=meeting.pdq.quality,
    )


def _match(
    entry: Entry,
    hash_list: HashList,
    *,
    kind: SignalKind,
    distance_bits: int | None,
    transform: str,
    form: str = "",
    quality: int | None = None,
) -> Match:
    """A match with its reasons."""
    match = Match(
        list_id=hash_list.id,
        list_name=hash_list.name,
        entry_id=entry.id,
        external_id=entry.external_id,
        kind=kind,
        distance_bits=distance_bits,
        threshold_bits=hash_list.threshold_bits if kind is SignalKind.PDQ else 0,
        transform=transform,
        form=form,
        category=entry.category if isinstance(entry.category, Category) else None,
        second_person=hash_list.second_person,
        reasons=(),
    )
    return replace(match, reasons=reasons_of(match, hash_list, quality=quality))


def _results(
    items: Sequence[Hashed], found: Mapping[int, Sequence[Match]], lists: Sequence[HashList]
) -> list[MatchResult]:
    """A result for each item; those without a match share what is the same."""
    if isinstance(items, PictureHashes):
        return _results_of_flat(items, found, lists)
    shared: dict[tuple[object, ...], MatchResult] = {}
    results = []
    for number, item in enumerate(items):
        matches = found.get(number)
        if matches:
            results.append(result_of(item, matches, lists))
            continue
        pictures = [item.pdq] if item.pdq else []
        pictures += [form.pdq for form in item.further]
        key = (
            tuple((pdq.quality, pdq.degenerate) for pdq in pictures),
            item.unmatchable,
            item.why,
            item.video is None,
        )
        result = shared.get(key)
        if result is None:
            result = shared[key] = result_of(item, (), lists)
        results.append(result)
    return results


def _results_of_flat(
    items: PictureHashes, found: Mapping[int, Sequence[Match]], lists: Sequence[HashList]
) -> list[MatchResult]:
    """The same for hashes that come flat: what the result depends on is quality and flatness."""
    words = pack(np.frombuffer(items.bits, np.uint8).reshape(len(items), -1))
    kinds = np.frombuffer(items.qualities, np.uint8).astype(np.int64) * 2 + are_degenerate(words)
    _, first, kind = np.unique(kinds, return_index=True, return_inverse=True)
    shared = [result_of(items[place], (), lists) for place in first.tolist()]
    results = [shared[number] for number in kind.tolist()]
    for number, matches in found.items():
        results[number] = result_of(items[number], matches, lists)
    return results
