"""Time comes in as an argument: `Clock.now()` is aware and in UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        return datetime.now(UTC)


@dataclass(kw_only=True)
class FixedClock:
    """A clock that stands still until it is moved; for tests and for replaying a date."""

    at: datetime

    def now(self) -> datetime:
        """The moment it was set to."""
        return self.at


def iso(moment: datetime) -> str:
    """RFC 3339 in UTC with `Z`, microseconds kept; refuses a naive time."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone is not a moment")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
