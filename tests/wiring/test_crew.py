"""A crew ends when it is told to, whatever its processes are at."""

import os
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tutela.primitives.errors import BadInput
from tutela.wiring.crew import Crew, CrewLost

LARGE = "x" * 20_000
"""More than a pipe's answer that is written at once with its length."""


def mirror() -> Callable[[str], tuple[str, int]]:
    return lambda task: (task, os.getpid())


def blocked() -> Callable[[None], set[signal.Signals]]:
    return lambda _: {signal.SIGINT} & signal.pthread_sigmask(signal.SIG_BLOCK, ())


def refusing() -> Callable[[str], str]:
    def refuse(task: str) -> str:
        raise BadInput("It cannot be done", why=task)

    return refuse


def dying_in_its_answer() -> Callable[[None], str]:
    """Killed once the length of the answer is written, and nothing of the answer."""
    send = Connection._send

    def length_alone(pipe: Connection, data: bytes) -> None:
        send(pipe, data)
        os.kill(os.getpid(), signal.SIGKILL)

    def answer(_: None) -> str:
        Connection._send = length_alone
        return LARGE

    return answer


def sleeping() -> Callable[[str], None]:
    def sleep(place: str) -> None:
        Path(place).write_text(str(os.getpid()))
        time.sleep(500)

    return sleep


def test_answers_come_from_several_processes() -> None:
    with Crew(mirror, workers=2) as crew:
        answers = [crew.submit(f"Task {number}").result for number in range(20)]
        got = [answer() for answer in answers]
    assert [task for task, _ in got] == [f"Task {number}" for number in range(20)]
    assert 1 <= len({process for _, process in got}) <= 2
    assert os.getpid() not in {process for _, process in got}


def test_an_interruption_reaches_no_process_of_the_crew() -> None:
    with Crew(blocked, workers=1) as crew:
        assert crew.submit(None).result() == {signal.SIGINT}


def test_what_goes_wrong_there_is_told_here() -> None:
    with Crew(refusing, workers=1) as crew:
        with pytest.raises(BadInput, match="It cannot be done: Reason A"):
            crew.submit("Reason A").result()
        with pytest.raises(BadInput, match="Reason B"):  # the process lives on
            crew.submit("Reason B").result()


def test_a_process_that_ends_in_the_middle_of_its_answer_is_noticed() -> None:
    with Crew(dying_in_its_answer, workers=1) as crew, pytest.raises(CrewLost):
        crew.submit(None).result(timeout=60)


def test_left_by_an_exception_it_ends_its_processes_at_once(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("one", "two")]
    with pytest.raises(KeyboardInterrupt), Crew(sleeping, workers=2) as crew:  # noqa: PT012
        futures = [crew.submit(str(place)) for place in (*places, tmp_path / "never")]
        while not all(place.exists() and place.read_text() for place in places):
            time.sleep(0.02)
        raise KeyboardInterrupt
    for future in futures[:2]:
        assert isinstance(future.exception(timeout=0), CrewLost)
    assert futures[2].cancelled()
    for place in places:
        with pytest.raises(ProcessLookupError):
            os.kill(int(place.read_text()), 0)
