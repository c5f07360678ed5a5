"""`tutela serve` where it cannot listen."""

import contextlib
import signal
import socket
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from tutela.cli.listening import serve
from tutela.primitives.errors import Unavailable


def test_an_address_in_use_is_told_with_our_own_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Unavailable, match="in use") as caught:
            serve(FastAPI(), "127.0.0.1", taken.getsockname()[1])
    assert caught.value.exit_code == 6
    capsys.readouterr()


def test_who_is_told_to_end_before_it_listens_ends_in_order(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = uvicorn.Server.run

    def told_early(server: uvicorn.Server, **options: Any) -> None:
        signal.raise_signal(signal.SIGTERM)
        run(server, **options)

    monkeypatch.setattr(uvicorn.Server, "run", told_early)
    before = signal.getsignal(signal.SIGTERM)
    try:
        serve(FastAPI(), "127.0.0.1", 0)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "in use" not in capsys.readouterr().err
