"""Reading what a final decision rests on, for the sentences of a report."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from tutela.cases import store as cases
from tutela.cases.model import Decision, MatchFound
from tutela.evidence.model import max_viewed
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.ids import CaseId, DecisionId
from tutela.reporting.statements import AppliedFrom, Judgment


def judgment_of(
    tx: Connection, case_id: CaseId, final: Decision, matches: Sequence[MatchFound]
) -> Judgment:
    """The opinions behind `final`, those applied from elsewhere, the lists that agree."""
    decisions = {one.id: one for one in cases.decisions_of(tx, case_id)}
    first = decisions.get(final.confirms) if final.confirms is not None else None
    opinions = (final,) if first is None else (first, final)
    applied = {one.id: tuple(_applied(tx, case_id, one.id)) for one in opinions}
    return Judgment(
        opinions=opinions,
        applied={decision: hops for decision, hops in applied.items() if hops},
        agreeing_lists=tuple(
            sorted(
                {
                    found.match.list_name
                    for found in matches
                    if found.match.category and str(found.match.category) == final.category
                }
            )
        ),
    )


def _applied(tx: Connection, case_id: CaseId, decision: DecisionId) -> Iterable[AppliedFrom]:
    """The decisions this one was applied from, as the ledger says, back to a person's own."""
    seen: set[DecisionId] = set()
    while decision not in seen:
        seen.add(decision)
        lines = ledger.lines(tx, subject=case_id, action=LedgerAction.DECISION_TAKEN_OVER)
        details = [line.detail for line in lines if line.detail.get("decision") == decision]
        if not details:
            return
        detail = details[-1]
        case_id = CaseId(str(detail["from_case"]))
        decision = DecisionId(str(detail["from_decision"]))
        viewed = [
            each
            for one in cases.decisions_of(tx, case_id)
            if one.id == decision
            for each in one.viewed.values()
        ]
        yield AppliedFrom(
            distance_bits=int(str(detail["distance_bits"])),
            steps=int(str(detail["steps"])) if "steps" in detail else None,
            viewed=max_viewed(viewed),
        )
