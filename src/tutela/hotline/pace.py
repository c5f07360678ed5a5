"""A brake for a whole page: no address is kept, so the limit is everybody's together."""

from collections import deque
from datetime import datetime, timedelta
from threading import Lock

from tutela.primitives.errors import Unavailable

_MINUTE = timedelta(minutes=1)


class Pace:
    """At most so many reports, or questions about them, a minute."""

    def __init__(self, *, per_minute: int) -> None:
        """Begin with an empty minute."""
        self._per_minute = per_minute
        self._taken: deque[datetime] = deque()
        self._lock = Lock()

    def take(self, now: datetime) -> None:
        """Take one place in this minute, or raise `Unavailable`."""
        with self._lock:
            while self._taken and now - self._taken[0] >= _MINUTE:
                self._taken.popleft()
            if len(self._taken) >= self._per_minute:
                raise Unavailable(
                    "Very many people are writing to us at this moment",
                    remedy="Please try again in a minute. Nothing was lost but this attempt.",
                )
            self._taken.append(now)
