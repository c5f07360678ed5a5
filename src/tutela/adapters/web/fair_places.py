"""Places for work of one kind, shared out in turn among those who ask.

Whoever asks much waits behind itself: a key has its own queue and a share of the places, and a
place that becomes free goes to the next key, not to the next request. Nothing is kept about
anybody who neither holds a place nor waits for one. Used in one event loop.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from tutela.primitives.errors import TutelaError

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Crowded(TutelaError):
    """So many wait already that one more would wait too long; nothing was done."""

    code = "too_many_requests"
    exit_code = 6
    http_status = 429
    retry_after_s = 2

    def __init__(self) -> None:
        super().__init__(
            "Too many requests of this kind wait already",
            remedy="Nothing was done. Try again in a few seconds.",
        )


@dataclass(slots=True)
class _Waiter:
    amount: int
    granted: "asyncio.Future[None]"


class FairPlaces:
    """`total` places; one key holds `per_key` of them, and has at most `waiting_per_key` waiters.

    A request may take several places (an amount); one larger than a share takes the whole share.
    """

    def __init__(
        self, *, total: int, per_key: int, waiting_per_key: int = 64, waiting: int = 1024
    ) -> None:
        """Nobody holds or waits for anything yet."""
        self._total = max(1, total)
        self._per_key = min(max(1, per_key), self._total)
        self._waiting_per_key = waiting_per_key
        self._most_waiting = waiting
        self._used: Counter[str] = Counter()
        self._free = self._total
        self._queues: OrderedDict[str, deque[_Waiter]] = OrderedDict()

    @asynccontextmanager
    async def place(self, key: str, amount: int = 1) -> AsyncIterator[None]:
        """Hold `amount` places of `key` while the block runs; `Crowded` when too many wait."""
        amount = min(max(1, amount), self._per_key)
        await self._take(key, amount)
        try:
            yield
        finally:
            self._give_back(key, amount)

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(len(queue) for queue in self._queues.values())

    @property
    def is_free(self) -> bool:
        """Whether a place is free and nobody waits."""
        return self._free > 0 and not self._queues

    async def _take(self, key: str, amount: int) -> None:
        queue = self._queues.setdefault(key, deque())
        full = len(queue) >= self._waiting_per_key or self.waiting >= self._most_waiting
        waiter = _Waiter(amount, asyncio.get_running_loop().create_future())
        queue.append(waiter)
        self._share_out()
        if waiter.granted.done():
            return
        if full:
            self._leave(key, waiter)
            raise Crowded
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter.granted.done() and not waiter.granted.cancelled():
                self._give_back(key, amount)  # it was granted in the moment it was given up
            else:
                self._leave(key, waiter)
            raise

    def _leave(self, key: str, waiter: _Waiter) -> None:
        queue = self._queues.get(key)
        if queue is not None and waiter in queue:
            queue.remove(waiter)
            if not queue:
                del self._queues[key]
        self._share_out()

    def _give_back(self, key: str, amount: int) -> None:
        self._free += amount
        self._used[key] -= amount
        if not self._used[key]:
            del self._used[key]
        self._share_out()

    def _share_out(self) -> None:
        """Grant in turn, one waiter of a key at a time, until no place fits the next in turn."""
        passed_over = 0
        while passed_over < len(self._queues):
            key, queue = next(iter(self._queues.items()))
            waiter = queue[0]
            if self._used[key] + waiter.amount > self._per_key:
                self._queues.move_to_end(key)
                passed_over += 1
                continue
            if waiter.amount > self._free:
                return  # smaller ones must not overtake it for ever
            queue.popleft()
            self._queues.move_to_end(key)
            if not queue:
                del self._queues[key]
            if waiter.granted.done():  # given up
                continue
            self._free -= waiter.amount
            self._used[key] += waiter.amount
            waiter.granted.set_result(None)
            passed_over = 0


class FairThreads:
    """Work in threads of its own kind: no other kind's work waits for them, nor the other way."""

    def __init__(self, places: FairPlaces, *, threads: int) -> None:
        """As many threads as `places` let in at once."""
        self._places = places
        self._limiter = CapacityLimiter(threads)

    @property
    def is_free(self) -> bool:
        """Whether work could begin at once."""
        return self._places.is_free

    async def run(
        self, key: str, work: Callable[Given, Result], *given: Given.args, **named: Given.kwargs
    ) -> Result:
        """What `work` gives, once `key` has its turn; `Crowded` when too many wait."""
        async with self._places.place(key):
            return await to_thread.run_sync(lambda: work(*given, **named), limiter=self._limiter)


def fair_threads(
    *, threads: int, per_key: int, waiting_per_key: int = 64, waiting: int = 1024
) -> FairThreads:
    """Threads for one kind of work, of which one key uses `per_key`."""
    places = FairPlaces(
        total=threads, per_key=per_key, waiting_per_key=waiting_per_key, waiting=waiting
    )
    return FairThreads(places, threads=threads)
