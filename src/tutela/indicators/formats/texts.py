"""Texts and moments as other people write them."""

import re
from datetime import UTC, datetime, timedelta

MAX_ID_CHARACTERS = 200
MAX_NOTE_CHARACTERS = 500

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ODATA_DATE = re.compile(r"/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/", re.ASCII)
_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.,]{4,20}(Z|[+-][0-9:]{4,5}Z?)?)?", re.ASCII
)


def is_name(text: str, *, most: int = MAX_ID_CHARACTERS) -> bool:
    """Whether a text may name something: printable and not too long (it may be empty)."""
    return len(text) <= most and text.isprintable()


def clean(text: str) -> str:
    """A text fit for a note: what cannot be printed is shown as U+FFFD, the end is cut off."""
    cut = text[:MAX_NOTE_CHARACTERS]
    return cut if cut.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in cut)


def moment(text: str) -> datetime | None:
    """Read a point in time, aware, UTC; None when it is none.

    Takes ISO 8601 with `Z`, with an offset or with both (`+00:00Z`), and OData's `/Date(ms)/`,
    whose milliseconds are UTC whatever offset follows. A time without a zone is UTC: the
    machine's own zone never enters (facts/hma.md 6.1, item 3).
    """
    try:
        if odata := _ODATA_DATE.fullmatch(text):
            return _EPOCH + timedelta(milliseconds=int(odata[1]))
        if not _ISO.fullmatch(text):
            return None
        zoned = re.sub(r"([+-][0-9:]{4,5})Z$", r"\1", text)
        read = datetime.fromisoformat(zoned)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
