"""Facts of this room as plain data (JSON types) and back, and the digest that is a version."""

import hashlib
import json
import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import Field, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from tutela.law.model import All, AnyOf, AtLeast, Expr, Leaf, Not, Source
from tutela.law.vocabulary import NONE_WORD, Fact, Known
from tutela.primitives.clock import iso
from tutela.primitives.errors import BadInput

T = TypeVar("T")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T.*Z")
"""How `as_plain` spells a moment; `TZ` is a country."""
_PLAIN = frozenset({str, int, float, bool, NoneType})
"""What stands in an answer most often, and as it is: asked first."""


def as_plain(thing: object, *, sparse: bool = False) -> object:  # noqa: PLR0911 - one a type
    """Dataclasses, enums, dates and tuples as dicts, text and lists.

    A trailing underscore of a field name is dropped (`from_` is `from`). `sparse` leaves out
    what a lawbook file may leave out too: derived fields and optional ones at their default.
    """
    if type(thing) in _PLAIN:
        return thing
    if isinstance(thing, Expr):
        return _expression(thing)
    if isinstance(thing, Enum):
        return thing.value
    if isinstance(thing, datetime):
        return iso(thing)
    if isinstance(thing, date):
        return thing.isoformat()
    if isinstance(thing, Mapping):
        return {str(key): as_plain(value, sparse=sparse) for key, value in thing.items()}
    if isinstance(thing, list | tuple | set | frozenset):
        return [as_plain(value, sparse=sparse) for value in thing]
    if is_dataclass(thing) and not isinstance(thing, type):
        return {
            key: as_plain(getattr(thing, each.name), sparse=sparse)
            for key, each in _written(cast("Hashable", type(thing)))
            if not (sparse and _left_out(each.metadata, each.default, getattr(thing, each.name)))
        }
    return thing


@cache
def _written(kind: Any) -> tuple[tuple[str, Field[Any]], ...]:  # noqa: ANN401 - a dataclass
    """The fields of a dataclass, each with the key that it is written under."""
    return tuple((each.name.rstrip("_"), each) for each in fields(kind))


def from_plain(kind: type[T], data: object) -> T:
    """The answer that `as_plain` wrote: equal to the one it was made of.

    Refuses with `BadInput` what is no such answer, one of another program version included.
    """
    try:
        return cast("T", _restored(kind, data))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(
            f"This is no {kind.__name__} of this version",
            why=type(error).__name__,
            remedy="Ask the law again with the facts of the case.",
        ) from error


def _restored(hint: Any, data: Any) -> object:  # noqa: ANN401, PLR0911 - one line a type
    if isinstance(hint, UnionType):
        return _restored(_member(hint, data), data)
    if hint is NoneType:
        return None
    if get_origin(hint) is tuple:
        element = get_args(hint)[0]
        return tuple(_restored(element, each) for each in data)
    if hint is object:
        return _value(data)
    if hint in {date, datetime}:
        return hint.fromisoformat(data)
    if is_dataclass(hint):
        return _whole(cast("type[Any]", hint), data)
    if issubclass(hint, Enum):
        return hint(data)
    if type(data) is not hint:
        raise TypeError(hint)
    return data


def _whole(kind: type[Any], data: Mapping[str, object]) -> object:
    """A dataclass of exactly the keys that are written."""
    named = {
        name.rstrip("_"): (name, hint) for name, hint in _hints(cast("Hashable", kind)).items()
    }
    if set(named) != set(data):
        raise ValueError("keys")
    return kind(**{name: _restored(hint, data[key]) for key, (name, hint) in named.items()})


def _member(hint: UnionType, data: Any) -> Any:  # noqa: ANN401 - a type and plain data
    """Which type of a union the data has: none, a day, a moment, or the one that is left."""
    kinds = get_args(hint)
    if data is None and NoneType in kinds:
        return NoneType
    if datetime in kinds and date in kinds:
        return datetime if "T" in data else date
    return next(each for each in kinds if each is not NoneType)


@cache
def _hints(kind: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a dataclass
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


def _value(data: object) -> object:
    """A fact's value: text spelt as a moment was one, for no country or choice is."""
    if isinstance(data, list):
        return tuple(_value(each) for each in data)
    if data == NONE_WORD:
        return Known.NONE
    if isinstance(data, str) and _MOMENT.fullmatch(data):
        return datetime.fromisoformat(data)
    return data


def _left_out(metadata: Mapping[str, object], default: object, value: object) -> bool:
    return bool(metadata.get("derived")) or value == default


def _expression(expr: Expr) -> dict[str, object]:
    match expr:
        case Leaf():
            return {
                "fact": expr.fact,
                expr.op.value: as_plain(expr.value),
                "cite": expr.cite,
                "source": expr.source,
                "status": expr.status.value,
            }
        case All(parts=parts):
            return {"all": [_expression(part) for part in parts]}
        case AnyOf(parts=parts):
            return {"any": [_expression(part) for part in parts]}
        case AtLeast(n=n, parts=parts):
            return {"at_least": {"n": n, "of": [_expression(part) for part in parts]}}
        case Not(part=part):
            return {"not": _expression(part)}
    raise TypeError(f"not an expression: {type(expr).__name__}")


def canonical(data: object) -> bytes:
    """One spelling of plain data: sorted keys, no spaces, UTF-8."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def digest(data: object) -> str:
    """SHA-256 of the canonical spelling, in hexadecimal."""
    return hashlib.sha256(canonical(data)).hexdigest()


def version_of(entry: object, *, sources: Iterable[Source], facts: Iterable[Fact]) -> str:
    """An entry's version: a change to it, to a source it cites or a fact it asks changes it."""
    return digest(
        {
            "rule": as_plain(entry, sparse=True),
            "sources": [as_plain(each) for each in sorted(sources, key=lambda one: one.id)],
            "facts": [as_plain(each) for each in sorted(facts, key=lambda one: one.name)],
        }
    )
