"""The platform hears what was decided, whatever it was, once, and its silence is told."""

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cases.case_parts import PERSON_A
from console.browsing import served
from tutela.adapters.sandbox.platform import DECISIONS_PATH, PlatformSandbox
from tutela.adapters.webhook import Webhook
from tutela.cases.claiming import claim
from tutela.cases.deciding import decide, finish_review
from tutela.cases.model import Verdict
from tutela.primitives.database import Database
from tutela.primitives.ids import CaseId
from tutela.reporting.notifying import DecisionNotice
from tutela.reporting.restricting import Delivery
from tutela.reporting.waiting import Concern, Waiting, waiting
from tutela.workflows import engine
from tutela.workflows.parts import Pace
from tutela.workflows.relaying import relay
from workflows.filing_world import SECRET, World


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database=database, home=tmp_path / "home")


class Listens:
    """A platform that answers each notice with the next of these, and the last for ever."""

    def __init__(self, *answers: Delivery) -> None:
        self.answers = list(answers)
        self.got: list[DecisionNotice] = []

    def tell_decision(self, notice: DecisionNotice, *, at: datetime) -> Delivery:
        del at
        self.got.append(notice)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


TAKEN = Delivery(delivered=True, again=False, why="")
AWAY = Delivery(delivered=False, again=True, why="no answer from drawn.example (Timeout)")
REFUSED = Delivery(delivered=False, again=False, why="HTTP status 404 from drawn.example")


def judged(world: World, verdict: Verdict, data: bytes) -> CaseId:
    """A case that a person has finally decided like this."""
    case_id = world.opened(data, item_reference=f"item-{data.decode()}")
    with world.database.begin() as tx:
        claim(tx, case_id, PERSON_A, world.began)
        finish_review(tx, case_id, by=PERSON_A, at=world.began)
        decide(tx, case_id, by=PERSON_A, at=world.began, verdict=verdict)
    return case_id


def work(world: World, url: str, listener: object, **more: object) -> None:
    world.stop = threading.Event()
    parts = world.parts(None, decisions=listener, **more)
    with engine.started(url, parts):
        relay(parts, poll_seconds=0.05, once=True)


def told(world: World) -> dict[Concern, Waiting]:
    with world.database.begin() as tx:
        found = waiting(tx, at=world.clock.now(), late_after=timedelta(hours=1))
    return {each.concern: each for each in found}


def test_every_verdict_is_told_once(world: World, database_url: str) -> None:
    judged_as = {judged(world, Verdict.NOT_CSAM, b"one"): Verdict.NOT_CSAM}
    judged_as[world.decided(item_reference="item-apparent")] = Verdict.APPARENT_CSAM
    platform = Listens(AWAY, TAKEN)
    work(world, database_url, platform, pace=Pace(first=timedelta(milliseconds=20)))
    assert {each.case_id: each.verdict for each in platform.got} == judged_as
    assert all(each.item_reference.startswith("item-") for each in platform.got)
    assert len(platform.got) == len(judged_as) + 1, "the first came again"
    for case_id in judged_as:
        assert world.actions(case_id).count("decision_told") == 1
    work(world, database_url, platform)
    assert len(platform.got) == len(judged_as) + 1
    assert Concern.DECISIONS_UNTOLD not in told(world)
    assert "item-" not in str(world.rows("SELECT * FROM decision_notices"))


def test_a_refusal_is_told_to_people_and_tried_at_the_next_start(
    world: World, database_url: str
) -> None:
    case_id = judged(world, Verdict.NOT_CSAM, b"one")
    work(world, database_url, Listens(REFUSED))
    concern = told(world)[Concern.DECISIONS_UNTOLD]
    assert (concern.count, concern.case) == (1, case_id)
    assert concern.error == "HTTP status 404 from drawn.example"
    assert "decision_not_told" in world.actions(case_id)
    platform = Listens(TAKEN)
    work(world, database_url, platform)
    assert [each.case_id for each in platform.got] == [case_id]
    assert Concern.DECISIONS_UNTOLD not in told(world)


def test_silence_is_told_with_the_next_attempt(world: World, database_url: str) -> None:
    case_id = judged(world, Verdict.NOT_CSAM, b"one")
    work(world, database_url, Listens(AWAY), pace=Pace(first=timedelta(hours=1)))
    concern = told(world)[Concern.DECISIONS_UNTOLD]
    assert (concern.case, concern.error) == (case_id, AWAY.why)
    assert concern.next_try_at is not None
    assert concern.next_try_at > world.clock.now()


def test_nobody_is_told_where_no_address_is_set(world: World, database_url: str) -> None:
    judged(world, Verdict.NOT_CSAM, b"one")
    work(world, database_url, None)
    assert world.rows("SELECT * FROM decision_notices") == []
    assert Concern.DECISIONS_UNTOLD not in told(world)


def test_a_platform_verifies_and_hears_it(world: World, database_url: str) -> None:
    case_id = judged(world, Verdict.NOT_CSAM, b"one")
    sandbox = PlatformSandbox(secret=SECRET, clock=world.clock)
    with served(sandbox.app()) as url:
        webhook = Webhook(url + DECISIONS_PATH, SECRET, outward=world.outward)
        work(world, database_url, webhook)
        webhook.close()
    assert [(each["case"], each["verdict"], each["item_reference"]) for each in sandbox.heard] == [
        (case_id, "not_csam", "item-one")
    ]
