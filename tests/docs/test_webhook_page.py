"""The verifiers on the webhook's page are run against a message that was really sent."""

import json
import re
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tutela.adapters import webhook as sender
from tutela.adapters.webhook import Webhook
from tutela.cases.model import Verdict
from tutela.primitives.ids import CaseId, DecisionId, RestrictionId
from tutela.primitives.redacted import Redacted
from tutela.reporting.notifying import DecisionNotice
from tutela.reporting.reports import Restriction, RestrictionState
from tutela.workflows.parts import Pace
from ungated import Ungated

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/webhook.md").read_text("utf-8")
SECRET = "a webhook secret with ü for tests"
AT = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
NOW = AT.timestamp()


@dataclass(frozen=True)
class Message:
    """What arrived."""

    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def message() -> Message:
    """A message as Tutela sends it, headers in lower case."""
    came: list[Message] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append(
                Message({name.lower(): value for name, value in self.headers.items()}, body)
            )
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    platform = Webhook(
        f"http://127.0.0.1:{server.server_address[1]}/orders", Redacted(SECRET), outward=Ungated()
    )
    order = Restriction(
        id=RestrictionId.new(),
        case_id=CaseId.new(),
        names_item=True,
        item_reference="item/é 1",
        state=RestrictionState.ORDERED,
        attempts=0,
        last_why="",
        ordered_at=AT,
        delivered_at=None,
        done_by=None,
    )
    assert platform.disable_access(order, at=AT).delivered
    platform.close()
    thread.join()
    server.server_close()
    return came[0]


def block(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def asked(language: str, message: Message, *, secret: str, now: float) -> bool:
    """What the page's verifier answers, in a process of its own."""
    given = json.dumps([secret, message.headers, message.body.decode(), now])
    if language == "python":
        program = (
            f"{block('python')}\nimport json, sys\n"
            "secret, headers, body, now = json.load(sys.stdin)\n"
            "print(json.dumps(verify(secret, headers, body.encode(), now)))\n"
        )
        command = [sys.executable, "-I", "-c", program]
    else:
        node = shutil.which("node")
        if node is None:
            pytest.skip("no node")
        program = (
            f"{block('js')}\nconst [secret, headers, body, now] = "
            "JSON.parse(require('node:fs').readFileSync(0, 'utf8'));\n"
            "console.log(JSON.stringify(verify(secret, headers, Buffer.from(body), now)));\n"
        )
        command = [node, "-e", program]
    run = subprocess.run(
        command, input=given, capture_output=True, encoding="utf-8", timeout=120, check=True
    )
    return bool(json.loads(run.stdout))


@pytest.mark.parametrize("language", ["python", "js"])
def test_the_verifier_takes_a_real_message_and_refuses_what_was_changed(
    language: str, message: Message
) -> None:
    assert asked(language, message, secret=SECRET, now=NOW + 299)
    assert not asked(language, message, secret=SECRET, now=NOW + 301)
    assert not asked(language, message, secret=SECRET, now=NOW - 301)
    assert not asked(language, message, secret="another secret", now=NOW)
    changed = Message(message.headers, message.body.replace(b"item/", b"item-"))
    assert not asked(language, changed, secret=SECRET, now=NOW)
    for header in ("", "t=1", "v1=00", "t=x,v1=00", f"t={int(NOW)},v1=é"):
        broken = Message({**message.headers, "tutela-signature": header}, message.body)
        assert not asked(language, broken, secret=SECRET, now=NOW)


def test_the_sample_has_the_fields_and_headers_of_a_real_message(message: Message) -> None:
    sample = block("http")
    head, body = sample.split("\n\n", 1)
    assert list(json.loads(body)) == list(json.loads(message.body))
    for name in ("Content-Type", sender.KEY, sender.SIGNATURE):
        assert f"\n{name}: " in head
        assert name.lower() in message.headers
    assert re.search(rf"{sender.KEY}: (\S+)", head)[1] == json.loads(body)["id"]  # type: ignore[index]


def test_the_sample_of_a_decision_is_what_is_sent() -> None:
    notice = DecisionNotice(
        id=DecisionId.new(),
        case_id=CaseId.new(),
        verdict=Verdict.NOT_CSAM,
        decided_at=AT,
        item_reference="item/1",
    )
    sample, sent = json.loads(block("json")), json.loads(sender.notice_body(notice))
    assert list(sample) == list(sent)
    varying = {"id", "case"}
    assert {k: v for k, v in sample.items() if k not in varying} == {
        k: v for k, v in sent.items() if k not in varying
    }
    section = PAGE.partition("## Word of decisions")[2].partition("## Verifying")[0]
    assert {f"`{each.value}`" for each in set(Verdict) - {Verdict.CANNOT_SAY}} <= set(
        re.findall("`[a-z_]+`", section)
    )


def test_the_page_says_the_numbers_of_the_program() -> None:
    assert f"{sender.TOLERANCE_SECONDS} seconds away" in PAGE
    assert f"up to {int(Pace().longest.total_seconds() // 60)} minutes" in PAGE
    assert f"for {Pace().horizon.days} days" in PAGE
