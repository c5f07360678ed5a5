"""How often one key may ask: a bucket of tokens for each, filled evenly."""

import math
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from tutela.api.faults import TooMany


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: datetime


class Pacing:
    """At most `per_minute` requests of one key in a burst, and as many each minute after it.

    Counted in this process only: with several processes behind one address the limit holds
    for each of them.
    """

    def __init__(self, *, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: dict[str, _Bucket] = {}
        self._lock = Lock()

    def take(self, key: str, *, at: datetime) -> None:
        """Take one token, or raise `TooMany` with the seconds until the next."""
        with self._lock:
            bucket = self._buckets.setdefault(key, _Bucket(float(self._per_minute), at))
            passed_s = max(0.0, (at - bucket.filled_at).total_seconds())
            per_second = self._per_minute / 60
            bucket.tokens = min(self._per_minute, bucket.tokens + passed_s * per_second)
            bucket.filled_at = max(at, bucket.filled_at)
            if bucket.tokens < 1:
                raise TooMany(retry_after_s=math.ceil((1 - bucket.tokens) / per_second))
            bucket.tokens -= 1
