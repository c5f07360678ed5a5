"""How long a video may take is counted from its start, and no child talks itself out of an end."""

from collections.abc import Iterator

import pytest

from tutela.adapters.media.cell import CellLost
from tutela.adapters.media.model import RefusalReason
from tutela.adapters.media.video import cell as video_cell
from tutela.adapters.media.video.cell import Line, VideoCell
from tutela.adapters.media.video.model import VideoLimits

LIMITS = VideoLimits(wall_seconds=60.0, wall_per_second=5.0, stall_seconds=60.0, cpu_seconds=3_600)
UPTIMES = (0.0, 3.0, 1e9)
"""A machine that has just been started, and one that runs for long."""


class Talking(VideoCell):
    """A child without a process: it says these lines, each so many seconds after the last."""

    def __init__(
        self, lines: Iterator[tuple[float, Line]], uptime: float, *, live: bool = False
    ) -> None:
        self._limits, self._live = LIMITS, live
        self._said, self.now = lines, uptime

    def _line(self, deadline: float) -> Line:
        after, line = next(self._said)
        if self.now + after > deadline:
            self.now = max(self.now, deadline)
            raise CellLost(RefusalReason.OUT_OF_TIME)
        self.now += after
        return line


def took(child: Talking, monkeypatch: pytest.MonkeyPatch) -> tuple[float, bool]:
    """Seconds until it came to its end or was ended, and whether it was ended."""
    monkeypatch.setattr(video_cell.time, "monotonic", lambda: child.now)
    began = child.now
    try:
        for _ in child.lines():
            pass
    except CellLost:
        return child.now - began, True
    return child.now - began, False


def progress(every: float, seconds: float, times: int) -> Iterator[tuple[float, Line]]:
    """So many times: `every` seconds later it has come `seconds` further."""
    for number in range(1, times + 1):
        yield every, {"second": seconds * number}
    yield 0.0, {"end": True}


@pytest.mark.parametrize("uptime", UPTIMES)
def test_a_slow_film_may_take_five_times_its_length(
    uptime: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Talking(progress(4.0, 1.0, 500), uptime)
    assert took(slow, monkeypatch) == (pytest.approx(2_000), False)


@pytest.mark.parametrize("uptime", UPTIMES)
def test_who_gets_no_further_is_ended_after_a_minute(
    uptime: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing = Talking(progress(10.0, 0.0, 1_000), uptime)
    assert took(standing, monkeypatch) == (pytest.approx(60), True)


@pytest.mark.parametrize("uptime", UPTIMES)
def test_who_is_silent_is_ended(uptime: float, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = Talking(iter([(0.0, {"second": 1e6}), (61.0, {"end": True})]), uptime)
    assert took(silent, monkeypatch) == (pytest.approx(60), True)


@pytest.mark.parametrize("uptime", UPTIMES)
@pytest.mark.parametrize("claim", [1e6, 1e300, float("inf")])
def test_who_claims_to_be_far_is_ended_all_the_same(
    uptime: float, claim: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def boasting() -> Iterator[tuple[float, Line]]:
        while True:
            yield 30.0, {"second": claim}

    assert took(Talking(boasting(), uptime), monkeypatch) == (pytest.approx(7_200), True)


def test_live_input_may_take_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    live = Talking(progress(30.0, 0.0, 10_000), 0.0, live=True)
    assert took(live, monkeypatch) == (pytest.approx(300_000), False)
