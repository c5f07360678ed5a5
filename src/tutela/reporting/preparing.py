"""From a decided case to a report that is ready to be sent: gate, composing, schema."""

import hashlib

from sqlalchemy import Connection

from tutela.cases import store as cases
from tutela.cases.model import Outcome as Reached
from tutela.ledger.actions import LedgerAction
from tutela.primitives.errors import BadInput, Conflict
from tutela.primitives.ids import CaseId
from tutela.reporting import composing, gating, restored, store
from tutela.reporting.conversing import Next, converse, hold, settle, tell, unsuccessful
from tutela.reporting.desk import Desk
from tutela.reporting.exchange import Call, Outcome
from tutela.reporting.exclusivity import alone
from tutela.reporting.formats.cybertip import report_xml
from tutela.reporting.formats.cybertip_replies import schema_of
from tutela.reporting.formats.xml_documents import validate
from tutela.reporting.gating import Gate
from tutela.reporting.reports import CYBERTIP, HeldBecause, Report, ReportState


def prepare(desk: Desk, case_id: str) -> str | None:
    """The report of this case, ready to be sent, or None when nothing is to be sent now.

    1. a case that needs no report, or has its receipt, ends here; 2. the law gate; 3. an
    authority must be configured; 4. the exact bytes are composed and stored. A held report
    that was open goes on where it was. May be run again at any moment.
    """
    case = CaseId(case_id)
    with desk.database.begin() as tx:
        if Reached.REPORTED not in cases.case(tx, case).needed:
            return None
        report = store.start(tx, case_id=case, channel=CYBERTIP, at=desk.clock.now())
        if report.state is ReportState.FINISHED or report.held_because is HeldBecause.UNCERTAIN:
            return None
        if restored.held_back(tx, report, at=desk.clock.now()):
            return None
        if report.state is not ReportState.HELD:
            return report.id
        return report.id if _released(tx, desk, report) else None


def _released(tx: Connection, desk: Desk, report: Report) -> bool:
    """Whether a held report may go on; otherwise its reason is brought up to date."""
    at = desk.clock.now()
    gate = allowed(tx, desk, report)
    if not gate.open:
        return False
    if desk.authority is None:
        why = "No authority is configured (TUTELA_CYBERTIP_URL)."
        hold(tx, report, because=HeldBecause.UNCONFIGURED, why=why, at=at)
        return False
    if report.authority_report_id is not None:
        described = [each.described_at for each in store.files_of(tx, report.id)]
        state = ReportState.FILES if all(described) else ReportState.OPENED
        store.change(tx, report.id, state=state)
        number = report.authority_report_id
        tell(tx, report, LedgerAction.REPORT_RESUMED, at=at, authority_report=number)
        return True
    try:
        composed = composing.compose(tx, report.case_id, desk=desk, at=at)
        xml = report_xml(composed.tip)
    except (BadInput, Conflict) as trouble:
        hold(tx, report, because=HeldBecause.COMPOSING, why=str(trouble), at=at)
        return False
    store.list_files(tx, report.id, composed.exhibits)
    store.change(tx, report.id, state=ReportState.COMPOSED, xml=xml, composed_at=at)
    tell(
        tx,
        report,
        LedgerAction.REPORT_COMPOSED,
        at=at,
        sha256=hashlib.sha256(xml).hexdigest(),
        assessment=gating.assess(tx, report.case_id, gate.duties, at=at),
        rules=list(gate.rules),
    )
    return True


def allowed(tx: Connection, desk: Desk, report: Report) -> Gate:
    """Ask the law gate; where it is closed the report is held with the reasons.

    Asked once more before a report is opened and before it is finished: counsel may have
    withdrawn the acceptance, or the rule may have changed, while the report waited.
    """
    at = desk.clock.now()
    gate = gating.ask(tx, report.case_id, desk=desk, at=at)
    if not gate.open:
        gating.assess(tx, report.case_id, gate.duties, at=at)
        because = gate.because or HeldBecause.LAW
        hold(tx, report, because=because, why="\n".join(gate.reasons), at=at)
    return gate


def check(desk: Desk, report_id: str) -> Next:
    """Fetch the authority's schema, compare it with the pinned one, check the report with it.

    A schema that differs from the pinned one stops filing: a person compares the two, then
    sets TUTELA_CYBERTIP_XSD_SHA256. An authority that shows none is told in the exchange,
    and then checks the report alone, unless a digest is pinned in the settings.
    """
    authority = desk.authority
    with desk.database.begin() as tx:
        report = store.report(tx, report_id)
    if authority is None or report.state is not ReportState.COMPOSED:
        return Next.GO_ON
    with alone(desk.database, report_id) as mine:
        if not mine:
            return Next.BUSY
        answered = converse(desk, report, Call.SCHEMA, authority.schema)

        def follow(tx: Connection) -> Next:
            if answered.outcome in {Outcome.RETRY, Outcome.STOP_AND_PAGE}:
                return unsuccessful(tx, answered, at=desk.clock.now())
            try:
                xsd = schema_of(answered.exchange)
            except BadInput as absent:
                return _without(tx, desk, report, absent)
            return _with(tx, desk, report, xsd)

        return settle(desk, answered, follow)


def _without(tx: Connection, desk: Desk, report: Report, absent: BadInput) -> Next:
    if desk.pinned_schema_sha256 is None:
        return Next.GO_ON
    why = f"A schema is pinned in the settings, but: {absent}"
    hold(tx, report, because=HeldBecause.SCHEMA, why=why, at=desk.clock.now())
    return Next.STOPPED


def _with(tx: Connection, desk: Desk, report: Report, xsd: bytes) -> Next:
    at, shown = desk.clock.now(), hashlib.sha256(xsd).hexdigest()
    known = store.schemas_of(tx, CYBERTIP)
    pinned = desk.pinned_schema_sha256 or (known[0][0] if known else shown)
    store.keep_schema(tx, sha256=shown, channel=CYBERTIP, xsd=xsd, at=at)
    if shown != pinned:
        why = (
            f"The authority's schema has changed: pinned {pinned}, shown {shown}. Compare the "
            "two, then set TUTELA_CYBERTIP_XSD_SHA256 to the one that was reviewed."
        )
        hold(tx, report, because=HeldBecause.SCHEMA, why=why, at=at)
        return Next.STOPPED
    try:
        faults = validate(report.xml or b"", xsd)
    except BadInput as unusable:
        faults = [str(unusable)]
    if faults:
        why = "The authority's schema refuses the report: " + "; ".join(faults[:5])
        hold(tx, report, because=HeldBecause.COMPOSING, why=why, at=at)
        return Next.STOPPED
    store.change(tx, report.id, schema_sha256=shown)
    return Next.GO_ON
