"""Every connection is bounded: heads, bodies, answers nobody reads, places; whatever is sent."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from tutela.adapters.web.bounds import Bounds
from tutela.adapters.web.servers import server_of

QUICK = Bounds(
    head_seconds=0.4,
    idle_seconds=0.4,
    pause_seconds=0.4,
    linger_seconds=0.3,
    check_seconds=0.05,
    bytes_per_second=100_000,
)
PATIENCE_S = 60
TOO_LARGE, TOO_LONG, LATE, MALFORMED = 431, 414, 408, 400


async def hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


async def echo(request: Request) -> Response:
    try:
        return PlainTextResponse(str(len(await request.body())))
    except ClientDisconnect:
        return PlainTextResponse("gone", 400)


async def early(_request: Request) -> Response:
    return PlainTextResponse("not read", 401)


async def working(request: Request) -> Response:
    """Takes longer than any bound before it asks for the body."""
    await asyncio.sleep(1.5)
    return await echo(request)


async def large(_request: Request) -> Response:
    async def pieces() -> Iterator[bytes]:  # type: ignore[misc]
        for _ in range(640):
            yield b"x" * 65_536

    return StreamingResponse(pieces())  # type: ignore[arg-type]


APP = Starlette(
    routes=[
        Route("/", hello),
        Route("/echo", echo, methods=["POST"]),
        Route("/early", early, methods=["POST"]),
        Route("/working", working, methods=["POST"]),
        Route("/large", large),
    ]
)


@contextmanager
def served(bounds: Bounds = QUICK, **options: object) -> Iterator[int]:
    server = server_of(APP, bounds=bounds, **options)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < end
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(timeout=20)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served() as opened:
        yield opened


def connected(port: int, *first: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    for one in first:
        connection.sendall(one)
    return connection


def to_the_end(connection: socket.socket) -> bytes:
    """All that comes until the server has closed; `TimeoutError` when it never does."""
    said = b""
    try:
        while came := connection.recv(65_536):
            said += came
    except ConnectionError:
        pass
    connection.close()
    return said


def statuses(said: bytes) -> list[int]:
    return [int(part[:3]) for part in said.split(b"HTTP/1.1 ")[1:]]


def asked(port: int, *sent: bytes) -> list[int]:
    return statuses(to_the_end(connected(port, *sent)))


HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
CLOSE = b"Connection: close\r\n\r\n"
CHUNKED = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(HEAD + b"A: " + b"x" * 40_000 + b"\r\n\r\n", TOO_LARGE, id="one-field"),
        pytest.param(HEAD + b"A: " + b"x" * 300_000, TOO_LARGE, id="a-field-without-an-end"),
        pytest.param(HEAD + b"x" * 300_000, TOO_LARGE, id="a-name-without-an-end"),
        pytest.param(HEAD + (b"A: " + b"x" * 4_000 + b"\r\n") * 12, TOO_LARGE, id="many-bytes"),
        pytest.param(HEAD + b"A: b\r\n" * 101, TOO_LARGE, id="many-fields"),
        pytest.param(b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n\r\n", TOO_LONG, id="target"),
        pytest.param(b"GET /?" + b"x" * 300_000, TOO_LONG, id="a-target-without-an-end"),
        pytest.param(b"\r\n" * 50_000, TOO_LARGE, id="empty-lines"),
        pytest.param(b"X" * 300_000, MALFORMED, id="no-method"),
        pytest.param(
            CHUNKED + b"0\r\n" + (b"A: " + b"x" * 4_000 + b"\r\n") * 12, MALFORMED, id="trailers"
        ),
        pytest.param(CHUNKED + b"0\r\nA: " + b"x" * 300_000, MALFORMED, id="an-endless-trailer"),
        pytest.param(CHUNKED + b"0\r\n" + b"A: b\r\n" * 110, MALFORMED, id="many-trailers"),
        pytest.param(CHUNKED + b"1;" + b"x" * 300_000, MALFORMED, id="a-chunk-extension"),
        pytest.param(CHUNKED + b"f" * 40, MALFORMED, id="a-chunk-size"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", MALFORMED, id="tls-to-a-plain-port"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", MALFORMED, id="http-2"),
        pytest.param(b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", MALFORMED, id="connect"),
        pytest.param(
            HEAD + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", MALFORMED, id="websocket"
        ),
        pytest.param(
            b"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            MALFORMED,
            id="two-lengths",
        ),
        pytest.param(HEAD + b"A: x\r\n b\r\n\r\n", MALFORMED, id="a-folded-field"),
    ],
)
def test_what_is_too_large_or_malformed_is_refused_and_the_connection_closed(
    port: int, sent: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "uvicorn.error"):
        assert asked(port, sent) == [status]
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(HEAD + CLOSE, id="plain"),
        pytest.param(HEAD + (b"A: " + b"x" * 900 + b"\r\n") * 30 + CLOSE, id="27-KiB-of-fields"),
        pytest.param(HEAD + b"A: b\r\n" * 90 + CLOSE, id="92-fields"),
        pytest.param(b"GET /?" + b"x" * 8_000 + b" HTTP/1.1\r\n" + CLOSE, id="a-long-target"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", id="http-1.0"),
        pytest.param(b"GET http://elsewhere/ HTTP/1.1\r\n" + CLOSE, id="absolute-form"),
        pytest.param(
            CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            + b"3;name=value\r\nabc\r\n0\r\nTrailer: one\r\n\r\n",
            id="chunk-extension-and-trailer",
        ),
        pytest.param(
            b"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
            + CLOSE
            + b"abc",
            id="expect-continue",
        ),
    ],
)
def test_what_is_within_the_bounds_is_answered(port: int, sent: bytes) -> None:
    assert [one for one in asked(port, sent) if one != 100] == [200]


def test_a_field_comes_whole_in_the_smallest_pieces(port: int) -> None:
    whole = HEAD + b"A: " + b"x" * 200 + b"\r\n" + CLOSE
    assert asked(port, *(whole[at : at + 1] for at in range(len(whole)))) == [200]


def test_an_upgrade_to_what_we_do_not_speak_is_ignored(port: int) -> None:
    """As Java's client asks with its first request, and goes on in HTTP/1.1."""
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n\r\n"
    assert asked(port, HEAD + upgrade + HEAD + upgrade + HEAD + CLOSE) == [200, 200, 200]


def test_requests_sent_ahead_are_answered_up_to_a_bound(port: int) -> None:
    few = asked(port, (HEAD + b"\r\n") * 8 + HEAD + CLOSE)
    assert few == [200] * 9
    flood = asked(port, (HEAD + b"\r\n") * 5_000)
    assert 1 <= len(flood) <= 20
    assert set(flood) == {200}


def test_a_malformed_request_does_not_answer_for_the_one_before(port: int) -> None:
    slow = b"POST /working HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
    assert asked(port, slow + b"nonsense\r\n\r\n") == [200]


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"\r\n", [LATE], id="an-empty-line"),
        pytest.param(b"GE", [LATE], id="half-a-line"),
        pytest.param(HEAD, [LATE], id="half-a-head"),
        pytest.param(HEAD + b"\r\n", [200], id="idle"),
        pytest.param(HEAD + b"\r\n" + HEAD, [200, LATE], id="half-a-second-head"),
        pytest.param(
            b"POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", [LATE], id="half-a-body"
        ),
        pytest.param(CHUNKED, [LATE], id="no-chunk"),
        pytest.param(CHUNKED + b"3\r\nabc\r\n0\r\nTrail", [LATE], id="half-a-trailer"),
        pytest.param(
            b"POST /echo HTTP/1.1\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
            [100, LATE],
            id="expected-and-silent",
        ),
        pytest.param(
            b"POST /early HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", [401], id="answered-unread"
        ),
    ],
)
def test_whoever_stops_sending_is_closed(port: int, sent: bytes, answered: list[int]) -> None:
    assert asked(port, sent) == answered


@pytest.mark.parametrize(
    ("begin", "drop", "answered"),
    [
        pytest.param(HEAD + b"A: ", b"x", LATE, id="head"),
        pytest.param(b"", b"\r\n", LATE, id="empty-lines"),
        pytest.param(
            b"POST /echo HTTP/1.1\r\nContent-Length: 99999\r\n\r\n", b"x", LATE, id="body"
        ),
        pytest.param(CHUNKED, b"1\r\nx\r\n", LATE, id="chunks"),
        pytest.param(CHUNKED + b"1;", b"x", LATE, id="chunk-extension"),
        pytest.param(
            b"POST /early HTTP/1.1\r\nContent-Length: 99999\r\n\r\n", b"x", 401, id="unread-body"
        ),
    ],
)
def test_whoever_sends_drop_by_drop_is_closed(
    port: int, begin: bytes, drop: bytes, answered: int
) -> None:
    connection = connected(port, begin)
    connection.settimeout(0.02)
    said, end = b"", time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            connection.sendall(drop)
            came = connection.recv(4_096)
        except TimeoutError:
            continue
        except ConnectionError:
            break
        if not came:
            break
        said += came
    else:
        pytest.fail("never closed")
    connection.close()
    assert statuses(said) == [answered]


def test_a_body_that_comes_fast_and_then_stops_lives_on_nothing_it_sent_before(port: int) -> None:
    head = b"POST /echo HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n"
    assert asked(port, head, b"x" * 8_000_000) == [LATE]


def test_whoever_waits_for_the_server_is_not_late(port: int) -> None:
    """The body waits at the server, or for its word, while the server works."""
    head = b"POST /working HTTP/1.1\r\nContent-Length: 900000\r\nConnection: close\r\n"
    assert asked(port, head + b"\r\n", b"x" * 900_000) == [200]
    connection = connected(port, head + b"Expect: 100-continue\r\n\r\n")
    assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"x" * 900_000)
    assert statuses(to_the_end(connection)) == [200]


def test_an_answer_that_nobody_reads_is_given_up(port: int) -> None:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.connect(("127.0.0.1", port))
    connection.settimeout(PATIENCE_S)
    connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    watching = connected(port)  # closed by the same looks, and later begun
    assert to_the_end(watching) == b""
    assert len(to_the_end(connection)) < 640 * 65_536


def test_an_answer_that_is_read_slowly_is_sent_to_its_end() -> None:
    with served(Bounds(pause_seconds=0.5, check_seconds=0.05, bytes_per_second=1_000)) as port:
        connection = connected(port, b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        read = 0
        while came := connection.recv(1 << 20):
            read += len(came)
            time.sleep(0.02)
        connection.close()
    assert read > 640 * 65_536


CROWDED = Bounds(connections=8, connections_per_address=4, head_seconds=600, check_seconds=600)


def test_silent_connections_make_room_for_those_that_ask() -> None:
    with served(CROWDED) as port:
        silent = [connected(port) for _ in range(40)]
        half = [connected(port, HEAD) for _ in range(40)]
        assert asked(port, HEAD + CLOSE) == [200]
        closed = [one for one in silent + half if to_the_end_now(one)]
        assert len(closed) >= 72
        for one in silent + half:
            one.close()


def test_one_address_holds_only_its_share() -> None:
    with served(CROWDED, trusted_proxies=()) as port:
        held = [connected(port, b"POST /working HTTP/1.1\r\nContent-Length: 1\r\n\r\nx")]
        held += [connected(port) for _ in range(12)]
        assert sum(to_the_end_now(one) for one in held[1:]) >= 8
        assert not to_the_end_now(held[0])
        assert statuses(held[0].recv(65_536)) == [200]
        for one in held:
            one.close()


def test_when_all_are_worked_on_a_further_one_is_told_to_come_later() -> None:
    busy = b"POST /working HTTP/1.1\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
    with served(CROWDED) as port:
        held = [connected(port, busy) for _ in range(CROWDED.connections)]
        answers = [statuses(to_the_end(connected(port))) for _ in range(2)]
        assert answers[1] == [503]
        assert [statuses(to_the_end(one)) for one in held].count([200]) >= CROWDED.connections - 1


def to_the_end_now(connection: socket.socket) -> bool:
    """Whether the server has closed it already."""
    connection.settimeout(0.05)
    try:
        return not connection.recv(65_536, socket.MSG_PEEK)
    except TimeoutError:
        connection.settimeout(PATIENCE_S)
        return False
    except ConnectionError:
        return True
