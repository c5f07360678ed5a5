"""Strangers at the sign-in hold up nobody with an account, and learn from no delay who has one."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from console_parts import PASSWORD, Office

from tutela.accounts import passwords
from tutela.console import sign_in_queue
from tutela.console.app import build
from tutela.primitives.redacted import Redacted

STRANGERS = 60


@contextmanager
def strangers_checked_for_ever(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """What has no account is under check until the event is set."""
    matches, done = passwords.matches, threading.Event()

    def checked(password: Redacted[str], password_hash: str | None) -> bool:
        if password_hash is None:
            done.wait(120)
        return matches(password, password_hash)

    monkeypatch.setattr(passwords, "matches", checked)
    try:
        yield done
    finally:
        done.set()


async def sign_in(transport: httpx.ASGITransport, login: str, password: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=transport, base_url="http://console.test") as asking:
        found = re.search(r'name="csrf" value="([^"]+)"', (await asking.get("/sign-in")).text)
        assert found
        fields = {"csrf": found[1], "login": login, "password": password}
        return await asking.post("/sign-in", data=fields)


def test_a_person_is_signed_in_while_every_stranger_still_waits(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.person("person-a")
    office.person("person-b")
    app = build(office.parts())
    transport = httpx.ASGITransport(app=app)
    monkeypatch.setattr(sign_in_queue, "_REFUSED_AFTER_SECONDS", 0.05)

    async def run(done: threading.Event) -> tuple[set[int], list[int]]:
        flood = [
            asyncio.ensure_future(sign_in(transport, f"stranger-{number}", "some words of theirs"))
            for number in range(STRANGERS)
        ]
        await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)  # the queue is full
        wrong = asyncio.ensure_future(sign_in(transport, "person-b", "not the right password"))
        right = await sign_in(transport, "person-a", PASSWORD)
        # A wrong password for a name with an account comes no earlier than a stranger's.
        assert not [one for one in flood if one.done() and one.result().status_code == 403]
        assert not wrong.done() or wrong.result().status_code == 429
        done.set()
        answers = await asyncio.gather(*flood, wrong)
        return {right.status_code}, [one.status_code for one in answers]

    with strangers_checked_for_ever(monkeypatch) as done:
        right, others = asyncio.run(asyncio.wait_for(run(done), 300))
    assert right == {303}
    assert set(others) <= {403, 429}
    assert others.count(429) >= STRANGERS - sign_in_queue._WAITING // 2 - sign_in_queue.AT_ONCE - 1


def test_a_refusal_for_want_of_room_says_when_to_come_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = httpx.ASGITransport(app=build(office.parts()))
    monkeypatch.setattr(sign_in_queue, "_REFUSED_AFTER_SECONDS", 0.0)

    async def run(done: threading.Event) -> list[httpx.Response]:
        flood = [
            asyncio.ensure_future(sign_in(transport, f"stranger-{number}", "some words of theirs"))
            for number in range(STRANGERS)
        ]
        await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
        done.set()
        return list(await asyncio.gather(*flood))

    with strangers_checked_for_ever(monkeypatch) as done:
        answers = asyncio.run(asyncio.wait_for(run(done), 300))
    refused = [one for one in answers if one.status_code == 429]
    assert refused
    assert all(one.headers["retry-after"].isdecimal() for one in refused)


def test_a_name_that_is_refused_anyway_costs_no_check(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = office.browser()
    for _ in range(5):
        browser.sign_in("person-z", "not the right password")
    monkeypatch.setattr(passwords, "matches", lambda *_: pytest.fail("a password was checked"))
    assert "Too many attempts" in browser.sign_in("person-z", "not the right password").text


def test_a_quiet_sign_in_costs_every_name_one_check(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.person("person-a")
    checks: list[bool] = []

    def counted(_password: Redacted[str], password_hash: str | None) -> bool:
        checks.append(password_hash is None)
        return False

    monkeypatch.setattr(passwords, "matches", counted)
    for login in ("person-a", "person-z"):
        office.browser().sign_in(login, "not the right password")
    assert checks == [False, True]
