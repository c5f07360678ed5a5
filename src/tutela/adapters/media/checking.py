"""The parent trusts nothing that comes out of the child: each answer is checked here."""

import re
import struct
import zlib
from typing import Any

from tutela.adapters.media.frames import BadFrame
from tutela.adapters.media.model import RefusalReason
from tutela.hashing.model import DIHEDRAL, FormKind, Mode, Pdq, PictureForm
from tutela.primitives.errors import BadInput

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS = frozenset({b"IHDR", b"IDAT", b"IEND"})
_DETAIL = re.compile(r"[A-Za-z_]{0,60}|[0-9]{1,2} %")
_MAX_SIDE = 1 << 31
_MAX_EXIF = 64
_MAX_TEXT = 200
_MAX_FORMS = 80
"""More than any limit on pictures, and the few forms of the first one."""


def refusal_of(answer: dict[str, Any]) -> tuple[RefusalReason, str]:
    """Reason and detail of a refusal; the detail is a class name or a constant."""
    try:
        reason = RefusalReason(answer["refused"])
    except ValueError as error:
        raise BadFrame from error
    detail = answer.get("detail", "")
    if not isinstance(detail, str) or not _DETAIL.fullmatch(detail):
        raise BadFrame
    return reason, detail


def whole(answer: dict[str, Any], name: str, *, low: int = 0, high: int = _MAX_SIDE) -> int:
    """A whole number within bounds."""
    value = answer.get(name)
    if type(value) is not int or not low <= value <= high:
        raise BadFrame
    return value


def hashes_of(answer: dict[str, Any], *, dihedral: bool) -> tuple[Pdq, tuple[Pdq, ...]]:
    """The hash and, when they were asked for, exactly eight more."""
    quality = whole(answer, "quality", high=100)
    turned = answer.get("dihedral")
    if not isinstance(turned, list) or len(turned) != (len(DIHEDRAL) if dihedral else 0):
        raise BadFrame
    try:
        found = [Pdq.parse(text, quality=quality) for text in (answer.get("pdq"), *turned)]
    except (BadInput, TypeError) as error:
        raise BadFrame from error
    return found[0], tuple(found[1:])


def forms_of(answer: dict[str, Any], *, dihedral: bool) -> tuple[PictureForm, ...]:
    """The further forms, each with exactly eight more hashes when they were asked for."""
    given = answer.get("forms")
    if not isinstance(given, list) or len(given) > _MAX_FORMS:
        raise BadFrame
    return tuple(_form(one, dihedral=dihedral) for one in given)


def _form(given: object, *, dihedral: bool) -> PictureForm:
    if not isinstance(given, dict):
        raise BadFrame
    pdq, turned = hashes_of(given, dihedral=dihedral)
    number = total = None
    if given.get("number") is not None:
        total = whole(given, "total", low=1)
        number = whole(given, "number", low=1, high=total)
    try:
        kind = FormKind(str(given.get("kind")))
    except ValueError as error:
        raise BadFrame from error
    return PictureForm(kind=kind, pdq=pdq, number=number, total=total, dihedral=turned)


def rows_of(answer: dict[str, Any]) -> int | None:
    """How many rows of a file came that is cut off; None of a whole file."""
    return (
        None if answer.get("rows") is None else whole(answer, "rows", high=whole(answer, "height"))
    )


def mode_of(answer: dict[str, Any], *, asked: Mode) -> Mode:
    """The mode that was used: the one asked for, or exact where fast does not pay."""
    used = answer.get("mode")
    if used not in {Mode.EXACT, asked}:
        raise BadFrame
    return Mode(used)


def exif_of(answer: dict[str, Any]) -> dict[str, str]:
    """Names to short texts, or `BadFrame`."""
    given = answer.get("exif")
    if not isinstance(given, dict) or len(given) > _MAX_EXIF:
        raise BadFrame
    for name, text in given.items():
        if not _DETAIL.fullmatch(name) or not isinstance(text, str) or len(text) > _MAX_TEXT:
            raise BadFrame
    return given


def png_of(body: bytes) -> bytes:
    """The same bytes, when they are a PNG of nothing but pixels: no text, time, EXIF or tail."""
    if not body.startswith(_PNG_START):
        raise BadFrame
    at = len(_PNG_START)
    kind = b""
    while at < len(body) and kind != b"IEND":
        if at + 12 > len(body):
            raise BadFrame
        length, kind = struct.unpack_from(">I4s", body, at)
        end = at + 12 + length
        if kind not in _PNG_CHUNKS or end > len(body) or (kind == b"IHDR") != (at == 8):  # noqa: PLR2004 - first chunk
            raise BadFrame
        (stated,) = struct.unpack_from(">I", body, end - 4)
        if zlib.crc32(body[at + 4 : end - 4]) != stated:
            raise BadFrame
        at = end
    if at != len(body) or kind != b"IEND":
        raise BadFrame
    return body
