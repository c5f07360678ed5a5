"""Every error has the same four words, and none repeats what was sent."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from cases.case_parts import AT, UNSEALER, Desk
from own_lawbook import own_lawbook
from tutela.accounts.model import Actor, Role
from tutela.api.app import HEADERS, Api, build
from tutela.api.parts import ApiParts
from tutela.counsel.detection import NoBasis
from tutela.indicators.matching import MatcherState
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable
from tutela.primitives.ids import AccountId
from tutela.primitives.redacted import Redacted

MARK = "mark-of-a-person"
KEYS = {
    "platform": Role.PLATFORM,
    "reviewer": Role.REVIEWER,
}


def authenticate(key: Redacted[str]) -> Actor | None:
    role = KEYS.get(key.reveal())
    return Actor(id=AccountId("acct_x"), login="x", roles=frozenset({role})) if role else None


def app_with(intake: Any, *, body_seconds: float = 120.0, uploads_at_once: int = 8) -> Api:
    return build(
        ApiParts(
            unsealer=UNSEALER,
            intake=intake,
            database=Database("postgresql+psycopg://nobody@127.0.0.1:1/nowhere"),
            clock=FixedClock(at=AT),
            authenticate=authenticate,
            index_state=lambda: MatcherState(entries=0, change=0, database_change=0, set_aside=0),
            book=own_lawbook(),
            max_upload_bytes=100_000,
            requests_per_minute=6000,
            countries=frozenset({"DE"}),
            body_seconds=body_seconds,
            uploads_at_once=uploads_at_once,
        )
    )


@dataclass
class Broken:
    """An intake that fails as told."""

    error: Exception

    def admit_file(self, *_args: object, **_kwargs: object) -> None:
        raise self.error

    admit_hashes = look_up = admit_file


@pytest.fixture
def client() -> Iterator[TestClient]:
    intake = Desk(Database("postgresql+psycopg://nobody@127.0.0.1:1/nowhere")).intake
    with TestClient(app_with(intake), raise_server_exceptions=False) as opened:
        opened.headers["Authorization"] = "Bearer platform"
        yield opened


def shape(answer: httpx.Response, status: int, code: str) -> dict[str, str]:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "what", "why", "remedy"}
    assert all(isinstance(value, str) for value in body["error"].values())
    assert body["error"]["code"] == code
    assert body["error"]["what"]
    assert MARK not in answer.text
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    error: dict[str, str] = body["error"]
    return error


def form(**parts: Any) -> dict[str, Any]:
    return {
        "files": {
            name: (None, value) if isinstance(value, str) else value
            for name, value in parts.items()
        }
    }


FILE = ("a.png", b"drawn", "image/png")


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (("POST", "/v1/media", form(context="{}")), 422, "bad_input"),
        (("POST", "/v1/media", form(other=FILE)), 422, "bad_input"),
        (("POST", "/v1/media", {"data": {"a": MARK}}), 415, "unsupported_media_type"),
        (("POST", "/v1/media", {"content": b"x"}), 415, "unsupported_media_type"),
        (("POST", "/v1/media", {"json": {}}), 422, "bad_input"),
        (("POST", "/v1/media", {"json": {"hashes": {}}}), 422, "bad_input"),
        (("POST", "/v1/lookup", {"json": {"hashes": [{"pdq": MARK}]}}), 422, "bad_input"),
        (("POST", "/v1/lookup", {"json": {"hashes": [{"pdq": "0" * 64}]}}), 422, "bad_input"),
        (("POST", "/v1/lookup", {"json": {MARK: 1}}), 422, "bad_input"),
        (("POST", "/v1/lookup", {"content": b"[]"}), 415, "unsupported_media_type"),
        (("GET", "/v1/cases/case_x", {}), 422, "bad_input"),
        (("GET", "/v1/nowhere", {}), 404, "not_found"),
        (("GET", "/v1/media", {}), 405, "method_not_allowed"),
        (("DELETE", "/v1/cases/case_x", {}), 405, "method_not_allowed"),
    ],
)
def test_each_refusal_has_the_shape(
    client: TestClient, request_: tuple[str, str, Any], status: int, code: str
) -> None:
    method, path, arguments = request_
    if "files" in arguments or "json" in arguments or "data" in arguments or not arguments:
        answer = client.request(method, path, **arguments)
    else:
        answer = client.request(
            method, path, headers={"Content-Type": "application/octet-stream"}, **arguments
        )
    if "data" in arguments:
        assert answer.request.headers["content-type"] == "application/x-www-form-urlencoded"
    error = shape(answer, status, code)
    if code == "bad_input" and path != "/v1/cases/case_x":
        assert error["why"]


@pytest.mark.parametrize(
    "context",
    [
        {"uploader_location": "UK"},
        {"uploader_location": "Germany"},
        {"uploader_location": "XX"},
        {"uploaded_at": "2026-11-21T12:00:00"},
        {"uploaded_at": MARK},
        {"uploaded_at": "9999-12-31T23:59:59-12:00"},  # no such moment in UTC
        {"uploader_port": 70_000},
        {"uploader_email": MARK + "\x00"},
        {"uploader_screen_name": "x" * 3000},
        {"channel": MARK},
        {"extra": {MARK: 3}},
        {"extra": {str(number): MARK for number in range(21)}},
        {"item_reference": ["a"]},
        {"unknown_field": MARK},
    ],
)
def test_a_wrong_context_stops_no_item_and_is_named_without_repeating_it(
    client: TestClient, context: dict[str, Any]
) -> None:
    body = {"hashes": {"md5": "0" * 32}, "context": context}
    for answer in (
        client.post("/v1/media", json=body),
        client.post("/v1/media", files={"file": FILE}, data={"context": json.dumps(context)}),
    ):
        assert answer.status_code == 200, answer.text
        assert [one["field"] for one in answer.json()["ignored"]] == list(context)
        assert MARK not in answer.text


@pytest.mark.parametrize(
    "boundary_body",
    [
        b"",
        b"--x",
        b"--x\r\n\r\nno header\r\n--x--",
        b"--x\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--x--",
        b"\xff\xfe garbage \x00",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ncut off',
    ],
)
def test_a_malformed_form_is_refused(client: TestClient, boundary_body: bytes) -> None:
    answer = client.post(
        "/v1/media",
        content=boundary_body,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    shape(answer, 422, "bad_input")
    without = client.post(
        "/v1/media", content=boundary_body, headers={"Content-Type": "multipart/form-data"}
    )
    shape(without, 422, "bad_input")


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic platform", "Bearer unknown", "Bearer " + "k" * 999],
)
def test_without_an_accepted_key_nothing_is_read(client: TestClient, header: str | None) -> None:
    if header is None:
        del client.headers["Authorization"]
    else:
        client.headers["Authorization"] = header
    for answer in (
        client.post("/v1/media", content=b"x" * 200_000),
        client.post("/v1/lookup", json={"hashes": []}),
        client.get("/v1/cases/case_x"),
    ):
        shape(answer, 401, "not_signed_in")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_key_of_another_role_is_refused_with_the_reason(client: TestClient) -> None:
    client.headers["Authorization"] = "Bearer reviewer"
    error = shape(client.post("/v1/lookup", json={"hashes": []}), 403, "refused")
    assert "platform" in error["why"]


def test_a_part_that_is_away_says_when_to_come_back() -> None:
    broken = Broken(Unavailable("The database did not answer", remedy="Try again."))
    with TestClient(app_with(broken), headers={"Authorization": "Bearer platform"}) as client:
        answer = client.post("/v1/lookup", json={"hashes": []})
        shape(answer, 503, "unavailable")
        assert answer.headers["Retry-After"] == "5"


@pytest.mark.parametrize("address", ["/v1/media", "/v1/lookup"])
def test_without_a_basis_in_law_the_answer_says_why_and_what_to_do(address: str) -> None:
    remedy = "`tutela law accept us.detection.known-hash --by … --note …`"
    broken = Broken(NoBasis("Nothing may be matched here today", why="it ended", remedy=remedy))
    bodies: dict[str, Any] = {
        "/v1/media": {"hashes": {"md5": "0" * 32}},
        "/v1/lookup": {"hashes": []},
    }
    with TestClient(app_with(broken), headers={"Authorization": "Bearer platform"}) as client:
        answer = client.post(address, json=bodies[address])
        error = shape(answer, 403, "no_detection_basis")
    assert (error["why"], error["remedy"]) == ("it ended", remedy)


def test_a_fault_of_ours_tells_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    broken = Broken(RuntimeError(MARK))
    with (
        caplog.at_level(logging.DEBUG),
        TestClient(app_with(broken), raise_server_exceptions=False) as client,
    ):
        client.headers["Authorization"] = "Bearer platform"
        answer = client.post("/v1/media", json={"hashes": {"md5": "0" * 32}})
        shape(answer, 500, "error")


def test_a_body_that_never_ends_gives_its_place_back() -> None:
    """Over a real ASGI exchange: the sender stops in the middle, the service does not wait."""
    intake = Broken(RuntimeError("never reached"))
    app = app_with(intake, body_seconds=0.05, uploads_at_once=1)

    async def slow() -> AsyncIterator[bytes]:
        yield b'{"hashes": ['
        await asyncio.sleep(30)

    async def run() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            headers = {"Authorization": "Bearer platform", "Content-Type": "application/json"}
            return [
                await client.post("/v1/lookup", content=slow(), headers=headers) for _ in range(2)
            ]

    for answer in asyncio.run(run()):
        shape(answer, 408, "too_slow")


def test_text_that_no_json_reader_agrees_on_is_refused(client: TestClient) -> None:
    for content in (b"\xff", b'{"hashes": NaN}', b"[" * 100_000, json.dumps("\ud800").encode()):
        answer = client.post(
            "/v1/lookup", content=content, headers={"Content-Type": "application/json"}
        )
        shape(answer, 422, "bad_input")
