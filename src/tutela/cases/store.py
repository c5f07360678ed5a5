"""The room's tables and queries: cases, matches, decisions, verdicts, assessments.

A case's row changes only through `save`, which refuses when somebody else was faster;
the other four tables only grow.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, func, insert, select, update

from tutela.cases.match_rows import columns_of, match_found
from tutela.cases.model import (
    AgeBand,
    Assessment,
    Case,
    Decision,
    KnownVerdict,
    MatchFound,
    Outcome,
    State,
    Verdict,
)
from tutela.cases.state import TRANSITIONS
from tutela.cases.tables import ASSESSMENTS, CASES, DECISIONS, MATCHES, VERDICTS
from tutela.evidence import provenance, references, view_log
from tutela.evidence import store as evidence
from tutela.evidence.model import Context, StoredContext, Viewed
from tutela.evidence.ports import Opens
from tutela.indicators.model import SignalKind
from tutela.primitives.errors import Conflict, NotFound
from tutela.primitives.ids import AccountId, CaseId, DecisionId, ExhibitId

_REACHED = {
    Outcome.REPORTED: CASES.c.reported_at,
    Outcome.RESTRICTED: CASES.c.restricted_at,
    Outcome.PRESERVED: CASES.c.preserved_at,
}


def add_case(tx: Connection, case_: Case) -> None:
    """Keep a new case."""
    tx.execute(insert(CASES).values(id=case_.id, **_columns(case_), version=case_.version))


def save(tx: Connection, before: Case, after: Case) -> Case:
    """Replace `before` by `after`; raises `Conflict` when the row is no longer `before`.

    A state that the table does not lead to is refused here too, whoever asks for it.
    """
    if after.state not in {before.state, *TRANSITIONS[before.state].values()}:
        raise Conflict(f"A case that is {before.state.value} cannot become {after.state.value}")
    version = before.version + 1
    done = tx.execute(
        update(CASES)
        .where(CASES.c.id == before.id, CASES.c.version == before.version)
        .values(**_columns(after), version=version)
    )
    if done.rowcount != 1:
        raise Conflict(
            "The case has changed meanwhile",
            why="somebody else acted on it",
            remedy="Nothing was stored. Load the case again and look before you repeat the step.",
        )
    return case(tx, before.id)


def case(tx: Connection, case_id: CaseId, *, for_update: bool = False) -> Case:
    """One case, `for_update` locks its row; raises `NotFound`."""
    query = select(CASES).where(CASES.c.id == case_id)
    row = tx.execute(query.with_for_update() if for_update else query).first()
    if row is None:
        raise NotFound("There is no such case")
    return _case(row)


def queue(
    tx: Connection, *, states: Collection[State], limit: int = 50, offset: int = 0
) -> Sequence[Case]:
    """Cases in any of `states`, the most urgent and then the oldest first."""
    rows = tx.execute(
        select(CASES)
        .where(CASES.c.state.in_([state.value for state in states]))
        .order_by(CASES.c.priority, CASES.c.opened_at, CASES.c.id)
        .limit(limit)
        .offset(offset)
    )
    return [_case(row) for row in rows]


def counts(tx: Connection) -> Mapping[State, int]:
    """How many cases stand in each state; every state is named."""
    rows = tx.execute(select(CASES.c.state, func.count()).group_by(CASES.c.state))
    found = {State(state): number for state, number in rows}
    return {state: found.get(state, 0) for state in State}


def radii(
    tx: Connection,
    *,
    states: Collection[State] = tuple(State),
    case_ids: Collection[CaseId] | None = None,
    limit: int | None = None,
) -> Mapping[CaseId, int | None]:
    """Cases in the order of the queue with the widest threshold of their PDQ matches, if any."""
    widest = func.max(MATCHES.c.threshold_bits).filter(MATCHES.c.kind == SignalKind.PDQ.value)
    query = (
        select(CASES.c.id, widest)
        .outerjoin(MATCHES, MATCHES.c.case_id == CASES.c.id)
        .where(CASES.c.state.in_([state.value for state in states]))
        .group_by(CASES.c.id, CASES.c.priority, CASES.c.opened_at)
        .order_by(CASES.c.priority, CASES.c.opened_at, CASES.c.id)
        .limit(limit)
    )
    if case_ids is not None:
        query = query.where(CASES.c.id.in_(case_ids))
    return {CaseId(case_id): bits for case_id, bits in tx.execute(query)}


def add_matches(tx: Connection, case_id: CaseId, found: Sequence[MatchFound]) -> None:
    """Keep the matches as they were when found."""
    for one in found:
        tx.execute(insert(MATCHES).values(case_id=case_id, **columns_of(one)))


def matches_of(tx: Connection, case_id: CaseId) -> Sequence[MatchFound]:
    """The matches of a case, in the order found."""
    rows = tx.execute(select(MATCHES).where(MATCHES.c.case_id == case_id).order_by(MATCHES.c.id))
    return [match_found(row) for row in rows]


def add_decision(tx: Connection, decision: Decision) -> None:
    """Keep a decision; it is never changed."""
    tx.execute(
        insert(DECISIONS).values(
            id=decision.id,
            case_id=decision.case_id,
            by_actor=decision.by,
            at=decision.at,
            verdict=decision.verdict.value,
            category=decision.category,
            age_band=decision.age_band.value,
            facts=dict(decision.facts),
            note=decision.note,
            confirms=decision.confirms,
            final=decision.final,
        )
    )


def decisions_of(tx: Connection, case_id: CaseId) -> Sequence[Decision]:
    """All decisions and second opinions on a case, oldest first."""
    rows = tx.execute(
        select(DECISIONS)
        .where(DECISIONS.c.case_id == case_id)
        .order_by(DECISIONS.c.at, DECISIONS.c.id)
    )
    return [_decision(tx, row) for row in rows]


def final_decision(tx: Connection, case_id: CaseId) -> Decision | None:
    """The decision that counts; None while there is none."""
    row = tx.execute(
        select(DECISIONS).where(DECISIONS.c.case_id == case_id, DECISIONS.c.final)
    ).first()
    return _decision(tx, row) if row else None


def pending_decision(tx: Connection, case_id: CaseId) -> Decision | None:
    """The first person's decision that waits for a second person; None when there is none."""
    decisions = decisions_of(tx, case_id)
    answered = {decision.confirms for decision in decisions}
    for decision in decisions:
        first = decision.confirms is None and decision.verdict is not Verdict.CANNOT_SAY
        if first and not decision.final and decision.id not in answered:
            return decision  # there is never a second one: `decide` refuses while one waits
    return None


def viewed_in_case(
    tx: Connection, case_id: CaseId, *, by: AccountId, until: datetime
) -> dict[ExhibitId, Viewed]:
    """What the view log says this person was shown of each exhibit of a case up to `until`."""
    exhibits = [exhibit.id for exhibit in evidence.exhibits_of(tx, case_id)]
    return view_log.viewed_by(tx, exhibits, by=by, until=until)


def add_verdict(
    tx: Connection,
    *,
    sha256: str | None,
    pdq: str | None,
    verdict: Verdict,
    category: str,
    case_id: CaseId,
    at: datetime,
) -> None:
    """Keep a final verdict by hash, so that the next copy needs no view."""
    tx.execute(
        insert(VERDICTS).values(
            sha256=sha256,
            pdq=pdq,
            verdict=verdict.value,
            category=category,
            case_id=case_id,
            decided_at=at,
        )
    )


def known_verdict(
    tx: Connection, *, sha256: str | None, pdq: str | None, other_than: CaseId | None = None
) -> KnownVerdict | None:
    """The final verdict on this item, or None when there is none or several contradict.

    The same bytes come first; a PDQ hash must be equal in every bit. When people have
    judged the same hash differently, nothing is known about it and somebody must look.
    """
    for name, column, value in (
        ("sha256", VERDICTS.c.sha256, sha256),
        ("pdq", VERDICTS.c.pdq, pdq),
    ):
        if not value:
            continue
        query = select(VERDICTS).where(column == value).order_by(VERDICTS.c.id.desc())
        if other_than is not None:
            query = query.where(VERDICTS.c.case_id != other_than)
        rows = tx.execute(query).all()
        if not rows:
            continue
        if len({row.verdict for row in rows}) > 1:
            return None
        latest = rows[0]
        return KnownVerdict(
            verdict=Verdict(latest.verdict),
            category=latest.category,
            case_id=CaseId(latest.case_id),
            decided_at=latest.decided_at,
            by_hash=name,
        )
    return None


def known_verdict_of(tx: Connection, case_id: CaseId) -> KnownVerdict | None:
    """The verdict another case gave on the first exhibit of this one."""
    exhibits = evidence.exhibits_of(tx, case_id)
    if not exhibits:
        return None
    first = exhibits[0]
    return known_verdict(
        tx, sha256=first.sha256 or None, pdq=first.comparable_pdq, other_than=case_id
    )


def context_of(tx: Connection, case_id: CaseId, unsealer: Opens | None) -> Context:
    """What the service told about the upload; without `unsealer` the personal part is unknown."""
    stored = evidence.stored_context(tx, case_id)
    sealed = stored.personal_sealed
    personal = unsealer.unseal(sealed) if unsealer is not None and sealed is not None else None
    return provenance.joined(stored.opened, _reference(stored, unsealer), personal)


def item_reference_of(tx: Connection, case_id: CaseId, unsealer: Opens) -> str:
    """The service's own name for the case's item, empty when it gave none; opens nothing else.

    Raises `Misconfigured` when `unsealer` cannot open it.
    """
    return _reference(evidence.stored_context(tx, case_id), unsealer).get("item_reference", "")


def _reference(stored: StoredContext, unsealer: Opens | None) -> Mapping[str, str]:
    """Names of item and service, also as an earlier version stored them."""
    if stored.reference_sealed is not None:
        if unsealer is None:
            return {}
        return references.read_reference(unsealer.unseal(stored.reference_sealed))
    service = stored.opened.get("service", "")
    return {"item_reference": stored.plain_reference, "service": str(service)}


def store_assessment(
    tx: Connection,
    *,
    case_id: CaseId,
    as_of: datetime,
    book_digest: str,
    result: Mapping[str, object],
    at: datetime,
) -> int:
    """Keep what the lawbook said about a case; returns its number."""
    done = tx.execute(
        insert(ASSESSMENTS)
        .values(
            case_id=case_id,
            as_of=as_of,
            book_digest=book_digest,
            result=dict(result),
            created_at=at,
        )
        .returning(ASSESSMENTS.c.id)
    )
    return int(done.scalar_one())


def latest_assessment(tx: Connection, case_id: CaseId) -> Assessment | None:
    """The newest assessment of a case; None while there is none."""
    row = tx.execute(
        select(ASSESSMENTS)
        .where(ASSESSMENTS.c.case_id == case_id)
        .order_by(ASSESSMENTS.c.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return Assessment(
        id=row.id,
        case_id=CaseId(row.case_id),
        as_of=row.as_of,
        book_digest=row.book_digest,
        result=row.result,
        created_at=row.created_at,
    )


def _columns(case_: Case) -> dict[str, object]:
    return {
        "state": case_.state.value,
        "opened_at": case_.opened_at,
        "priority": case_.priority,
        "claimed_by": case_.claimed_by,
        "claimed_at": case_.claimed_at,
        "known_item": case_.known_item,
        "second_person": case_.second_person,
        "needed": sorted(outcome.value for outcome in case_.needed),
        "closed_at": case_.closed_at,
        **{column.name: case_.reached.get(outcome) for outcome, column in _REACHED.items()},
    }


def _case(row: Row[tuple[object, ...]]) -> Case:
    return Case(
        id=CaseId(row.id),
        state=State(row.state),
        opened_at=row.opened_at,
        priority=row.priority,
        claimed_by=AccountId(row.claimed_by) if row.claimed_by else None,
        claimed_at=row.claimed_at,
        known_item=row.known_item,
        second_person=row.second_person,
        needed=frozenset(Outcome(name) for name in row.needed),
        reached={
            outcome: moment
            for outcome, column in _REACHED.items()
            if (moment := getattr(row, column.name)) is not None
        },
        closed_at=row.closed_at,
        version=row.version,
    )


def _decision(tx: Connection, row: Row[tuple[object, ...]]) -> Decision:
    return Decision(
        id=DecisionId(row.id),
        case_id=CaseId(row.case_id),
        by=AccountId(row.by_actor),
        at=row.at,
        verdict=Verdict(row.verdict),
        category=row.category,
        age_band=AgeBand(row.age_band),
        facts=row.facts,
        note=row.note,
        confirms=DecisionId(row.confirms) if row.confirms else None,
        final=row.final,
        viewed=viewed_in_case(tx, CaseId(row.case_id), by=AccountId(row.by_actor), until=row.at),
    )
