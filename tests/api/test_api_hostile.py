"""What a stranger, or a key holder's broken program, may send: refused early, and told nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from starlette.testclient import TestClient

from api.test_api_error_shape import MARK, Broken, app_with, shape
from cases.case_parts import Desk
from tutela.api.app import HEADERS, Api
from tutela.api.parts import LookupParts
from tutela.api.serving import build_lookup
from tutela.indicators.matching import MatcherState
from tutela.primitives.clock import SystemClock
from tutela.primitives.database import Database

CHUNK = b"x" * 65_536
CHUNKS = 200
LAW = ("/v1/law/duties", "/v1/law/compare", "/v1/law/draft")


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = app_with(Broken(RuntimeError("never reached")))
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as opened:
        opened.headers["Authorization"] = "Bearer platform"
        yield opened


def posted(app: Api, path: str, key: str) -> tuple[httpx.Response, int]:
    """The answer to a body without a length, and how many of its chunks were read."""
    read = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(CHUNKS):
            read += 1
            yield CHUNK

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking:
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
            return await asking.post(path, content=chunks(), headers=headers)

    return asyncio.run(run()), read


@pytest.mark.parametrize("path", ["/v1/media", "/v1/lookup", *LAW])
def test_a_body_of_nobody_is_not_read(path: str) -> None:
    answer, read = posted(app_with(Broken(RuntimeError())), path, "unknown")
    shape(answer, 401, "not_signed_in")
    assert read <= 1


def test_no_address_answers_without_a_key(client: TestClient) -> None:
    """Whatever the description names: a new address is refused until it asks for a key."""
    client.headers["Authorization"] = "Bearer unknown"
    described = client.get("/v1/openapi.json").json()["paths"]
    assert {"/v1/media", "/v1/lookup", "/v1/cases/{case_id}", *LAW} < described.keys()
    for path, operations in described.items():
        for method in operations:
            answer = client.request(method, path)
            if path in {"/healthz", "/readyz"}:
                assert answer.status_code in {200, 503}
            else:
                shape(answer, 401, "not_signed_in")


@pytest.mark.parametrize("path", ["/v1/media", *LAW])
def test_a_body_without_a_length_is_read_to_its_limit_only(path: str) -> None:
    answer, read = posted(app_with(Broken(RuntimeError())), path, "platform")
    shape(answer, 413, "too_large")
    assert read < 10


@pytest.mark.parametrize("path", LAW)
def test_a_question_to_the_law_that_never_ends_is_given_up(path: str) -> None:
    app = app_with(Broken(RuntimeError()), body_seconds=0.05)

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(600)

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking:
            headers = {"Authorization": "Bearer platform", "Content-Type": "application/json"}
            return await asking.post(path, content=slow(), headers=headers)

    shape(asyncio.run(run()), 408, "too_slow")


def test_a_question_to_the_law_is_refused_with_its_place_and_not_its_words(
    client: TestClient,
) -> None:
    asked = {"facts": {MARK: "x"}, "jurisdictions": MARK}
    why = shape(client.post("/v1/law/duties", json=asked), 422, "bad_input")["why"]
    assert why.startswith("jurisdictions: ")
    why = shape(client.post("/v1/law/draft", json={MARK: 1}), 422, "bad_input")["why"]
    assert "(a key): " in why


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v1/law/duties", {"facts": {"provider.established_in": MARK}}),
        ("/v1/law/duties", {"facts": {"service.targets_markets": ["US", MARK]}}),
        ("/v1/law/duties", {"facts": {"event.removal_order_received_at": MARK}}),
        (
            "/v1/law/compare",
            {"requesting": "GB", "requested": "JP", "conduct": {"victim.age": MARK}},
        ),
        (
            "/v1/law/compare",
            {"requesting": "GB", "requested": "JP", "conduct": {"conduct.act": MARK}},
        ),
    ],
)
def test_a_fact_that_cannot_be_read_is_not_repeated(
    client: TestClient, path: str, asked: dict[str, object]
) -> None:
    shape(client.post(path, json=asked), 422, "bad_input")


def test_the_bodies_of_the_law_are_described(client: TestClient) -> None:
    told = client.get("/v1/openapi.json").json()
    for path, kind in zip(LAW, ("DutiesBody", "CompareBody", "DraftBody"), strict=True):
        body = told["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        assert body["schema"]["$ref"] == f"#/components/schemas/{kind}"
        assert "status" in told["components"]["schemas"][kind]["properties"]


@pytest.mark.parametrize(
    ("charset", "context", "name", "place"),
    [
        ("unicode_escape", rb'{"item_reference": "\ud800"}', b"a.png", "item_reference"),
        ("utf-7", b"+2AA-", b"a.png", "context"),
        ("punycode", b"\\", b"a.png", "context"),
        ("raw_unicode_escape", b"{}", rb"\udcffa.png", ""),
    ],
)
def test_a_form_in_a_charset_of_its_own_is_read_as_utf_8(
    charset: str, context: bytes, name: bytes, place: str
) -> None:
    content = (
        b'--x\r\nContent-Disposition: form-data; name="context"\r\n\r\n' + context + b"\r\n"
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n\r\n'
        b"drawn\r\n--x--\r\n"
    )
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    intake = Desk(Database("postgresql+psycopg://nobody@127.0.0.1:1/nowhere")).intake
    with TestClient(app_with(intake), headers={"Authorization": "Bearer platform"}) as client:
        answer = client.post("/v1/media", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 200
    named = [one["field"] for one in answer.json()["ignored"]]
    assert named == ([] if context == b"{}" else [place])


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/healthz/", "/readyz/", "/absent"])
def test_every_answer_has_its_shield_and_none_repeats_the_host(
    client: TestClient, path: str
) -> None:
    answer = client.get(path, headers={"Host": "elsewhere.example"})
    shape(answer, 404, "not_found")
    assert "location" not in answer.headers


def test_a_lookup_process_has_the_same_shield() -> None:
    state = MatcherState(entries=0, change=0, database_change=0, set_aside=0)
    parts = LookupParts(
        look_up=lambda _: [],
        clock=SystemClock(),
        authenticate=lambda _: None,
        index_state=lambda: state,
        requests_per_minute=60,
    )
    with TestClient(build_lookup(parts), follow_redirects=False) as client:
        for path in ("/", "/healthz", "/healthz/", "/v1", "/v1/media"):
            answer = client.get(path, headers={"Host": "elsewhere.example"})
            assert "location" not in answer.headers
            for name, value in HEADERS.items():
                assert answer.headers[name] == value, path
