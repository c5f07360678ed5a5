"""Facts of a report to an authority: the CyberTipline report, its files, and each call made.

Every field is derived by the caller from the case; nothing has a comfortable default.
`None` (or an empty tuple or set) means "left out". Names of elements, order and lengths
follow the CyberTipline documentation (footer 2025-06-11) and its schema; what only the
appendix asks for is checked here, because the schema passes documents that are rejected.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

from tutela.reporting.exchange import AuthorityReply, Call, Exchange, Outcome
from tutela.reporting.incidents import (
    CellPhoneIncident,
    ChatIncident,
    EmailIncident,
    IncidentSummary,
    IncidentType,
    InternetDetails,
    LawEnforcement,
    NewsgroupIncident,
    NonInternetIncident,
    OnlineGamingIncident,
    PeerToPeerIncident,
    ReportAnnotation,
    WebPageIncident,
)
from tutela.reporting.limits import (
    broken,
    carriable,
    check_past,
    check_report_number,
    check_text,
    check_texts,
    check_url,
)
from tutela.reporting.people import (
    Account,
    AccountDisabled,
    Address,
    AddressType,
    AssociatedAccount,
    AssociationType,
    CaptureEvent,
    ContactPerson,
    DeviceId,
    Email,
    EmailType,
    EstimatedLocation,
    IntendedRecipient,
    IpCapture,
    Person,
    Phone,
    PhoneType,
    ReportedPerson,
    Victim,
)

__all__ = [
    "Account",
    "AccountDisabled",
    "Address",
    "AddressType",
    "AssociatedAccount",
    "AssociationType",
    "AuthorityReply",
    "BatchReason",
    "Call",
    "CaptureEvent",
    "CellPhoneIncident",
    "ChatIncident",
    "ContactPerson",
    "CyberTip",
    "DeviceId",
    "Email",
    "EmailIncident",
    "EmailType",
    "EstimatedLocation",
    "Exchange",
    "FileAnnotation",
    "FileMetadata",
    "FileRelevance",
    "IncidentSummary",
    "IncidentType",
    "IndustryClassification",
    "IntendedRecipient",
    "InternetDetails",
    "IpCapture",
    "LawEnforcement",
    "MetadataType",
    "NewsgroupIncident",
    "NonInternetIncident",
    "OnlineGamingIncident",
    "OriginalFileHash",
    "Outcome",
    "PeerToPeerIncident",
    "Person",
    "Phone",
    "PhoneType",
    "ReportAnnotation",
    "ReportedPerson",
    "Reporter",
    "TipFile",
    "Victim",
    "WebPageIncident",
    "carriable",
]

_MAY_BE_LATER = frozenset({"reenabled_date"})


class BatchReason(StrEnum):
    """Why several reported accounts stand in one report."""

    VIRAL_POTENTIAL_MEME = "VIRAL_POTENTIAL_MEME"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reporter:
    """Who reports; the reporting person must have an e-mail address."""

    reporting_person: Person
    contact_person: ContactPerson | None = None
    company_template: str | None = None
    terms_of_service: str | None = None
    legal_url: str | None = None

    def __post_init__(self) -> None:
        if not self.reporting_person.emails:
            raise broken("reporter.reporting_person.emails", "needs at least one address")
        check_texts("reporter", self, company_template=None, terms_of_service=None)
        check_url("reporter.legal_url", self.legal_url)


@dataclass(frozen=True, kw_only=True, slots=True)
class CyberTip:
    """One report as it is sent to `/submit`, already checked against the appendix rules.

    `composed_at` is the moment of composing; it is not sent, every other moment must lie
    before it.
    """

    composed_at: datetime
    incident: IncidentSummary
    reporter: Reporter
    batch: BatchReason | None = None
    internet_details: tuple[InternetDetails, ...] = ()
    law_enforcement: LawEnforcement | None = None
    reported: tuple[ReportedPerson, ...] = ()
    intended_recipients: tuple[IntendedRecipient, ...] = ()
    victims: tuple[Victim, ...] = ()
    additional_info: str | None = None

    def __post_init__(self) -> None:
        check_text("report.additional_info", self.additional_info)
        check_past(self, "report", self.composed_at, may_be_later=_MAY_BE_LATER)
        if self.batch is None and len(self.reported) > 1:
            raise broken("report.reported", "holds several people outside batch mode")
        if self.batch is not None:
            _check_batch(self)
        _check_incident_addresses(self)


def _check_batch(tip: CyberTip) -> None:
    """Appendix E.1: a viral batch names accounts by identifier and nothing more."""
    not_allowed = {
        "incident.escalate_to_high_priority": tip.incident.escalate_to_high_priority,
        "internet_details": tip.internet_details,
        "law_enforcement": tip.law_enforcement,
        "intended_recipients": tip.intended_recipients,
        "victims": tip.victims,
        "additional_info": tip.additional_info,
    }
    for name, value in not_allowed.items():
        if value:
            raise broken(f"report.{name}", "is not allowed in batch mode")
    for number, account in enumerate(tip.reported):
        path = f"report.reported[{number}]"
        if account.esp_identifier is None:
            raise broken(f"{path}.esp_identifier", "is required in batch mode")
        for field in fields(account):
            if field.name != "esp_identifier" and getattr(account, field.name) not in (None, ()):
                raise broken(f"{path}.{field.name}", "is not allowed in batch mode")


def _check_incident_addresses(tip: CyberTip) -> None:
    """Appendix B.2: an address on the incident must also stand on a person."""
    people = [each.person for each in tip.reported]
    people += [each.person for each in tip.intended_recipients]
    people += [each.person for each in tip.victims]
    known = {email.address.casefold() for person in people if person for email in person.emails}
    for number, details in enumerate(tip.internet_details):
        if not isinstance(details, EmailIncident | NewsgroupIncident):
            continue
        for place, email in enumerate(details.email_addresses):
            if email.address.casefold() not in known:
                raise broken(
                    f"report.internet_details[{number}].email_addresses[{place}]",
                    "stands on no reported person, recipient or victim",
                )


class FileRelevance(StrEnum):
    """Whether a file is why the report is made, or gives context."""

    REPORTED = "Reported"
    SUPPLEMENTAL = "Supplemental Reported"


class FileAnnotation(StrEnum):
    """Flags on a file, in the schema's order; a flag is present or left out."""

    ANIME_DRAWING_VIRTUAL_HENTAI = "animeDrawingVirtualHentai"
    POTENTIAL_MEME = "potentialMeme"
    VIRAL = "viral"
    POSSIBLE_SELF_PRODUCTION = "possibleSelfProduction"
    PHYSICAL_HARM = "physicalHarm"
    VIOLENCE_GORE = "violenceGore"
    BESTIALITY = "bestiality"
    LIVE_STREAMING = "liveStreaming"
    INFANT = "infant"
    GENERATIVE_AI = "generativeAi"


class IndustryClassification(StrEnum):
    """The scale of the industry: A prepubescent, B pubescent; 1 and 2 the kind of act."""

    A1 = "A1"
    A2 = "A2"
    B1 = "B1"
    B2 = "B2"


class MetadataType(StrEnum):
    """Where name and value pairs about a file come from."""

    EXIF = "EXIF"
    HASH = "HASH"


@dataclass(frozen=True, kw_only=True, slots=True)
class OriginalFileHash:
    """A digest of the bytes as the user uploaded them, before any conversion here."""

    hash_type: str
    value: str

    def __post_init__(self) -> None:
        check_texts("original_file_hash", self, hash_type=64, value=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class FileMetadata:
    """Name and value pairs about a file, at least one; names up to 64 characters."""

    pairs: tuple[tuple[str, str], ...]
    type: MetadataType | None = None

    def __post_init__(self) -> None:
        if not self.pairs:
            raise broken("metadata.pairs", "is empty", remedy="Leave the metadata out instead.")
        for number, (name, value) in enumerate(self.pairs):
            check_text(f"metadata.pairs[{number}].name", name, 64)
            check_text(f"metadata.pairs[{number}].value", value)


@dataclass(frozen=True, kw_only=True, slots=True)
class TipFile:
    """What is said about one uploaded file in `/fileinfo`.

    `file_viewed_by_esp` means that a person of the company viewed the entire contents; it
    comes from the view log and has no default. The schema's older top-level
    `potentialMeme` is not offered: the annotation says the same.
    `composed_at` and `batched` (the report is a viral batch) are not sent.
    """

    composed_at: datetime
    report_id: str
    file_id: str
    file_viewed_by_esp: bool | None
    file_name: str | None = None
    original_file_name: str | None = None
    uploaded_to_esp_at: datetime | None = None
    location_of_file: str | None = None
    exif_viewed_by_esp: bool | None = None
    publicly_available: bool | None = None
    relevance: FileRelevance | None = None
    annotations: frozenset[FileAnnotation] = frozenset()
    industry_classification: IndustryClassification | None = None
    original_file_hashes: tuple[OriginalFileHash, ...] = ()
    ip_capture: IpCapture | None = None
    device_ids: tuple[DeviceId, ...] = ()
    metadata: tuple[FileMetadata, ...] = ()
    additional_info: tuple[str, ...] = ()
    batched: bool = False

    def __post_init__(self) -> None:
        check_report_number("file.report_id", self.report_id)
        check_texts(
            "file", self, file_id=64, file_name=2056, original_file_name=2056, additional_info=None
        )
        check_url("file.location_of_file", self.location_of_file)
        check_past(self, "file", self.composed_at, may_be_later=_MAY_BE_LATER)
        if self.exif_viewed_by_esp and not self.file_viewed_by_esp:
            raise broken("file.file_viewed_by_esp", "must be true when the EXIF was viewed")
        if self.relevance is FileRelevance.SUPPLEMENTAL:
            if FileAnnotation.POTENTIAL_MEME in self.annotations:
                raise broken("file.annotations", "a supplemental file cannot be a potential meme")
            if self.industry_classification is not None:
                raise broken("file.industry_classification", "not allowed on a supplemental file")
        if self.batched:
            _check_batched_file(self)


def _check_batched_file(file: TipFile) -> None:
    """Appendix E.1: a batch's only file is viral or a meme, and carries little else."""
    allowed = {FileAnnotation.VIRAL, FileAnnotation.POTENTIAL_MEME}
    if not file.annotations or file.annotations - allowed:
        raise broken("file.annotations", "must be viral or potential meme, and nothing else")
    not_allowed = {
        "file_name": file.file_name,
        "original_file_name": file.original_file_name,
        "location_of_file": file.location_of_file,
        "original_file_hashes": file.original_file_hashes,
        "ip_capture": file.ip_capture,
        "device_ids": file.device_ids,
        "metadata": file.metadata,
        "additional_info": file.additional_info,
    }
    for name, value in not_allowed.items():
        if value:
            raise broken(f"file.{name}", "is not allowed in batch mode")
    if file.relevance is FileRelevance.SUPPLEMENTAL:
        raise broken("file.relevance", "must be Reported in batch mode")
