"""An item that people have judged before needs no view; everything else does."""

import pytest

from cases.case_parts import AT, BY, CATEGORY, PERSON_A, PICTURE, Desk, hashed_of
from tutela.cases import store
from tutela.cases.deciding import decide
from tutela.cases.model import Verdict
from tutela.cases.opening import URGENT
from tutela.hashing.model import Pdq
from tutela.intake.model import Context, Origin
from tutela.primitives.database import Database
from tutela.primitives.ids import CaseId

OTHER = Pdq.parse("00ff" * 16, quality=90)


def judged(desk: Desk, data: bytes, verdict: Verdict = Verdict.APPARENT_CSAM) -> CaseId:
    case_id = desk.reviewed(data)
    with desk.database.begin() as tx:
        decide(tx, case_id, by=PERSON_A, at=AT, verdict=verdict, category=CATEGORY, note="drawn")
    return case_id


def test_the_same_bytes_by_another_uploader_are_a_case_of_their_own_and_known(
    database: Database,
) -> None:
    desk = Desk(database)
    first = judged(desk, b"picture")
    second = desk.open(b"picture", item_reference="another item")
    assert second != first
    case = desk.case(second)
    assert case.known_item
    assert case.priority == URGENT
    with database.begin() as tx:
        known = store.known_verdict_of(tx, second)
    assert known is not None
    assert (known.verdict, known.category, known.case_id, known.by_hash) == (
        Verdict.APPARENT_CSAM,
        CATEGORY,
        first,
        "sha256",
    )


def test_an_equal_pdq_hash_makes_it_known_and_one_bit_does_not(database: Database) -> None:
    desk = Desk(database)
    judged(desk, b"picture")
    one_bit = bytearray(PICTURE.bits)
    one_bit[31] ^= 1
    desk.jail.pdq[b"other bytes"] = PICTURE
    desk.jail.pdq[b"nearly"] = Pdq(bytes(one_bit), 90)
    assert desk.case(desk.open(b"other bytes")).known_item
    assert not desk.case(desk.open(b"nearly")).known_item


@pytest.mark.parametrize("weak", [Pdq(bytes(32), 90), Pdq(PICTURE.bits, 10)])
def test_a_hash_that_says_nothing_makes_nothing_known(database: Database, weak: Pdq) -> None:
    desk = Desk(database)
    desk.jail.pdq[b"grey"] = weak
    desk.jail.pdq[b"other grey"] = weak
    judged(desk, b"grey")
    assert not desk.case(desk.open(b"other grey")).known_item


def test_only_a_final_verdict_makes_it_known(database: Database) -> None:
    desk = Desk(database)
    judged(desk, b"unclear", Verdict.CANNOT_SAY)
    desk.matcher.second_person = True
    desk.jail.pdq[b"one opinion"] = OTHER
    judged(desk, b"one opinion")
    assert not desk.case(desk.open(b"unclear", item_reference="2")).known_item
    assert not desk.case(desk.open(b"one opinion", item_reference="2")).known_item


def test_contradicting_verdicts_make_it_unknown_again(database: Database) -> None:
    desk = Desk(database)
    judged(desk, b"picture")
    judged(desk, b"picture", Verdict.NOT_CSAM)
    third = desk.open(b"picture", item_reference="3")
    assert not desk.case(third).known_item
    with database.begin() as tx:
        assert store.known_verdict_of(tx, third) is None


def test_a_known_harmless_item_is_shown_as_what_it_was_judged(database: Database) -> None:
    desk = Desk(database)
    judged(desk, b"picture", Verdict.NOT_CSAM)
    again = desk.open(b"picture", item_reference="2")
    with database.begin() as tx:
        known = store.known_verdict_of(tx, again)
    assert known is not None
    assert known.verdict is Verdict.NOT_CSAM


def test_hashes_alone_know_the_item_too(database: Database) -> None:
    desk = Desk(database)
    judged(desk, b"picture")
    admission = desk.intake.admit_hashes(
        hashed_of(b"picture"), context=Context(), by=BY, origin=Origin.API_HASHES
    )
    assert admission.case_id is not None
    assert desk.case(admission.case_id).known_item
