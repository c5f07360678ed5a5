"""From the body of a request about items to hashes and context.

An item's own hashes are read strictly. What stands beside them is read field by field
(`intake.context_fields`): it never decides whether the item is matched, and what is left out is
named. A body without an item is refused.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from tutela.api.bodies import MAX_LOOKUPS, NAMES, HashesBody, LookupBody, Taken
from tutela.api.faults import refusal_of
from tutela.api.json_reading import read_json_value
from tutela.hashing.model import Hashed
from tutela.intake.context_fields import LeftOut, bounded, cleaned, safe_name
from tutela.intake.model import Ignored
from tutela.primitives.errors import BadInput

Body = TypeVar("Body", bound=BaseModel)
_HASHES: Final = ("pdq", "md5", "sha1", "sha256")
_MAX_SIDE_TEXT = 200
_KNOWN: Final = frozenset(HashesBody.model_fields)


class _Item(Taken):
    hashes: HashesBody


@dataclass(frozen=True, kw_only=True, slots=True)
class HashedItem:
    """One item handed in by its hashes; `context` is still what came."""

    hashed: Hashed
    context: object
    ignored: tuple[Ignored, ...]


def item_of(body: bytes) -> HashedItem:
    """The body of `/v1/media` in JSON; raises `BadInput` when no hash in it can be read."""
    given = _object(body)
    ignored: list[Ignored] = []
    _unknown(given, {"hashes", "context"}, "", ignored)
    row = given.get("hashes")
    if isinstance(row, dict):
        _unknown(row, _KNOWN, "hashes.", ignored)
        row = {name: value for name, value in row.items() if name in _KNOWN}
        row = _readable_hashes(_without_side_faults(row, "hashes.", ignored), ignored)
    hashed = _validated(_Item, {"hashes": row}).hashes.hashed()
    return HashedItem(hashed=hashed, context=given.get("context"), ignored=bounded(ignored))


def context_of(text: bytes | None) -> tuple[object, tuple[Ignored, ...]]:
    """The JSON value of the text beside a file; None, and named, when it is not JSON."""
    if text is None or not text.strip():
        return None, ()
    try:
        return read_json_value(text), ()
    except (ValueError, RecursionError):
        return None, (Ignored(field="context", why="not valid JSON; all of it left out"),)


def lookup_of(body: bytes) -> tuple[Sequence[Hashed], tuple[Ignored, ...]]:
    """The hashes of a lookup's body and what beside them was left out.

    Raises `BadInput` when any row has no hash, or one that cannot be read: answers are told
    apart by their place alone, so none is left out.
    """
    given = _object(body)
    ignored: list[Ignored] = []
    rows = given.get("hashes")
    if isinstance(rows, list) and len(rows) <= MAX_LOOKUPS:
        given["hashes"] = [
            _without_side_faults(row, f"hashes.{place}.", ignored) if isinstance(row, dict) else row
            for place, row in enumerate(rows)
        ]
    taken = _validated(LookupBody, given)
    return [one.hashed() for one in taken.hashes], bounded(ignored)


def _object(body: bytes) -> dict[str, object]:
    try:
        given = read_json_value(body)
    except (ValueError, RecursionError):
        raise BadInput("The body is not what this address takes", why="not valid JSON") from None
    if not isinstance(given, dict):
        raise BadInput("The body is not what this address takes", why="expected an object")
    return given


def _unknown(
    given: Mapping[str, object], known: Collection[str], path: str, ignored: list[Ignored]
) -> None:
    ignored += [
        Ignored(field=path + safe_name(name), why="unknown field; left out")
        for name in given
        if name not in known
    ]


def _without_side_faults(
    row: Mapping[str, object], path: str, ignored: list[Ignored]
) -> dict[str, object]:
    """A row with its hashes as they came, and of what stands beside them what can be taken."""
    kept = dict(row)
    for name in ("media_type", "pipeline"):
        if kept.get(name) in (None, ""):
            kept.pop(name, None)
            continue
        try:
            kept[name], changes = cleaned(kept[name], limit=_MAX_SIDE_TEXT)
            if changes:
                kept[name] = str(kept[name])[:_MAX_SIDE_TEXT]
                ignored.append(Ignored(field=path + name, why="; ".join(changes)))
        except LeftOut as refused:
            del kept[name]
            ignored.append(Ignored(field=path + name, why=f"{refused}; left out"))
    if not _reads("size_bytes", kept.get("size_bytes")):
        del kept["size_bytes"]
        why = "expected an integer from 0; left out"
        ignored.append(Ignored(field=f"{path}size_bytes", why=why))
    return kept


def _readable_hashes(row: dict[str, object], ignored: list[Ignored]) -> dict[str, object]:
    """Without the hashes that cannot be read, as long as another one can."""
    faulty = [name for name in _HASHES if not _reads(name, row.get(name))]
    if row.get("pdq") is not None and "pdq" not in faulty and not _quality(row):
        faulty.append("pdq")
    if not any(row.get(name) is not None for name in _HASHES if name not in faulty):
        return row
    ignored += [Ignored(field=f"hashes.{name}", why=_WHY[name]) for name in faulty]
    left = {name: value for name, value in row.items() if name not in faulty}
    if left.get("pdq") is None and not _reads("quality", left.get("quality")):
        del left["quality"]
        ignored.append(Ignored(field="hashes.quality", why=f"{_QUALITY}; left out"))
    return left


_QUALITY = "expected an integer from 0 to 100"
_WHY = {
    "pdq": f"expected 64 hexadecimal digits with a quality ({_QUALITY}); not compared",
    "md5": "expected 32 hexadecimal digits; not compared",
    "sha1": "expected 40 hexadecimal digits; not compared",
    "sha256": "expected 64 hexadecimal digits; not compared",
}


def _quality(row: Mapping[str, object]) -> bool:
    return row.get("quality") is not None and _reads("quality", row["quality"])


def _reads(name: str, value: object) -> bool:
    field = {name: value}
    if name not in _HASHES:
        field["md5"] = "0" * 32
    elif name == "pdq":
        field["quality"] = 0
    if value is None:
        return True
    try:
        HashesBody.model_validate(field)
    except ValidationError:
        return False
    return True


def _validated(kind: type[Body], value: object) -> Body:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise refusal_of(error, names=NAMES) from None
