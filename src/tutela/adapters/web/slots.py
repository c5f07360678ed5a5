"""Which connections a server keeps when there are more than it may hold.

A connection that keeps the server waiting makes room for a new one: so those who open
connections and send nothing, or half of something, never keep out those who send at once.
A connection whose request is being worked on is never dropped.
"""

import enum
from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from tutela.adapters.web.bounds import Bounds


class Waiting(enum.IntEnum):
    """What a connection keeps the server waiting for; the first kinds go first."""

    HEAD = 1
    """A request has not begun, or its head is not whole; the last answer is written."""
    BODY = 2
    """A request's body is on its way, or its answer is being read."""
    NOTHING = 3
    """It is the server's turn."""


class Held(Protocol):
    """A connection as its server counts it."""

    address: str
    """Where it comes from; empty for a proxy, which brings the connections of many."""

    def waiting(self) -> tuple[Waiting, float]:
        """What it waits for, and since when (seconds of the event loop's clock)."""
        ...

    def drop(self) -> None:
        """Close at once, without an answer."""
        ...


class ConnectionSlots:
    """The connections of one server; used in its event loop only."""

    def __init__(self, bounds: Bounds) -> None:
        """Hold none."""
        self._bounds = bounds
        self._held: dict[Held, None] = {}
        self._by_address: Counter[str] = Counter()

    def admit(self, connection: Held) -> bool:
        """Hold one more, in place of one that keeps the server waiting if need be."""
        address = connection.address
        if address and self._by_address[address] >= self._bounds.connections_per_address:
            theirs = [one for one in self._held if one.address == address]
            if not self._drop_one(theirs):
                return False
        elif len(self._held) >= self._bounds.connections and not self._drop_one(self._held):
            return False
        self._held[connection] = None
        self._by_address[address] += 1
        return True

    def release(self, connection: Held) -> None:
        """Hold it no longer; it may have been released before."""
        if connection not in self._held:
            return
        del self._held[connection]
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]

    def _drop_one(self, among: Iterable[Held]) -> bool:
        """Drop the one that has waited longest, of the address that makes wait most often."""
        waiting: dict[Held, tuple[Waiting, float]] = {}
        for one in among:
            kind, since = one.waiting()
            if kind is not Waiting.NOTHING:
                waiting[one] = kind, since
        if not waiting:
            return False
        first = min(kind for kind, _ in waiting.values())
        candidates = {one: since for one, (kind, since) in waiting.items() if kind is first}
        crowd = Counter(one.address for one in candidates)
        victim = min(candidates, key=lambda one: (-crowd[one.address], candidates[one]))
        self.release(victim)
        victim.drop()
        return True
