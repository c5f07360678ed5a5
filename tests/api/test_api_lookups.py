"""Lookups read quickly are read as the models would, and many at once as each alone."""

import json
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tutela.accounts.model import Actor, Role
from tutela.api.bodies import LookupBody
from tutela.api.hashes import findings_json, hashes_of, read_lookup
from tutela.api.parts import LookupParts
from tutela.api.serving import build_lookup
from tutela.hashing.model import Hashed
from tutela.indicators.matching import MatcherState
from tutela.indicators.model import Finding, MatchResult
from tutela.primitives.clock import SystemClock
from tutela.primitives.errors import BadInput, Unavailable
from tutela.primitives.ids import AccountId
from tutela.primitives.redacted import Redacted

HEX = st.text("0123456789abcdefABCDEF", min_size=64, max_size=64)
ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 102),
    st.floats(allow_nan=False),
    st.text(max_size=3),
    HEX.map(lambda text: text + "\n"),
    HEX.map(lambda text: " " + text[1:]),
    HEX.map(lambda text: text[:32]),
    HEX.map(lambda text: text[:40]),
    HEX,
)
PLAIN = st.fixed_dictionaries({"pdq": HEX, "quality": st.integers(0, 100)})
ROW = st.one_of(
    PLAIN,
    st.fixed_dictionaries({"sha256": HEX}),
    st.dictionaries(
        st.sampled_from(
            ["pdq", "quality", "md5", "sha1", "sha256", "size_bytes", "media_type", "pipeline", "x"]
        ),
        ODD,
        max_size=4,
    ),
    ODD,
)


def by_models(body: bytes) -> list[Hashed]:
    return [one.hashed() for one in LookupBody.model_validate_json(body).hashes]


@given(
    st.lists(ROW, max_size=6)
    | st.lists(PLAIN, min_size=30, max_size=40)
    | st.lists(PLAIN, min_size=32, max_size=33).flatmap(
        lambda rows: st.lists(ROW, min_size=1, max_size=1).map(lambda odd: rows + odd)
    )
)
def test_a_body_is_read_as_the_models_read_it(rows: list[object]) -> None:
    body = json.dumps({"hashes": rows}).encode()
    try:
        expected = by_models(body)
    except ValueError:
        try:
            taken, ignored = read_lookup(body)
        except BadInput:
            return
        fields = {one.field.rpartition(".")[2] for one in ignored}
        assert fields <= {"size_bytes", "media_type", "pipeline"}  # no hash is left out
        assert len(taken) == len(rows)
        return
    assert list(hashes_of(body)) == expected


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"hashes":null}', b'{"hashes":[],"x":1}', b"\xff", b"[" * 5000]
)
def test_a_body_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput):
        hashes_of(body)


def test_findings_are_written_in_order_and_shared_ones_alike() -> None:
    shared = MatchResult(finding=Finding.NO_KNOWN_MATCH, matches=())
    other = MatchResult(
        finding=Finding.CANNOT_BE_MATCHED, matches=(), unmatchable="low_quality", why="„why”"
    )
    answer = json.loads(findings_json([shared, other, shared]))["results"]
    assert [one["finding"] for one in answer] == [
        "no_known_match",
        "cannot_be_matched",
        "no_known_match",
    ]
    assert answer[1]["why"] == "„why”"


class Slow:
    """Looks up after it was allowed to, and remembers how many came at once."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.sizes: list[int] = []
        self.failing: Exception | None = None

    def look_up(self, hashes: Sequence[Hashed]) -> list[MatchResult]:
        assert self.go.wait(10)
        self.sizes.append(len(hashes))
        if self.failing:
            raise self.failing
        return [
            MatchResult(finding=Finding.NO_KNOWN_MATCH, matches=(), why=one.digests.md5.hex())
            for one in hashes
        ]


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def parts(slow: Slow) -> LookupParts:
    def authenticate(key: Redacted[str]) -> Actor | None:
        if key.reveal() == "nobody":
            return None
        roles = frozenset({Role.PLATFORM} if key.reveal() == "platform" else {Role.REVIEWER})
        return Actor(id=AccountId.new(), login="a", roles=roles)

    return LookupParts(
        look_up=slow.look_up,
        clock=SystemClock(),
        authenticate=authenticate,
        index_state=lambda: MatcherState(entries=0, change=0, database_change=0, set_aside=0),
        requests_per_minute=6000,
    )


def ask(client: TestClient, number: int, key: str = "platform") -> Any:
    return client.post(
        "/v1/lookup",
        json={"hashes": [{"md5": f"{number:032x}"}]},
        headers={"Authorization": f"Bearer {key}"},
    )


def test_many_who_ask_at_once_get_each_their_own_answer(parts: LookupParts, slow: Slow) -> None:
    with TestClient(build_lookup(parts), raise_server_exceptions=False) as client:
        keys = dict.fromkeys(range(20), "platform") | {20: "nobody", 21: "a reviewer"}
        answers: dict[int, Any] = {}
        threads = [
            threading.Thread(target=lambda n=n, k=k: answers.update({n: ask(client, n, k)}))
            for n, k in keys.items()
        ]
        for thread in threads:
            thread.start()
        threading.Timer(0.3, slow.go.set).start()
        for thread in threads:
            thread.join()
    for number in range(20):
        assert answers[number].status_code == 200
        assert answers[number].json()["results"][0]["why"].startswith(f"{number:032x}")
    assert [answers[20].status_code, answers[21].status_code] == [401, 403]
    assert sum(slow.sizes) == 20
    assert len(slow.sizes) < 20  # those that waited went together


@pytest.mark.parametrize(
    ("failing", "status"), [(Unavailable("away"), 503), (ZeroDivisionError(), 500)]
)
def test_what_fails_is_told_to_each_who_asked(
    parts: LookupParts, slow: Slow, failing: Exception, status: int
) -> None:
    slow.go.set()
    slow.failing = failing
    with TestClient(build_lookup(parts), raise_server_exceptions=False) as client:
        assert ask(client, 1).status_code == status
        slow.failing = None
        assert ask(client, 2).status_code == 200


def test_a_lookup_process_has_nothing_else(parts: LookupParts) -> None:
    with TestClient(build_lookup(parts), raise_server_exceptions=False) as client:
        assert client.get("/readyz").json()["ready"]
        assert client.get("/healthz").status_code == 200
        assert set(client.get("/v1/openapi.json").json()["paths"]) == {
            "/v1/lookup",
            "/healthz",
            "/readyz",
        }
        for method, path, status in (
            ("POST", "/v1/media", 405),
            ("GET", "/v1/lookup", 405),
            ("GET", "/v1/none", 404),
            ("GET", "/", 404),
        ):
            answer = client.request(method, path)
            assert answer.status_code == status
            assert set(answer.json()["error"]) == {"code", "what", "why", "remedy"}
