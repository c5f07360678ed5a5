"""CyberTipline messages: report and file details to bytes, answers back to facts.

The order of elements is the schema's sequence (strict). Flags stand only when set: the
schema fixes them to `true`. The documents name no schema location, because the place of
the schema is the operator's setting; validity does not depend on it.
"""

from functools import singledispatch

from lxml import etree
from lxml.etree import _Element

from tutela.reporting.formats.cybertip_people import (
    put_address,
    put_contact,
    put_device,
    put_email,
    put_ip_capture,
    put_person,
    put_phone,
    put_recipient,
    put_reported,
    put_victim,
)
from tutela.reporting.formats.cybertip_replies import classify, parse_reply, read, schema_of
from tutela.reporting.formats.xml_documents import branch, document, put, put_each, validate
from tutela.reporting.model import (
    CellPhoneIncident,
    ChatIncident,
    CyberTip,
    EmailIncident,
    FileAnnotation,
    IncidentSummary,
    LawEnforcement,
    NewsgroupIncident,
    NonInternetIncident,
    OnlineGamingIncident,
    PeerToPeerIncident,
    ReportAnnotation,
    Reporter,
    TipFile,
    WebPageIncident,
)

__all__ = [
    "classify",
    "file_details_xml",
    "parse_reply",
    "read",
    "report_xml",
    "schema_of",
    "validate",
]


def report_xml(tip: CyberTip) -> bytes:
    """The body for `/submit`: the same facts always give the same bytes."""
    root = etree.Element("report")
    # 1. batchedReport? 2. incidentSummary 3. internetDetails* 4. lawEnforcement?
    if tip.batch is not None:
        branch(root, "batchedReport", {"reason": tip.batch})
    _put_summary(root, tip.incident)
    for details in tip.internet_details:
        _put_incident(details, branch(root, "internetDetails"))
    if tip.law_enforcement is not None:
        _put_law_enforcement(root, tip.law_enforcement)
    # 5. reporter 6. personOrUserReported* 7. intendedRecipient* 8. victim* 9. additionalInfo?
    _put_reporter(root, tip.reporter)
    for reported in tip.reported:
        put_reported(root, reported)
    for recipient in tip.intended_recipients:
        put_recipient(root, recipient)
    for victim in tip.victims:
        put_victim(root, victim)
    put(root, "additionalInfo", tip.additional_info)
    return document(root)


def _put_summary(root: _Element, incident: IncidentSummary) -> None:
    element = branch(root, "incidentSummary")
    put(element, "incidentType", incident.incident_type)
    put(element, "platform", incident.platform)
    put(element, "escalateToHighPriority", incident.escalate_to_high_priority)
    if incident.annotations:
        flags = branch(element, "reportAnnotations")
        for flag in ReportAnnotation:
            put(flags, flag, True if flag in incident.annotations else None)
    put(element, "incidentDateTime", incident.incident_at)
    put(element, "incidentDateTimeDescription", incident.incident_at_description)


@singledispatch
def _put_incident(details: object, parent: _Element) -> None:
    raise TypeError(type(details).__name__, parent.tag)


@_put_incident.register
def _(details: WebPageIncident, parent: _Element) -> None:
    attributes = {"thirdPartyHostedContent": details.third_party_hosted_content}
    element = branch(parent, "webPageIncident", attributes)
    put_each(element, "url", details.urls)
    put(element, "additionalInfo", details.additional_info)


@_put_incident.register
def _(details: EmailIncident, parent: _Element) -> None:
    element = branch(parent, "emailIncident")
    for email in details.email_addresses:
        put_email(element, "emailAddress", email)
    put(element, "content", details.content)
    put(element, "additionalInfo", details.additional_info)


@_put_incident.register
def _(details: NewsgroupIncident, parent: _Element) -> None:
    element = branch(parent, "newsgroupIncident")
    put(element, "name", details.name)
    for email in details.email_addresses:
        put_email(element, "emailAddress", email)
    put(element, "content", details.content)
    put(element, "additionalInfo", details.additional_info)


@_put_incident.register
def _(details: ChatIncident, parent: _Element) -> None:
    element = branch(parent, "chatImIncident")
    put(element, "chatClient", details.chat_client)
    put(element, "chatRoomName", details.chat_room_name)
    put(element, "content", details.content)
    put(element, "additionalInfo", details.additional_info)


@_put_incident.register
def _(details: OnlineGamingIncident, parent: _Element) -> None:
    element = branch(parent, "onlineGamingIncident")
    put(element, "gameName", details.game_name)
    put(element, "console", details.console)
    put(element, "content", details.content)
    put(element, "additionalInfo", details.additional_info)


@_put_incident.register
def _(details: CellPhoneIncident, parent: _Element) -> None:
    element = branch(parent, "cellPhoneIncident")
    if details.phone_number is not None:
        put_phone(element, "phoneNumber", details.phone_number)
    put(element, "latitude", details.latitude)
    put(element, "longitude", details.longitude)
    put(element, "additionalInfo", details.additional_info)


@_put_incident.register
def _(details: NonInternetIncident, parent: _Element) -> None:
    element = branch(parent, "nonInternetIncident")
    put(element, "locationName", details.location_name)
    for address in details.incident_addresses:
        put_address(element, "incidentAddress", address)
    put(element, "additionalInfo", details.additional_info)


@_put_incident.register
def _(details: PeerToPeerIncident, parent: _Element) -> None:
    element = branch(parent, "peer2peerIncident")
    put(element, "client", details.client)
    for capture in details.ip_captures:
        put_ip_capture(element, capture)
    put(element, "fileNames", details.file_names)
    put(element, "additionalInfo", details.additional_info)


def _put_law_enforcement(root: _Element, police: LawEnforcement) -> None:
    element = branch(root, "lawEnforcement")
    put(element, "agencyName", police.agency_name)
    put(element, "caseNumber", police.case_number)
    if police.officer_contact is not None:
        put_contact(element, "officerContact", police.officer_contact)
    put(element, "reportedToLe", police.reported_to_le)
    put(element, "servedLegalProcessDomestic", police.served_legal_process_domestic)
    put(
        element,
        "servedLegalProcessInternational",
        police.served_legal_process_international,
        {"fleaCountry": police.flea_country},
    )


def _put_reporter(root: _Element, reporter: Reporter) -> None:
    element = branch(root, "reporter")
    put_person(element, "reportingPerson", reporter.reporting_person)
    if reporter.contact_person is not None:
        put_contact(element, "contactPerson", reporter.contact_person)
    put(element, "companyTemplate", reporter.company_template)
    put(element, "termsOfService", reporter.terms_of_service)
    put(element, "legalURL", reporter.legal_url)


def file_details_xml(file: TipFile) -> bytes:
    """The body for `/fileinfo`: the same facts always give the same bytes."""
    root = etree.Element("fileDetails")
    # 1. which file
    put(root, "reportId", file.report_id)
    put(root, "fileId", file.file_id)
    put(root, "fileName", file.file_name)
    put(root, "originalFileName", file.original_file_name)
    put(root, "uploadedToEspTimestamp", file.uploaded_to_esp_at)
    put(root, "locationOfFile", file.location_of_file)
    # 2. what the company saw; false is an honest value here, not a flag
    put(root, "fileViewedByEsp", file.file_viewed_by_esp)
    put(root, "exifViewedByEsp", file.exif_viewed_by_esp)
    put(root, "publiclyAvailable", file.publicly_available)
    # 3. what the file is
    put(root, "fileRelevance", file.relevance)
    if file.annotations:
        flags = branch(root, "fileAnnotations")
        for flag in FileAnnotation:
            put(flags, flag, True if flag in file.annotations else None)
    put(root, "industryClassification", file.industry_classification)
    for digest in file.original_file_hashes:
        put(root, "originalFileHash", digest.value, {"hashType": digest.hash_type})
    # 4. where it came from
    if file.ip_capture is not None:
        put_ip_capture(root, file.ip_capture)
    for device in file.device_ids:
        put_device(root, device)
    for metadata in file.metadata:
        element = branch(root, "details", {"type": metadata.type})
        for name, value in metadata.pairs:
            pair = branch(element, "nameValuePair")
            put(pair, "name", name)
            put(pair, "value", value)
    put_each(root, "additionalInfo", file.additional_info)
    return document(root)
