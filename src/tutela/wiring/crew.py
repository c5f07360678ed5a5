"""Processes that work for this one: each has a pipe of its own, and a thread here that waits.

Processes that share one pipe for their answers cannot be ended safely: one that is killed in
the middle of an answer leaves its reader waiting for the rest for ever, because the others
keep that pipe open. Here the end of a process is the end of its pipe.
"""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Generic, Self, TypeVar

from tutela.adapters.media.confining import die_with

Task = TypeVar("Task")
Answer = TypeVar("Answer")

_SPAWN = get_context("spawn")


class CrewLost(Exception):
    """A process of the crew ended before it had answered."""


class Crew(Generic[Task, Answer]):
    """Up to `workers` processes, each started with the first task it gets.

    `begin` is called once in each process and gives what answers tasks there; it has to be
    importable, tasks and answers have to pickle. An interruption from the keyboard reaches
    this process alone. A `with` that is left by an exception ends the processes at once.
    """

    def __init__(self, begin: Callable[[], Callable[[Task], Answer]], *, workers: int) -> None:
        self._begin = begin
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="crew")
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._members: list[_Member[Task, Answer]] = []
        self._over = False
        # Whichever thread starts it has its hold on interruptions lifted: not one of the crew's.
        resource_tracker.ensure_running()

    def submit(self, task: Task) -> Future[Answer]:
        """Hand a task over; its future raises `CrewLost` when the process ends over it."""
        return self._threads.submit(self._hand_over, task)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            with self._lock:
                self._over = True
                for member in self._members:
                    member.process.kill()
        self._threads.shutdown(wait=True, cancel_futures=error is not None)
        for member in self._members:
            member.end()

    def _hand_over(self, task: Task) -> Answer:
        member = getattr(self._mine, "member", None) or self._start()
        return member.ask(task)

    def _start(self) -> "_Member[Task, Answer]":
        """A process of this thread; its end is the thread's end (`die_with`)."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # what it starts inherits it
        with self._lock:
            if self._over:
                raise CrewLost
            member = self._mine.member = _Member(self._begin)
            self._members.append(member)
        return member


class _Member(Generic[Task, Answer]):
    """One process of a crew as its thread sees it."""

    def __init__(self, begin: Callable[[], Callable[[Task], Answer]]) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=_answer, args=(begin, theirs, os.getpid()))
        self.process.start()
        theirs.close()

    def ask(self, task: Task) -> Answer:
        try:
            self._pipe.send(task)
            answer: Answer | Exception = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise CrewLost from error
        if isinstance(answer, Exception):
            raise answer
        return answer

    def end(self) -> None:
        """End it; whatever it was asked has been answered, or nobody wants it."""
        self.process.kill()
        self.process.join()
        self._pipe.close()


def _answer(begin: Callable[[], Callable[[Task], Answer]], pipe: Connection, parent: int) -> None:
    """What a process of the crew does, until it is ended."""
    die_with(parent)
    worker = begin()
    while True:
        task = pipe.recv()
        try:
            answer: Answer | Exception = worker(task)
        except Exception as error:  # noqa: BLE001 - raised again where the task came from
            answer = error
        pipe.send(answer)
