"""Opening a case for one matched item: rows first, then the ledger's lines, one transaction."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from tutela.cases import store
from tutela.cases.model import Case, Event, MatchFound, State
from tutela.cases.state import advance
from tutela.evidence import custody, retention
from tutela.evidence import store as evidence
from tutela.evidence.custody import Sealed
from tutela.evidence.model import Exhibit, Hold
from tutela.hashing.model import Hashed
from tutela.indicators.model import Match
from tutela.indicators.reasons import stated_distance
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.errors import BadInput
from tutela.primitives.ids import CaseId, ExhibitId, HoldId, SubmissionId

URGENT, NORMAL = 0, 1
"""Priorities: an item known by a final verdict comes first, because it costs nobody a view."""


def open_case(
    tx: Connection,
    *,
    submission_id: SubmissionId,
    exhibit_id: ExhibitId,
    hashed: Hashed,
    sealed: Sealed | None,
    matches: Sequence[Match],
    by: str,
    at: datetime,
) -> Case:
    """Open a case for one item of a submission that `tx` has already stored.

    1. case row (received, then matched: by the table, in this one act);
    2. exhibit, matches, and the hold that keeps the exhibit while the case is open;
    3. ledger: case_opened, exhibit_sealed (when bytes came), match_recorded, hold_placed.
    """
    if not matches:
        raise BadInput("A case needs a match", why="nothing is kept about what does not match")
    case = _added_case(tx, hashed, matches, at=at)  # 1
    exhibit = custody.add_exhibit(  # 2
        tx,
        exhibit_id=exhibit_id,
        case_id=case.id,
        submission_id=submission_id,
        hashed=hashed,
        sealed=sealed,
        at=at,
    )
    found = [MatchFound(exhibit_id=exhibit_id, match=match, found_at=at) for match in matches]
    store.add_matches(tx, case.id, found)
    hold = Hold(
        id=HoldId.new(),
        exhibit_id=exhibit_id,
        case_id=case.id,
        basis=retention.CASE_OPEN,
        until=None,
        placed_at=at,
        released_at=None,
    )
    evidence.add_hold(tx, hold)
    _tell(tx, case, exhibit, matches, hold, submission_id=submission_id, by=by, at=at)  # 3
    return case


def _added_case(tx: Connection, hashed: Hashed, matches: Sequence[Match], *, at: datetime) -> Case:
    """The case's first row, already matched."""
    known = store.known_verdict(
        tx,
        sha256=hashed.digests.sha256.hex() or None,
        pdq=comparable_pdq(hashed),
    )
    received = Case(
        id=CaseId.new(),
        state=State.RECEIVED,
        opened_at=at,
        priority=URGENT if known else NORMAL,
        claimed_by=None,
        claimed_at=None,
        known_item=known is not None,
        second_person=any(match.second_person for match in matches),
        needed=frozenset(),
        reached={},
        closed_at=None,
        version=1,
    )
    case = advance(received, Event.MATCH_FOUND, at=at)
    store.add_case(tx, case)
    return case


def comparable_pdq(hashed: Hashed) -> str | None:
    """The PDQ hash, when it says enough about the picture to be compared at all."""
    if hashed.pdq is None or hashed.pdq.unmatchable is not None:
        return None
    return hashed.pdq.hex


def _tell(
    tx: Connection,
    case: Case,
    exhibit: Exhibit,
    matches: Sequence[Match],
    hold: Hold,
    *,
    submission_id: SubmissionId,
    by: str,
    at: datetime,
) -> None:
    """The ledger's lines, last in the act: the first of them takes the chain's lock."""
    ledger.append(
        tx,
        at=at,
        actor=by,
        action=LedgerAction.CASE_OPENED,
        subject=case.id,
        detail={
            "submission": submission_id,
            "exhibit": exhibit.id,
            "known_item": case.known_item,
            "second_person": case.second_person,
        },
    )
    if exhibit.sealed_sha256 is not None:
        ledger.append(
            tx,
            at=at,
            actor=by,
            action=LedgerAction.EXHIBIT_SEALED,
            subject=exhibit.id,
            detail={"case": case.id, "sealed_sha256": exhibit.sealed_sha256},
        )
    for match in matches:
        ledger.append(
            tx,
            at=at,
            actor=by,
            action=LedgerAction.MATCH_RECORDED,
            subject=case.id,
            detail={
                "exhibit": exhibit.id,
                "list": match.list_id,
                "entry": match.entry_id,
                "kind": match.kind.value,
                "distance_bits": stated_distance(match),
                **_shares(match),
            },
        )
    ledger.append(
        tx,
        at=at,
        actor=by,
        action=LedgerAction.HOLD_PLACED,
        subject=exhibit.id,
        detail={"hold": hold.id, "basis": hold.basis, "until": None},
    )


def _shares(match: Match) -> dict[str, object]:
    """What the ledger says of a video match instead of a distance, in whole numbers."""
    if match.video is None:
        return {}
    return {
        "query_frames": match.video.query_frames,
        "query_matched": match.video.query_matched,
        "bank_frames": match.video.bank_frames,
        "bank_matched": match.video.bank_matched,
    }
