"""No face of the program gives memory, connections or time to whoever sends without an end."""

import ast
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from running_faces import FACES, Face, running
from tutela.adapters.keys import ensure_evidence_key

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120
MIB = 1 << 20
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


@pytest.mark.parametrize("name", sorted(FACES))
def test_every_face_is_bounded(name: str, tmp_path: Path, database_url: str) -> None:
    home = tmp_path / "home"
    ensure_evidence_key(home)
    with running(name, home=home, database_url=database_url) as face:
        answered = httpx.get(face.url, timeout=60, follow_redirects=True).status_code
        large_heads_are_refused(face)
        slow_senders_are_closed(face)
        crowds_of_half_requests_keep_nobody_out(face, answered)
    assert "Traceback" not in face.log.read_text("utf-8")


def large_heads_are_refused(face: Face) -> None:
    """Three hundred megabytes of heads in different forms cost the process next to nothing."""
    lines = b"A: " + b"x" * 8_000 + b"\r\n"
    endless: list[tuple[bytes, bytes]] = [
        (HEAD, lines * 130),
        (HEAD, b"A: b\r\n" * 170_000),
        (HEAD + b"A: ", b"x" * MIB),
        (HEAD, b"x" * MIB),
        (b"GET /", b"x" * MIB),
        (b"", b"\r\n" * (MIB // 2)),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", lines * 130),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * MIB),
    ]
    before = face.memory_bytes()
    with ThreadPoolExecutor(len(endless)) as pool:
        said = list(pool.map(lambda sent: flooded(face.port, *sent), endless))
    statuses = [one[9:12] for one in said]
    assert statuses[:6] == [b"431", b"431", b"431", b"431", b"414", b"431"]
    assert all(status[:1] == b"4" for status in statuses[6:])
    assert face.memory_bytes() - before < 32 * MIB


def flooded(port: int, begin: bytes, more: bytes) -> bytes:
    """Send without an end until the server has closed; what it said."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    said: list[bytes] = []
    reading = threading.Thread(target=lambda: said.append(to_the_end(connection)))
    reading.start()
    try:
        connection.sendall(begin)
        for _ in range(40):
            connection.sendall(more)
    except OSError:
        pass
    reading.join(PATIENCE_S)
    assert not reading.is_alive(), "never closed"
    return said[0]


def to_the_end(connection: socket.socket) -> bytes:
    said = b""
    try:
        while came := connection.recv(65_536):
            said += came
    except ConnectionError:
        pass
    connection.close()
    return said


def slow_senders_are_closed(face: Face) -> None:
    """Who stops in the middle, or sends a byte now and then: all at the same time."""
    chunked = HEAD + FORM + b"Transfer-Encoding: chunked\r\n\r\n"
    stopped = [b"", b"\r\n", b"PO", HEAD, HEAD + FORM + b"Content-Length: 99\r\n\r\nx=1", chunked]
    stopped += [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", chunked + b"1\r\nx\r\n0\r\nA: "]
    trickles = [(HEAD, b"x"), (b"", b"\r\n"), (chunked, b"1\r\nx\r\n"), (chunked + b"1;", b"x")]
    asking: list[Callable[[], bytes]] = [
        *(lambda sent=sent: silent(face.port, sent) for sent in stopped),  # type: ignore[misc]
        *(lambda sent=sent: trickled(face.port, *sent) for sent in trickles),  # type: ignore[misc]
    ]
    with ThreadPoolExecutor(len(asking)) as pool:
        said = list(pool.map(lambda one: one(), asking))
    assert said[0] == b""  # a browser opens connections ahead; none is told anything
    assert [one[9:12] for one in said[1:4]] == [b"408"] * 3
    assert all(one.startswith(b"HTTP/1.1 ") for one in said[1:])


def silent(port: int, sent: bytes) -> bytes:
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    connection.sendall(sent)
    return to_the_end(connection)


def trickled(port: int, begin: bytes, drop: bytes) -> bytes:
    connection = socket.create_connection(("127.0.0.1", port), timeout=0.5)
    connection.sendall(begin)
    said, end = b"", time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            connection.sendall(drop)
            came = connection.recv(65_536)
        except TimeoutError:
            continue
        except ConnectionError:
            came = b""
        if not came:
            connection.close()
            return said
        said += came
    pytest.fail("never closed")


def crowds_of_half_requests_keep_nobody_out(face: Face, answered: int) -> None:
    """More connections than the process holds stay open, each with half a request."""
    crowd = []
    for number in range(700):
        connection = socket.create_connection(("127.0.0.1", face.port), timeout=PATIENCE_S)
        connection.sendall((b"", HEAD, HEAD + FORM + b"Content-Length: 99\r\n\r\n")[number % 3])
        crowd.append(connection)
    assert httpx.get(face.url, timeout=60, follow_redirects=True).status_code == answered
    for connection in crowd:
        connection.close()


def test_every_server_of_the_program_is_built_in_one_place() -> None:
    """Whoever opens a port by another way has none of these bounds."""
    builders = {"uvicorn.Server", "uvicorn.Config", "uvicorn.run", "start_server", "HTTPServer"}
    found = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                if any(name.endswith(one) for one in builders):
                    found.append(path.name)
    assert found == ["servers.py"]
