"""Bytes go only by two persons' consent, when nothing holds them; rows and history stay."""

from datetime import timedelta

import pytest

from cases.case_parts import AT, PERSON_A, PERSON_B, PERSON_C, Desk
from tutela.adapters.blobs import MemoryBlobsForTests
from tutela.cases.deciding import decide
from tutela.cases.model import Verdict
from tutela.evidence import custody, store
from tutela.evidence.destroying import destroy, request_destruction
from tutela.evidence.retention import place_hold
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, Conflict, Refused, Unavailable
from tutela.primitives.ids import CaseId, ExhibitId
from ungated import Ungated

DAY = timedelta(days=1)


class AwayOnce(MemoryBlobsForTests):
    """A store that is away the first time it should delete."""

    away = True

    def delete(self, key: str) -> None:
        if self.away:
            self.away = False
            raise Unavailable("away")
        super().delete(key)


def harmless(desk: Desk) -> tuple[CaseId, ExhibitId]:
    """A closed case whose exhibit nothing holds any more."""
    case_id = desk.reviewed()
    with desk.database.begin() as tx:
        decide(tx, case_id, by=PERSON_A, at=AT, verdict=Verdict.NOT_CSAM)
        return case_id, store.exhibits_of(tx, case_id)[0].id


def test_two_persons_destroy_the_bytes_and_nothing_else(database: Database) -> None:
    desk = Desk(database)
    case_id, exhibit_id = harmless(desk)
    with pytest.raises(Refused, match="nobody has asked"):
        destroy(database, desk.blobs, exhibit_id, by=PERSON_B, at=AT, outward=Ungated())
    with database.begin() as tx:
        before = store.exhibit(tx, exhibit_id)
        request_destruction(tx, exhibit_id, by=PERSON_A, at=AT)
        request_destruction(tx, exhibit_id, by=PERSON_C, at=AT)  # the first request stands
    with pytest.raises(Refused, match="same person"):
        destroy(database, desk.blobs, exhibit_id, by=PERSON_A, at=AT, outward=Ungated())
    assert before.blob_key is not None
    assert desk.blobs.exists(before.blob_key)
    gone = destroy(database, desk.blobs, exhibit_id, by=PERSON_B, at=AT + DAY, outward=Ungated())
    assert gone.destroyed_at == AT + DAY
    assert (gone.sha256, gone.sealed_sha256, gone.case_id) == (
        before.sha256,
        before.sealed_sha256,
        case_id,
    )
    assert not desk.blobs.exists(before.blob_key)
    late = AT + 2 * DAY
    again = destroy(database, desk.blobs, exhibit_id, by=PERSON_B, at=late, outward=Ungated())
    assert again == gone
    assert desk.actions()[-3:] == [
        "exhibit_destruction_requested",
        "exhibit_destruction_confirmed",
        "exhibit_destroyed",
    ]
    with pytest.raises(BadInput, match="destroyed"):
        custody.sealed_bytes(gone, desk.blobs)
    with pytest.raises(Conflict), database.begin() as tx:
        request_destruction(tx, exhibit_id, by=PERSON_A, at=AT)


def test_a_live_hold_refuses_with_every_reason(database: Database) -> None:
    desk = Desk(database)
    case_id = desk.open()
    with database.begin() as tx:
        exhibit_id = store.exhibits_of(tx, case_id)[0].id
        place_hold(
            tx,
            exhibit_id=exhibit_id,
            case_id=case_id,
            basis="rule a",
            until=AT + DAY,
            by="system",
            at=AT,
        )
        with pytest.raises(Refused) as refusal:
            request_destruction(tx, exhibit_id, by=PERSON_A, at=AT)
    assert len(refusal.value.reasons) == 2
    assert "case open" in refusal.value.reasons[0]
    assert "2026-11-22" in refusal.value.reasons[1]


def test_a_hold_that_comes_between_the_two_persons_wins(database: Database) -> None:
    desk = Desk(database)
    case_id, exhibit_id = harmless(desk)
    with database.begin() as tx:
        request_destruction(tx, exhibit_id, by=PERSON_A, at=AT)
        place_hold(
            tx,
            exhibit_id=exhibit_id,
            case_id=case_id,
            basis="order",
            until=None,
            by="system",
            at=AT,
        )
    with pytest.raises(Refused, match="order"):
        destroy(database, desk.blobs, exhibit_id, by=PERSON_B, at=AT, outward=Ungated())
    with database.begin() as tx:
        exhibit = store.exhibit(tx, exhibit_id)
    assert len(custody.sealed_bytes(exhibit, desk.blobs)) > 0


def test_a_break_in_the_middle_is_taken_up_again(database: Database) -> None:
    desk = Desk(database, blobs=AwayOnce())
    _, exhibit_id = harmless(desk)
    with database.begin() as tx:
        request_destruction(tx, exhibit_id, by=PERSON_A, at=AT)
    with pytest.raises(Unavailable):
        destroy(database, desk.blobs, exhibit_id, by=PERSON_B, at=AT, outward=Ungated())
    with database.begin() as tx:
        half = store.exhibit(tx, exhibit_id)
    assert half.destroyed_at is None  # not claimed before it is true
    assert "exhibit_destroyed" not in desk.actions()
    with pytest.raises(Refused, match="somebody else"):
        destroy(database, desk.blobs, exhibit_id, by=PERSON_C, at=AT, outward=Ungated())
    done = destroy(database, desk.blobs, exhibit_id, by=PERSON_A, at=AT, outward=Ungated())
    assert done.destroyed_at == AT
