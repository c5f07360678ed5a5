"""Time comes in as an argument: `Clock.now()` is aware and in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
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


_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-9]{2}(?:\.[0-9]+)?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_rfc3339(text: object) -> datetime:
    """The moment of an RFC 3339 text with a zone, in UTC, to the microsecond.

    Raises `ValueError` for everything else: a number, digits alone, a time without a zone.
    """
    if not isinstance(text, str) or not _RFC_3339.fullmatch(text):
        raise ValueError("expected RFC 3339 text with a time zone, such as 2026-11-21T12:00:00Z")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("no such moment") from None


def parse_day(text: object) -> date:
    """The day of a text YYYY-MM-DD; raises `ValueError` for everything else."""
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        raise ValueError("expected a day as text, such as 2026-11-21")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("no such day") from None
