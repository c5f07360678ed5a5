"""The facts of a case in the law's words. A fact that is not known is absent, never guessed.

Names and meanings: `lawbook/facts.yaml`. `"none"` says: known, it has not happened yet.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from tutela.cases import store
from tutela.cases.model import Case, Decision, Outcome, Verdict
from tutela.evidence import store as evidence
from tutela.primitives.ids import CaseId

NONE_YET = "none"


def facts_of(
    tx: Connection, case_id: CaseId, *, provider: Mapping[str, object], at: datetime
) -> dict[str, object]:
    """What is known about a case at `at`, for `law`. No personal value is among it.

    `provider` holds the operator's answers under their full names (`provider.*`,
    `service.*`, and others that only a person can give); empty ones are unknown. What this
    system knows by itself wins over them. Nothing that happened after `at` is told.
    """
    case = store.case(tx, case_id)
    facts = {name: value for name, value in provider.items() if value not in (None, "", (), [])}
    facts.update(_event_facts(tx, case, at=at))
    final = store.final_decision(tx, case_id)
    facts["event.knowledge_at"] = NONE_YET
    if final is not None and final.at <= at:
        facts.update(_decision_facts(tx, final))
    elif case.known_item or _anyone_found_it(tx, case_id):
        # Somebody has judged this item before: whether the provider "knows" is for counsel.
        del facts["event.knowledge_at"]
    return facts


def _event_facts(tx: Connection, case: Case, *, at: datetime) -> dict[str, object]:
    """What happened to the item, from our own records."""
    facts: dict[str, object] = {
        "event.detected_at": evidence.submission_of(tx, case.id).received_at
    }
    if store.matches_of(tx, case.id):
        facts["event.known_match"] = True
    context = store.context_of(tx, case.id, None)
    if context.uploader_location:
        facts["event.uploader_location"] = context.uploader_location
    for name, outcome in (
        # The CyberTipline is the one channel that reaches REPORTED (room `reporting`).
        ("event.reported_to_ncmec_at", Outcome.REPORTED),
        ("event.restricted_at", Outcome.RESTRICTED),
    ):
        moment = case.reached.get(outcome)
        facts[name] = moment if moment is not None and moment <= at else NONE_YET
    return facts


def _decision_facts(tx: Connection, final: Decision) -> dict[str, object]:
    """What the final decision says.

    The provider knows from the first person's finding on, not only from the confirmation:
    of two possible moments the clocks take the earlier.
    """
    facts: dict[str, object] = dict(final.facts)
    facts["decision.apparent_csam"] = final.verdict is Verdict.APPARENT_CSAM
    facts["event.knowledge_at"] = NONE_YET
    if final.verdict is Verdict.APPARENT_CSAM:
        found = [
            decision.at
            for decision in store.decisions_of(tx, final.case_id)
            if decision.verdict is Verdict.APPARENT_CSAM
        ]
        facts["event.knowledge_at"] = min(found)
    return facts


def _anyone_found_it(tx: Connection, case_id: CaseId) -> bool:
    """Whether any opinion on the case, final or not, was apparent CSAM."""
    return any(
        decision.verdict is Verdict.APPARENT_CSAM for decision in store.decisions_of(tx, case_id)
    )
