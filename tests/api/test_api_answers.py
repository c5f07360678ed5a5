"""The platform's addresses, as a platform sees them."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from cases.case_parts import AT, CATEGORY, PERSON_A, PICTURE, UNSEALER, Desk, hashed_of
from own_lawbook import own_lawbook
from tutela.accounts.keys import actor_of, create_key, revoke_key
from tutela.accounts.model import Actor
from tutela.api.app import HEADERS, build
from tutela.api.parts import ApiParts
from tutela.cases.claiming import claim
from tutela.cases.deciding import decide, finish_review
from tutela.cases.model import Verdict
from tutela.evidence import custody, store
from tutela.indicators.matching import MatcherState
from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable
from tutela.primitives.ids import AccountId, CaseId
from tutela.primitives.redacted import Redacted

MIB = 1024 * 1024


@dataclass
class Platform:
    """A platform with a key, and the service it talks to."""

    desk: Desk
    parts: ApiParts
    key: str
    key_id: AccountId

    def client(self, key: str | None = None) -> TestClient:
        return TestClient(
            build(self.parts),
            headers={"Authorization": f"Bearer {key or self.key}"},
            raise_server_exceptions=False,
        )

    def stored(self) -> tuple[dict[str, int], list[str]]:
        return dict(self.desk.row_counts()), sorted(one.key for one in self.desk.blobs.contents())


def current() -> MatcherState:
    return MatcherState(entries=1, change=7, database_change=7, set_aside=0)


@pytest.fixture
def platform(database: Database) -> Platform:
    desk = Desk(database)
    with database.begin() as tx:
        key_id, key = create_key(tx, name="a platform", by="test", at=AT)

    def authenticate(given: Redacted[str]) -> Actor | None:
        with database.begin() as tx:
            return actor_of(tx, given)

    parts = ApiParts(
        unsealer=UNSEALER,
        intake=desk.intake,
        database=database,
        clock=desk.clock,
        authenticate=authenticate,
        index_state=current,
        book=own_lawbook(),
        max_upload_bytes=3 * MIB,
        requests_per_minute=6000,
        countries=frozenset({"DE", "GB", "US"}),
    )
    return Platform(desk=desk, parts=parts, key=key.reveal(), key_id=key_id)


def upload(client: TestClient, data: bytes, **context: Any) -> Any:
    return client.post(
        "/v1/media",
        files={"file": ("drawing.png", data, "image/png")},
        data={"context": json.dumps(context)},
    )


def test_a_matching_file_opens_a_case(platform: Platform) -> None:
    data = platform.desk.matcher.learn(b"known")
    with platform.client() as client:
        answer = upload(client, data, item_reference="item 1", uploader_location="DE")
        assert answer.status_code == 201
        body = answer.json()
        assert set(body) == {
            "finding",
            "matches",
            "unmatchable",
            "why",
            "case_id",
            "exhibit_id",
            "already_known",
            "hashes",
            "ignored",
        }
        assert (body["finding"], body["ignored"]) == ("matched", [])
        assert body["matches"] == [
            {
                "list": "drawn pictures",
                "entry": "entry-7",
                "kind": "pdq",
                "distance_bits": 4,
                "threshold_bits": 31,
                "transform": "original",
                "form": "",
                "category": CATEGORY,
                "reasons": ["PDQ distance 4 of 256 bits, the list allows 31"],
                "video": None,
            }
        ]
        assert body["hashes"]["pdq"] == PICTURE.hex
        again = upload(client, data, item_reference="item 1")
        assert again.status_code == 200
        assert again.json()["already_known"]
        assert again.json()["case_id"] == body["case_id"]
    with platform.desk.database.begin() as tx:
        case_id = CaseId(body["case_id"])
        (exhibit,) = store.exhibits_of(tx, case_id)
        submission = store.submission_of(tx, case_id)
        sealed = tx.execute(text("SELECT context_sealed FROM submissions")).scalar_one()
    assert UNSEALER.unseal(custody.sealed_bytes(exhibit, platform.desk.blobs)) == data
    assert (submission.actor, submission.origin) == (platform.key_id, "api_file")
    assert json.loads(UNSEALER.unseal(sealed)) == {"file_name": "drawing.png"}


def test_what_matches_nothing_is_not_called_safe_and_leaves_nothing(platform: Platform) -> None:
    before = platform.stored()
    with platform.client() as client:
        answer = upload(client, b"harmless", item_reference="item 1", uploader_reference="a")
        assert answer.status_code == 200
        body = answer.json()
        assert (body["finding"], body["case_id"], body["matches"]) == ("no_known_match", None, [])
        assert "does not mean" in body["why"]
        for word in ("safe", "lawful", "clean"):
            assert word not in answer.text
    assert platform.stored() == before


def test_hashes_alone_open_a_case_without_bytes(platform: Platform) -> None:
    data = platform.desk.matcher.learn(b"known")
    hashed = hashed_of(data)
    with platform.client() as client:
        answer = client.post(
            "/v1/media",
            json={
                "hashes": {
                    "sha256": hashed.digests.sha256.hex().upper(),
                    "pdq": PICTURE.hex,
                    "quality": 90,
                },
                "context": {"item_reference": "item 1"},
            },
        )
        assert answer.status_code == 201
        assert answer.json()["hashes"]["md5"] is None
    assert list(platform.desk.blobs.contents()) == []


def test_lookup_answers_in_order_and_stores_nothing(platform: Platform) -> None:
    known = hashed_of(platform.desk.matcher.learn(b"known")).digests.sha256.hex()
    before = platform.stored()
    with platform.client() as client:
        answer = client.post(
            "/v1/lookup",
            json={"hashes": [{"sha256": "0" * 64}, {"sha256": known}, {"md5": "1" * 32}]},
        )
        assert answer.status_code == 200
        assert [one["finding"] for one in answer.json()["results"]] == [
            "no_known_match",
            "matched",
            "no_known_match",
        ]
        assert client.post("/v1/lookup", json={"hashes": []}).json() == {"results": []}
    assert platform.stored() == before


def test_ten_thousand_hashes_are_taken_and_one_more_is_not(platform: Platform) -> None:
    one = {
        "pdq": PICTURE.hex,
        "quality": 90,
        "md5": "1" * 32,
        "sha1": "2" * 40,
        "sha256": "3" * 64,
        "pipeline": "a pipeline/1.0",
        "media_type": "image/png",
        "size_bytes": 123_456_789,
    }
    with platform.client() as client:
        answer = client.post("/v1/lookup", json={"hashes": [one] * 10_000})
        assert answer.status_code == 200
        assert len(answer.json()["results"]) == 10_000
        assert client.post("/v1/lookup", json={"hashes": [one] * 10_001}).status_code == 422


def test_a_case_is_shown_to_who_handed_it_in_and_to_nobody_else(platform: Platform) -> None:
    data = platform.desk.matcher.learn(b"known")
    with platform.desk.database.begin() as tx:
        _, other = create_key(tx, name="another platform", by="test", at=AT)
    with platform.client() as client, platform.client(other.reveal()) as stranger:
        case_id = upload(client, data, item_reference="item 1").json()["case_id"]
        body = client.get(f"/v1/cases/{case_id}").json()
        assert body == {
            "case_id": case_id,
            "item_reference": "item 1",
            "state": "matched",
            "opened_at": "2026-11-21T12:00:00Z",
            "needed": [],
            "reached": {},
            "closed_at": None,
            "verdict": None,
            "decided_at": None,
        }
        with platform.desk.database.begin() as tx:
            claim(tx, case_id, PERSON_A, AT)
            finish_review(tx, case_id, by=PERSON_A, at=AT)
            decide(
                tx,
                case_id,
                by=PERSON_A,
                at=AT,
                verdict=Verdict.APPARENT_CSAM,
                category=CATEGORY,
            )
        body = client.get(f"/v1/cases/{case_id}").json()
        assert body["needed"] == ["preserved", "reported", "restricted"]
        assert (body["verdict"], body["decided_at"]) == ("apparent_csam", "2026-11-21T12:00:00Z")
        assert CATEGORY not in json.dumps(body)
        hidden = stranger.get(f"/v1/cases/{case_id}")
        absent = stranger.get(f"/v1/cases/{CaseId.new()}")
        assert hidden.status_code == absent.status_code == 404
        assert hidden.json() == absent.json()
        assert client.get("/v1/cases/not-an-id").status_code == 422


def test_a_large_upload_never_touches_the_disk_in_plain(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rolled(_self: object) -> None:
        raise AssertionError("a plain upload would have been written to disk")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", rolled)
    for name in ("TemporaryFile", "NamedTemporaryFile"):
        monkeypatch.setattr(tempfile, name, rolled)
    data = platform.desk.matcher.learn(bytes(range(256)) * (3 * MIB // 256))
    with platform.client() as client:
        answer = upload(client, data)
        assert answer.status_code == 201
        assert answer.json()["hashes"]["sha256"] == hashed_of(data).digests.sha256.hex()


def test_a_body_over_the_limit_is_refused_whether_it_says_so_or_not(platform: Platform) -> None:
    before = platform.stored()

    def chunks(total: int) -> Iterator[bytes]:
        yield (b"--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n")
        for _ in range(total // 65_536):
            yield bytes(65_536)

    with platform.client() as client:
        declared = upload(client, bytes(3 * MIB + 1))
        silent = client.post(
            "/v1/media",
            content=chunks(5 * MIB),
            headers={"Content-Type": "multipart/form-data; boundary=x"},
        )
        small = client.post(
            "/v1/media",
            json={"hashes": {"md5": "0" * 32}, "context": {"service": "x" * 700_000}},
        )
    for answer in (declared, silent, small):
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "too_large"
    assert platform.stored() == before


def test_the_pace_of_a_key_is_limited_and_comes_back(platform: Platform) -> None:
    platform.parts = replace(platform.parts, requests_per_minute=2)
    with platform.client() as client:
        asked = [client.post("/v1/lookup", json={"hashes": []}) for _ in range(3)]
        assert [answer.status_code for answer in asked] == [200, 200, 429]
        assert asked[-1].headers["Retry-After"] == "30"
        platform.desk.clock.at += timedelta(seconds=30)
        assert client.post("/v1/lookup", json={"hashes": []}).status_code == 200
        assert client.post("/v1/lookup", json={"hashes": []}).status_code == 429


def test_alive_and_ready_are_told_apart(platform: Platform) -> None:
    state = {"now": current()}
    away = False

    def index_state() -> MatcherState:
        if away:
            raise Unavailable("The database did not answer")
        return state["now"]

    platform.parts = replace(platform.parts, index_state=index_state)
    with TestClient(build(platform.parts)) as client:  # no key is needed
        assert client.get("/healthz").json() == {"status": "alive"}
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (200, True)
        state["now"] = replace(current(), change=6)
        assert client.get("/readyz").status_code == 200  # a moment behind is normal
        platform.desk.clock.at += timedelta(seconds=31)
        lagging = client.get("/readyz")
        assert lagging.status_code == 503
        assert lagging.json()["checks"] == {
            "database": "ok",
            "index": "the index is 31 s behind the lists",
        }
        state["now"] = current()
        assert client.get("/readyz").status_code == 200
        away = True
        gone = client.get("/readyz")
        assert gone.status_code == 503
        assert gone.json()["checks"]["database"] == "The database did not answer"
        assert client.get("/healthz").status_code == 200


def test_a_disk_that_can_take_no_more_is_not_ready(platform: Platform) -> None:
    full = "evidence store: 0 MiB are free"
    platform.parts = replace(platform.parts, index_state=current, disk=lambda: full)
    with TestClient(build(platform.parts)) as client:
        ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    assert ready.json()["checks"]["disk"] == full


def test_what_a_person_must_settle_is_said_and_stops_no_item(platform: Platform) -> None:
    said = {"outward acts": "they wait"}
    platform.parts = replace(platform.parts, index_state=current, attention=lambda: said)
    with TestClient(build(platform.parts)) as client:
        ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert ready.json()["attention"] == said


def test_the_description_is_whole_and_no_page_loads_a_script(platform: Platform) -> None:
    with platform.client() as client:
        document = client.get("/v1/openapi.json").json()
        for page in ("/docs", "/redoc", "/v1/docs"):
            assert client.get(page).status_code == 404
    known = set(document["components"]["schemas"])
    named = {part.split('"')[0] for part in json.dumps(document).split("#/components/schemas/")[1:]}
    assert named <= known
    assert {"ContextBody", "MediaBody", "LookupBody", "MediaAnswer", "ErrorAnswer"} <= known
    assert set(document["paths"]) == {
        "/v1/media",
        "/v1/lookup",
        "/v1/cases/{case_id}",
        "/v1/law/duties",
        "/v1/law/gap",
        "/v1/law/compare",
        "/v1/law/draft",
        "/healthz",
        "/readyz",
    }


def test_every_answer_has_the_security_headers(platform: Platform) -> None:
    with platform.client() as client:
        for answer in (
            client.get("/healthz"),
            client.get("/v1/nowhere"),
            client.post("/v1/lookup", json={"hashes": []}),
            client.post("/v1/lookup", content=b"{", headers={"Content-Type": "text/plain"}),
        ):
            for name, value in HEADERS.items():
                assert answer.headers[name] == value


def test_a_revoked_key_ends_at_once(platform: Platform) -> None:
    with platform.client() as client:
        assert client.post("/v1/lookup", json={"hashes": []}).status_code == 200
        with platform.desk.database.begin() as tx:
            revoke_key(tx, platform.key_id, by="test", at=AT)
        assert client.post("/v1/lookup", json={"hashes": []}).status_code == 401


def test_pages_may_be_mounted_below_and_the_api_keeps_its_own_addresses(
    platform: Platform,
) -> None:
    def page(_request: object) -> PlainTextResponse:
        return PlainTextResponse("a page", headers={"Content-Security-Policy": "of the page"})

    app = build(platform.parts)
    app.mount("/", Starlette(routes=[Route("/{rest:path}", page)]))
    with TestClient(app) as client:
        below = client.get("/queue")
        assert (below.text, below.headers["Content-Security-Policy"]) == ("a page", "of the page")
        assert below.headers["Cache-Control"] == "no-store"  # which the page did not set itself
        assert client.get("/v1/nowhere").json()["error"]["code"] == "not_found"
        assert client.get("/healthz").json() == {"status": "alive"}
