"""The bodies that the API takes and gives, as typed data. No value is converted to another kind."""

import re
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from tutela.hashing.model import Digests, Hashed, Pdq
from tutela.intake.context_fields import (
    MAX_EXTRA,
    MAX_EXTRA_NAME,
    MAX_REFERENCE,
    MAX_SERVICE,
    MAX_TEXT,
    MAX_URL,
)
from tutela.primitives.clock import parse_day, parse_rfc3339

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


# Only ever from text: of a number, and of digits, pydantic would make a moment of 1970.
Moment = Annotated[datetime, BeforeValidator(parse_rfc3339)]
Day = Annotated[date, BeforeValidator(parse_day)]
Short = Annotated[str, StringConstraints(max_length=200), AfterValidator(_printable)]
Country = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$"), AfterValidator(_country)]


Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]


class Taken(BaseModel):
    """A body that is taken in: a field it does not know, or of another kind, is refused."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)


class ContextBody(BaseModel):
    """What the service knows about the upload. Kept only when the item matches.

    For the description alone: `intake.context_fields` reads each field by itself, and leaves out
    and names what is not of its kind. It never refuses the item.
    """

    item_reference: str = Field(
        default="", max_length=MAX_REFERENCE, description="The service's own name for the item."
    )
    uploader_reference: str = Field(
        default="", max_length=MAX_TEXT, description="The service's account identifier."
    )
    uploader_screen_name: Text | None = None
    uploader_email: Text | None = None
    uploader_ip: Text | None = None
    uploader_port: int | None = Field(default=None, ge=1, le=65535)
    uploader_location: str = Field(
        default="", pattern="^([A-Z]{2})?$", description="ISO 3166-1 alpha-2."
    )
    uploaded_at: AwareDatetime | None = Field(default=None, description="RFC 3339 with a zone.")
    location_url: Annotated[str, StringConstraints(max_length=MAX_URL)] | None = None
    publicly_available: bool | None = None
    file_name: Text | None = None
    service: str = Field(default="", max_length=MAX_SERVICE)
    channel: Literal["", "public", "hosted", "interpersonal"] = ""
    extra: dict[Annotated[str, StringConstraints(max_length=MAX_EXTRA_NAME)], Text] = Field(
        default_factory=dict, max_length=MAX_EXTRA
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


class IgnoredAnswer(BaseModel):
    """A field beside the item of which not all was taken as given; its value is not repeated."""

    field: str
    why: str


class MediaAnswer(FindingAnswer):
    """The answer to one item; the identifiers are null unless it matched."""

    case_id: str | None
    exhibit_id: str | None
    already_known: bool
    hashes: HashesAnswer
    ignored: list[IgnoredAnswer]


class LookupAnswer(BaseModel):
    """One finding for each hash that was asked, in the same order."""

    results: list[FindingAnswer]
    ignored: list[IgnoredAnswer] = Field(
        default_factory=list, description="Absent when everything was taken as given."
    )


class CaseAnswer(BaseModel):
    """How far a case has come that this key handed in."""

    case_id: str
    item_reference: str | None = Field(
        description="Null when this process cannot open it; empty when the service named none."
    )
    state: str
    opened_at: AwareDatetime
    needed: list[str]
    reached: dict[str, AwareDatetime]
    closed_at: AwareDatetime | None
    verdict: Literal["apparent_csam", "not_csam", "cannot_say"] | None = Field(
        description="What was finally decided; null until then."
    )
    decided_at: AwareDatetime | None


class ErrorBody(BaseModel):
    """One error."""

    code: str
    what: str
    why: str
    remedy: str


class ErrorAnswer(BaseModel):
    """The shape of every error."""

    error: ErrorBody
