"""One key, however it asks, holds up no other: places and turns are per key and kind of work.

Every attack is held open for as long as the test wants; the honest answer has to come meanwhile.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from cases.case_parts import AT, UNSEALER
from own_lawbook import own_lawbook
from tutela.accounts.model import Actor, Role
from tutela.api import law
from tutela.api.app import Api, build
from tutela.api.lane import BATCH_BYTES, Lane, Question
from tutela.api.parts import ApiParts
from tutela.indicators.matching import MatcherState
from tutela.intake.model import Admission
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput
from tutela.primitives.ids import AccountId
from tutela.primitives.redacted import Redacted

ATTACKERS = 60
PATIENCE_S = 120


class HashesOnly:
    """Answers every item with a refusal that names it, so that no database is needed."""

    def admit_file(self, data: bytes, **_: object) -> Admission:
        raise BadInput("Taken", why=data.decode())

    def admit_hashes(self, *_args: object, **_kwargs: object) -> Admission:
        raise BadInput("Taken", why="hashes")

    def look_up(self, hashes: Any) -> list[Any]:
        raise BadInput("Taken", why=f"{len(hashes)} hashes")


def caller(key: Redacted[str]) -> Actor | None:
    name = key.reveal()
    return Actor(id=AccountId(f"acct_{name}"), login=name, roles=frozenset({Role.PLATFORM}))


def app_with(intake: Any = None) -> Api:
    return build(
        ApiParts(
            unsealer=UNSEALER,
            intake=intake or HashesOnly(),
            database=Database("postgresql+psycopg://nobody@127.0.0.1:1/nowhere"),
            clock=FixedClock(at=AT),
            authenticate=caller,
            index_state=lambda: MatcherState(entries=0, change=0, database_change=0, set_aside=0),
            book=own_lawbook(),
            max_upload_bytes=100_000,
            requests_per_minute=6000,
        )
    )


def asking(app: Api, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://api.test",
        headers={"Authorization": f"Bearer {key}"},
        timeout=PATIENCE_S,
    )


def upload(data: bytes = b"drawn") -> dict[str, Any]:
    return {"files": {"file": ("a.png", data, "image/png")}}


QUESTION = {"hashes": [{"pdq": "6b" * 32, "quality": 90}]}
KINDS = ("/v1/media", "/v1/lookup", "/v1/law/gap")


async def honest(app: Api) -> list[int]:
    """One request of each kind by another key; each is answered, whatever with."""
    async with asking(app, "honest") as client, asyncio.timeout(PATIENCE_S):
        answers = [
            await client.post("/v1/media", **upload()),
            await client.post("/v1/media", json={"hashes": {"pdq": "6b" * 32, "quality": 90}}),
            await client.post("/v1/lookup", json=QUESTION),
            await client.post("/v1/lookup", json={"hashes": QUESTION["hashes"] * 400}),
            await client.get("/v1/law/gap", params={"jurisdiction": "XX"}),
        ]
    return [one.status_code for one in answers]


ANSWERED = [422, 422, 422, 422, 422]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/media", "multipart/form-data; boundary=x"),
        ("/v1/media", "application/json"),
        ("/v1/lookup", "application/json"),
        ("/v1/law/duties", "application/json"),
    ],
)
@pytest.mark.parametrize("declared", ["", "90000"])
def test_slow_bodies_of_one_key_hold_up_no_other(path: str, kind: str, declared: str) -> None:
    async def run() -> list[int]:
        app, ended = app_with(), asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield b"--x\r\n" if "form" in kind else b"{"
            await ended.wait()

        async with asking(app, "greedy") as client:
            headers = {"Content-Type": kind}
            if declared:
                headers["Content-Length"] = declared
            held = [
                asyncio.ensure_future(client.post(path, content=slow(), headers=headers))
                for _ in range(ATTACKERS)
            ]
            await asyncio.sleep(0)
            answered = await honest(app)
            assert not all(one.done() for one in held)
            ended.set()
            await asyncio.gather(*held)
        return answered

    assert asyncio.run(run())[:4] == ANSWERED[:4]


def test_work_of_one_key_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding and long look-ups, all of one key and all without an end."""
    done = threading.Event()

    class Slow(HashesOnly):
        def admit_file(self, data: bytes, **named: object) -> Admission:
            if data == b"greedy":
                done.wait(PATIENCE_S)
            return super().admit_file(data, **named)

        def look_up(self, hashes: Any) -> list[Any]:
            if len(hashes) == 500:
                done.wait(PATIENCE_S)
            return super().look_up(hashes)

    def gap(_book: object, _jurisdiction: str, **_: object) -> None:
        raise BadInput("Asked")

    monkeypatch.setattr(law, "gap", gap)

    async def run() -> list[int]:
        app = app_with(Slow())
        async with asking(app, "greedy") as client:
            many = {"hashes": QUESTION["hashes"] * 500}
            held = [
                *(client.post("/v1/media", **upload(b"greedy")) for _ in range(ATTACKERS)),
                *(client.post("/v1/lookup", json=many) for _ in range(ATTACKERS)),
            ]
            asked = [asyncio.ensure_future(one) for one in held]
            await asyncio.sleep(0)
            answered = await honest(app)
            assert not any(one.done() for one in asked)
            done.set()
            assert {one.status_code for one in await asyncio.gather(*asked)} == {422}
        return answered

    try:
        assert asyncio.run(run()) == ANSWERED
    finally:
        done.set()


def test_a_question_to_the_law_waits_for_the_one_that_is_answered_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many another key has asked before it; each of them ends, as it has its bounds."""
    began, both_wait = threading.Event(), threading.Event()
    order: list[str] = []

    def gap(_book: object, jurisdiction: str, **_: object) -> None:
        order.append(jurisdiction)
        began.set()
        both_wait.wait(PATIENCE_S)
        raise BadInput("Asked")

    monkeypatch.setattr(law, "gap", gap)

    async def run() -> None:
        app = app_with(HashesOnly())
        async with asking(app, "greedy") as greedy, asking(app, "honest") as client:
            many = [
                asyncio.ensure_future(greedy.get("/v1/law/gap", params={"jurisdiction": "YY"}))
                for _ in range(ATTACKERS)
            ]
            await asyncio.to_thread(began.wait, PATIENCE_S)
            one = asyncio.ensure_future(client.get("/v1/law/gap", params={"jurisdiction": "FR"}))
            await asyncio.sleep(0.2)
            both_wait.set()
            assert (await one).status_code == 422
            await asyncio.gather(*many)

    asyncio.run(run())
    assert order.index("FR") <= 2
    assert order.count("YY") == ATTACKERS


def test_a_key_whose_queue_is_full_is_told_when_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = threading.Event()
    monkeypatch.setattr(law, "gap", lambda *_, **__: done.wait(PATIENCE_S) and {}["x"])

    async def run() -> list[httpx.Response]:
        app = app_with()
        async with asking(app, "greedy") as client:
            asked = [
                asyncio.ensure_future(client.get("/v1/law/gap", params={"jurisdiction": "YY"}))
                for _ in range(100)
            ]
            refused, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            for one in asked:
                one.cancel()
            done.set()
            await asyncio.gather(*asked, return_exceptions=True)
            return [one.result() for one in refused]

    try:
        answers = asyncio.run(run())
    finally:
        done.set()
    assert {one.status_code for one in answers} == {429}
    assert answers[0].json()["error"]["code"] == "too_many_requests"
    assert answers[0].headers["retry-after"].isdecimal()


def test_each_key_has_its_turn_in_every_batch_of_small_lookups() -> None:
    """The first batch is held until all have asked; the next one holds the honest question."""
    batches: list[list[str]] = []
    begun, go = threading.Event(), threading.Event()

    def act(questions: list[Question]) -> None:
        batches.append([one.key for one in questions])
        begun.set()
        go.wait(PATIENCE_S)
        for one in questions:
            one.answer(b"{}")

    async def run() -> None:
        lane = Lane(act)

        def ask(key: str, size: int) -> "asyncio.Future[bytes]":
            return asyncio.ensure_future(
                lane.answer(key=Redacted(key), content_type="", body=b"x" * size)
            )

        first = ask("greedy", 1)
        await asyncio.to_thread(begun.wait, PATIENCE_S)
        greedy = [ask("greedy", 16_000) for _ in range(300)]
        await asyncio.sleep(0)
        honest_ones = [ask("honest", 100), ask("other", 100)]
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(first, *greedy, *honest_ones)

    asyncio.run(run())
    assert {"honest", "other"} <= set(batches[1][:3])
    assert sum(len(batch) for batch in batches) == 303
    assert max(len(batch) for batch in batches) <= BATCH_BYTES // 16_000 + 3
