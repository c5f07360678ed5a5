"""Deciding: one person judges, a second confirms when a list asks for it, what follows is asked.

Every opinion is kept. The first person's decision on a case that asks for two stays without
effect until a different person has confirmed it; a disagreement leaves both opinions on the
case and the case in review.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from tutela.accounts.model import Actor, Permission
from tutela.accounts.permissions import require
from tutela.cases import concluding, store
from tutela.cases.claiming import require_not_anothers
from tutela.cases.model import AgeBand, Case, Decision, Event, Verdict
from tutela.cases.state import advance, step
from tutela.evidence.model import Viewed, max_viewed
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.errors import BadInput, Conflict, Refused
from tutela.primitives.ids import CaseId, DecisionId
from tutela.taxonomy.model import Category
from tutela.taxonomy.schemes import check

_LONGEST_NOTE = 4000
_APPARENT = "decision.apparent_csam"
_NOT_APPARENT = frozenset({("tutela", "exploitative"), ("tutela", "not-pertinent")})
_AGE_OF = {  # the ESP scale of 2014, updated 2022: A is prepubescent, B pubescent
    ("ncmec-ab", "A"): AgeBand.PREPUBESCENT,
    ("ncmec-ab", "B"): AgeBand.PUBESCENT,
}


def finish_review(tx: Connection, case_id: CaseId, *, by: Actor, at: datetime) -> Case:
    """The person is ready to decide; the case stays theirs.

    The ledger says that a review has ended only where the view log has one, and what was seen.
    """
    require(by, Permission.CASE_DECIDE)
    before = store.case(tx, case_id, for_update=True)
    require_not_anothers(before, by, at)
    reviewed = replace(
        advance(before, Event.REVIEW_FINISHED, at=at), claimed_by=by.id, claimed_at=at
    )
    after = store.save(tx, before, reviewed)
    viewed = store.viewed_in_case(tx, case_id, by=by.id, until=at)
    if max_viewed(viewed.values()) is not Viewed.NOTHING:  # else nobody has reviewed anything
        ledger.append(
            tx,
            at=at,
            actor=by.id,
            action=LedgerAction.REVIEW_FINISHED,
            subject=case_id,
            detail={"viewed": {exhibit: most.value for exhibit, most in viewed.items()}},
        )
    return after


def decide(
    tx: Connection,
    case_id: CaseId,
    *,
    by: Actor,
    at: datetime,
    verdict: Verdict,
    category: str = "",
    age_band: AgeBand = AgeBand.UNKNOWN,
    facts: Mapping[str, object] | None = None,
    note: str = "",
) -> Decision:
    """Judge a reviewed case. `category` is scheme/version/code, required for apparent CSAM.

    1. check person, claim, state, and that no first decision waits for a second person;
    2. keep the decision; it is final unless the case asks for two or nothing can be said;
    3. a final one takes effect (`concluding.conclude`), else the case goes back to the queue.
    """
    require(by, Permission.CASE_DECIDE)  # 1
    before = store.case(tx, case_id, for_update=True)
    require_not_anothers(before, by, at)
    step(before.state, Event.DECISION_MADE)
    if store.pending_decision(tx, case_id) is not None:
        raise Conflict(
            "A decision on this case waits for a second person",
            remedy="Confirm it or disagree with it instead of deciding anew.",
        )
    decision = Decision(
        id=DecisionId.new(),
        case_id=case_id,
        by=by.id,
        at=at,
        verdict=verdict,
        category=_checked_category(verdict, category, age_band),
        age_band=age_band,
        facts=_checked_facts(verdict, facts or {}),
        note=_checked_note(verdict, note),
        confirms=None,
        final=verdict is not Verdict.CANNOT_SAY and not before.second_person,
        viewed=store.viewed_in_case(tx, case_id, by=by.id, until=at),
    )
    store.add_decision(tx, decision)  # 2
    if decision.final:  # 3
        return concluding.conclude(
            tx, before, decision, by=by, at=at, action=LedgerAction.DECISION_MADE
        )
    store.save(tx, before, replace(before, claimed_by=None, claimed_at=None))
    ledger.append(
        tx,
        at=at,
        actor=by.id,
        action=LedgerAction.DECISION_MADE,
        subject=case_id,
        detail=concluding.told(decision),
    )
    return decision


def confirm(
    tx: Connection,
    case_id: CaseId,
    *,
    by: Actor,
    at: datetime,
    agree: bool,
    verdict: Verdict = Verdict.CANNOT_SAY,
    category: str = "",
    age_band: AgeBand = AgeBand.UNKNOWN,
    facts: Mapping[str, object] | None = None,
    note: str = "",
) -> Decision:
    """A different person's opinion on the decision that waits.

    Agreeing repeats it and makes it final; `verdict` and what follows are then not looked at.
    Disagreeing keeps this person's own opinion beside it and leaves the case in review.
    """
    require(by, Permission.CASE_DECIDE)
    before = store.case(tx, case_id, for_update=True)
    require_not_anothers(before, by, at)
    pending = store.pending_decision(tx, case_id)
    if pending is None:
        raise Conflict("No decision on this case waits for a second person")
    if pending.by == by.id:
        raise Refused(
            "A second opinion must come from somebody else",
            reasons=("you made the decision that waits",),
        )
    opinion = (
        replace(pending, final=True, note=_checked_note(pending.verdict, note))
        if agree
        else replace(
            pending,
            verdict=_differing(pending, verdict),
            category=_checked_category(verdict, category, age_band),
            age_band=age_band,
            facts=_checked_facts(verdict, facts or {}),
            note=_checked_note(Verdict.CANNOT_SAY, note),
        )
    )
    opinion = replace(
        opinion,
        id=DecisionId.new(),
        by=by.id,
        at=at,
        confirms=pending.id,
        viewed=store.viewed_in_case(tx, case_id, by=by.id, until=at),
    )
    store.add_decision(tx, opinion)
    if opinion.final:
        return concluding.conclude(
            tx, before, opinion, by=by, at=at, action=LedgerAction.SECOND_OPINION_GIVEN
        )
    store.save(tx, before, replace(before, claimed_by=None, claimed_at=None))
    ledger.append(
        tx,
        at=at,
        actor=by.id,
        action=LedgerAction.SECOND_OPINION_GIVEN,
        subject=case_id,
        detail=concluding.told(opinion),
    )
    return opinion


def _differing(pending: Decision, verdict: Verdict) -> Verdict:
    if verdict is pending.verdict:
        raise BadInput(
            "A disagreement needs a verdict of its own",
            why="it is the same as the one that waits",
            remedy="Agree with it, or choose another verdict and say why.",
        )
    return verdict


def _checked_category(verdict: Verdict, category: str, age_band: AgeBand) -> str:
    """Scheme, version and a known code; apparent CSAM must have one, and none may contradict."""
    if not category and verdict is not Verdict.APPARENT_CSAM:
        return ""
    if not category:
        raise BadInput(
            "Apparent material needs its category",
            remedy="Choose the category that fits best what was found.",
        )
    chosen = check(Category.parse(category))
    if verdict is Verdict.APPARENT_CSAM and (chosen.scheme, chosen.code) in _NOT_APPARENT:
        raise BadInput(
            "The verdict and the category contradict each other",
            why="the category says that it is not apparent material",
            remedy="Choose another category or another verdict.",
        )
    stated = _AGE_OF.get((chosen.scheme, chosen.code[:1]))
    if stated is not None and age_band not in {stated, AgeBand.UNKNOWN}:
        raise BadInput(
            "The age and the category contradict each other",
            why=f"the category says {stated.value}, the answer says {age_band.value}",
            remedy="Choose the category that fits, or leave the age at not known.",
        )
    return str(chosen)


def _checked_facts(verdict: Verdict, facts: Mapping[str, object]) -> dict[str, object]:
    """Answers to the reviewer's questions; unknown ones are left out, not guessed."""
    known = {name: value for name, value in facts.items() if value not in (None, "")}
    for name, value in known.items():
        if not name.startswith("decision.") or not isinstance(value, bool | str | int):
            raise BadInput(
                "This is no fact that a reviewer can give",
                why="names begin with “decision.”, values are a word, a number or yes and no",
            )
    if _APPARENT in known and known.pop(_APPARENT) is not (verdict is Verdict.APPARENT_CSAM):
        raise BadInput(
            "A fact contradicts the verdict", why=f"{_APPARENT} follows from the verdict"
        )
    return known


def _checked_note(verdict: Verdict, note: str) -> str:
    note = note.strip()
    if len(note) > _LONGEST_NOTE:
        raise BadInput("The note is too long", why=f"at most {_LONGEST_NOTE} characters are kept")
    if verdict is Verdict.CANNOT_SAY and not note:
        raise BadInput(
            "Say in the note why",
            why="the next person starts from it",
            remedy="One sentence about what is unclear is enough.",
        )
    return note
