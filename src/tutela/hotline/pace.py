"""How many reports, or questions about them, a minute: of one network, and of everybody.

One network cannot use up everybody's minute. Networks are told apart in memory by a digest under
a key that is drawn anew each minute; with the minute all of it is forgotten, and nothing is ever
written. Callers whose network is not known (behind a proxy that does not name it) share a bound.
"""

import hashlib
import secrets
from collections import Counter
from datetime import datetime, timedelta
from threading import Lock

from tutela.primitives.errors import Unavailable

_MINUTE = timedelta(minutes=1)
_MOST_NETWORKS = 4096
_UNKNOWN = b""


class Pace:
    """At most `per_minute` together, a twelfth of it for one network, half for unknown ones."""

    def __init__(self, *, per_minute: int) -> None:
        """Begin with an empty minute."""
        self._per_minute = per_minute
        self._per_network = max(1, per_minute // 12)
        self._of_unknown = max(1, per_minute // 2)
        self._since: datetime | None = None
        self._key = b""
        self._taken: Counter[bytes] = Counter()
        self._lock = Lock()

    def take(self, now: datetime, network: str) -> None:
        """Take one place of `network` in this minute ("" is unknown), or raise `Unavailable`."""
        with self._lock:
            if self._since is None or not _MINUTE > now - self._since >= timedelta(0):
                self._since, self._key = now, secrets.token_bytes(32)
                self._taken.clear()
            mark = self._mark(network)
            limit = self._per_network if mark else self._of_unknown
            if self._taken[mark] >= limit or self._taken.total() >= self._per_minute:
                raise Unavailable(
                    "Very many people are writing to us at this moment",
                    remedy="Please try again in a minute. Nothing was lost but this attempt.",
                )
            self._taken[mark] += 1

    def _mark(self, network: str) -> bytes:
        """What stands for a network in this minute; one too many counts as unknown."""
        if not network:
            return _UNKNOWN
        mark = hashlib.blake2b(network.encode(), key=self._key, digest_size=16).digest()
        full = len(self._taken) >= _MOST_NETWORKS and mark not in self._taken
        return _UNKNOWN if full else mark
