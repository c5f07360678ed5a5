"""An unexpected fault leaves its kind and its places in the log, and never a value."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient

from tutela.adapters.media.starting import start_child, stop_decoder
from tutela.adapters.web.faults import trace_of
from tutela.api import faults
from tutela.api.serving import Api
from tutela.wiring.logging import set_up_logging
from tutela.wiring.settings import Settings

SENT = "what somebody sent"


def fault() -> None:
    raise KeyError(SENT) from ZeroDivisionError(SENT)


def test_a_trace_has_kinds_and_places_and_no_value() -> None:
    with pytest.raises(KeyError) as caught:
        fault()
    trace = trace_of(caught.value)
    assert trace["kind"] == "builtins.KeyError"
    assert trace["caused_by"] == ["ZeroDivisionError"]
    assert str(trace["places"][0]).startswith("adapters/test_faults.py:")  # type: ignore[index]
    assert SENT not in str(trace)


@pytest.mark.parametrize("way", ["a route of the framework", "the direct way of /v1/lookup"])
def test_every_way_through_the_api_leaves_a_trace(way: str) -> None:
    async def broken(_request: Request) -> Response:
        fault()
        return Response()

    app: FastAPI
    if way.startswith("the direct"):
        app = Api()
        app.direct = {("POST", "/x"): broken}  # type: ignore[attr-defined]
    else:
        app = FastAPI()
        faults.install(app)
        app.add_route("/x", broken, methods=["POST"])
    with structlog.testing.capture_logs() as lines:
        answer = TestClient(app, raise_server_exceptions=False).post("/x", content=SENT)
    assert answer.status_code == 500
    assert SENT not in answer.text
    (line,) = [each for each in lines if each["event"] == "unexpected_fault"]
    assert line["kind"] == "builtins.KeyError"
    assert SENT not in str(lines)


def test_what_a_library_logs_of_an_error_has_no_message(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    set_up_logging(Settings())
    try:
        fault()
    except KeyError:
        logging.getLogger("a.library").exception("Exception in ASGI application")
    said = capsys.readouterr().err
    assert said.startswith("a.library Exception in ASGI application\n")
    assert json.loads(said.splitlines()[1])["kind"] == "builtins.KeyError"
    assert SENT not in said


def test_the_error_stream_of_a_decoder_reaches_the_log_bounded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A child that says more than a pipe holds is not held up by it."""
    program = (
        "import os, sys\n"
        "for _ in range(100): \n"
        "    try: os.write(2, b'cannot \\x1b[2J decode\\n' * 1000)\n"
        "    except BlockingIOError: break\n"
        "sys.stdout.write('done'); sys.stdout.flush()\n"
    )
    module = tmp_path / "saying.py"
    module.write_text(program, "utf-8")
    popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess,
        "Popen",
        lambda _words, **named: popen([sys.executable, str(module)], **named),
    )
    process = start_child("saying")
    monkeypatch.undo()
    assert process.stdout is not None
    assert process.stdout.read(4) == b"done"
    with structlog.testing.capture_logs() as lines:
        stop_decoder(process)
    (line,) = [each for each in lines if each["event"] == "decoder_errors"]
    assert line["text"].startswith("cannot  [2J decode cannot")
    assert len(line["text"]) <= 2_000
    assert "\x1b" not in line["text"]
    stop_decoder(process)  # a second time is harmless
