"""How the CyberTipline sandbox answers: bytes in, an answer out, no web in here.

The documented behaviour (appendix D and E, the /finish and /retract rules) is followed;
where the documentation is silent, the sandbox's choice is marked as such, and HTTP statuses
are mixed on purpose, because a client must decide on the body.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Final

from lxml import etree

from tutela.adapters.sandbox.reports import (
    ReportState,
    SandboxFile,
    SandboxReport,
    SandboxReports,
)
from tutela.primitives.errors import BadInput
from tutela.reporting.formats.xml_documents import document, parse, put, validate

UTF_8: Final = "utf-8"
LATIN_1: Final = "iso-8859-1"
DESCRIPTIONS: Final = {
    0: "Success",
    1000: "Server error",
    1100: "Save failed",
    1110: "Upload failed",
    1111: "File upload failed",
    1210: "Resource not found",
    1300: "Update failed",
    2000: "Authentication required",
    3000: "User is not authorized to perform this action",
    3100: "User does not have authorization to make submissions",
    3300: "User does not have authorization to make updates",
    4000: "Invalid request",
    4100: "Validation failed",
    4110: "Malformed XML submittal",
    4200: "Malformed file submittal",
    5001: "Report does not exist",
    5002: "File does not exist",
    5101: "Report already retracted",
    5102: "Report already finished",
}
# HTTP statuses beside the codes. 200 with a non-zero code is what recorded answers show for a
# refused report; 400 with 4100 is documented for a batch's /finish. The rest is our choice.
_HTTP_STATUS: Final = {1210: 404, 2000: 401, 4000: 400, 4200: 400, 5001: 404, 5002: 404}
_REPORT_ORDER: Final = (
    "batchedReport",
    "incidentSummary",
    "internetDetails",
    "lawEnforcement",
    "reporter",
    "personOrUserReported",
    "intendedRecipient",
    "victim",
    "additionalInfo",
)
_FILE_ORDER: Final = (
    "reportId",
    "fileId",
    "fileName",
    "originalFileName",
    "uploadedToEspTimestamp",
    "locationOfFile",
    "fileViewedByEsp",
    "exifViewedByEsp",
    "publiclyAvailable",
    "fileRelevance",
    "potentialMeme",
    "fileAnnotations",
    "industryClassification",
    "originalFileHash",
    "ipCaptureEvent",
    "deviceId",
    "details",
    "additionalInfo",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What goes back over the wire."""

    http_status: int
    body: bytes
    charset: str = UTF_8


class Desk:
    """Takes each call in turn. With an `xsd`, documents are checked against it."""

    def __init__(self, reports: SandboxReports, *, xsd: bytes | None = None) -> None:
        """Answer from `reports`; `BadInput` when the schema is none."""
        if xsd is not None:
            validate(b"<report/>", xsd)
        self._reports = reports
        self._xsd = xsd

    def status(self, *, user: str, ip: str) -> Answer:
        """Who is calling; in ISO-8859-1 that only the HTTP header declares."""
        described = f"Remote User : {user}, Remote Ip : {ip}"
        body = b"<reportResponse><responseCode>0</responseCode><responseDescription>"
        body += _escaped(described).encode(LATIN_1, "xmlcharrefreplace")
        body += b"</responseDescription></reportResponse>"
        return Answer(http_status=200, body=body, charset=LATIN_1)

    def schema(self) -> Answer:
        """The schema, or "not found" when the sandbox was started without one."""
        if self._xsd is None:
            return refusal(1210)
        return Answer(http_status=200, body=self._xsd)

    def submit(self, body: bytes) -> Answer:
        """Open a report."""
        try:
            root = parse(body)
        except BadInput as error:
            return refusal(4110, detail=error.why or error.what)
        faults = self._objections(body, root, "report", _REPORT_ORDER)
        faults = faults or _appendix_objections(root, self._reports.now())
        if faults:
            return refusal(4100, detail=faults[0])
        report = self._reports.open(
            report_sha256=hashlib.sha256(body).hexdigest(),
            batched=root.find("batchedReport") is not None,
        )
        return _response(0, report_id=report.report_id)

    def upload(self, report_id: str, *, size_bytes: int, md5: str) -> Answer:
        """Add a file to an open report."""
        report = self._reports.get(report_id)
        if report is None or report.state is not ReportState.OPEN:
            return _closed(report)
        file = SandboxFile(
            file_id=uuid.uuid4().hex,
            md5=md5,
            size_bytes=size_bytes,
            uploaded_at=self._reports.now().isoformat(),
        )
        report.files.append(file)
        self._reports.changed(report)
        return _response(0, report_id=report_id, file_id=file.file_id, md5=md5)

    def file_details(self, body: bytes) -> Answer:
        """Describe a file, once. The same bytes again are taken as a repeated call."""
        try:
            root = parse(body)
        except BadInput as error:
            return refusal(4110, detail=error.why or error.what, http_status=400)
        faults = self._objections(body, root, "fileDetails", _FILE_ORDER)
        if faults:
            return refusal(4100, detail=faults[0], http_status=400)
        report = self._reports.get((root.findtext("reportId") or "").strip())
        if report is None or report.state is not ReportState.OPEN:
            return _closed(report)
        file = report.file((root.findtext("fileId") or "").strip())
        if file is None:
            return refusal(5002)
        digest = hashlib.sha256(body).hexdigest()
        if file.details_sha256 not in {None, digest}:  # sandbox's choice of code
            return refusal(4100, detail="the file is described already", http_status=400)
        file.details_sha256 = digest
        file.annotations = [str(flag.tag) for flag in root.findall("fileAnnotations/*")]
        self._reports.changed(report)
        return _response(0, report_id=report.report_id)

    def finish(self, report_id: str) -> Answer:
        """Finish an open report; the answer is the receipt."""
        report = self._reports.get(report_id)
        if report is None or report.state is not ReportState.OPEN:
            return _closed(report)
        if report.batched and len(report.files) > 1:
            return refusal(4100, detail="a batch holds one file", http_status=400)
        self._reports.close(report, ReportState.FINISHED)
        root = etree.Element("reportDoneResponse")
        put(root, "responseCode", 0)
        put(root, "reportId", report_id)
        files = etree.SubElement(root, "files")
        for file in report.files:
            put(files, "fileId", file.file_id)
        return Answer(http_status=200, body=document(root))

    def retract(self, report_id: str) -> Answer:
        """Withdraw an open report."""
        report = self._reports.get(report_id)
        if report is None or report.state is not ReportState.OPEN:
            return _closed(report)
        self._reports.close(report, ReportState.RETRACTED)
        return _response(0, report_id=report_id)

    def _objections(
        self, body: bytes, root: etree._Element, name: str, order: tuple[str, ...]
    ) -> list[str]:
        """What the schema says, or without one the order of the elements we know."""
        if root.tag != name:
            return [f"the root element is not {name}"]
        if self._xsd is not None:
            return validate(body, self._xsd)
        ranks = [order.index(str(child.tag)) for child in root if child.tag in order]
        if ranks != sorted(ranks):
            return ["elements are out of order"]
        return []


def _appendix_objections(root: etree._Element, now: datetime) -> list[str]:
    """The documented rules that the schema does not hold."""
    faults = []
    if root.find("incidentSummary/incidentDateTime") is None:
        faults.append("incidentDateTime is missing")
    if not (root.findtext("reporter/reportingPerson/email") or "").strip():
        faults.append("the reporting person has no email")
    if len(root.findall("personOrUserReported")) > 1 and root.find("batchedReport") is None:
        faults.append("several reported persons outside batch mode")
    for element in root.iter("incidentDateTime", "dateTime"):
        moment = _moment(element.text or "")
        if moment is None:
            faults.append(f"{element.tag} is not a time with a zone")
        elif moment > now:
            faults.append(f"{element.tag} is not in the past")
    return faults


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _closed(report: SandboxReport | None) -> Answer:
    """Why a report takes no more: gone (5001), withdrawn (5101), finished (5102)."""
    if report is None or report.state is ReportState.ABANDONED:
        return refusal(5001)
    return refusal(5101 if report.state is ReportState.RETRACTED else 5102)


def refusal(code: int, *, detail: str = "", http_status: int | None = None) -> Answer:
    """A proper answer with a non-zero code, in ISO-8859-1 as answers have come."""
    description = DESCRIPTIONS.get(code, "Error")
    if detail:
        description = f"{description} - {detail}"
    status = _HTTP_STATUS.get(code, 200) if http_status is None else http_status
    return _response(code, description=description, http_status=status, charset=LATIN_1)


def _response(
    code: int,
    *,
    description: str = DESCRIPTIONS[0],
    report_id: str | None = None,
    file_id: str | None = None,
    md5: str | None = None,
    http_status: int = 200,
    charset: str = UTF_8,
) -> Answer:
    root = etree.Element("reportResponse")
    put(root, "responseCode", code)
    put(root, "responseDescription", description)
    put(root, "reportId", report_id)
    put(root, "fileId", file_id)
    put(root, "hash", md5)
    written = BytesIO()
    etree.ElementTree(root).write(written, xml_declaration=True, encoding=charset.upper())
    return Answer(http_status=http_status, body=written.getvalue(), charset=charset)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
