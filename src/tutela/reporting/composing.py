"""Putting a case into the authority's form: every field is derived, none is defaulted.

What is not known is left out. What the form cannot take as what it is (an address that is
none) is told in the account's free text instead of being dropped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import Connection

from tutela.cases import store as cases
from tutela.cases.model import Decision, MatchFound, Verdict
from tutela.evidence import store as evidence
from tutela.evidence.model import Context, Exhibit
from tutela.indicators import store as indicators
from tutela.indicators.model import EntryStatus
from tutela.primitives.clock import iso
from tutela.primitives.errors import BadInput, Conflict
from tutela.primitives.ids import CaseId, ExhibitId
from tutela.primitives.redacted import Redacted
from tutela.reporting import statements
from tutela.reporting.desk import Desk, ProviderProfile
from tutela.reporting.judgments import judgment_of
from tutela.reporting.model import (
    CaptureEvent,
    ChatIncident,
    CyberTip,
    Email,
    IncidentSummary,
    IncidentType,
    IndustryClassification,
    InternetDetails,
    IpCapture,
    OriginalFileHash,
    Person,
    ReportedPerson,
    Reporter,
    TipFile,
    WebPageIncident,
    carriable,
)

INDUSTRY_SCHEME = "ncmec-ab/2022"
"""The scheme and edition whose codes the form's field means; a hash list's edition is another."""

_MAX_SERVICE, _MAX_FILE_NAME = 100, 2056
_MAX_PLATFORM, _MAX_IDENTIFIER, _MAX_SCREEN_NAME = 255, 255, 256
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""What an earlier version made of a number stands before; no service recorded an upload then."""
IMMINENT_THREAT = "decision.imminent_threat"
_THREAT = (
    "The reviewer of this provider suspects a present or likely threat to the life or safety "
    "of a person."
)
_EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/bmp": "bmp",
    "image/tiff": "tif",
    "video/mp4": "mp4",
    "video/webm": "webm",
}
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Composed:
    """A report ready to be written, and the exhibits whose bytes go with it, in order."""

    tip: CyberTip
    exhibits: tuple[ExhibitId, ...]


def compose(tx: Connection, case_id: CaseId, *, desk: Desk, at: datetime) -> Composed:
    """The case as a CyberTipline report.

    Raises `Conflict` without a final decision that asks for a report, and `BadInput` (field
    and rule, never a value) where the authority's form cannot take what is known.
    """
    decision = _decision(tx, case_id)
    exhibits = evidence.exhibits_of(tx, case_id)
    context = cases.context_of(tx, case_id, desk.unsealer)
    remarks: list[str] = []
    account = _account(context, exhibits[0], remarks)
    details = _place(context, remarks)
    tip = CyberTip(
        composed_at=at,
        incident=_incident(context, exhibits, decision, desk.profile),
        reporter=_reporter(desk.profile),
        internet_details=details,
        reported=() if account is None else (account,),
        additional_info=_account_of_case(tx, case_id, exhibits, decision, remarks),
    )
    sent = tuple(exhibit.id for exhibit in exhibits if _has_bytes(exhibit))
    return Composed(tip=tip, exhibits=sent)


def describe(
    tx: Connection,
    case_id: CaseId,
    exhibit_id: ExhibitId,
    *,
    report_id: str,
    file_id: str,
    desk: Desk,
    at: datetime,
) -> TipFile:
    """What is said about one uploaded file; `report_id` and `file_id` are the authority's.

    `file_viewed_by_esp` is true only when the view log says that a person was shown all of
    it, up to this moment.
    """
    decision = _decision(tx, case_id)
    exhibit = evidence.exhibit(tx, exhibit_id)
    context = cases.context_of(tx, case_id, desk.unsealer)
    page = _or_none(lambda: _web_page(context))
    code = _industry(decision)
    told = _account_of_file(tx, case_id, exhibit_id, decision, code)
    name = _carried(context.file_name)
    if name is not None and len(name) > _MAX_FILE_NAME:
        told.append(f"File name as recorded by the service: {name}")
        name = None
    return TipFile(
        composed_at=at,
        report_id=report_id,
        file_id=file_id,
        file_viewed_by_esp=desk.viewed_entirely(tx, exhibit_id),
        file_name=name_of(exhibit),
        original_file_name=name,
        uploaded_to_esp_at=_uploaded(context, exhibit),
        location_of_file=None if page is None else page.urls[0],
        publicly_available=context.publicly_available,
        industry_classification=code,
        original_file_hashes=_hashes(exhibit),
        ip_capture=_or_none(lambda: _capture(context, exhibit)),
        additional_info=tuple(told),
    )


def name_of(exhibit: Exhibit) -> str:
    """The name a file is sent under: our identifier, never the uploader's name for it."""
    extension = _EXTENSIONS.get(exhibit.media_type)
    return f"{exhibit.id}.{extension}" if extension else exhibit.id


def _decision(tx: Connection, case_id: CaseId) -> Decision:
    decision = cases.final_decision(tx, case_id)
    if decision is None or decision.verdict is not Verdict.APPARENT_CSAM:
        raise Conflict(
            "This case asks for no report",
            why="no person has finally decided that it must be reported",
        )
    return decision


def _has_bytes(exhibit: Exhibit) -> bool:
    return exhibit.blob_key is not None and exhibit.destroyed_at is None


def _incident(
    context: Context, exhibits: Sequence[Exhibit], decision: Decision, profile: ProviderProfile
) -> IncidentSummary:
    uploaded = _uploaded(context, exhibits[0])
    if uploaded is not None:
        moment, told = uploaded, "The moment of the upload, as the service recorded it."
    elif context.uploaded_at is not None:
        moment = exhibits[0].received_at
        wrong = "a later one" if context.uploaded_at > moment else "one before 1990"
        told = (
            f"The moment of detection; the service recorded {wrong} for the upload, "
            f"{iso(context.uploaded_at)}, which cannot be."
        )
    else:
        moment = exhibits[0].received_at
        told = "The moment of detection; the moment of the upload is not known."
    platform = carriable(context.service or profile.name).strip()
    return IncidentSummary(
        incident_type=IncidentType.CHILD_PORNOGRAPHY,
        incident_at=moment,
        incident_at_description=told,
        platform=platform[:_MAX_PLATFORM] or None,
        escalate_to_high_priority=_THREAT if decision.facts.get(IMMINENT_THREAT) is True else None,
    )


def _reporter(profile: ProviderProfile) -> Reporter:
    email = profile.reporter_email.reveal()
    if not email:
        raise BadInput(
            "The report has no reporter",
            why="the authority asks for the reporter's e-mail address and none is set",
            remedy="Set TUTELA_REPORTER_EMAIL, restart the worker.",
        )
    return Reporter(
        reporting_person=Person(
            first_name=profile.reporter_first_name.reveal() or None,
            last_name=profile.reporter_last_name.reveal() or None,
            emails=(Email(address=email),),
        ),
        legal_url=profile.terms_url,
    )


def _account(context: Context, exhibit: Exhibit, remarks: list[str]) -> ReportedPerson | None:
    """The account that uploaded, as far as the service told; None when it told nothing."""
    person = capture = None
    if context.uploader_email is not None:
        address = context.uploader_email.reveal()
        person = _or_none(lambda: Person(emails=(Email(address=address),)))
        if person is None:
            remarks.append(f"E-mail address as recorded by the service: {_line(address)}")
    if context.uploader_ip is not None:
        capture = _or_none(lambda: _capture(context, exhibit))
        if capture is None:
            address = context.uploader_ip.reveal()
            remarks.append(f"Network address as recorded by the service: {_line(address)}")
    if context.uploader_location:
        remarks.append(f"Country of the uploader, by the service: {context.uploader_location}")
    remarks.extend(
        f"{_line(name)}, as recorded by the service: {_line(value)}"
        for name, value in sorted(context.extra.items())
    )
    identifier = carriable(context.uploader_reference).strip() or None
    if identifier is not None and len(identifier) > _MAX_IDENTIFIER:
        remarks.append(f"Account identifier as recorded by the service: {_line(identifier)}")
        identifier = None
    screen_name = _carried(context.uploader_screen_name)
    if screen_name is not None and len(screen_name) > _MAX_SCREEN_NAME:
        remarks.append(f"Screen name as recorded by the service: {_line(screen_name)}")
        screen_name = None
    if not any((identifier, screen_name, person, capture)):
        return None
    service = carriable(context.service).strip() or None if identifier else None
    return ReportedPerson(
        esp_identifier=identifier,
        # longer than the form's field: it stands in full as the platform
        esp_service=service if service is not None and len(service) <= _MAX_SERVICE else None,
        screen_name=screen_name,
        person=person,
        ip_captures=() if capture is None else (capture,),
    )


def _uploaded(context: Context, exhibit: Exhibit) -> datetime | None:
    """The moment of the upload; None when it is not known or lies after its own detection."""
    if context.uploaded_at is None:
        return None
    if not _EARLIEST <= context.uploaded_at <= exhibit.received_at:
        return None
    return context.uploaded_at


def _capture(context: Context, exhibit: Exhibit) -> IpCapture | None:
    if context.uploader_ip is None:
        return None
    return IpCapture(
        ip_address=context.uploader_ip.reveal().strip(),
        event=CaptureEvent.UPLOAD,
        at=_uploaded(context, exhibit),
        port=context.uploader_port,
    )


def _place(context: Context, remarks: list[str]) -> tuple[InternetDetails, ...]:
    """Where it was: a chat when the service says interpersonal, a page when it gave one."""
    places: list[InternetDetails] = []
    if context.channel == "interpersonal":
        client = carriable(context.service).strip()[:_MAX_PLATFORM]
        places.append(ChatIncident(chat_client=client or None))
    if context.location_url is not None:
        page = _or_none(lambda: _web_page(context))
        if page is None:
            place = _line(context.location_url.reveal())
            remarks.append(f"Place as recorded by the service: {place}")
        elif context.channel != "interpersonal":
            places.append(page)
    return tuple(places)


def _web_page(context: Context) -> WebPageIncident | None:
    if context.location_url is None:
        return None
    return WebPageIncident(urls=(context.location_url.reveal().strip(),))


def _industry(decision: Decision) -> IndustryClassification | None:
    """The A/B by 1/2 class, only when the reviewer decided in that very scheme and edition."""
    scheme, _, code = decision.category.rpartition("/")
    if scheme != INDUSTRY_SCHEME or code not in set(IndustryClassification):
        return None
    return IndustryClassification(code)


def _hashes(exhibit: Exhibit) -> tuple[OriginalFileHash, ...]:
    """The digests of the bytes as uploaded, those that are known.

    A PDQ hash of a blank picture identifies nothing, so it is not told.
    """
    known = (("MD5", exhibit.md5), ("SHA1", exhibit.sha1), ("SHA256", exhibit.sha256))
    hashes = [OriginalFileHash(hash_type=name, value=value) for name, value in known if value]
    if pdq := exhibit.comparable_pdq:
        hashes.append(OriginalFileHash(hash_type="PDQ", value=pdq))
    return tuple(hashes)


def _account_of_case(
    tx: Connection,
    case_id: CaseId,
    exhibits: Sequence[Exhibit],
    decision: Decision,
    remarks: list[str],
) -> str:
    """The free text: how it was found, who decided when, what had no field of its own."""
    matches = cases.matches_of(tx, case_id)
    lines = [*statements.of_matches(matches, _statuses(tx, matches))]
    lines += statements.of_judgment(judgment_of(tx, case_id, decision, matches))
    for exhibit in exhibits:
        if not _has_bytes(exhibit):
            hashes = ", ".join(f"{each.hash_type} {each.value}" for each in _hashes(exhibit))
            lines.append(f"The file itself is not held here. Its hashes: {hashes or 'none'}.")
    return "\n".join([*lines, *remarks])


def _account_of_file(
    tx: Connection,
    case_id: CaseId,
    exhibit_id: ExhibitId,
    decision: Decision,
    code: IndustryClassification | None,
) -> list[str]:
    """How this file was found, and where its classification comes from."""
    matches = [each for each in cases.matches_of(tx, case_id) if each.exhibit_id == exhibit_id]
    lines = [*statements.of_matches(matches, _statuses(tx, matches))]
    if code is not None:
        judgment = judgment_of(tx, case_id, decision, matches)
        lines.append(statements.of_classification(judgment, exhibit_id, code.value))
    return lines


def _statuses(tx: Connection, matches: Sequence[MatchFound]) -> Mapping[int, EntryStatus]:
    return indicators.statuses_of(tx, [each.match.entry_id for each in matches])


def _line(text: str) -> str:
    """`text` on one line, so that a value given by somebody never looks like a sentence of ours."""
    return " ".join(carriable(text).splitlines())


def _carried(wrapped: Redacted[str] | None) -> str | None:
    return None if wrapped is None else carriable(wrapped.reveal()).strip() or None


def _or_none(make: Callable[[], T | None]) -> T | None:
    """What `make` gives, or None where the authority's form refuses the value."""
    try:
        return make()
    except BadInput:
        return None
