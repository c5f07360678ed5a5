"""From the body of a lookup to hashes, and from findings to JSON, for thousands at a time.

What is written plainly, as nearly all bodies are, is read here without a model for each row. A
body with anything else in it is read by `item_bodies`, whose word is the last: it accepts the
hashes or says what is wrong.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from tutela.api.answers import finding_of, ignored_of
from tutela.api.bodies import GIVEN, MAX_LOOKUPS
from tutela.api.item_bodies import lookup_of
from tutela.hashing.model import Digests, Hashed, Pdq
from tutela.indicators.model import MatchResult, PictureHashes
from tutela.intake.model import Ignored

_HEX = {
    "pdq": re.compile(r"[0-9a-fA-F]{64}"),
    "md5": re.compile(r"[0-9a-fA-F]{32}"),
    "sha1": re.compile(r"[0-9a-fA-F]{40}"),
    "sha256": re.compile(r"[0-9a-fA-F]{64}"),
}
_PICTURE = {"pdq", "quality"}
_HEX_DIGITS = 64
_ALL_HEX = re.compile(r"[0-9a-fA-F]*")
_MANY = 32
"""From so many rows on, reading them together pays."""
_BEST_QUALITY = 100
_NO_DIGESTS = Digests()


class _NotPlain(Exception):
    """The body has something that only `item_bodies` can judge."""


def hashes_of(body: bytes) -> Sequence[Hashed]:
    """The hashes of a lookup's body; raises `BadInput` that names places and rules."""
    return read_lookup(body)[0]


def read_lookup(body: bytes) -> tuple[Sequence[Hashed], tuple[Ignored, ...]]:
    """The hashes of a lookup's body, and what beside them was left out.

    Raises `BadInput` that names places and rules.
    """
    try:
        return _plain(body), ()
    except _NotPlain:
        return lookup_of(body)


def findings_json(results: Iterable[MatchResult], ignored: Sequence[Ignored] = ()) -> bytes:
    """The answer's JSON; a result that many items share is written once."""
    written: dict[int, bytes] = {}
    parts = []
    for result in results:
        content = written.get(id(result))
        if content is None:
            content = finding_of(result).model_dump_json(by_alias=True).encode()
            written[id(result)] = content
        parts.append(content)
    left_out = b""
    if ignored:
        named = [one.model_dump_json().encode() for one in ignored_of(ignored)]
        left_out = b',"ignored":[' + b",".join(named) + b"]"
    return b'{"results":[' + b",".join(parts) + b"]" + left_out + b"}"


def _plain(body: bytes) -> Sequence[Hashed]:
    try:
        document = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise _NotPlain from None
    rows = document.get("hashes") if isinstance(document, dict) and len(document) == 1 else None
    if not isinstance(rows, list) or len(rows) > MAX_LOOKUPS:
        raise _NotPlain
    return (_pictures(rows) if len(rows) >= _MANY else None) or [_row(row) for row in rows]


def _pictures(rows: list[Any]) -> PictureHashes | None:
    """Rows that are all a PDQ hash with its quality, read together; None when some are not."""
    if any(type(row) is not dict or len(row) != len(_PICTURE) for row in rows):
        return None
    try:
        texts = [row["pdq"] for row in rows]
        qualities = [row["quality"] for row in rows]
        digits = "".join(texts)
        if {*map(type, qualities)} != {int} or {*map(len, texts)} != {_HEX_DIGITS}:
            return None
        if not _ALL_HEX.fullmatch(digits) or max(qualities) > _BEST_QUALITY:
            return None
        return PictureHashes(bits=bytes.fromhex(digits), qualities=bytes(qualities), pipeline=GIVEN)
    except (KeyError, TypeError, ValueError):
        return None


def _row(row: Any) -> Hashed:  # noqa: ANN401 - whatever stands in a JSON list
    if not isinstance(row, dict) or not row:
        raise _NotPlain
    pdq = None
    if "pdq" in row:
        quality = row.get("quality")
        if type(quality) is not int or not 0 <= quality <= _BEST_QUALITY:
            raise _NotPlain
        pdq = Pdq(_bytes(row, "pdq"), quality)
    digests = _NO_DIGESTS if row.keys() == _PICTURE else _digests(row)
    return Hashed(
        digests=digests,
        pdq=pdq,
        pipeline=GIVEN,
        unmatchable=pdq.unmatchable if pdq else None,
    )


def _digests(row: Mapping[str, Any]) -> Digests:
    """The digests of a row that has nothing else, beside a picture's hash."""
    kinds = row.keys() - _PICTURE if "pdq" in row else row.keys()
    if not kinds or not kinds <= {"md5", "sha1", "sha256"}:
        raise _NotPlain
    return Digests(
        md5=_bytes(row, "md5") if "md5" in kinds else b"",
        sha1=_bytes(row, "sha1") if "sha1" in kinds else b"",
        sha256=_bytes(row, "sha256") if "sha256" in kinds else b"",
    )


def _bytes(row: Mapping[str, Any], kind: str) -> bytes:
    text = row[kind]
    if not isinstance(text, str) or not _HEX[kind].fullmatch(text):
        raise _NotPlain
    return bytes.fromhex(text)
