"""The signed webhook: what leaves, what a receiver must refuse, where it never goes."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.adapters.webhook import KEY, SIGNATURE, Webhook, body_of, sign, verify
from tutela.primitives.errors import BadInput, Misconfigured, Refused
from tutela.primitives.ids import CaseId, RestrictionId
from tutela.primitives.redacted import Redacted
from tutela.reporting.reports import Restriction, RestrictionState
from ungated import Ungated

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRET = Redacted("a webhook secret for tests")
ORDER = Restriction(
    id=RestrictionId.new(),
    case_id=CaseId.new(),
    names_item=True,
    item_reference="item-1",
    state=RestrictionState.ORDERED,
    attempts=0,
    last_why="",
    ordered_at=AT,
    delivered_at=None,
    done_by=None,
)


@dataclass
class Receiver:
    """What a platform got, and what it answers."""

    status: int = 200
    location: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiving(receiver: Receiver) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append((dict(self.headers), body))
            self.send_response(receiver.status)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/orders"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def webhook(url: str) -> Iterator[Webhook]:
    opened = Webhook(url, SECRET, outward=Ungated())
    try:
        yield opened
    finally:
        opened.close()


def test_an_order_arrives_signed_and_its_receiver_can_verify_it() -> None:
    receiver = Receiver()
    with receiving(receiver) as url, webhook(url) as platform:
        first = platform.disable_access(ORDER, at=AT)
        platform.disable_access(ORDER, at=AT + timedelta(minutes=1))
    assert first.delivered
    (headers, body), (_, again) = receiver.got
    assert body == again  # the same order, to be obeyed once
    assert headers[KEY] == ORDER.id
    order = verify(SECRET, headers, body, now=AT + timedelta(seconds=10))
    assert order == {
        "id": ORDER.id,
        "item_reference": "item-1",
        "action": "disable_access",
        "case": ORDER.case_id,
        "at": "2026-11-21T12:00:00Z",
    }


@pytest.mark.parametrize(
    ("status", "delivered", "again"),
    [(200, True, False), (204, True, False), (404, False, False), (401, False, False)]
    + [(code, False, True) for code in (408, 425, 429, 500, 503)],
)
def test_only_a_success_is_a_delivery(status: int, *, delivered: bool, again: bool) -> None:
    with receiving(Receiver(status=status)) as url, webhook(url) as platform:
        found = platform.disable_access(ORDER, at=AT)
    assert (found.delivered, found.again) == (delivered, again)


def test_a_platform_that_is_away_is_tried_again() -> None:
    with receiving(Receiver()) as url:
        pass
    with webhook(url) as platform:
        found = platform.disable_access(ORDER, at=AT)
    assert (found.delivered, found.again) == (False, True)
    assert found.why == "no answer from 127.0.0.1 (ConnectError)"  # no path: it may be a secret


def test_a_redirect_is_not_followed() -> None:
    elsewhere = Receiver()
    with receiving(elsewhere) as other:
        here = Receiver(status=307, location=other)
        with receiving(here) as url, webhook(url) as platform:
            found = platform.disable_access(ORDER, at=AT)
    assert (found.delivered, found.again) == (False, False)
    assert elsewhere.got == []


def test_a_huge_answer_costs_nothing() -> None:
    """Only its head is looked at: neither memory nor a turn of the worker waits for the rest."""
    hung_up = threading.Event()

    class Long(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(2048):  # 128 MiB: without an end would fill the memory
                    self.wfile.write(b"x" * 65536)
            except OSError:
                hung_up.set()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Long)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    with webhook(f"http://127.0.0.1:{server.server_address[1]}/orders") as platform:
        found = ThreadPoolExecutor(1).submit(platform.disable_access, ORDER, at=AT)
        assert found.result(timeout=60).delivered
    assert hung_up.wait(60)
    thread.join()
    server.server_close()


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, receiver = Receiver(), Receiver()
    with receiving(proxy) as address, receiving(receiver) as url:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, address)
        with webhook(url) as platform:
            assert platform.disable_access(ORDER, at=AT).delivered
    assert proxy.got == []
    assert len(receiver.got) == 1


@pytest.mark.parametrize("url", ["http://platform.example/orders", "ftp://127.0.0.1/", "orders"])
def test_an_order_leaves_this_machine_over_https_only(url: str) -> None:
    with pytest.raises(Misconfigured, match="TUTELA_PLATFORM_WEBHOOK_URL"):
        Webhook(url, SECRET, outward=Ungated())


def test_without_a_secret_nothing_is_sent() -> None:
    with pytest.raises(Misconfigured, match="no secret"):
        Webhook("https://platform.example/orders", Redacted(""), outward=Ungated())


def signed(body: bytes, at: datetime = AT) -> dict[str, str]:
    return {SIGNATURE: sign(SECRET, body, at=at), KEY: ORDER.id}


@given(place=st.integers(0, len(body_of(ORDER)) - 1), bit=st.integers(0, 7))
def test_a_changed_body_is_refused(place: int, bit: int) -> None:
    body = bytearray(body_of(ORDER))
    body[place] ^= 1 << bit
    with pytest.raises(Refused, match="does not fit"):
        verify(SECRET, signed(body_of(ORDER)), bytes(body), now=AT)


@pytest.mark.parametrize(
    "header",
    ["", "t=", "v1=00", "t=1,v1=", "t=x,v1=00", "t=-1,v1=00", "=,=", "t=²,v1=00", "t=1,v1=é"],
)
def test_a_strange_signature_is_refused(header: str) -> None:
    headers = {SIGNATURE: header, KEY: ORDER.id}
    with pytest.raises(Refused):
        verify(SECRET, headers, body_of(ORDER), now=AT)


def test_another_secret_an_old_order_and_a_foreign_key_are_refused() -> None:
    body = body_of(ORDER)
    with pytest.raises(Refused):
        verify(Redacted("another secret"), signed(body), body, now=AT)
    for shift in (timedelta(minutes=6), timedelta(minutes=-6)):
        with pytest.raises(Refused, match="five minutes"):
            verify(SECRET, signed(body), body, now=AT + shift)
    with pytest.raises(BadInput, match="key"):
        verify(SECRET, signed(body) | {KEY: RestrictionId.new()}, body, now=AT)


@given(text=st.text(min_size=1, max_size=200))
def test_any_item_reference_survives_the_way(text: str) -> None:
    body = json.loads(body_of(ORDER))
    assert body["item_reference"] == "item-1"
    other = Restriction(
        id=ORDER.id,
        case_id=ORDER.case_id,
        names_item=True,
        item_reference=text,
        state=ORDER.state,
        attempts=0,
        last_why="",
        ordered_at=AT,
        delivered_at=None,
        done_by=None,
    )
    sent = body_of(other)
    headers = {SIGNATURE.lower(): sign(SECRET, sent, at=AT), KEY.lower(): ORDER.id}
    assert verify(SECRET, headers, sent, now=AT)["item_reference"] == text
