"""The HTTP channel: one host, no redirects, TLS checked, lost replies recorded."""

import datetime as dt
import io
import ipaddress
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from authority_fillings import PASSWORD, channel_to, plain_tip, running_sandbox
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tutela.primitives.clock import FixedClock
from tutela.primitives.errors import BadInput, Misconfigured
from tutela.reporting.formats.cybertip import read
from tutela.reporting.model import Outcome
from tutela.reporting.ports import NoReply


@contextmanager
def raw_server(
    answer: bytes, *, wrap: Callable[[socket.socket], socket.socket] = lambda connection: connection
) -> Iterator[tuple[str, list[bytes]]]:
    """Reads one request's head from each caller, sends `answer`, closes."""
    seen: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.1)
    ending = threading.Event()

    def serve() -> None:
        while not ending.is_set():
            try:
                connection, _ = listening.accept()
            except TimeoutError:
                continue
            connection.settimeout(5)
            try:
                secured = wrap(connection)
                head = b""
                while b"\r\n\r\n" not in head:
                    chunk = secured.recv(65536)
                    if not chunk:
                        break
                    head += chunk
                seen.append(head)
                secured.sendall(answer)
                secured.close()
            except OSError:
                connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}", seen
    finally:
        ending.set()
        thread.join(timeout=10)
        listening.close()


def answer_of(status: str, body: bytes = b"", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    "address",
    [
        "http://authority.example/ispws",
        "http://192.0.2.1/ispws",
        "http://127.0.0.1.authority.example/",
        "ftp://127.0.0.1/",
        "authority.example",
        "",
        "https:///ispws",
        "https://user:secret@authority.example/ispws",
        "https://authority.example/ispws?a=1",
        "https://authority.example/ispws#a",
        "https://authority.example:port/",
    ],
)
def test_an_unsafe_address_is_refused_without_a_connection(address: str, clock: FixedClock) -> None:
    with pytest.raises(Misconfigured) as caught:
        channel_to(address, clock)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("address", ["https://authority.example/ispws", "http://[::1]:9/"])
def test_https_and_loopback_are_accepted(address: str, clock: FixedClock) -> None:
    with channel_to(address, clock) as channel:
        assert PASSWORD not in repr(vars(channel))


def test_a_base_path_is_kept(clock: FixedClock) -> None:
    with raw_server(answer_of("200 OK", b"<x/>")) as (place, seen):
        with channel_to(f"http://{place}/ispws/", clock) as channel:
            channel.status()
        assert seen[0].startswith(b"GET /ispws/status HTTP/1.1\r\n")


def test_a_wrong_password_stops_and_pages(clock: FixedClock) -> None:
    with running_sandbox(clock=clock) as sandbox:
        with channel_to(sandbox.url, clock, password="wrong") as channel:
            exchange = channel.submit(plain_tip(clock))
        reply, outcome = read(exchange)
        assert (exchange.http_status, reply.code, outcome) == (401, 2000, Outcome.STOP_AND_PAGE)
        assert sandbox.reports.all() == []


def test_a_redirect_is_an_answer_and_is_not_followed(clock: FixedClock) -> None:
    with (
        raw_server(answer_of("200 OK", b"<x/>")) as (elsewhere, visits),
        raw_server(answer_of("302 Found", headers=f"Location: http://{elsewhere}/\r\n")) as (
            place,
            seen,
        ),
    ):
        with channel_to(f"http://{place}", clock) as channel:
            exchange = channel.submit(plain_tip(clock))
        assert exchange.http_status == 302
        assert read(exchange)[1] is Outcome.STOP_AND_PAGE
        assert (len(seen), visits) == (1, [])


def test_proxies_of_the_environment_are_not_used(
    clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        raw_server(answer_of("200 OK", b"<x/>")) as (proxy, visits),
        running_sandbox(clock=clock) as sandbox,
    ):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy}")
        with channel_to(sandbox.url, clock) as channel:
            assert read(channel.status())[1] is Outcome.OK
        assert visits == []


def test_nobody_there_means_nothing_arrived(clock: FixedClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        channel_to(f"http://127.0.0.1:{port}", clock) as channel,
        pytest.raises(NoReply) as caught,
    ):
        channel.submit(plain_tip(clock))
    assert not caught.value.may_have_arrived
    assert caught.value.exchange.request_bytes == plain_tip(clock)
    assert caught.value.exchange.received_at is None


def test_a_lost_reply_is_recorded_and_may_have_arrived(clock: FixedClock) -> None:
    with (
        running_sandbox(clock=clock, faults=["submit:drop"]) as sandbox,
        channel_to(sandbox.url, clock) as channel,
    ):
        with pytest.raises(NoReply) as caught:
            channel.submit(plain_tip(clock))
        assert caught.value.may_have_arrived
        assert caught.value.exchange.request_bytes == plain_tip(clock)
        assert caught.value.exchange.http_status is None
        assert len(sandbox.reports.all()) == 1
        assert read(channel.submit(plain_tip(clock)))[1] is Outcome.OK


def test_a_lost_receipt_is_found_again(clock: FixedClock) -> None:
    with (
        running_sandbox(clock=clock, faults=["finish:drop"]) as sandbox,
        channel_to(sandbox.url, clock) as channel,
    ):
        report_id = read(channel.submit(plain_tip(clock)))[0].report_id
        with pytest.raises(NoReply):
            channel.finish(report_id)
        assert read(channel.finish(report_id))[1] is Outcome.ALREADY_FINISHED


def test_a_slow_authority_is_given_up_on(clock: FixedClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            channel_to(address, clock, read_seconds=0.2) as channel,
            pytest.raises(NoReply, match="ReadTimeout") as caught,
        ):
            channel.status()
    assert caught.value.may_have_arrived


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\x00\x01\x02",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<short/>",
        b"HTTP/9.9 000 what\r\n\r\n",
    ],
)
def test_a_broken_answer_is_no_reply(clock: FixedClock, broken: bytes) -> None:
    with (
        raw_server(broken) as (place, _),
        channel_to(f"http://{place}", clock) as channel,
        pytest.raises(NoReply),
    ):
        channel.status()


def test_an_endless_answer_is_cut_off(clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutela.adapters.cybertip.MAX_ANSWER_BYTES", 1000)
    with (
        raw_server(answer_of("200 OK", b"x" * 2000)) as (place, _),
        channel_to(f"http://{place}", clock) as channel,
        pytest.raises(NoReply, match="longer than 1000 bytes"),
    ):
        channel.status()


def test_an_answer_that_only_drips_is_not_waited_for(
    clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never silent for long and never whole: it would keep a turn of the worker for ever."""
    monkeypatch.setattr("tutela.adapters.cybertip.ANSWER_SECONDS", 0.2)
    given_up = threading.Event()

    def dripping(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        try:
            for _ in range(1000):
                connection.sendall(b" ")
                if given_up.wait(0.02):
                    break
        except OSError:
            pass
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=dripping, args=(listening,))
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with channel_to(address, clock) as channel, pytest.raises(NoReply, match="whole") as caught:
            channel.status()
        given_up.set()
        thread.join(timeout=60)
    assert caught.value.may_have_arrived


def test_a_stream_that_cannot_be_rewound_is_refused_before_anything_is_sent(
    clock: FixedClock,
) -> None:
    class Pipe(io.RawIOBase):
        def readable(self) -> bool:
            return True

    with channel_to("http://127.0.0.1:9", clock) as channel, pytest.raises(BadInput):
        channel.upload("1", "a", Pipe())


@pytest.mark.parametrize("number", ["", "1\r\n--x", "\u0661", "-1"])
def test_a_report_number_cannot_shape_the_body(clock: FixedClock, number: str) -> None:
    with channel_to("http://127.0.0.1:9", clock) as channel, pytest.raises(BadInput):
        channel.finish(number)


def test_a_file_name_cannot_shape_the_body(clock: FixedClock) -> None:
    name = 'a"; name="id"\r\n\r\n99\r\n'
    with (
        running_sandbox(clock=clock) as sandbox,
        channel_to(sandbox.url, clock) as channel,
    ):
        report_id = read(channel.submit(plain_tip(clock)))[0].report_id
        assert read(channel.upload(report_id, name, b"abc"))[1] is Outcome.OK
        assert sandbox.reports.all()[0].files[0].size_bytes == 3


def test_logs_hold_neither_bodies_nor_the_password(
    clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        running_sandbox(clock=clock) as sandbox,
        channel_to(sandbox.url, clock) as channel,
    ):
        report_id = read(channel.submit(plain_tip(clock)))[0].report_id
        channel.upload(report_id, "file-of-person-a.png", b"neutral placeholder")
    for secret in (PASSWORD, "reporter@platform", "file-of-person-a", "neutral placeholder"):
        assert secret not in caplog.text


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


def test_a_certificate_that_nobody_vouches_for_ends_the_call(
    clock: FixedClock, tmp_path: Path
) -> None:
    context = self_signed(tmp_path)

    def wrap(connection: socket.socket) -> ssl.SSLSocket:
        return context.wrap_socket(connection, server_side=True)

    with raw_server(answer_of("200 OK", b"<x/>"), wrap=wrap) as (place, seen):
        with (
            channel_to(f"https://{place}", clock) as channel,
            pytest.raises(NoReply) as caught,
        ):
            channel.submit(plain_tip(clock))
        assert not caught.value.may_have_arrived
        assert seen == []
