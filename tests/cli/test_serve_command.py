"""`tutela serve` where it cannot listen."""

import contextlib
import socket

import pytest
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
