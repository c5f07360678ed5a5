"""Sealed items and the reasons to keep them."""

from dataclasses import dataclass
from datetime import datetime

from tutela.primitives.ids import CaseId, ExhibitId, HoldId


@dataclass(frozen=True, kw_only=True, slots=True)
class Exhibit:
    """One item of evidence. Bytes rest sealed under `blob_key`; None when only hashes came.

    `sha256`, `md5`, `sha1` are of the bytes as uploaded; `sealed_sha256` of the sealed form.
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
