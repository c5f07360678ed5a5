"""The gate before a report: a duty on these facts, whose rule version may act.

1. A duty serves this channel when it names the channel as a recipient, or when a standing
   arrangement to report through it discharges the duty and the provider has said that it has
   that arrangement.
2. The gate opens when one serving duty is owed, or discharged by that arrangement alone (then
   this report is what the arrangement promises), and its rule is verified, or counsel
   accepted exactly this version of it. A rule that counsel accepted is read as it stands; of
   any other only what is verified counts, so that unchecked text sends nothing.
3. A person may order a voluntary report, in their name and on the ledger.
Everything else holds the report, with the reasons; unknown is never no duty.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from tutela.cases import facts, store
from tutela.counsel.acceptances import acceptances
from tutela.law.acceptance import (
    Acceptance,
    accepted_versions,
    actionable,
)
from tutela.law.answers import Duties, Duty, State
from tutela.law.duties import duties
from tutela.law.evaluating import day_of
from tutela.law.linting import facts_asked
from tutela.law.loading import Lawbook
from tutela.law.model import Action, Rule, Status, Truth
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.errors import BadInput, Conflict, NotFound
from tutela.primitives.ids import CaseId
from tutela.reporting.desk import Desk
from tutela.reporting.reports import CYBERTIP, HeldBecause

VOLUNTARY = LedgerAction.REPORT_ORDERED_VOLUNTARILY
UNREADABLE = (BadInput, Conflict, NotFound)
"""What asking the law about one case may raise: its facts or the lawbook do not fit."""
_REPORTED = "event.reported_to_ncmec_at"
_ARRANGED = "provider.reports_to_ncmec"
_MOMENT = "as_of"
_NO_DUTY = (
    "no duty in the lawbook asks for a report through this channel on these facts; a person "
    "may order a voluntary one (`tutela report retry --voluntary NOTE`)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """Whether a report may be sent, under which rules, and every reason why not."""

    open: bool
    duties: Duties
    rules: tuple[str, ...] = ()
    because: HeldBecause | None = None
    reasons: tuple[str, ...] = ()


def ask(tx: Connection, case_id: CaseId, *, desk: Desk, at: datetime) -> Gate:
    """Ask the law about this case as of `at`; changes nothing."""
    known = facts.facts_of(tx, case_id, provider=desk.provider, at=at)
    accepted = acceptances(tx)
    found = read_to_act(desk.book, known, accepted, at=at)
    serving = [duty for duty in found.duties if _serves(_rule(desk, duty, at), duty, known)]
    refused: list[str] = []
    rules: list[str] = []
    for duty in serving:
        rule = _rule(desk, duty, at)
        if duty.weakest_state is not State.OWED and not _promised(rule, duty, known):
            continue
        verdict = actionable(rule, accepted)
        if verdict.allowed and duty.state is duty.weakest_state:
            rules.append(duty.rule_id)
        else:
            refused.append(f"{duty.rule_id}: {'; '.join((*verdict.reasons, duty.why))}")
    if rules or _ordered(tx, case_id):
        return Gate(open=True, duties=found, rules=tuple(rules))
    if refused:
        return Gate(open=False, duties=found, because=HeldBecause.LAW, reasons=tuple(refused))
    return Gate(open=False, duties=found, because=HeldBecause.FACTS, reasons=_why(serving))


def read_to_act(
    book: Lawbook,
    known: Mapping[str, object],
    accepted: Collection[Acceptance],
    *,
    at: datetime,
) -> Duties:
    """The duties as a ground to act: accepted rule versions in full, else what is verified."""
    return duties(book, known, at, floor=Status.VERIFIED, accepted=accepted_versions(accepted))


def assess(tx: Connection, case_id: CaseId, found: Duties, *, at: datetime) -> int:
    """Keep what the law said and return its number; the same answer is kept once.

    A new one gets its ledger line, so call this at the end of an act.
    """
    result = found.as_json()
    last = store.latest_assessment(tx, case_id)
    if last is not None and _same(last.result, result):
        return last.id
    number = store.store_assessment(
        tx,
        case_id=case_id,
        as_of=at,
        book_digest=found.book_digest,
        result=result,
        at=at,
    )
    ledger.append(
        tx,
        at=at,
        actor="system",
        action=LedgerAction.DUTIES_ASSESSED,
        subject=case_id,
        detail={
            "assessment": number,
            "book": found.book_digest,
            "owed": [duty.rule_id for duty in found.by_state(State.OWED)],
            "unknown": [duty.rule_id for duty in found.by_state(State.UNKNOWN)],
        },
    )
    return number


def order_voluntary(tx: Connection, case_id: CaseId, *, by: str, note: str, at: datetime) -> None:
    """A person orders a report that no recorded duty asks for; on the ledger in their name."""
    store.case(tx, case_id)
    ledger.append(
        tx, at=at, actor=by, action=VOLUNTARY, subject=case_id, detail={"by": by, "note": note}
    )


def _same(before: object, now: object) -> bool:
    """Whether two answers say the same, apart from the moments at which they were asked."""
    if type(before) is not type(now):
        return False
    if isinstance(before, dict) and isinstance(now, dict):
        keys = before.keys() - {_MOMENT}
        return keys == now.keys() - {_MOMENT} and all(_same(before[key], now[key]) for key in keys)
    if isinstance(before, list) and isinstance(now, list):
        return len(before) == len(now) and all(map(_same, before, now))
    return before == now


def _rule(desk: Desk, duty: Duty, at: datetime) -> Rule:
    return desk.book.edition(duty.rule_id, on=day_of(at))[0]


def _serves(rule: Rule, duty: Duty, known: dict[str, object]) -> bool:
    if rule.action is not Action.REPORT:
        return False
    if any(
        told.channel == CYBERTIP and told.result is not Truth.NO for told in duty.recipients
    ) or (not duty.recipients and any(each.channel == CYBERTIP for each in rule.recipients)):
        return True
    return _arranged(rule, known)


def _arranged(rule: Rule, known: dict[str, object]) -> bool:
    return known.get(_ARRANGED) is True and _ARRANGED in facts_asked(rule.discharged_by)


def _promised(rule: Rule, duty: Duty, known: dict[str, object]) -> bool:
    """Whether the arrangement discharges a duty that this report has still to make good."""
    return (
        duty.weakest_state is State.DISCHARGED
        and _arranged(rule, known)
        and not isinstance(known.get(_REPORTED), datetime)
    )


def _ordered(tx: Connection, case_id: CaseId) -> bool:
    return any(line.action == VOLUNTARY for line in ledger.lines(tx, subject=case_id))


def _why(serving: list[Duty]) -> tuple[str, ...]:
    """Why no duty sends this report, with the questions whose answers could change it."""
    open_ = [duty for duty in serving if duty.state is State.UNKNOWN]
    if not open_:
        return (_NO_DUTY,)
    lines = []
    for duty in open_:
        asked = [f"{each.fact}: {' '.join(each.question.split())}" for each in duty.questions]
        weaker = ""
        if duty.weaker:
            weaker = f" (read at status {duty.weaker.floor.value}: {duty.weaker.state.value})"
        lines.append(f"{duty.rule_id} cannot be settled: {duty.why}{weaker}")
        lines.extend(f"missing fact {each}" for each in asked)
    return tuple(lines)
