"""Sending a report, one call at a time; each move is found by looking at what is stored.

The authority's procedure (CyberTipline documentation, 2025-06-11):
1. /submit opens a report; 2. /upload sends a file; 3. /fileinfo describes it;
4. /finish ends it for good, and its answer is the receipt.

Around each call: the intent is stored, the call is made, exact bytes and the new state are
stored in one transaction. A process that dies in between leaves an intent without an answer.
What follows then depends on the call:
- /submit: an open report whose number we never learned is abandoned by the authority by
  itself; another one is opened.
- /upload: the file may be there under an identifier that we never learned. The open report
  is given up (retracted, its number kept) and opened anew, so that no finished report holds
  a file twice or undescribed.
- /fileinfo: the same is said again.
- /finish: the same number is finished again; "already finished" is the success that was
  lost. Should the authority then not know the number, a person must ask: it may be finished.
Only the number in the report's row is ever finished, and the table holds one living report
per case and channel: never two finished reports for one case.
"""

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection

from tutela.cases import outcomes
from tutela.cases import store as cases
from tutela.cases.concluding import FOLLOWING
from tutela.cases.model import Outcome as Reached
from tutela.evidence import store as evidence
from tutela.evidence.custody import opened_bytes
from tutela.ledger.actions import LedgerAction
from tutela.primitives import events
from tutela.primitives.errors import BadInput, Conflict, Misconfigured, NotFound
from tutela.reporting import composing, preparing, restored, store
from tutela.reporting.conversing import (
    Answered,
    Next,
    converse,
    give_up,
    hold,
    refuse,
    settle,
    tell,
    unsuccessful,
)
from tutela.reporting.desk import Desk
from tutela.reporting.exchange import Call, Outcome
from tutela.reporting.exclusivity import alone
from tutela.reporting.formats.cybertip import file_details_xml
from tutela.reporting.formats.xml_documents import validate
from tutela.reporting.ports import Authority
from tutela.reporting.reports import (
    HeldBecause,
    KeptExchange,
    Report,
    ReportFile,
    ReportState,
)

_UNDER_WAY = frozenset({ReportState.COMPOSED, ReportState.OPENED, ReportState.FILES})
_BREAKS_A_RULE = range(4000, 5000)  # the documented codes for what is wrong with a report


def advance(desk: Desk, report_id: str) -> Next:
    """Make the next move of this report, whatever it is. May be run again at any moment."""
    if desk.authority is None:
        raise Misconfigured("There is no authority to send to", why="none is configured")
    with alone(desk.database, report_id) as mine:
        desk.outward.clear()  # before anything is given up that would then be said to nobody
        return _move(desk, desk.authority, report_id) if mine else Next.BUSY


def _move(desk: Desk, authority: Authority, report_id: str) -> Next:
    with desk.database.begin() as tx:
        report = store.report(tx, report_id)
        if report.state in _UNDER_WAY and restored.held_back(tx, report, at=desk.clock.now()):
            return Next.STOPPED
        files = store.files_of(tx, report_id)
        calls = store.exchanges_of(tx, report_id)
    match report.state:
        case ReportState.FINISHED:
            return Next.DONE
        case ReportState.HELD | ReportState.REFUSED:
            return Next.STOPPED
        case ReportState.COMPOSED:
            return _submit(desk, authority, report)
        case ReportState.FILES:
            return _finish(desk, authority, report, before=_finished_before(calls))
        case ReportState.OPENED:
            return _next_file(desk, authority, report, files, calls)


def _submit(desk: Desk, authority: Authority, report: Report) -> Next:
    """1. Open a report with the stored bytes, if the law still lets it go."""
    if not _allowed(desk, report):
        return Next.STOPPED
    xml = report.xml or b""
    answered = converse(desk, report, Call.SUBMIT, lambda: authority.submit(xml), sent=xml)

    def follow(tx: Connection) -> Next:
        at = desk.clock.now()
        if answered.outcome is not Outcome.OK or answered.reply is None:
            return unsuccessful(tx, answered, at=at)
        number = answered.reply.report_id
        files = store.files_of(tx, report.id)
        store.change(
            tx,
            report.id,
            state=ReportState.OPENED if files else ReportState.FILES,
            authority_report_id=number,
            opened_at=at,
        )
        tell(tx, report, LedgerAction.REPORT_OPENED, at=at, authority_report=number)
        return Next.GO_ON

    return settle(desk, answered, follow)


def _allowed(desk: Desk, report: Report) -> bool:
    with desk.database.begin() as tx:
        return preparing.allowed(tx, desk, report).open


def _next_file(
    desk: Desk,
    authority: Authority,
    report: Report,
    files: Sequence[ReportFile],
    calls: Sequence[KeptExchange],
) -> Next:
    """2. and 3. for the first file that is not uploaded or not described; then go to 4."""
    intents = [each for each in calls if each.answers is None]
    last = intents[-1] if intents else None
    if last is not None and last.call == Call.UPLOAD and store.fate_unknown(last, calls):
        return _start_over(desk, authority, report, why="the answer to an upload was lost")
    for file in files:
        if file.file_id is None:
            return _upload(desk, authority, report, file)
        if file.described_at is None:
            said = _said_before(intents, file)
            return _describe(desk, authority, report, file, said=said)
    with desk.database.begin() as tx:
        store.change(tx, report.id, state=ReportState.FILES)
    return Next.GO_ON


def _upload(desk: Desk, authority: Authority, report: Report, file: ReportFile) -> Next:
    """2. Send one exhibit, unsealed in memory, and compare the authority's digest of it."""
    with desk.database.begin() as tx:
        exhibit = evidence.exhibit(tx, file.exhibit_id)
    try:
        content = opened_bytes(exhibit, blobs=desk.blobs, unsealer=desk.unsealer)
    except (BadInput, Conflict, Misconfigured, NotFound) as trouble:
        with desk.database.begin() as tx:
            at = desk.clock.now()
            hold(tx, report, because=HeldBecause.EVIDENCE, why=str(trouble), at=at)
        return Next.STOPPED
    number, name = report.authority_report_id or "", composing.name_of(exhibit)
    answered = converse(
        desk,
        report,
        Call.UPLOAD,
        lambda: authority.upload(number, name, content),
        exhibit=exhibit.id,
    )

    def follow(tx: Connection) -> Next:
        at = desk.clock.now()
        if answered.outcome is not Outcome.OK or answered.reply is None:
            return unsuccessful(tx, answered, at=at)
        if answered.reply.hash_md5 not in {None, exhibit.md5}:
            give_up(tx, report, why="a file arrived damaged", at=at)
            return Next.AGAIN
        file_id = answered.reply.file_id
        store.change_file(tx, report.id, exhibit.id, file_id=file_id, uploaded_at=at)
        tell(tx, report, LedgerAction.REPORT_FILE_UPLOADED, at=at, exhibit=exhibit.id, file=file_id)
        return Next.GO_ON

    return settle(desk, answered, follow)


def _said_before(intents: Sequence[KeptExchange], file: ReportFile) -> bytes | None:
    """What was said about this file already, since the report was opened last.

    Said again, it must be the same bytes.
    """
    for intent in reversed(intents):
        if intent.call == Call.SUBMIT:
            return None
        if intent.call == Call.FILE_DETAILS and intent.exhibit_id == file.exhibit_id:
            return intent.sent
    return None


def _describe(
    desk: Desk, authority: Authority, report: Report, file: ReportFile, *, said: bytes | None
) -> Next:
    """3. Say what the file is, derived at this moment from the case and the view log."""
    at = desk.clock.now()
    try:
        xml = said or _details(desk, report, file)
    except BadInput as trouble:
        with desk.database.begin() as tx:
            hold(tx, report, because=HeldBecause.COMPOSING, why=str(trouble), at=at)
        return Next.STOPPED
    answered = converse(
        desk,
        report,
        Call.FILE_DETAILS,
        lambda: authority.file_details(xml),
        sent=xml,
        exhibit=file.exhibit_id,
    )

    def follow(tx: Connection) -> Next:
        at = desk.clock.now()
        if answered.outcome is not Outcome.OK:
            return unsuccessful(tx, answered, at=at)
        store.change_file(tx, report.id, file.exhibit_id, details_xml=xml, described_at=at)
        digest = hashlib.sha256(xml).hexdigest()
        tell(
            tx,
            report,
            LedgerAction.REPORT_FILE_DESCRIBED,
            at=at,
            exhibit=file.exhibit_id,
            sha256=digest,
        )
        return Next.GO_ON

    return settle(desk, answered, follow)


def _details(desk: Desk, report: Report, file: ReportFile) -> bytes:
    with desk.database.begin() as tx:
        tip = composing.describe(
            tx,
            report.case_id,
            file.exhibit_id,
            report_id=report.authority_report_id or "",
            file_id=file.file_id or "",
            desk=desk,
            at=desk.clock.now(),
        )
        xsd = store.schema(tx, report.schema_sha256) if report.schema_sha256 else None
    xml = file_details_xml(tip)
    faults = validate(xml, xsd) if xsd is not None else []
    if faults:
        raise BadInput("The authority's schema refuses the file details", why=faults[0])
    return xml


def _finish(desk: Desk, authority: Authority, report: Report, *, before: bool) -> Next:
    """4. Finish, if the law still lets it go.

    `before`: an earlier attempt may have succeeded without our knowing; only asking again tells.
    """
    if not before and not _allowed(desk, report):
        return Next.STOPPED
    number = report.authority_report_id or ""
    answered = converse(desk, report, Call.FINISH, lambda: authority.finish(number))

    def follow(tx: Connection) -> Next:
        at = desk.clock.now()
        if answered.outcome in {Outcome.OK, Outcome.ALREADY_FINISHED}:
            return _finished(tx, desk, answered)
        if answered.outcome in {Outcome.RETRY, Outcome.STOP_AND_PAGE}:
            return unsuccessful(tx, answered, at=at)
        code = answered.reply.code if answered.reply else None
        if not before and answered.outcome is Outcome.REOPEN:
            return unsuccessful(tx, answered, at=at)
        if not before and code in _BREAKS_A_RULE:
            refuse(tx, answered, at=at)
            return Next.STOPPED
        why = (
            f"The report may be finished already ({answered.said}). Ask the authority about "
            f"report {number}, then use `tutela report retry`."
        )
        hold(tx, report, because=HeldBecause.UNCERTAIN, why=why, at=at)
        return Next.STOPPED

    return settle(desk, answered, follow)


def _finished(tx: Connection, desk: Desk, answered: Answered) -> Next:
    """The receipt is the notification: it is stored verbatim with all that follows from it."""
    report, at = answered.report, answered.exchange.received_at or desk.clock.now()
    cases.case(tx, report.case_id, for_update=True)  # before the chain's lock, as every act does
    if store.report(tx, report.id).state is ReportState.FINISHED:
        return Next.DONE
    late = answered.outcome is Outcome.ALREADY_FINISHED
    store.change(
        tx,
        report.id,
        state=ReportState.FINISHED,
        receipt=answered.exchange.response_bytes,
        finished_at=at,
        why="The first receipt was lost; this is the authority's word that it is finished."
        if late
        else "",
    )
    events.ask_for(tx, kind=FOLLOWING[Reached.PRESERVED], subject=report.case_id, at=at)
    tell(
        tx,
        report,
        LedgerAction.REPORT_FINISHED,
        at=at,
        authority_report=report.authority_report_id,
        receipt_sha256=hashlib.sha256(answered.exchange.response_bytes or b"").hexdigest(),
        already_finished=late,
    )
    outcomes.reach(tx, report.case_id, Reached.REPORTED, at=at)
    return Next.DONE


def _finished_before(calls: Sequence[KeptExchange]) -> bool:
    """Whether an earlier /finish of the open report may have done its work."""
    intents = [each for each in calls if each.answers is None]
    opened = max((each.id for each in intents if each.call == Call.SUBMIT), default=0)
    refused = {
        each.answers
        for each in calls
        if each.reply_code is not None and each.reply_code in _BREAKS_A_RULE
    }
    return any(
        each.call == Call.FINISH
        and each.id > opened
        and each.id not in refused
        and _may_have_worked(each, calls)
        for each in intents
    )


def _may_have_worked(intent: KeptExchange, calls: Sequence[KeptExchange]) -> bool:
    answer = next((each for each in calls if each.answers == intent.id), None)
    return answer is None or answer.sent_sha256 is not None


def _start_over(desk: Desk, authority: Authority, report: Report, *, why: str) -> Next:
    """Give the open report up and withdraw it, as far as the authority answers."""
    number = report.authority_report_id or ""
    with desk.database.begin() as tx:
        give_up(tx, report, why=why, at=desk.clock.now())
    answered = converse(desk, report, Call.RETRACT, lambda: authority.retract(number))

    def follow(tx: Connection) -> Next:
        if answered.outcome is Outcome.ALREADY_FINISHED:
            said = f"Report {number} is finished although we never finished it ({answered.said})."
            hold(tx, report, because=HeldBecause.UNCERTAIN, why=said, at=desk.clock.now())
            return Next.STOPPED
        return Next.AGAIN

    return settle(desk, answered, follow)
