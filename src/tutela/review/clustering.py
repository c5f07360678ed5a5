"""Near-duplicates that wait: one look serves them all, by an act of the person who looked.

Two cases are alike when the PDQ hashes of their pictures differ in no more bits than both of
their lists allow. A decision is only ever taken over between two cases that are alike
themselves, never along a chain of others, whose ends may show different things.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection

from tutela.accounts.model import Actor, Permission
from tutela.accounts.permissions import require
from tutela.cases import claiming, deciding
from tutela.cases import store as cases
from tutela.cases.model import Case, Decision, State, Verdict
from tutela.evidence import store as evidence
from tutela.hashing.model import PDQ_BYTES, Pdq
from tutela.index.bits import Words, pack
from tutela.index.linear import rows_within
from tutela.index.model import RADIUS_BITS
from tutela.ledger import store as ledger
from tutela.primitives.errors import BadInput, Conflict
from tutela.primitives.ids import CaseId

COMPARED = 5000
"""Cases of the queue that are compared, the most urgent and oldest first."""

_WAITING = (State.RECEIVED, State.MATCHED, State.REVIEWED)
_UNDECIDED = frozenset({State.MATCHED, State.REVIEWED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Alike:
    """A waiting case like the one asked about. `open_to_me`: a decision can be taken over now."""

    case: Case
    distance_bits: int
    open_to_me: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """The cases like one case, nearest first, and this person's decision that they may get."""

    alike: tuple[Alike, ...]
    own: Decision | None


def cluster_of(tx: Connection, case_id: CaseId, *, by: Actor, at: datetime) -> Cluster:
    """What waits and is like this case, as `by` sees it."""
    require(by, Permission.CASE_READ)
    alike = []
    for other, distance_bits in _nearest_first(tx, case_id):
        case = cases.case(tx, other)
        undecided = case.state in _UNDECIDED and cases.pending_decision(tx, other) is None
        open_to_me = undecided and not claiming.held_by_another(case, by, at)
        alike.append(Alike(case=case, distance_bits=distance_bits, open_to_me=open_to_me))
    return Cluster(alike=tuple(alike), own=_own_decision(tx, case_id, by))


def how_many_alike(tx: Connection, case_ids: Collection[CaseId]) -> Mapping[CaseId, int]:
    """For each of these cases how many others wait that are like it."""
    found = _alike(tx, case_ids)
    return {case_id: len(found.get(case_id, ())) for case_id in case_ids}


def decide_cluster(
    tx: Connection, case_id: CaseId, *, others: Sequence[CaseId], by: Actor, at: datetime
) -> tuple[Decision, ...]:
    """Take this person's decision on a case over to `others`, each named by the person.

    1. the decision is the person's own, says something, and has not been overruled;
    2. each of the others waits, undecided, and is like the case now;
    3. each is claimed, reviewed and decided as by hand: its own decision, its own lines in the
       ledger, its own second person where its lists ask for one. What was looked at stays what
       the view log says. One that cannot be decided refuses them all.
    """
    require(by, Permission.CASE_DECIDE)
    own = _own_decision(tx, case_id, by)  # 1
    if own is None:
        raise Conflict(
            "There is no decision of yours that could be taken over",
            remedy="Decide this case first, with a verdict.",
        )
    if not others:
        raise BadInput("Nothing was chosen", remedy="Choose the cases that get the decision.")
    near = dict(_nearest_first(tx, case_id))  # 2
    if not near.keys() >= set(others):
        raise Conflict(
            "One of the cases is not like this one, or waits no more",
            remedy="Nothing was stored. Load the page again and look before you repeat the step.",
        )
    return tuple(
        _take_over(tx, own, other, distance_bits=near[other], by=by, at=at)
        for other in dict.fromkeys(others)
    )


def _take_over(
    tx: Connection, own: Decision, other: CaseId, *, distance_bits: int, by: Actor, at: datetime
) -> Decision:
    if claiming.claim(tx, other, by, at).state is State.MATCHED:
        deciding.finish_review(tx, other, by=by, at=at)
    decision = deciding.decide(  # 3
        tx,
        other,
        by=by,
        at=at,
        verdict=own.verdict,
        category=own.category,
        age_band=own.age_band,
        facts=own.facts,
        note=own.note,
    )
    ledger.append(
        tx,
        at=at,
        actor=by.id,
        action="decision_taken_over",
        subject=other,
        detail={
            "decision": decision.id,
            "from_case": own.case_id,
            "from_decision": own.id,
            "distance_bits": distance_bits,
        },
    )
    return decision


def _own_decision(tx: Connection, case_id: CaseId, by: Actor) -> Decision | None:
    """The person's opinion on the case, if it is the one that stands or waits to be confirmed."""
    final = cases.final_decision(tx, case_id)
    standing = final or cases.pending_decision(tx, case_id)
    if standing is None or standing.verdict is Verdict.CANNOT_SAY:
        return None
    agreed = {standing.id, standing.confirms}
    mine = [one for one in cases.decisions_of(tx, case_id) if one.by == by.id and one.id in agreed]
    return mine[-1] if mine else None


def _nearest_first(tx: Connection, case_id: CaseId) -> list[tuple[CaseId, int]]:
    found = _alike(tx, [case_id]).get(case_id, {})
    return sorted(found.items(), key=lambda one: (one[1], one[0]))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pictures:
    """Cases of one comparable picture each: `words` uint64[N, 4], `radii` bits, in one order."""

    cases: Sequence[CaseId]
    words: Words
    radii: Sequence[int]


def _alike(tx: Connection, case_ids: Collection[CaseId]) -> dict[CaseId, dict[CaseId, int]]:
    """Case → waiting case like it → bits apart."""
    waiting = _pictures(tx, cases.radii(tx, states=_WAITING, limit=COMPARED))
    asked = _pictures(tx, cases.radii(tx, case_ids=case_ids))
    found: dict[CaseId, dict[CaseId, int]] = {}
    largest = max((*waiting.radii, *asked.radii), default=0)
    pairs = rows_within(waiting.words, asked.words, largest)
    for query, row, distance in zip(*(column.tolist() for column in pairs), strict=True):
        one, other = asked.cases[query], waiting.cases[row]
        if one != other and distance <= min(asked.radii[query], waiting.radii[row]):
            found.setdefault(one, {})[other] = distance
    return found


def _pictures(tx: Connection, radii: Mapping[CaseId, int | None]) -> _Pictures:
    """Those of the cases that consist of one picture whose hash may be compared."""
    hashes: dict[CaseId, list[Pdq | None]] = {}
    for case_id, text, quality in evidence.hashes_of(tx, list(radii)):
        pdq = Pdq.parse(text, quality=100 if quality is None else quality) if text else None
        hashes.setdefault(case_id, []).append(pdq)
    single = {
        case_id: pdq
        for case_id, (pdq, *others) in hashes.items()
        if not others and pdq is not None and pdq.unmatchable is None
    }
    rows = np.frombuffer(b"".join(pdq.bits for pdq in single.values()), dtype=np.uint8)
    return _Pictures(
        cases=list(single),
        words=pack(rows.reshape(-1, PDQ_BYTES)),
        radii=[RADIUS_BITS if (bits := radii[case_id]) is None else bits for case_id in single],
    )
