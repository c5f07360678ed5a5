"""JSON as a program may send it beside an item: read as far as it can be, never made better.

Unlike the strict reader of questions this one takes halves of surrogate pairs, bytes that are
not UTF-8, raw control characters and numbers of any length, because a person may have chosen the
text that they stand in. What reads the values says which of them it leaves out.
"""

import json
import re
from typing import Any, Final

from tutela.intake.context_fields import REPEATED

_LONGEST_NUMBER = 40
_DEEPEST: Final = 8
"""Levels that any field may have; what lies deeper is no value of a field."""
_MARKS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


class LongNumber:
    """A number of more digits than any field has; it is no value of any field."""


def read_json_value(data: bytes) -> object:
    """The value that `data` holds; raises `ValueError` when it is not JSON.

    A name that an object gives several times with different values has the value `REPEATED`. A
    value that is nested too deeply for any field is an empty list, and so of no field's kind.
    """
    text = _text(data)
    try:
        return _parsed(text)
    except RecursionError:
        return _parsed(_shallow(text))


def _parsed(text: str) -> object:
    return json.loads(
        text,
        strict=False,
        parse_int=_integer,
        parse_float=_number,
        object_pairs_hook=_members,
    )


def _text(data: bytes) -> str:
    encoding = json.detect_encoding(data)
    if encoding.startswith("utf-8"):
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    return data.decode(encoding, "replace")


def _integer(digits: str) -> int | LongNumber:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else LongNumber()


def _number(digits: str) -> float | LongNumber:
    return float(digits) if len(digits) <= _LONGEST_NUMBER else LongNumber()


def _members(pairs: list[tuple[str, Any]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, value in pairs:
        if name in members and not _same(members[name], value):
            members[name] = REPEATED
        else:
            members[name] = value
    return members


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def _shallow(text: str) -> str:
    """`text` with an empty list in place of everything that is nested more than `_DEEPEST`."""
    kept: list[str] = []
    depth = place = 0
    for found in _MARKS.finditer(text):
        mark = found.group()
        if mark in "[{":
            depth += 1
            if depth == _DEEPEST + 1:
                kept.append(text[place : found.start()])
        elif mark in "]}":
            if depth == _DEEPEST + 1:
                kept.append("[]")
                place = found.end()
            depth -= 1
    if depth > _DEEPEST:
        raise ValueError("it ends inside a value")
    return "".join((*kept, text[place:]))
