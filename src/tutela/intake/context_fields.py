"""Reading what a service says about an item: each field by itself, strictly, and never guessed.

What stands beside an item never decides whether it is matched. A field that is not what it must
be is left out, a text that cannot be kept whole is cleaned or shortened, and either is named
with the reason, never with its value. No value is converted into another kind: a number is not
a time, `true` is not a port, and `"no"` is not a truth value.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tutela.intake.model import Context, Ignored
from tutela.primitives.clock import parse_rfc3339
from tutela.primitives.redacted import Redacted

MAX_REFERENCE: Final = 2000
MAX_TEXT: Final = 2000
MAX_URL: Final = 8000
MAX_SERVICE: Final = 200
MAX_EXTRA, MAX_EXTRA_NAME = 20, 200
CHANNELS: Final = ("public", "hosted", "interpersonal")
EARLIEST_UPLOAD: Final = datetime(1990, 1, 1, tzinfo=UTC)
"""No service of today recorded an upload before; clocks that are not set say 1970 or 1980."""
CLOCK_SLACK: Final = timedelta(days=1)
_MAX_PORT = 65535
_MOST_NAMED = 50

_BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_COUNTRY = re.compile(r"[A-Z]{2}")
_SAFE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Repeated:
    """Stands for the value of a name that was given several times with different values."""


REPEATED: Final = Repeated()


class LeftOut(ValueError):
    """A field cannot be taken; the text says what was expected, never what came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadContext:
    """What can be used, and every field of which that is not true as it was given."""

    context: Context
    ignored: tuple[Ignored, ...]


def read_context(
    given: object,
    *,
    now: datetime,
    countries: Collection[str] = (),
    file_name: str | None = None,
) -> ReadContext:
    """The context in `given`, a JSON value; `None` is an empty one.

    `countries` are the codes the law knows; none given accepts any two capitals. `file_name` is
    the name the item itself came under; a `file_name` in the context comes first.
    """
    ignored: list[Ignored] = []
    values = _members(given, ignored)
    fields = _fields(now=now, countries=countries)
    read: dict[str, Any] = {}
    if file_name and values.get("file_name") in (None, ""):
        values["file_name"] = file_name
    for name, value in values.items():
        field = fields.get(name)
        if field is None:
            ignored.append(Ignored(field=safe_name(name), why="unknown field; left out"))
        elif value is not None and value != "":
            _take(name, field, value, read, ignored)
    return ReadContext(context=Context(**read), ignored=bounded(ignored))


def cleaned(value: object, *, limit: int) -> tuple[str, list[str]]:
    """`value` as a text that can be stored, sent and shown, and what was changed in it.

    Line breaks and tabs become blanks; other control characters, halves of surrogate pairs and
    what is no character become U+FFFD. A text over `limit` characters keeps its beginning and
    says so in itself. Raises `LeftOut` for what is not a text, and for a blank one.
    """
    text = _text(value)
    changes = []
    printable = _UNPRINTABLE.sub("\ufffd", _BREAKS.sub(" ", text))
    if printable != text:
        changes.append("characters that cannot be kept were replaced")
    if len(printable) > limit:
        mark = f"… [cut off: the first {limit} of {len(printable)} characters]"
        printable = printable[:limit] + mark
        changes.append(f"longer than {limit} characters; its beginning is kept")
    return printable, changes


def safe_name(name: str) -> str:
    """A field's name where it can only be one; the sender may have put anything into a key."""
    return name if _SAFE_NAME.fullmatch(name) else "(a name)"


def bounded(ignored: Iterable[Ignored]) -> tuple[Ignored, ...]:
    """The first of them, and how many more there are."""
    named = list(ignored)
    more = len(named) - _MOST_NAMED
    if more <= 0:
        return tuple(named)
    return (*named[:_MOST_NAMED], Ignored(field="(more)", why=f"{more} further fields"))


@dataclass(frozen=True, slots=True)
class _Field:
    """How one field is read: to its value and to what was changed."""

    read: Callable[[object], tuple[object, list[str]]]
    wrapped: bool = False


def _fields(*, now: datetime, countries: Collection[str]) -> Mapping[str, _Field]:
    return {
        "item_reference": _Field(_reference),
        "uploader_reference": _Field(_texts(MAX_TEXT)),
        "uploader_screen_name": _Field(_texts(MAX_TEXT), wrapped=True),
        "uploader_email": _Field(_texts(MAX_TEXT), wrapped=True),
        "uploader_ip": _Field(_texts(MAX_TEXT), wrapped=True),
        "uploader_port": _Field(_port),
        "uploader_location": _Field(lambda value: (_country(value, countries), [])),
        "uploaded_at": _Field(lambda value: (_moment(value, now=now), [])),
        "location_url": _Field(_texts(MAX_URL), wrapped=True),
        "publicly_available": _Field(_truth),
        "file_name": _Field(_texts(MAX_TEXT), wrapped=True),
        "service": _Field(_service),
        "channel": _Field(_channel),
        "extra": _Field(_extra),
    }


def _members(given: object, ignored: list[Ignored]) -> dict[str, object]:
    if given is None:
        return {}
    if isinstance(given, dict):
        return {str(name): value for name, value in given.items()}
    why = _REPEATED if isinstance(given, Repeated) else "expected an object; all of it left out"
    ignored.append(Ignored(field="context", why=why))
    return {}


def _take(
    name: str, field: _Field, value: object, read: dict[str, Any], ignored: list[Ignored]
) -> None:
    try:
        _once(value)
        taken, changes = field.read(value)
    except LeftOut as refused:
        ignored.append(Ignored(field=name, why=f"{refused}; left out"))
        return
    if changes:
        ignored.append(Ignored(field=name, why="; ".join(changes)))
    read[name] = Redacted(taken) if field.wrapped else taken


_REPEATED = "given several times with different values"


def _once(value: object) -> None:
    if isinstance(value, Repeated):
        raise LeftOut(_REPEATED)


def _text(value: object) -> str:
    _once(value)
    if not isinstance(value, str):
        raise LeftOut("expected text")
    if not value.strip():
        raise LeftOut("blank")
    return value


def _texts(limit: int) -> Callable[[object], tuple[object, list[str]]]:
    return lambda value: cleaned(value, limit=limit)


def _reference(value: object) -> tuple[object, list[str]]:
    """Exactly as given or not at all: an altered one could name another item."""
    text = _text(value)
    if len(text) > MAX_REFERENCE:
        raise LeftOut(f"longer than {MAX_REFERENCE} characters")
    if _SURROGATES.search(text):
        raise LeftOut("not valid Unicode")
    return text, []


def _service(value: object) -> tuple[object, list[str]]:
    text, changes = cleaned(value, limit=MAX_SERVICE)
    return text.strip(), changes


def _port(value: object) -> tuple[object, list[str]]:
    if type(value) is not int or not 1 <= value <= _MAX_PORT:
        raise LeftOut(f"expected an integer from 1 to {_MAX_PORT}")
    return value, []


def _truth(value: object) -> tuple[object, list[str]]:
    if not isinstance(value, bool):
        raise LeftOut("expected true or false")
    return value, []


def _country(value: object, countries: Collection[str]) -> str:
    text = _text(value)
    if text == "UK":
        raise LeftOut("the code of the United Kingdom is GB")
    if not _COUNTRY.fullmatch(text) or (countries and text not in countries):
        raise LeftOut("expected an ISO 3166-1 alpha-2 code in capitals")
    return text


def _channel(value: object) -> tuple[object, list[str]]:
    if not isinstance(value, str) or value not in CHANNELS:
        raise LeftOut(f"expected one of {', '.join(CHANNELS)}")
    return value, []


def _moment(value: object, *, now: datetime) -> datetime:
    try:
        moment = parse_rfc3339(value)
    except ValueError as error:
        raise LeftOut(str(error)) from None
    if not EARLIEST_UPLOAD <= moment <= now + CLOCK_SLACK:
        raise LeftOut("expected a moment from 1990 on that is not in the future")
    return moment


def _extra(value: object) -> tuple[object, list[str]]:
    """Further named texts, each by itself; a faulty one is told by its place, from 1."""
    if not isinstance(value, dict):
        raise LeftOut("expected an object of texts")
    kept: dict[str, str] = {}
    changes: list[str] = []
    for place, (name, text) in enumerate(value.items(), start=1):
        if len(kept) == MAX_EXTRA:
            changes.append(f"only {MAX_EXTRA} entries are kept")
            break
        if text is None or text == "":
            continue
        try:
            named, renamed = cleaned(str(name), limit=MAX_EXTRA_NAME)
            if named in kept:
                raise LeftOut("another entry has its name")  # noqa: TRY301 - as the others
            kept[named], changed = cleaned(text, limit=MAX_TEXT)
        except LeftOut as refused:
            changes.append(f"entry {place}: {refused}; left out")
            continue
        changes += [f"entry {place}: {change}" for change in dict.fromkeys((*renamed, *changed))]
    return kept, changes[:MAX_EXTRA]


CONTEXT_FIELDS: Final = frozenset(_fields(now=EARLIEST_UPLOAD, countries=()))
"""The names of all fields."""
