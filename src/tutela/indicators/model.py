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


@dataclass(frozen=True, kw_only=True, slots=True)
class HashList:
    """A named list with its provenance and matching policy.

    A video matches when so many percent of its frames are found in a video of the list, or so
    many of that one's frames in it, or when it holds so many seconds of it (0: that never
    counts).
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
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ListEntry:
    """One hash as a source gave it. `value` is raw bytes; `category` never a bare integer."""

    kind: SignalKind
    value: bytes
    external_id: str = ""
    category: Category | None = None
    status: EntryStatus = EntryStatus.ACTIVE
    quality: int | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    video: VideoHash | None = None  # with kind VPDQ: the frames themselves


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A row that was not taken, with its place and the reason (never its content)."""

    row: int
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What one import changed; `refused` rows are all here, none is lost silently."""

    id: ImportId
    list_id: ListId
    added: int
    updated: int
    withdrawn: int
    unchanged: int
    refused: tuple[Refusal, ...]
    refused_total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """One list entry that a file's hash meets. Distance 0 for digests."""

    list_id: ListId
    list_name: str
    entry_id: int
    external_id: str
    kind: SignalKind
    distance_bits: int
    threshold_bits: int
    transform: str  # which of the eight dihedral hashes met it; "original" for the plain one
    category: Category | None
    second_person: bool
    reasons: tuple[str, ...]
    form: str = ""  # the form of the file that met it ("frame 3 of 12"); "" for the primary hash


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
