"""Sealed items, how they came to us, and the reasons to keep them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tutela.hashing.model import Pdq
from tutela.primitives.ids import CaseId, ExhibitId, HoldId, SubmissionId
from tutela.primitives.redacted import Redacted


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What the service knows about an upload; every field may be unknown (empty or None).

    Kept only when the item matches. Times are aware. Countries are two-letter codes.
    Whatever could name a person rests sealed (see `provenance.py`).
    """

    item_reference: str = ""  # the service's own name for the item, for the restriction order
    uploader_reference: str = ""  # the service's account identifier
    uploader_screen_name: Redacted[str] | None = None
    uploader_email: Redacted[str] | None = None
    uploader_ip: Redacted[str] | None = None
    uploader_port: int | None = None
    uploader_location: str = ""
    uploaded_at: datetime | None = None
    location_url: Redacted[str] | None = None
    publicly_available: bool | None = None
    file_name: Redacted[str] | None = None
    service: str = ""
    channel: str = ""  # public, hosted, interpersonal
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """One item that was handed in and matched; others leave no row.

    `item_digest` is the SHA-256 of the bytes, or the strongest hash that came instead
    (`md5:…`, `pdq:…`); with `actor` and `reference_digest` it makes admitting idempotent.
    `reference_digest` stands for the service's name of the item (`references.ReferenceKey`);
    empty when the service gave none.
    """

    id: SubmissionId
    origin: str
    received_at: datetime
    actor: str
    reference_digest: str
    item_digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredContext:
    """The context behind a case as it rests: open, and sealed in two parts.

    `plain_reference` is what an earlier version stored unsealed and no process has sealed yet.
    """

    opened: Mapping[str, object]
    plain_reference: str
    reference_sealed: bytes | None
    personal_sealed: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Destruction:
    """A request to destroy an exhibit's bytes, and the second person who confirmed it."""

    exhibit_id: ExhibitId
    requested_by: str
    requested_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Exhibit:
    """One item of evidence. Bytes rest sealed under `blob_key`; None when only hashes came.

    `sha256`, `md5`, `sha1` are of the bytes as uploaded; `sealed_sha256` of the sealed form.
    `pdq` is the primary hash; `further_hashes` are those of later frames, pages and other forms,
    as `hashing.model.PictureForm.as_json` gives them.
    """

    id: ExhibitId
    case_id: CaseId
    sha256: str
    md5: str
    sha1: str
    size_bytes: int | None
    media_type: str
    pdq: str | None
    quality: int | None
    pipeline: str
    blob_key: str | None
    sealed_sha256: str | None
    received_at: datetime
    destroyed_at: datetime | None
    further_hashes: tuple[Mapping[str, object], ...] = ()

    @property
    def comparable_pdq(self) -> str | None:
        """`pdq`, unless it is of a blank or nearly blank picture: every other one has the same."""
        if self.pdq is None or Pdq.parse(self.pdq, quality=self.quality or 0).unmatchable:
            return None
        return self.pdq


class Viewed(StrEnum):
    """The most that a person was shown of an exhibit, by the view log."""

    NOTHING = "nothing"
    RENDITION = "rendition"  # reduced forms only
    PART = "part"  # a full view of one frame or page of several
    ENTIRE = "entire"


def max_viewed(viewed: Iterable[Viewed]) -> Viewed:
    """The most of these; `NOTHING` of none."""
    return max(viewed, key=list(Viewed).index, default=Viewed.NOTHING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """One reason why an exhibit must be kept. `until` None: no end is known yet, so it stays."""

    id: HoldId
    exhibit_id: ExhibitId
    case_id: CaseId
    basis: str  # rule identifier, order reference or "case open"
    until: datetime | None
    placed_at: datetime
    released_at: datetime | None
