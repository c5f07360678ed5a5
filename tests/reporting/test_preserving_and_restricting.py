"""What follows beside the report: holds with the law's end, orders until they are confirmed."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cases.case_parts import PERSON_A
from tutela.cases import store as cases
from tutela.cases.model import Outcome
from tutela.cases.outcomes import reach
from tutela.evidence import retention
from tutela.evidence import store as evidence
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.errors import Conflict
from tutela.primitives.ids import CaseId
from tutela.reporting import releasing, restricting, store
from tutela.reporting.conversing import Next
from tutela.reporting.preserving import preserve
from tutela.reporting.reports import Restriction, RestrictionState
from tutela.reporting.restricting import Delivery
from workflows.filing_world import PRESERVE_RULE, World

# Every question that the rules on keeping ask, answered: only US law applies.
ONLY_US: dict[str, object] = {
    "provider.is_electronic_service": True,
    "provider.established_in": "US",
    "provider.reports_to_ncmec": True,
    "service.type": "u2u",
    "service.is_user_to_user": True,
    "service.is_hosting": True,
    "service.targets_markets": ["US"],
    "service.significant_uk_users": False,
    "service.material_risk_uk": False,
    "service.offered_in_eu": False,
    "service.available_in": ["US"],
    "counsel.br_lei_15211": False,
    "counsel.ca_reporting_act": False,
    "counsel.in_intermediary": False,
    "counsel.ph_ra_11930": False,
    "counsel.za_fpa_27a": False,
}


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database=database, home=tmp_path / "home", provider=dict(ONLY_US))


def kept(world: World, case_id: CaseId, at: datetime) -> datetime | None:
    with world.database.begin() as tx:
        return preserve(tx, case_id, desk=world.desk(None), at=at)


def holds(world: World, case_id: CaseId) -> list[tuple[str, datetime | None, bool]]:
    with world.database.begin() as tx:
        found = evidence.holds_of(tx, case_id)
    return [(each.basis, each.until, each.released_at is None) for each in found]


def reported(world: World, case_id: CaseId, at: datetime) -> None:
    with world.database.begin() as tx:
        reach(tx, case_id, Outcome.REPORTED, at=at)


def test_evidence_is_held_without_an_end_until_the_report_is_finished(world: World) -> None:
    case_id = world.decided()
    world.accept()
    now = world.began + timedelta(minutes=1)
    assert kept(world, case_id, now) is None
    assert (PRESERVE_RULE, None, True) in holds(world, case_id)
    assert Outcome.PRESERVED in world.case(case_id).reached
    assert kept(world, case_id, now) is None  # again: nothing new
    assert len(holds(world, case_id)) == 2
    reported(world, case_id, now)
    later = now + timedelta(minutes=1)
    end = now.replace(year=now.year + 1)  # 18 U.S.C. 2258A(h)(1): one year from the report
    assert kept(world, case_id, later) == end
    assert holds(world, case_id) == [
        (retention.CASE_OPEN, None, True),
        (PRESERVE_RULE, None, False),
        (PRESERVE_RULE, end, True),
    ]
    assert kept(world, case_id, later) == end
    assert len(holds(world, case_id)) == 3
    assert world.actions(case_id).count("preservation_set") == 2
    assert world.ledger_holds()


def test_a_rule_that_counsel_has_not_accepted_keeps_but_ends_nothing(world: World) -> None:
    case_id = world.decided()
    now = world.began + timedelta(minutes=1)
    reported(world, case_id, now)
    assert kept(world, case_id, now) is None
    assert (PRESERVE_RULE, None, True) in holds(world, case_id)
    world.accept(PRESERVE_RULE)
    assert kept(world, case_id, now) == now.replace(year=now.year + 1)


def test_unchecked_text_that_asks_for_nothing_keeps_nothing(world: World) -> None:
    world.provider |= {"service.type": "u2u", "service.significant_uk_users": True}
    world.provider["provider.reports_to_ncmec"] = True
    case_id = world.decided()
    kept(world, case_id, world.began + timedelta(minutes=1))
    assert "gb.osa-s66.preserve" not in {basis for basis, _, _ in holds(world, case_id)}
    del world.provider["provider.reports_to_ncmec"]
    other = world.decided(b"another picture")
    kept(world, other, world.began + timedelta(minutes=1))
    assert ("gb.osa-s66.preserve", None, True) in holds(world, other)


def test_an_acceptance_that_comes_after_the_report_gives_the_keeping_its_end(world: World) -> None:
    case_id = world.decided()
    now = world.began + timedelta(minutes=1)
    reported(world, case_id, now)
    assert kept(world, case_id, now) is None

    def asked() -> list[CaseId]:
        with world.database.begin() as tx:
            return list(releasing.set_ends(tx, desk=world.desk(None), at=now))

    assert asked() == []
    world.accept(PRESERVE_RULE)
    assert asked() == [case_id]
    [job] = world.rows(
        "SELECT subject FROM follow_ups WHERE kind = 'preserve' AND id = "
        "(SELECT max(id) FROM follow_ups)"
    )
    assert job.subject == case_id
    assert kept(world, case_id, now) == now.replace(year=now.year + 1)
    assert asked() == []  # it has its end


def test_what_the_restriction_makes_due_is_assessed(world: World) -> None:
    world.provider["service.offered_in_eu"] = True
    world.accept("eu.dsa-17.reasons")
    case_id = world.decided()
    kept(world, case_id, world.began)
    world.all_relayed()
    [order] = ordered(world, case_id)
    assert sent(world, Platform([DELIVERED]), order) is Next.DONE
    assert [
        each.kind for each in world.rows("SELECT kind FROM follow_ups WHERE relayed_at IS NULL")
    ] == ["preserve"]
    kept(world, case_id, world.clock.now())
    assessed = world.rows("SELECT result FROM assessments ORDER BY id")
    owed = [
        {each["rule_id"] for each in row.result["duties"] if each["state"] == "owed"}
        for row in assessed
    ]
    assert "eu.dsa-17.reasons" not in owed[0]
    assert "eu.dsa-17.reasons" in owed[-1]


def test_a_missing_fact_keeps_the_evidence(world: World) -> None:
    del world.provider["provider.established_in"]
    case_id = world.decided()
    world.accept()
    reported(world, case_id, world.began)
    assert kept(world, case_id, world.began) is None
    assert (PRESERVE_RULE, None, True) in holds(world, case_id)


@dataclass
class Platform:
    """Answers each order in turn; the last answer stays."""

    answers: list[Delivery]
    orders: list[Restriction] = field(default_factory=list)

    def disable_access(self, order: Restriction, *, at: datetime) -> Delivery:
        del at
        self.orders.append(order)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


DELIVERED = Delivery(delivered=True, again=False, why="")
BUSY = Delivery(delivered=False, again=True, why="HTTP status 503")
REFUSED = Delivery(delivered=False, again=False, why="HTTP status 404")


def ordered(world: World, case_id: CaseId, *, has_platform: bool = True) -> list[Restriction]:
    with world.database.begin() as tx:
        return list(restricting.order(tx, case_id, has_platform=has_platform, at=world.began))


def sent(world: World, platform: Platform, order: Restriction) -> Next:
    clock = FixedClock(at=world.began)
    return restricting.deliver(
        world.database, platform, order.id, unsealer=world.desk(None).unsealer, clock=clock
    )


def now(world: World, case_id: CaseId) -> Restriction:
    with world.database.begin() as tx:
        [order] = store.restrictions_of(tx, case_id)
    return order


def test_an_order_is_made_once_and_repeated_until_it_is_confirmed(world: World) -> None:
    case_id = world.decided(item_reference="item-1")
    [order] = ordered(world, case_id)
    assert ordered(world, case_id) == [order]
    platform = Platform([BUSY, BUSY, DELIVERED])
    assert [sent(world, platform, order) for _ in range(3)] == [Next.AGAIN, Next.AGAIN, Next.DONE]
    assert {each.id for each in platform.orders} == {order.id}
    assert sent(world, platform, order) is Next.DONE
    assert len(platform.orders) == 3
    assert ordered(world, case_id) == []
    assert (now(world, case_id).state, now(world, case_id).attempts) == ("delivered", 3)
    assert Outcome.RESTRICTED in world.case(case_id).reached
    for once in ("restriction_ordered", "restriction_delivered"):
        assert world.actions(case_id).count(once) == 1


def test_a_refused_order_is_shown_and_taken_up_at_the_next_start(world: World) -> None:
    case_id = world.decided(item_reference="item-1")
    [order] = ordered(world, case_id)
    assert sent(world, Platform([REFUSED]), order) is Next.STOPPED
    assert now(world, case_id).state is RestrictionState.FAILED
    assert "404" in now(world, case_id).last_why
    assert "restriction_failed" in world.actions(case_id)
    world.all_relayed()
    with world.database.begin() as tx:
        asked = releasing.ask_again(tx, at_work=(), has_platform=True, at=world.began)
    assert "restrict" in {each.kind for each in asked}
    [again] = ordered(world, case_id)
    assert sent(world, Platform([DELIVERED]), again) is Next.DONE


def test_without_a_platform_a_person_does_it_and_says_so(world: World) -> None:
    case_id = world.decided(item_reference="item-1")
    assert ordered(world, case_id, has_platform=False) == []
    order = now(world, case_id)
    assert order.state is RestrictionState.MANUAL
    assert "No webhook" in order.last_why
    with world.database.begin() as tx:
        done = restricting.done_by_person(tx, order.id, by=PERSON_A.id, at=world.began)
    assert (done.state, done.done_by) == (RestrictionState.DELIVERED, PERSON_A.id)
    assert Outcome.RESTRICTED in world.case(case_id).reached
    with world.database.begin() as tx, pytest.raises(Conflict):
        restricting.done_by_person(tx, order.id, by=PERSON_A.id, at=world.began)


def test_a_person_and_the_worker_who_end_an_order_at_once_do_not_block_each_other(
    world: World,
) -> None:
    """Both lock the case first: else PostgreSQL would end one of them as a deadlock."""
    case_id = world.decided(item_reference="item-1")
    [order] = ordered(world, case_id)

    def by_a_person() -> Restriction:
        with world.database.begin() as tx:
            return restricting.done_by_person(tx, order.id, by=PERSON_A.id, at=world.began)

    with ThreadPoolExecutor(1) as pool:
        with world.database.begin() as tx:  # the worker, in the middle of `deliver`
            cases.case(tx, case_id, for_update=True)
            person = pool.submit(by_a_person)
            until_somebody_waits(world)
            store.restriction(tx, order.id)
        assert person.result(timeout=60).state is RestrictionState.DELIVERED


def until_somebody_waits(world: World) -> None:
    """Until a transaction waits for a row of another; looked at from a third connection."""
    until = time.monotonic() + 60
    while not world.rows("SELECT 1 FROM pg_locks WHERE NOT granted"):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_an_item_without_a_name_waits_for_a_person(world: World) -> None:
    case_id = world.decided(item_reference="")
    assert ordered(world, case_id) == []
    assert "named no item" in now(world, case_id).last_why
    world.all_relayed()
    with world.database.begin() as tx:
        asked = releasing.ask_again(tx, at_work=(), has_platform=True, at=world.began)
    assert "restrict" not in {each.kind for each in asked}
