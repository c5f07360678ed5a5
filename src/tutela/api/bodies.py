"""The bodies that the API takes and gives, as typed data; a field it does not know is refused."""

import re
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from tutela.hashing.model import Digests, Hashed, Pdq
from tutela.intake.model import Context
from tutela.primitives.redacted import Redacted

MAX_LOOKUPS = 10_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
GIVEN = "given"
"""The pipeline of a hash whose maker was not named."""


def _printable(text: str) -> str:
    """No control characters: the database cannot hold some, and none belongs in a name."""
    if _CONTROL.search(text):
        raise ValueError("control characters are not allowed")
    return text


def _country(code: str) -> str:
    if code == "UK":
        raise ValueError("the United Kingdom is GB")
    return code


def _utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("this moment does not exist in UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
Short = Annotated[str, StringConstraints(max_length=200), AfterValidator(_printable)]
Long = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_printable)]
Country = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$"), AfterValidator(_country)]


class Taken(BaseModel):
    """A body that is taken in: a field it does not know is refused."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=False)


class ContextBody(Taken):
    """What the service knows about the upload. Kept only when the item matches."""

    item_reference: Long = Field(default="", description="The service's own name for the item.")
    uploader_reference: Short = Field(default="", description="The service's account identifier.")
    uploader_screen_name: Short | None = None
    uploader_email: Short | None = None
    uploader_ip: Short | None = None
    uploader_port: int | None = Field(default=None, ge=1, le=65535)
    uploader_location: Country = Field(default="", description="ISO 3166-1 alpha-2.")
    uploaded_at: Moment | None = Field(default=None, description="RFC 3339 with a zone.")
    location_url: Long | None = None
    publicly_available: bool | None = None
    file_name: Short | None = None
    service: Short = ""
    channel: Literal["", "public", "hosted", "interpersonal"] = ""
    extra: dict[Short, Long] = Field(default_factory=dict, max_length=20)

    def context(self, *, file_name: str | None = None) -> Context:
        """The same as intake's fact; `file_name` is that of the upload itself."""
        return Context(
            item_reference=self.item_reference,
            uploader_reference=self.uploader_reference,
            uploader_screen_name=_wrapped(self.uploader_screen_name),
            uploader_email=_wrapped(self.uploader_email),
            uploader_ip=_wrapped(self.uploader_ip),
            uploader_port=self.uploader_port,
            uploader_location=self.uploader_location,
            uploaded_at=self.uploaded_at,
            location_url=_wrapped(self.location_url),
            publicly_available=self.publicly_available,
            file_name=_wrapped(self.file_name or file_name),
            service=self.service,
            channel=self.channel,
            extra=dict(self.extra),
        )


class HashesBody(Taken):
    """Hashes computed elsewhere, in hexadecimal; at least one."""

    pdq: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")] | None = None
    quality: int | None = Field(default=None, ge=0, le=100, description="Required with `pdq`.")
    md5: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{32}$")] | None = None
    sha1: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{40}$")] | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")] | None = None
    size_bytes: int | None = Field(default=None, ge=0, le=2**62)
    media_type: Short = ""
    pipeline: Short = Field(default="", description="What computed `pdq`: name and version.")

    @model_validator(mode="after")
    def _enough(self) -> "HashesBody":
        if not any((self.pdq, self.md5, self.sha1, self.sha256)):
            raise ValueError("at least one hash is needed")
        if self.pdq is not None and self.quality is None:
            raise ValueError("a pdq hash needs its quality: without it nobody can tell noise")
        return self

    def hashed(self) -> Hashed:
        """The same as hashing's fact; digests that were not given are empty."""
        pdq = Pdq.parse(self.pdq, quality=self.quality or 0) if self.pdq else None
        return Hashed(
            digests=Digests(
                md5=bytes.fromhex(self.md5 or ""),
                sha1=bytes.fromhex(self.sha1 or ""),
                sha256=bytes.fromhex(self.sha256 or ""),
                size_bytes=self.size_bytes,
            ),
            pdq=pdq,
            pipeline=self.pipeline or GIVEN,
            unmatchable=pdq.unmatchable if pdq else None,
            media_type=self.media_type or None,
        )


class MediaBody(Taken):
    """Precomputed hashes of one item, with its context."""

    hashes: HashesBody
    context: ContextBody = Field(default_factory=ContextBody)


class LookupBody(Taken):
    """Hashes to look up."""

    hashes: list[HashesBody] = Field(max_length=MAX_LOOKUPS)


NAMES = frozenset(
    name for kind in (ContextBody, HashesBody, MediaBody, LookupBody) for name in kind.model_fields
)
"""Every field name that a body may have."""


class StretchAnswer(BaseModel):
    """Seconds of the upload that match seconds of the known video.

    `frames` of the `frames_possible` compared frames that lie there match; `speed` is seconds
    of the known video that pass in one second of the upload.
    """

    query_start_s: float
    query_end_s: float
    bank_start_s: float
    bank_end_s: float
    speed: float
    frames: int
    frames_possible: int
    speed_error: float | None = Field(
        default=None, description="The speed is right within about so much; null: not recorded."
    )


class VideoAnswer(BaseModel):
    """How much the upload (query) and the known video (bank) have in common, in frames."""

    query_frames: int
    query_matched: int
    query_percent: int
    bank_frames: int
    bank_matched: int
    bank_percent: int
    frame_distance_bits: int = Field(description="Median PDQ distance of the matching frames.")
    stretch: StretchAnswer | None


class MatchAnswer(BaseModel):
    """One list entry that the item meets."""

    list_name: str = Field(serialization_alias="list")
    entry: str
    kind: str
    distance_bits: int | None = Field(
        description="`pdq`: bits that differ, 0 included. `md5`, `sha1`, `sha256`: 0, the digests "
        "are equal. `vpdq`: null, see `video`."
    )
    threshold_bits: int
    transform: str
    form: str = Field(description="Form of the file that met it; empty for its primary hash.")
    category: str | None
    reasons: list[str]
    video: VideoAnswer | None = Field(description="Set for `vpdq` only.")


class FormAnswer(BaseModel):
    """A further hash of the file: of a frame, a page, or another form that peers hash."""

    form: str
    number: int | None = Field(description="Of a frame, page or image, from 1; else null.")
    of: int | None
    pdq: str
    quality: int


class HashesAnswer(BaseModel):
    """The hashes that were compared; null where there is none."""

    pdq: str | None
    quality: int | None
    md5: str | None
    sha1: str | None
    sha256: str | None
    pipeline: str
    further: list[FormAnswer]
    truncated: bool = Field(description="The picture file is cut off; `why` says how far it came.")


class FindingAnswer(BaseModel):
    """What the lists say. There is no finding that says safe."""

    finding: Literal["matched", "no_known_match", "cannot_be_matched"]
    matches: list[MatchAnswer]
    unmatchable: str
    why: str


class MediaAnswer(FindingAnswer):
    """The answer to one item; the identifiers are null unless it matched."""

    case_id: str | None
    exhibit_id: str | None
    already_known: bool
    hashes: HashesAnswer


class LookupAnswer(BaseModel):
    """One finding for each hash that was asked, in the same order."""

    results: list[FindingAnswer]


class CaseAnswer(BaseModel):
    """How far a case has come that this key handed in."""

    case_id: str
    item_reference: str
    state: str
    opened_at: AwareDatetime
    needed: list[str]
    reached: dict[str, AwareDatetime]
    closed_at: AwareDatetime | None


class ErrorBody(BaseModel):
    """One error."""

    code: str
    what: str
    why: str
    remedy: str


class ErrorAnswer(BaseModel):
    """The shape of every error."""

    error: ErrorBody


def _wrapped(value: str | None) -> Redacted[str] | None:
    return Redacted(value) if value else None
