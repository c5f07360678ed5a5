"""A slow start says once, on standard error, that the kernels are compiled; others say nothing."""

import threading
import time

import pytest

from tutela.wiring import patience as told
from tutela.wiring.patience import MESSAGE, patience


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told, "_FIRST_START_SECONDS", 0.05)
    monkeypatch.setattr(told, "_LATER_START_SECONDS", 0.05)
    monkeypatch.setattr(told, "_SAID", threading.Event())


@pytest.mark.usefixtures("_short")
def test_a_slow_start_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        with patience():
            time.sleep(0.5)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", MESSAGE + "\n")


@pytest.mark.usefixtures("_short")
def test_what_has_begun_or_ended_in_time_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    with patience() as begun:
        begun()
        time.sleep(0.2)
    with patience():
        pass
    time.sleep(0.2)
    assert capsys.readouterr().err == ""
