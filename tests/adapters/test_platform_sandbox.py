"""The platform sandbox takes a signed order once, and nothing unsigned."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tutela.adapters.sandbox.platform import PlatformSandbox
from tutela.adapters.webhook import KEY, SIGNATURE, sign
from tutela.primitives.clock import FixedClock
from tutela.primitives.redacted import Redacted

SECRET = Redacted("a key for this test")
BODY = json.dumps({"id": "res_1", "item_reference": "item/1", "action": "disable_access"}).encode()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "orders.json"


@pytest.fixture
def client(clock: FixedClock, state: Path) -> TestClient:
    return TestClient(PlatformSandbox(secret=SECRET, clock=clock, state=state).app())


def headers(clock: FixedClock, body: bytes = BODY) -> dict[str, str]:
    return {KEY: "res_1", SIGNATURE: sign(SECRET, body, at=clock.at)}


def test_an_order_is_taken_once_and_kept(
    client: TestClient, clock: FixedClock, state: Path
) -> None:
    for _ in range(3):
        answer = client.post("/orders", content=BODY, headers=headers(clock))
        assert answer.status_code == 200
        assert answer.headers["x-tutela-sandbox"] == "1"
    again = TestClient(PlatformSandbox(secret=SECRET, clock=clock, state=state).app())
    assert [order["item_reference"] for order in again.get("/sandbox/orders").json()] == ["item/1"]


def test_an_altered_or_old_order_is_refused(client: TestClient, clock: FixedClock) -> None:
    altered = BODY.replace(b"item/1", b"item/2")
    signed = headers(clock)
    assert client.post("/orders", content=altered, headers=signed).status_code == 403
    clock.at += timedelta(hours=1)
    assert client.post("/orders", content=BODY, headers=signed).status_code == 403
    assert client.get("/sandbox/orders").json() == []
