"""Near-duplicates that wait: one look serves their group, by an act of the person who looked.

A group is what chains of near pairs connect (`grouping`). The ends of a chain may show different
things, so every case of the group comes with its own distance and the steps to it, and gets a
decision only when the person names it.
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
from tutela.evidence.model import Viewed, max_viewed
from tutela.hashing.model import PDQ_BYTES, Pdq
from tutela.index.bits import pack
from tutela.index.model import RADIUS_BITS
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.errors import BadInput, Conflict
from tutela.primitives.ids import CaseId
from tutela.review.grouping import Group, Groups, Joined, Pictures

COMPARED = 5000
"""Cases of the queue that are compared, the most urgent and oldest first."""
SHOWN = 50
"""Cases of one group that are shown and may get a decision at once, the nearest."""

_ALONE = Group(nearest=(), total=0)
_WAITING = (State.RECEIVED, State.MATCHED, State.REVIEWED)
_UNDECIDED = frozenset({State.MATCHED, State.REVIEWED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Alike:
    """A waiting case in the group of the one asked about, `steps` near pairs away from it.

    `open_to_me`: a decision can be taken over now. `viewed`: the most that this person was shown
    of it.
    """

    case: Case
    distance_bits: int
    steps: int
    open_to_me: bool
    viewed: Viewed


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """The group of one case without it, and this person's decision that its cases may get.

    `alike`: the nearest, `SHOWN` at most, of `total`. `compared` is set when the queue is
    longer than that and only its first cases were compared.
    """

    alike: tuple[Alike, ...]
    total: int
    compared: int | None
    own: Decision | None


def cluster_of(tx: Connection, case_id: CaseId, *, by: Actor, at: datetime) -> Cluster:
    """The group that waits around this case, as `by` sees it."""
    require(by, Permission.CASE_READ)
    waiting = _waiting(tx)
    group = _groups(tx, [case_id], waiting).get(case_id, _ALONE)
    return Cluster(
        alike=tuple(_alike(tx, joined, by=by, at=at) for joined in group.nearest),
        total=group.total,
        compared=COMPARED if len(waiting) == COMPARED else None,
        own=_own_decision(tx, case_id, by),
    )


def how_many_alike(tx: Connection, case_ids: Collection[CaseId]) -> Mapping[CaseId, int]:
    """For each of these cases how many others wait in its group."""
    found = _groups(tx, case_ids, _waiting(tx))
    return {case_id: found.get(case_id, _ALONE).total for case_id in case_ids}


def decide_cluster(
    tx: Connection, case_id: CaseId, *, others: Sequence[CaseId], by: Actor, at: datetime
) -> tuple[Decision, ...]:
    """Take this person's decision on a case over to `others`, each named by the person.

    1. the decision is the person's own, says something, and has not been overruled;
    2. each of the others waits, undecided, and is among the nearest of the case's group now;
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
    group = _groups(tx, [case_id], _waiting(tx)).get(case_id, _ALONE)  # 2
    near = {joined.case: joined for joined in group.nearest}
    if not near.keys() >= set(others):
        raise Conflict(
            "One of the cases is not like this one, or waits no more",
            remedy="Nothing was stored. Load the page again and look before you repeat the step.",
        )
    for other in sorted(set(others)):  # all rows in one order, before the ledger's first line
        cases.case(tx, other, for_update=True)
    return tuple(_take_over(tx, own, near[other], by=by, at=at) for other in dict.fromkeys(others))


def _take_over(
    tx: Connection, own: Decision, joined: Joined, *, by: Actor, at: datetime
) -> Decision:
    other = joined.case
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
        action=LedgerAction.DECISION_TAKEN_OVER,
        subject=other,
        detail={
            "decision": decision.id,
            "from_case": own.case_id,
            "from_decision": own.id,
            "distance_bits": joined.distance_bits,
            "steps": joined.steps,
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


def _alike(tx: Connection, joined: Joined, *, by: Actor, at: datetime) -> Alike:
    case = cases.case(tx, joined.case)
    undecided = case.state in _UNDECIDED and cases.pending_decision(tx, case.id) is None
    return Alike(
        case=case,
        distance_bits=joined.distance_bits,
        steps=joined.steps,
        open_to_me=undecided and not claiming.held_by_another(case, by, at),
        viewed=max_viewed(cases.viewed_in_case(tx, case.id, by=by.id, until=at).values()),
    )


def _waiting(tx: Connection) -> Mapping[CaseId, int | None]:
    """The cases that are compared, with their lists' widest radius."""
    return cases.radii(tx, states=_WAITING, limit=COMPARED)


def _groups(
    tx: Connection, case_ids: Collection[CaseId], waiting: Mapping[CaseId, int | None]
) -> Mapping[CaseId, Group]:
    """The group around each of these cases that may be compared."""
    asked = _pictures(tx, cases.radii(tx, case_ids=case_ids))
    groups = Groups(_pictures(tx, waiting))
    return dict(zip(asked.cases, groups.around(asked, most=SHOWN), strict=True))


def _pictures(tx: Connection, radii: Mapping[CaseId, int | None]) -> Pictures:
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
    widest = [RADIUS_BITS if (bits := radii[case_id]) is None else bits for case_id in single]
    return Pictures(
        cases=list(single),
        words=pack(rows.reshape(-1, PDQ_BYTES)),
        radii=np.array(widest, np.int64),
    )
