"""What a stranger may send to the pages: refused as a form or a page, never a fault of ours."""

import asyncio
import re
import threading
from typing import Any

import httpx
import pytest
import structlog
from console_parts import Office
from sqlalchemy import event
from starlette.responses import Response

from leaving import left_within_a_form
from tutela.accounts import passwords
from tutela.console.app import build
from tutela.console.rendering import Renderer
from tutela.console.sign_in_queue import AT_ONCE


@pytest.mark.parametrize("field", ["login", "password", "next", "absent"])
def test_a_stranger_s_nul_is_a_form_that_cannot_be_read(office: Office, field: str) -> None:
    browser = office.browser()
    fields = {"csrf": browser.csrf("/sign-in"), "login": "person-a", "password": "x"}
    answer = browser.client.post("/sign-in", data={**fields, field: "a\x00b"})
    assert answer.status_code == 422
    assert "The form cannot be read" in answer.text


def test_a_nul_in_a_note_is_refused_and_nothing_is_decided(office: Office) -> None:
    case, _ = office.case()
    office.person("person-a")
    browser = office.browser()
    browser.sign_in("person-a")
    browser.post(f"/cases/{case}/claim")
    opinion = {"verdict": "cannot_say", "age_band": "unknown"}
    answer = browser.post(f"/cases/{case}/decide", **opinion, note="a\x00b")
    assert answer.status_code == 422
    assert browser.post(f"/cases/{case}/decide", **opinion, note="a b").status_code == 303


@pytest.mark.parametrize("path", ["/queue/", "/sign-in/", "/law/rules/", "/static"])
def test_no_answer_repeats_the_host(office: Office, path: str) -> None:
    answer = office.browser().get(path, headers={"host": "elsewhere.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert "elsewhere.example" not in answer.text


def test_whoever_goes_away_within_a_form_leaves_no_traceback(office: Office) -> None:
    """What is raised out of the application ends as a traceback in the log."""
    asyncio.run(left_within_a_form(build(office.parts()), "/sign-in"))


def test_no_page_is_drawn_for_whoever_has_gone_away(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(Renderer, "page", lambda *_, **__: drawn.append("a page"))
    asyncio.run(left_within_a_form(build(office.parts()), "/sign-in"))
    assert drawn == []


@pytest.mark.parametrize("path", ["/sign-in", "/help", "/nowhere", "/law/rules", "/queue", "/"])
def test_a_page_for_nobody_asks_the_database_nothing(office: Office, path: str) -> None:
    """Whoever floods it would take the connections and threads of the others."""
    statements: list[str] = []
    browser = office.browser()
    engine = office.database.engine

    def note(*given: object) -> None:
        statements.append(str(given[2]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        browser.get(path)
        browser.client.post("/sign-in", data={"csrf": "wrong"})
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert statements == []


def test_facts_are_read_whole_or_not_at_all(office: Office) -> None:
    """What stands after the longest text a page lets through must not be left out in silence."""
    office.person("person-a")
    reader = office.browser()
    reader.sign_in("person-a")
    lines = ["# " + "x" * 97 + "\n" for _ in range(199)]
    whole = "".join(lines) + "decision.apparent_csam: true\n"
    assert len(whole) < 20_000 < len(whole.replace("\n", "\r\n"))
    answer = reader.post("/law/duties", facts=whole.replace("\n", "\r\n"))
    assert answer.status_code == 200
    assert "apparent_csam: true" in answer.text
    more = reader.post("/law/duties", facts=whole + "x" * 100)
    assert more.status_code == 422
    assert "The facts are too long" in more.text


def test_whoever_floods_the_sign_in_stops_nobody_else(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every password is under check for as long as the test wants; the pages answer all the same.

    More strangers ask than there are connections to the database (ten here).
    """
    office.person("person-a")
    browser = office.browser()
    browser.sign_in("person-a")
    session = {"tutela_session": browser.client.cookies["tutela_session"]}
    checking, peak, lock = 0, 0, threading.Lock()
    enough, done = threading.Event(), threading.Event()

    def checked(*_: object) -> bool:
        nonlocal checking, peak
        with lock:
            checking += 1
            peak = max(peak, checking)
        if peak >= AT_ONCE:
            enough.set()
        done.wait(60)
        with lock:
            checking -= 1
        return False

    monkeypatch.setattr(passwords, "matches", checked)
    transport = httpx.ASGITransport(app=build(office.parts()))

    async def sign_in(number: int) -> int:
        async with httpx.AsyncClient(transport=transport, base_url="http://console.test") as asking:
            found = re.search(r'name="csrf" value="([^"]+)"', (await asking.get("/sign-in")).text)
            assert found
            fields = {"csrf": found[1], "login": f"stranger-{number}", "password": "x"}
            return (await asking.post("/sign-in", data=fields)).status_code

    async def run() -> tuple[int, list[int]]:
        strangers = [asyncio.ensure_future(sign_in(number)) for number in range(20)]
        await asyncio.to_thread(enough.wait, 60)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://console.test", cookies=session
        ) as asking:
            seen = (await asking.get("/queue")).status_code
        done.set()
        return seen, await asyncio.gather(*strangers)

    seen, answered = asyncio.run(asyncio.wait_for(run(), 300))
    assert (seen, set(answered), peak) == (200, {403}, AT_ONCE)


def test_a_fault_of_ours_leaves_a_trace_and_shows_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = Renderer.page, [True]

    def page(renderer: Renderer, *given: Any, **named: Any) -> Response:
        if broken.pop() if broken else False:
            raise ZeroDivisionError("a detail")
        return whole(renderer, *given, **named)

    monkeypatch.setattr(Renderer, "page", page)
    with structlog.testing.capture_logs() as lines:
        answer = office.browser().get("/sign-in")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.text
    assert [each["kind"] for each in lines if each["event"] == "unexpected_fault"] == [
        "builtins.ZeroDivisionError"
    ]
    assert "a detail" not in str(lines) + answer.text
