"""A lane: questions that arrive while one batch is answered make up the next one.

Each key has its turn in every batch, and a batch is bounded in bytes as well: whoever asks much
and at length waits behind itself.
"""

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from tutela.primitives.redacted import Redacted

AT_ONCE = 64
BATCH_BYTES = 64 * 1024
"""Bodies of one batch together; one more is always taken."""


class Question:
    """One body that waits for its answer. `key` tells equal keys apart from others."""

    __slots__ = ("_done", "_error", "_loop", "_waits", "body", "content_type", "given", "key")

    def __init__(self, *, key: Redacted[str], content_type: str, body: bytes) -> None:
        self.given = key
        self.key = key.reveal()
        self.content_type = content_type
        self.body = body
        self._loop = asyncio.get_running_loop()
        self._waits: asyncio.Future[bytes] = self._loop.create_future()
        self._done: bytes | None = None
        self._error: BaseException | None = None

    def answer(self, content: bytes) -> None:
        """Set the answer; it is handed over with those of the whole batch."""
        self._done = content

    def refuse(self, error: BaseException) -> None:
        """Set an error instead."""
        self._error = error

    async def wait(self) -> bytes:
        """The answer, or the error raised."""
        return await self._waits

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Where the asker waits."""
        return self._loop

    def hand_over(self, fallback: BaseException) -> None:
        """Wake the asker; called in its loop."""
        if self._waits.done():  # it has gone away
            return
        if self._done is not None:
            self._waits.set_result(self._done)
        else:
            self._waits.set_exception(self._error or fallback)


class Lane:
    """One thread at most answers what has come in, all that waits at once."""

    def __init__(self, act: Callable[[list[Question]], None]) -> None:
        """`act` gives each question its answer or its refusal."""
        self._act = act
        self._waiting: OrderedDict[str, deque[Question]] = OrderedDict()
        self._lock = threading.Lock()
        self._busy = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lookups")

    async def answer(self, *, key: Redacted[str], content_type: str, body: bytes) -> bytes:
        """The answer to one body."""
        question = Question(key=key, content_type=content_type, body=body)
        with self._lock:
            self._waiting.setdefault(question.key, deque()).append(question)
            start, self._busy = not self._busy, True
        if start:
            self._thread.submit(self._drain)
        return await question.wait()

    def _drain(self) -> None:
        """Answer until nobody waits."""
        while batch := self._next():
            fallback: BaseException = RuntimeError("no answer")
            try:
                self._act(batch)
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
                fallback = error
            for loop in {question.loop for question in batch}:
                mine = [question for question in batch if question.loop is loop]
                with suppress(RuntimeError):  # the loop has ended, and with it who asked
                    loop.call_soon_threadsafe(_wake, mine, fallback)

    def _next(self) -> list[Question]:
        """The next batch, one question of each key in turn."""
        batch: list[Question] = []
        size = 0
        with self._lock:
            while self._waiting and len(batch) < AT_ONCE and size < BATCH_BYTES:
                key, asked = self._waiting.popitem(last=False)
                question = asked.popleft()
                if asked:
                    self._waiting[key] = asked  # at the end: the others come first
                batch.append(question)
                size += len(question.body)
            self._busy = bool(batch)
        return batch


def _wake(questions: list[Question], fallback: BaseException) -> None:
    for question in questions:
        question.hand_over(fallback)
