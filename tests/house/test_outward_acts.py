"""Every outward act passes the one gate: a new sender, or a new removal, without it fails here."""

import ast
import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tutela.adapters.cybertip import CyberTiplineChannel
from tutela.adapters.webhook import Webhook
from tutela.ledger.outward import OutwardWaits
from tutela.primitives.clock import SystemClock
from tutela.primitives.redacted import Redacted
from tutela.reporting.ports import Authority
from tutela.reporting.reports import Restriction, RestrictionState
from tutela.reporting.restricting import Platform

SOURCE = Path(__file__).resolve().parents[2] / "src" / "tutela"
CLIENTS = {"httpx", "requests", "urllib.request", "http.client", "smtplib", "ftplib", "aiohttp"}
NOT_OUTWARD = {
    "wiring/demo": "the demo's processes ask each other on this machine",
    "adapters/sandbox": "receives; stands in for an authority on this machine",
}
SENDING = {"send", "stream", "post", "put", "patch", "request", "get"}
REMOVING = {
    "intake/admitting.py": "takes back what this very call has just stored and nothing names",
    "adapters/blobs.py": "the store itself",
}
READS = {"status", "schema"}
"""Calls that change nothing at the authority."""


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def calls(node: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Line, receiver and method of every call of a method, in order."""
    found = [
        (each.lineno, ast.unparse(each.func.value), each.func.attr)
        for each in ast.walk(node)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)
    ]
    yield from sorted(found)


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return found


def cleared_first(node: ast.AST, line: int) -> bool:
    return any(method == "clear" and at < line for at, _, method in calls(node))


def ungated(path: Path, name: str) -> list[str]:
    """The sends and removals in a file that no call of the gate precedes."""
    found = []
    sends = bool(CLIENTS & imports(path)) and not name.startswith(tuple(NOT_OUTWARD))
    for function in functions(path):
        for line, receiver, method in calls(function):
            sending = sends and method in SENDING and "client" in receiver.lower()
            removing = method == "delete" and "blobs" in receiver.lower() and name not in REMOVING
            if (sending or removing) and not cleared_first(function, line):
                found.append(f"{name}:{line} {receiver}.{method} in {function.name}")
    return found


def test_every_send_and_every_removal_in_the_source_passes_the_gate() -> None:
    files = [(path, path.relative_to(SOURCE).as_posix()) for path in sorted(SOURCE.rglob("*.py"))]
    assert [each for path, name in files for each in ungated(path, name)] == []
    senders = {
        name
        for path, name in files
        if CLIENTS & imports(path) and not name.startswith(tuple(NOT_OUTWARD))
    }
    assert senders == {"adapters/cybertip.py", "adapters/webhook.py"}, (
        "a new sender: let it ask the gate (`outward.clear()`) and name it here"
    )


@pytest.mark.parametrize(
    "body",
    [
        "import httpx\nclass New:\n def tell(self):\n  self._client.post('x')\n",
        "import httpx\nclass New:\n def tell(self):\n  self._client.post('x')\n  self._o.clear()\n",
        "def tidy(blobs):\n blobs.delete('x')\n",
    ],
)
def test_a_new_one_without_the_gate_would_be_found(tmp_path: Path, body: str) -> None:
    (tmp_path / "new.py").write_text(body)
    assert ungated(tmp_path / "new.py", "adapters/new.py")


class Closed:
    """A gate that lets nothing pass."""

    def clear(self) -> None:
        raise OutwardWaits("Outward acts wait")


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine that remembers what came."""
    came: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def methods(port: type) -> list[str]:
    return [name for name, _ in inspect.getmembers(port, inspect.isfunction) if name[0] != "_"]


def filled(port: type, name: str) -> list[Any]:
    """An argument of the right kind for each that the method needs."""
    order = Restriction(
        id="rstr_1",  # type: ignore[arg-type]
        case_id="case_1",  # type: ignore[arg-type]
        names_item=True,
        item_reference="item-1",
        state=RestrictionState.ORDERED,
        attempts=0,
        last_why="",
        ordered_at=datetime.now(UTC),
        delivered_at=None,
        done_by=None,
    )
    kinds: dict[str, Any] = {"str": "17", "bytes": b"<x/>", "bytes | BinaryIO": b"x"}
    given = []
    for each in list(inspect.signature(getattr(port, name)).parameters.values())[1:]:
        if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
            kind = each.annotation
            said = kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))
            given.append(kinds.get(said, order if said == "Restriction" else b"x"))
    return given


@pytest.mark.parametrize("name", [each for each in methods(Authority) if each not in READS])
def test_no_call_to_an_authority_leaves_through_a_closed_gate(name: str) -> None:
    with (
        listening() as (url, came),
        CyberTiplineChannel(
            base_url=url,
            username="u",
            password=Redacted("p"),
            clock=SystemClock(),
            outward=Closed(),
        ) as channel,
    ):
        with pytest.raises(OutwardWaits):
            getattr(channel, name)(*filled(Authority, name))
        assert came == []


@pytest.mark.parametrize("name", methods(Platform))
def test_no_message_to_the_platform_leaves_through_a_closed_gate(name: str) -> None:
    with listening() as (url, came):
        webhook = Webhook(url, Redacted("a webhook secret for tests"), outward=Closed())
        try:
            with pytest.raises(OutwardWaits):
                getattr(webhook, name)(*filled(Platform, name), at=datetime.now(UTC))
        finally:
            webhook.close()
        assert came == []
