"""Near-duplicates that wait: what counts as one, and whose decision reaches what."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from console_parts import AT, Office, details, drawn
from sqlalchemy import text

from tutela.accounts.model import Actor, Role
from tutela.adapters.media.jail import Jail
from tutela.cases import store as cases
from tutela.cases.claiming import claim
from tutela.cases.deciding import confirm, decide, finish_review
from tutela.cases.model import AgeBand, State, Verdict
from tutela.evidence import store as evidence
from tutela.hashing.model import Pdq
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, Conflict, Refused
from tutela.primitives.ids import CaseId
from tutela.review.clustering import cluster_of, decide_cluster
from tutela.review.model import ViewReason
from tutela.review.queueing import queue
from tutela.review.viewing import note_shown, open_view, viewed_entirely

BASE = int.from_bytes(b"neutral words, 32 bytes of them!")


@pytest.fixture
def office(database: Database, clock: FixedClock) -> Office:
    return Office(database=database, media=cast("Jail", None), clock=clock)


def hash_at(distance_bits: int, *, start: int = 0) -> Pdq:
    """A hash that many bits from the base, beginning at bit `start`."""
    flips = ((1 << distance_bits) - 1) << start
    return Pdq((BASE ^ flips).to_bytes(32), 100)


def picture(office: Office, seed: int, pdq: Pdq, *, second_person: bool = False) -> CaseId:
    return office.case(drawn(seed), pdq=pdq, second_person=second_person)[0]


def decided(office: Office, case: CaseId, by: Actor, verdict: Verdict) -> None:
    category = "ncmec-ab/2022/B2" if verdict is Verdict.APPARENT_CSAM else ""
    with office.database.begin() as tx:
        claim(tx, case, by, AT)
        finish_review(tx, case, by=by, at=AT)
        decide(
            tx,
            case,
            by=by,
            at=AT,
            verdict=verdict,
            category=category,
            age_band=AgeBand.PUBESCENT,
            facts={"decision.imminent_threat": False},
            note="the same words",
        )


def near(office: Office, case: CaseId, by: Actor) -> list[tuple[CaseId, int, int]]:
    with office.database.begin() as tx:
        found = cluster_of(tx, case, by=by, at=AT).alike
    return [(one.case.id, one.distance_bits, one.steps) for one in found]


def test_a_group_is_what_chains_of_near_pairs_connect(office: Office) -> None:
    person = office.person("person-a")
    first = picture(office, 1, hash_at(0))
    at_31 = picture(office, 2, hash_at(31))
    at_62 = picture(office, 3, hash_at(62))
    at_3 = picture(office, 4, hash_at(3, start=200))
    alone = picture(office, 5, hash_at(94))
    # By steps, then by the distance from the case asked about; `alone` is 32 from the nearest.
    assert near(office, first, person) == [(at_3, 3, 1), (at_31, 31, 1), (at_62, 62, 2)]
    assert near(office, at_62, person) == [(at_31, 31, 1), (first, 62, 2), (at_3, 65, 3)]
    assert near(office, alone, person) == []
    with office.database.begin() as tx:
        counted = {item.case.id: item.alike for item in queue(tx, person).items}
    assert counted == {first: 3, at_31: 3, at_62: 3, at_3: 3, alone: 0}


def test_what_is_decided_joins_nothing_but_has_its_groups_around_it(office: Office) -> None:
    person = office.person("person-a")
    left, middle, right = (picture(office, bits, hash_at(bits)) for bits in (1, 32, 63))
    decided(office, middle, person, Verdict.NOT_CSAM)
    assert near(office, left, person) == []
    assert near(office, middle, person) == [(left, 31, 1), (right, 31, 1)]


def test_a_decision_goes_along_a_chain_only_as_far_as_the_person_names(office: Office) -> None:
    person = office.person("person-a")
    first, middle, end = (picture(office, bits, hash_at(bits)) for bits in (0, 31, 62))
    decided(office, first, person, Verdict.NOT_CSAM)
    with office.database.begin() as tx:
        decide_cluster(tx, first, others=[end], by=person, at=AT)
        assert cases.case(tx, end).state is State.CLOSED
        assert cases.case(tx, middle).state is State.MATCHED
    (line,) = details(office.database, "decision_taken_over")
    assert (line["distance_bits"], line["steps"]) == (62, 2)


def test_a_large_group_is_cut_and_said_to_be(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = office.person("person-a")
    first, *others = (picture(office, seed, hash_at(seed)) for seed in range(4))
    with office.database.begin() as tx:
        whole = cluster_of(tx, first, by=person, at=AT)
    assert ([one.case.id for one in whole.alike], whole.total) == (others, 3)
    assert whole.compared is None
    monkeypatch.setattr("tutela.review.clustering.SHOWN", 2)
    monkeypatch.setattr("tutela.review.clustering.COMPARED", 4)
    decided(office, first, person, Verdict.NOT_CSAM)
    with office.database.begin() as tx:
        cut = cluster_of(tx, first, by=person, at=AT)
    assert ([one.case.id for one in cut.alike], cut.total) == (others[:2], 3)
    with pytest.raises(Conflict), office.database.begin() as tx:
        decide_cluster(tx, first, others=others, by=person, at=AT)
    fourth = picture(office, 9, hash_at(90))
    with office.database.begin() as tx:
        assert cluster_of(tx, fourth, by=person, at=AT).compared == 4


def test_a_hash_that_says_nothing_is_like_nothing(office: Office) -> None:
    person = office.person("person-a")
    flat = [picture(office, seed, Pdq(bytes(32), 100)) for seed in (1, 2)]
    dull = [picture(office, seed, Pdq(BASE.to_bytes(32), 49)) for seed in (3, 4)]
    none = [office.case(drawn(seed))[0] for seed in (5, 6)]
    for case in (*flat, *dull, *none):
        assert near(office, case, person) == []


def test_nothing_is_taken_over_by_itself(office: Office) -> None:
    person = office.person("person-a")
    first = picture(office, 1, hash_at(0))
    other = picture(office, 2, hash_at(2))
    decided(office, first, person, Verdict.APPARENT_CSAM)
    with office.database.begin() as tx:
        assert cases.case(tx, other).state is State.MATCHED
        assert cases.decisions_of(tx, other) == []
        found = cluster_of(tx, first, by=person, at=AT)
    assert [(one.case.id, one.open_to_me) for one in found.alike] == [(other, True)]
    assert found.own is not None


def test_each_gets_its_own_decision_lines_and_view_log(office: Office) -> None:
    person = office.person("person-a")
    first, first_exhibit = office.case(drawn(1), pdq=hash_at(0))
    chosen = [picture(office, seed, hash_at(seed)) for seed in (2, 3)]
    left = picture(office, 4, hash_at(4))
    with office.database.begin() as tx:
        claim(tx, first, person, AT)
        view = open_view(
            tx,
            case_id=first,
            exhibit_id=first_exhibit,
            by=person,
            reason=ViewReason.AGE_UNCLEAR,
            at=AT,
        )
        note_shown(tx, view.id, by=person, at=AT, entire=True)
    decided(office, first, person, Verdict.APPARENT_CSAM)
    with office.database.begin() as tx:
        made = decide_cluster(tx, first, others=chosen, by=person, at=AT)
        own = cases.final_decision(tx, first)
        assert own is not None
        for case, decision in zip(chosen, made, strict=True):
            assert cases.final_decision(tx, case) == decision
            assert cases.case(tx, case).state is State.DECIDED
            assert (decision.verdict, decision.category) == (own.verdict, own.category)
            assert (decision.facts, decision.note) == (own.facts, own.note)
            (exhibit,) = evidence.exhibits_of(tx, case)
            assert not viewed_entirely(tx, exhibit.id)
        assert viewed_entirely(tx, first_exhibit)
        assert cases.case(tx, left).state is State.MATCHED
    taken = list(details(office.database, "decision_taken_over"))
    assert [line["decision"] for line in taken] == [decision.id for decision in made]
    assert {line["from_decision"] for line in taken} == {own.id}
    assert [line["distance_bits"] for line in taken] == [2, 3]
    assert len(list(details(office.database, "decision_made"))) == 3


def test_the_second_person_stays_each_cases_own(office: Office) -> None:
    person, second = office.person("person-a"), office.person("person-b")
    first = picture(office, 1, hash_at(0), second_person=True)
    strict = picture(office, 2, hash_at(2), second_person=True)
    plain = picture(office, 3, hash_at(3))
    decided(office, first, person, Verdict.NOT_CSAM)
    with office.database.begin() as tx:
        # Not confirmed yet, and still the person's own opinion, which each case takes its way.
        decide_cluster(tx, first, others=[strict, plain], by=person, at=AT)
        assert cases.pending_decision(tx, strict) is not None
        assert cases.final_decision(tx, plain) is not None
        assert cluster_of(tx, first, by=second, at=AT).own is None
    with pytest.raises(Refused), office.database.begin() as tx:
        confirm(tx, strict, by=person, at=AT, agree=True)
    with office.database.begin() as tx:
        confirm(tx, strict, by=second, at=AT, agree=True)
        assert cases.final_decision(tx, strict) is not None


def test_an_overruled_opinion_is_not_taken_over(office: Office) -> None:
    person, second = office.person("person-a"), office.person("person-b")
    first = picture(office, 1, hash_at(0), second_person=True)
    other = picture(office, 2, hash_at(2))
    decided(office, first, person, Verdict.NOT_CSAM)
    with office.database.begin() as tx:
        confirm(
            tx,
            first,
            by=second,
            at=AT,
            agree=False,
            verdict=Verdict.CANNOT_SAY,
            note="somebody else should look",
        )
    with pytest.raises(Conflict, match="no decision of yours"), office.database.begin() as tx:
        decide_cluster(tx, first, others=[other], by=person, at=AT)


def test_who_agreed_as_the_second_person_has_a_decision_too(office: Office) -> None:
    person, second = office.person("person-a"), office.person("person-b")
    first = picture(office, 1, hash_at(0), second_person=True)
    other = picture(office, 2, hash_at(2))
    decided(office, first, person, Verdict.NOT_CSAM)
    with office.database.begin() as tx:
        confirm(tx, first, by=second, at=AT, agree=True)
        (made,) = decide_cluster(tx, first, others=[other], by=second, at=AT)
        assert (made.by, made.verdict) == (second.id, Verdict.NOT_CSAM)


@pytest.mark.parametrize("obstacle", ["far", "claimed", "decided", "waits", "nothing", "auditor"])
def test_one_that_cannot_be_decided_refuses_them_all(office: Office, obstacle: str) -> None:
    person, other_person = office.person("person-a"), office.person("person-b")
    actor, error = person, cast("type[Exception]", Conflict)
    first = picture(office, 1, hash_at(0))
    fine = picture(office, 2, hash_at(2))
    hard = picture(office, 3, hash_at(40 if obstacle == "far" else 3), second_person=True)
    decided(office, first, person, Verdict.APPARENT_CSAM)
    chosen = [fine, hard]
    if obstacle == "claimed":
        with office.database.begin() as tx:
            claim(tx, hard, other_person, AT)
    elif obstacle == "waits":
        decided(office, hard, other_person, Verdict.NOT_CSAM)
    elif obstacle == "decided":
        decided(office, hard, other_person, Verdict.NOT_CSAM)
        with office.database.begin() as tx:
            confirm(tx, hard, by=person, at=AT, agree=True)
    elif obstacle == "nothing":
        chosen, error = [], BadInput
    elif obstacle == "auditor":
        actor, error = office.person("person-c", Role.AUDITOR), Refused
    with pytest.raises(error), office.database.begin() as tx:
        decide_cluster(tx, first, others=chosen, by=actor, at=AT)
    with office.database.begin() as tx:
        assert cases.case(tx, fine).state is State.MATCHED
        assert cases.decisions_of(tx, fine) == []
    assert list(details(office.database, "decision_taken_over")) == []


def test_a_case_that_is_being_changed_is_waited_for_and_nothing_is_held_meanwhile(
    office: Office,
) -> None:
    """The ledger stays free, so whoever holds one of the chosen cases can come to an end."""
    person, second = office.person("person-a"), office.person("person-b")
    first, *others = (picture(office, seed, hash_at(seed)) for seed in range(3))
    decided(office, first, person, Verdict.NOT_CSAM)

    def take_over() -> None:
        with office.database.begin() as tx:
            decide_cluster(tx, first, others=others, by=person, at=AT)

    with ThreadPoolExecutor(1) as other:
        with office.database.begin() as tx:
            cases.case(tx, max(others), for_update=True)
            asked = other.submit(take_over)
            until = time.monotonic() + 60
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while not tx.execute(waiting).scalar_one() and time.monotonic() < until:
                time.sleep(0.01)
            claim(tx, max(others), second, AT)  # its line in the ledger
        with pytest.raises(Conflict):  # the other one has it now
            asked.result(60)
    assert not list(details(office.database, "decision_taken_over"))
