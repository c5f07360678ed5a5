"""The rows of `tutela hash` (`--json`, `--out`): one JSON object a line for each file.

A record is named by the file's SHA-256, never by its path, which can name people. Taken are its
digests, its PDQ, those of its further frames and pages, and the frames of a film. The hashes of the
turned picture are not: the list's own setting (`--dihedral`) asks for them. A row with an error is
refused.
"""

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from tutela.indicators.formats import vpdq
from tutela.indicators.formats.identities import hashes_in
from tutela.indicators.formats.texts import clean
from tutela.indicators.model import (
    Identity,
    Ignored,
    ListEntry,
    ParsedRow,
    Partial,
    Refusal,
    SideField,
    SignalKind,
)
from tutela.indicators.signals import NotAHash, value_of
from tutela.primitives.errors import BadInput

MAX_LINE_BYTES = 1 << 20
_DIGESTS = (SignalKind.SHA256, SignalKind.SHA1, SignalKind.MD5)
_BEST_QUALITY = 100


def parse(stream: BinaryIO) -> Iterator[ParsedRow]:
    """Entries and refusals in the order of the lines; `Refusal.row` is the line."""
    number, ended = 0, True
    while raw := stream.readline(MAX_LINE_BYTES):
        number += 1
        if number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        ended = raw.endswith(b"\n")
        if len(raw) >= MAX_LINE_BYTES and not ended:
            raise BadInput(
                "These rows cannot be read",
                why=f"line {number} is longer than {MAX_LINE_BYTES:,} bytes",
                remedy="Nothing was imported",
            )
        if raw.strip():
            yield from _row(raw, line=number)
    if not ended:
        yield Partial(why="its last line has no line end, so the file may have been cut off")


def recognises(first_line: str) -> bool:
    """Whether this looks like a row of `tutela hash`."""
    line = first_line.strip()
    return line.startswith('{"path"') and line.endswith("}") and '"mode"' in line


def _row(raw: bytes, *, line: int) -> Iterator[ParsedRow]:
    """The entries of one file."""
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError):
        yield Refusal(row=line, why="it is not a whole JSON object")
        return
    if not isinstance(row, dict):
        yield Refusal(row=line, why="it is not a JSON object")
        return
    names = tuple(
        name
        for kind in (*_DIGESTS, SignalKind.PDQ)
        for name in hashes_in(_text(row.get(kind.value)))
    )
    if "error" in row:
        yield Refusal(row=line, why="the file could not be hashed in full", names=names)
        return
    record, refused, values = _read(row)
    yield from _films(row, record, line=line)
    quality, why = _quality(row.get("quality"))
    unread = frozenset([SideField.QUALITY] if why else [])
    if why:
        yield Ignored(row=line, field=SideField.QUALITY, why=why)
    for why in refused:
        names = (Identity(external_id=record),) if record else names
        yield Refusal(row=line, why=why, names=names, certain=bool(record))
    notes = {"pipeline": clean(text)} if (text := _text(row.get("pipeline"))) else {}
    for kind, value, form_quality in values:
        is_pdq = kind is SignalKind.PDQ
        yield ListEntry(
            kind=kind,
            value=value,
            external_id=record,
            quality=(quality if form_quality is None else form_quality) if is_pdq else None,
            provenance=notes,
            unread=unread | frozenset([] if record else [SideField.EXTERNAL_ID]),
            row=line,
        )
    if not values and not refused:
        yield Refusal(row=line, why="it holds no hash")


def _films(row: dict[str, Any], record: str, *, line: int) -> Iterator[ParsedRow]:
    """The frames of each track of a film; a row holds those of a short one only."""
    further = row.get("further_videos", [])
    for film in [row, *(further if isinstance(further, list) else [])]:
        if not isinstance(film, dict) or "frames" not in film:
            continue
        frames, why = film["frames"], ""
        if film.get("frames_left_out"):
            why = "it holds some of the film's frames only: import the file of tutela hash --vpdq"
        elif not isinstance(frames, list) or not all(isinstance(one, str) for one in frames):
            why = "frames is not a list of texts"
        else:
            try:
                video = vpdq.video_of(frames)
                if not vpdq.usable(video.frames):
                    why = "none of its frames can be compared"
            except vpdq.NotFrames as error:
                why = str(error)
        if why:
            names = (Identity(external_id=record),) if record else ()
            yield Refusal(row=line, why=why, names=names, certain=bool(record))
            continue
        yield ListEntry(
            kind=SignalKind.VPDQ,
            value=video.fingerprint,
            external_id=record,
            video=video,
            row=line,
        )


def _read(row: dict[str, Any]) -> tuple[str, list[str], list[tuple[SignalKind, bytes, int | None]]]:
    """The record's name, why a hash cannot be taken, and the hashes with a quality of their own."""
    refused: list[str] = []
    values: list[tuple[SignalKind, bytes, int | None]] = []
    given = [(kind, row[kind.value], None) for kind in (*_DIGESTS, SignalKind.PDQ) if kind in row]
    further = row.get("further", [])
    if not isinstance(further, list) or not all(isinstance(one, dict) for one in further):
        refused.append("further is not a list of objects")
        further = []
    forms = [(SignalKind.PDQ, one.get("pdq"), _quality(one.get("quality"))[0]) for one in further]
    for kind, text, quality in [*given, *forms]:
        try:
            values.append((kind, value_of(kind, _text(text).strip()), quality))
        except NotAHash as error:
            refused.append(f"{kind}: {error}")
    record = next((value.hex() for kind, value, _ in values if kind is SignalKind.SHA256), "")
    return record, refused, values


def _quality(value: object) -> tuple[int | None, str]:
    """A PDQ quality, and why it cannot be read ("" when it can, or none is given)."""
    if value is None:
        return None, ""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _BEST_QUALITY:
        return value, ""
    return None, "it is not a whole number from 0 to 100"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
