"""Facts of this room as plain data (JSON types), and the digest that is a rule's version."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum

from tutela.law.model import All, AnyOf, AtLeast, Expr, Leaf, Not, Source
from tutela.law.vocabulary import Fact
from tutela.primitives.clock import iso


def as_plain(thing: object, *, sparse: bool = False) -> object:  # noqa: PLR0911 - one a type
    """Dataclasses, enums, dates and tuples as dicts, text and lists.

    A trailing underscore of a field name is dropped (`from_` is `from`). `sparse` leaves out
    what a lawbook file may leave out too: derived fields and optional ones at their default.
    """
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
            each.name.rstrip("_"): as_plain(getattr(thing, each.name), sparse=sparse)
            for each in fields(thing)
            if not (sparse and _left_out(each.metadata, each.default, getattr(thing, each.name)))
        }
    return thing


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
