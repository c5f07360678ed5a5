"""Canonical JSON: one value, one text, so that a digest of the text is a digest of the value.

Keys sorted by code point, no spaces, UTF-8, control characters escaped; whole numbers only,
and only those that every JSON reader keeps exactly; times as RFC 3339 in UTC.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from tutela.ledger.model import JSON
from tutela.primitives.errors import BadInput

MAX_NUMBER = (1 << 53) - 1
"""Readers that keep numbers as doubles are exact up to here (RFC 8259, section 6)."""
MAX_DEPTH = 16


def canonical(value: object) -> str:
    """The one text of a JSON value; raises `BadInput` when the value is not plain JSON."""
    return json.dumps(
        plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def plain(value: object, *, depth: int = 0) -> JSON:
    """A copy made of exact built-in types; raises `BadInput` for what JSON cannot hold."""
    if depth > MAX_DEPTH:
        raise _not_json(f"it is nested deeper than {MAX_DEPTH} levels")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not -MAX_NUMBER <= value <= MAX_NUMBER:
            raise _not_json("a number is too large to be read exactly everywhere")
        return int(value)
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, list | tuple):
        return [plain(item, depth=depth + 1) for item in value]
    if isinstance(value, Mapping):
        return plain_object(value, depth=depth)
    raise _not_json(f"it holds a {type(value).__name__}")


def plain_object(value: Mapping[str, object], *, depth: int = 0) -> dict[str, JSON]:
    """The same for a mapping, whose keys must be texts."""
    out: dict[str, JSON] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise _not_json(f"a key is {type(key).__name__}, not text")
        out[plain_text(key)] = plain(item, depth=depth + 1)
    return out


def plain_text(value: str) -> str:
    """The text as exact `str`; raises `BadInput` when it cannot be written as UTF-8."""
    text = str.__str__(value)  # identifiers and enumerations become what they say
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _not_json("a text holds half a character") from None
    return text


def moment(at: datetime) -> str:
    """RFC 3339 in UTC with exactly six decimals and `Z`; raises `BadInput` for a naive time."""
    if at.tzinfo is None:
        raise BadInput("This time is no moment", why="it has no zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _not_json(why: str) -> BadInput:
    return BadInput(
        "This cannot stand in a ledger line",
        why=why,
        remedy="Use texts, whole numbers, true, false, null, lists and objects.",
    )
