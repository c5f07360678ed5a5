"""Hash lists, their entries, and what a match is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import overload

from tutela.hashing.model import PDQ_BYTES, Digests, Hashed, Pdq, VideoHash
from tutela.primitives.ids import ImportId, ListId
from tutela.taxonomy.model import Category


class SignalKind(StrEnum):
    """What kind of hash an entry holds. PhotoDNA and others are kept and not matched."""

    PDQ = "pdq"
    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"
    PHOTODNA = "photodna"
    VPDQ = "vpdq"  # a whole video; the value is the fingerprint of its frames
    OTHER = "other"


class EntryStatus(StrEnum):
    """Whether an entry may match."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"
    DELETED = "deleted"
    SET_ASIDE = "set_aside"  # a stored row that turned out to be malformed


class SideField(StrEnum):
    """A field beside the hash. One that cannot be read is left out; it never decides over it."""

    EXTERNAL_ID = "external_id"
    CATEGORY = "category"
    QUALITY = "quality"
    TIMESTAMP = "timestamp"
    PROVENANCE = "provenance"
    OTHER = "other"  # a column or key that nobody here reads


@dataclass(frozen=True, kw_only=True, slots=True)
class HashList:
    """A named list with its provenance and matching policy.

    A video matches when so many percent of its frames are found in a video of the list, or so
    many of that one's frames in it, or when it holds so many seconds of it (0: that never
    counts). What the last three settings mean is in `categories.py`; `category_map` names an
    unknown code, alone or as scheme/version/code, and the category that it counts as.
    """

    id: ListId
    name: str
    provenance: str
    threshold_bits: int = 31
    min_quality: int = 50
    second_person: bool = False
    dihedral: bool = False
    enabled: bool = True
    video_query_percent: int = 80
    video_bank_percent: int = 80
    video_seconds: int = 10
    match_uncategorised: bool = False
    match_unknown_codes: bool = False
    category_map: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Uncategorised:
    """The source categorises by this scheme and has not categorised this entry.

    That is not the same as a list that has no categories at all, whose entries have None.
    """

    scheme: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ListEntry:
    """One hash as a source gave it. `value` is raw bytes; `category` never a bare integer.

    `unread` names the side fields of the row that could not be read: a stored entry keeps what
    it said there. With `external_id` among them, whatever the list holds of this hash stays.
    `row` is the place in the file, as in `Refusal`.
    """

    kind: SignalKind
    value: bytes
    external_id: str = ""
    category: Category | Uncategorised | None = None
    status: EntryStatus = EntryStatus.ACTIVE
    quality: int | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    video: VideoHash | None = None  # with kind VPDQ: the frames themselves
    unread: frozenset[SideField] = frozenset()
    row: int = field(default=0, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What a row names an entry by: a hash, or the source's record, or its hashes of one kind.

    With a `value` (and its `kind`) it names that hash, in whatever record it stands. Without one
    it names the record `external_id`, all of it or only what it holds of `kind`.
    """

    external_id: str = ""
    kind: SignalKind | None = None
    value: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A row that was not taken, with its place and the reason (never its content).

    The entries that it names stay as they were. `names` is all that could be read of that.
    `certain` says that the names are surely the row's own, so that a row whose names the list
    does not hold is a new one. Otherwise such a row could be any entry, like one without names,
    and the file cannot be taken for the full list.
    """

    row: int
    why: str
    names: tuple[Identity, ...] = ()
    certain: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Ignored:
    """A side field that was left out while its row was taken, and why (never its content)."""

    row: int
    field: SideField
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Partial:
    """The file itself shows that it is not the full list: one page of several, or cut off.

    A parser yields it at any place. A file that it cannot read to the end it refuses instead.
    """

    why: str


ParsedRow = ListEntry | Refusal | Ignored | Partial
"""What a parser of a list format yields (tutela.indicators.formats)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What one import changed.

    No row is lost silently: `refused` and `ignored` hold the first 10,000 each, and all are
    counted. `kept_unreadable` counts the active entries that the file does not list and that
    stayed because a row that could not be read may name them. `not_matched` counts the active
    entries of the file that do not match, by reason (`categories.NotMatched`).
    """

    id: ImportId
    list_id: ListId
    added: int
    updated: int
    withdrawn: int
    unchanged: int
    refused: tuple[Refusal, ...]
    refused_total: int
    kept_unreadable: int = 0
    ignored: tuple[Ignored, ...] = ()
    ignored_total: int = 0
    not_matched: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoStretch:
    """Seconds of an upload that match seconds of a known video.

    `frames` of the `frames_possible` compared frames that lie there match; `speed` is seconds
    of the known video that pass in one second of the upload, right within about `speed_error`
    (None: not recorded, as in matches stored before it was).
    """

    query_start_s: float
    query_end_s: float
    bank_start_s: float
    bank_end_s: float
    speed: float
    frames: int
    frames_possible: int
    speed_error: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoExtent:
    """How much an upload (query) and a known video (bank) have in common, in compared frames.

    It never says that the files are the same: only a digest can. `frame_distance_bits` is the
    median PDQ distance of the frames that match.
    """

    query_frames: int
    query_matched: int
    bank_frames: int
    bank_matched: int
    frame_distance_bits: int
    stretch: VideoStretch | None

    @property
    def query_percent(self) -> int:
        """Share of the upload's frames that match, rounded down."""
        return 100 * self.query_matched // max(1, self.query_frames)

    @property
    def bank_percent(self) -> int:
        """Share of the known video's frames that match, rounded down."""
        return 100 * self.bank_matched // max(1, self.bank_frames)


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """One list entry that a file's hash meets, and what that rests on.

    `distance_bits` is a PDQ distance and None for every other kind. `video` is set for kind
    VPDQ, but for matches stored before migration 0011, whose `reasons` say the shares.
    `reasons` are the sentences that `indicators.reasons` makes of these facts.
    """

    list_id: ListId
    list_name: str
    entry_id: int
    external_id: str
    kind: SignalKind
    distance_bits: int | None
    threshold_bits: int
    transform: str  # which of the eight dihedral hashes met it; "original" for the plain one
    category: Category | None
    second_person: bool
    reasons: tuple[str, ...]
    form: str = ""  # the form of the file that met it ("frame 3 of 12"); "" for the primary hash
    video: VideoExtent | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureHashes(Sequence[Hashed]):
    """Very many PDQ hashes that came without anything else, held flat: no object for each.

    `bits` holds 32 bytes and `qualities` one byte (0 to 100) for each. Read as a sequence, each
    is what hashing would say of it.
    """

    bits: bytes
    qualities: bytes
    pipeline: str

    def __len__(self) -> int:
        return len(self.qualities)

    @overload
    def __getitem__(self, place: int) -> Hashed: ...

    @overload
    def __getitem__(self, place: slice) -> "list[Hashed]": ...

    def __getitem__(self, place: int | slice) -> "Hashed | list[Hashed]":
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        pdq = self.pdq(place)
        return Hashed(
            digests=Digests(), pdq=pdq, pipeline=self.pipeline, unmatchable=pdq.unmatchable
        )

    def pdq(self, place: int) -> Pdq:
        """One hash; raises `IndexError` when there is none."""
        quality, place = self.qualities[place], range(len(self))[place]
        return Pdq(self.bits[PDQ_BYTES * place : PDQ_BYTES * (place + 1)], quality)


class Finding(StrEnum):
    """The three results a file can have. There is no fourth that says safe."""

    MATCHED = "matched"
    NO_KNOWN_MATCH = "no_known_match"
    CANNOT_BE_MATCHED = "cannot_be_matched"


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchResult:
    """All matches of one item, or why it could not be matched.

    An item with a digest match is MATCHED even when its picture could not be decoded.
    `unmatchable` names why the perceptual part could not be matched (low quality,
    undecodable, too large, not a picture, only digests given), "" when it could.
    """

    finding: Finding
    matches: tuple[Match, ...]
    unmatchable: str = ""
    why: str = ""
