"""vPDQ's text: one line a frame, `frame,quality,hash,timestamp`; and JSON lines of many videos.

Two forms, told apart by the first character (docs/reference/video.md):

- text: the frames of one video, as vPDQ writes them (interfaces.md 4.2);
- JSON lines: one video a line, `{"external_id": …, "frames": ["0,100,<hash>,0.0", …]}` with
  the optional `scheme`, `scheme_version`, `category` and `status` of our CSV.

Nothing is guessed: a number with an underscore, a sign, an exponent, `nan` or `inf`, a hash of
other than 64 digits, a frame that stands there twice or out of order refuses the video, with
the line. One refused video leaves the others alone.
"""

import codecs
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, BinaryIO

from tutela.hashing.model import MAX_FRAMES, FrameHash, Pdq, VideoHash, order_flaw
from tutela.indicators.categories import NO_SCHEME
from tutela.indicators.formats.texts import is_name
from tutela.indicators.model import (
    EntryStatus,
    Identity,
    Ignored,
    ListEntry,
    ParsedRow,
    Refusal,
    SideField,
    SignalKind,
    Uncategorised,
)
from tutela.primitives.errors import BadInput
from tutela.taxonomy.model import Category

MAX_LINE_BYTES = 64 << 20
"""The longest line of the JSON form: half a million frames."""
_MAX_TEXT_LINE = 500
_FRAME = re.compile(
    r"(?P<frame>[0-9]{1,10}),(?P<quality>[0-9]{1,3}),(?P<hash>[0-9a-fA-F]{64}),"
    r"(?P<timestamp>[0-9]{1,10}(?:\.[0-9]{1,340})?)",
    re.ASCII,
)
_KEYS = frozenset({"external_id", "frames", "scheme", "scheme_version", "category", "status"})
_STATUS = {
    "active": EntryStatus.ACTIVE,
    "withdrawn": EntryStatus.WITHDRAWN,
    "deleted": EntryStatus.DELETED,
}
_UNSPECIFIED = "unspecified"


class NotFrames(ValueError):
    """Raised for text that is no video; the message is why, with the line."""


def parse(stream: BinaryIO) -> Iterator[ParsedRow]:
    """The videos of a file and the lines that cannot be taken."""
    first = b""
    while not first.strip():
        first = stream.readline(MAX_LINE_BYTES)
        if not first:
            return
        first = first.removeprefix(codecs.BOM_UTF8)
    lines = _rest(first, stream)
    yield from _json_lines(lines) if first.lstrip().startswith(b"{") else _text(lines)


def recognises(first_line: str) -> bool:
    """Whether this looks like a frame, or like a video of the JSON form."""
    line = first_line.strip()
    return bool(_FRAME.fullmatch(line)) or (line.startswith("{") and '"frames"' in line)


def video_of(lines: Iterable[str]) -> VideoHash:
    """The video of these lines; raise `NotFrames` that names the first line that is none."""
    frames: list[FrameHash] = []
    for number, line in enumerate(lines, start=1):
        text = line.rstrip("\r\n")
        if not text.strip():
            continue
        _append(frames, text, line=number)
    if not frames:
        raise NotFrames("it holds no frame")
    return VideoHash(frames=tuple(frames))


def lines_of(frames: Iterable[FrameHash]) -> Iterator[str]:
    """The same as text, without line ends; seconds keep every digit they have."""
    for frame in frames:
        second = seconds_text(frame.timestamp_s)
        yield f"{frame.frame_number},{frame.pdq.quality},{frame.pdq.hex},{second}"


def seconds_text(seconds: float) -> str:
    """The shortest text that reads back as this very number, never with an exponent."""
    return format(Decimal(repr(float(seconds))), "f")


def _append(frames: list[FrameHash], text: str, *, line: int) -> None:
    """The frame of this line, if it may follow those before it."""
    frame = _frame(text, line=line)
    if frames and (why := order_flaw(frames[-1], frame)):
        raise NotFrames(f"line {line}: {why}")
    if len(frames) == MAX_FRAMES:
        raise BadInput("This video has too many frames", why=f"over {MAX_FRAMES:,}")
    frames.append(frame)


def _frame(text: str, *, line: int) -> FrameHash:
    parts = _FRAME.fullmatch(text)
    if parts is None:
        raise NotFrames(f"line {line}: {_what_is_wrong(text)}")
    try:
        return FrameHash(
            frame_number=int(parts["frame"]),
            timestamp_s=float(parts["timestamp"]),
            pdq=Pdq(bytes.fromhex(parts["hash"]), int(parts["quality"])),
        )
    except BadInput as error:
        raise NotFrames(f"line {line}: {error.why}") from None


def _what_is_wrong(text: str) -> str:
    """Which field is none, in words that repeat nothing of it."""
    fields = text.split(",")
    named = ("frame", "quality", "hash", "timestamp")
    if len(fields) != len(named):
        return f"it has {len(fields)} fields, not {len(named)} ({', '.join(named)})"
    whole = ("[0-9]{1,10}", "[0-9]{1,3}", "[0-9a-fA-F]{64}", r"[0-9]{1,10}(\.[0-9]{1,340})?")
    for name, field, form in zip(named, fields, whole, strict=True):
        if not re.fullmatch(form, field, re.ASCII):
            return f"the {name} is not one (digits only, nothing before or after)"
    return "it is no frame"


def _rest(first: bytes, stream: BinaryIO) -> Iterator[bytes]:
    yield first
    while line := stream.readline(MAX_LINE_BYTES):
        yield line


def _text(lines: Iterator[bytes]) -> Iterator[ParsedRow]:
    """The one video of a text file; every line that is none is told, then nothing is taken."""
    frames: list[FrameHash] = []
    refused = False
    for number, raw in enumerate(lines, start=1):
        try:
            text = _decoded(raw, line=number)
            if text.strip():
                _append(frames, text, line=number)
        except NotFrames as error:
            refused = True
            yield Refusal(row=number, why=str(error).partition(": ")[2])
    if refused or not frames:
        return  # a video without some of its frames would be another video
    try:
        yield _entry(VideoHash(frames=tuple(frames)))
    except NotFrames as error:
        yield Refusal(row=len(frames), why=str(error))


def _decoded(raw: bytes, *, line: int) -> str:
    if len(raw) > _MAX_TEXT_LINE:
        raise NotFrames(f"line {line}: it is longer than {_MAX_TEXT_LINE} bytes")
    try:
        return raw.decode("ascii").rstrip("\r\n")
    except UnicodeDecodeError:
        raise NotFrames(f"line {line}: it holds something other than plain letters") from None


def _json_lines(lines: Iterator[bytes]) -> Iterator[ParsedRow]:
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        if len(raw) >= MAX_LINE_BYTES and not raw.endswith(b"\n"):
            raise BadInput(
                "This list of videos cannot be read",
                why=f"line {number} is longer than {MAX_LINE_BYTES:,} bytes",
                remedy="Nothing was imported",
            )
        yield from _of_json(raw, line=number)


def _of_json(raw: bytes, *, line: int) -> Iterator[ParsedRow]:
    """The video of one line; side fields that cannot be read are left out."""
    try:
        given = json.load(io.BytesIO(raw), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        yield Refusal(row=line, why="it is not JSON")
        return
    if not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
        yield Refusal(row=line, why="it is not a JSON object")
        return
    ignored = []
    if unknown := given.keys() - _KEYS:
        why = f"{len(unknown)} of its keys are not ours ({', '.join(sorted(_KEYS))})"
        ignored.append(Ignored(row=line, field=SideField.OTHER, why=why))
    category, why = _category(given)
    if why:
        ignored.append(Ignored(row=line, field=SideField.CATEGORY, why=why))
    yield from ignored
    yield _video(given, category, frozenset(one.field for one in ignored), line=line)


def _video(
    given: dict[str, Any],
    category: Category | Uncategorised | None,
    unread: frozenset[SideField],
    *,
    line: int,
) -> ListEntry | Refusal:
    """The entry of one video, or its refusal with what it names all the same."""
    status, name = _STATUS.get(str(given.get("status", "active"))), given.get("external_id", "")
    if not isinstance(name, str) or not is_name(name):
        name = None
    names = (Identity(external_id=name),) if name else ()
    if given.get("frames") is None and name and status not in (None, EntryStatus.ACTIVE):
        return ListEntry(
            kind=SignalKind.VPDQ, value=b"", external_id=name, status=status, row=line
        )  # a tombstone: the source took the record back
    try:
        video = video_of(_frame_lines(given))
        names = (Identity(kind=SignalKind.VPDQ, value=video.fingerprint), *names)
        if status is None:
            why = "the status is not active, withdrawn or deleted"
        elif name is None:  # its withdrawal may name the record only, so it is not taken without
            why = "the external_id is too long or cannot be printed"
        else:
            return _entry(
                video, external_id=name, status=status, category=category, unread=unread, row=line
            )
    except NotFrames as error:
        why = str(error)
    return Refusal(row=line, why=why, names=names, certain=bool(names))


def _frame_lines(given: dict[str, Any]) -> list[str]:
    frames = given.get("frames")
    if not isinstance(frames, list) or not all(isinstance(one, str) for one in frames):
        raise NotFrames("frames is not a list of texts")
    return frames


def _no_constant(name: str) -> Any:  # noqa: ANN401 - json's own signature
    raise ValueError(name)


def _category(given: dict[str, Any]) -> tuple[Category | Uncategorised | None, str]:
    """The category, and why it cannot be read ("" when it can or when there is none)."""
    scheme, code = given.get("scheme", ""), given.get("category", "")
    version = given.get("scheme_version", "") or _UNSPECIFIED
    if code == "":
        return None, ""
    if not all(isinstance(part, str) for part in (scheme, version, code)) or not scheme:
        none = Uncategorised(scheme=NO_SCHEME, version=_UNSPECIFIED)
        return none, "it has no scheme, so it means nothing"
    try:
        return Category(scheme=scheme.strip().lower(), version=version, code=code), ""
    except BadInput as error:
        none = Uncategorised(scheme=NO_SCHEME, version=_UNSPECIFIED)
        return none, f"scheme, scheme_version and category: {error.why}"


def _entry(
    video: VideoHash,
    *,
    external_id: str = "",
    status: EntryStatus = EntryStatus.ACTIVE,
    category: Category | Uncategorised | None = None,
    unread: frozenset[SideField] = frozenset(),
    row: int = 1,
) -> ListEntry:
    if not usable(video.frames):
        raise NotFrames("none of its frames can be compared: all are of low quality or blank")
    return ListEntry(
        kind=SignalKind.VPDQ,
        value=video.fingerprint,
        external_id=external_id,
        category=category,
        status=status,
        video=video,
        unread=unread,
        row=row,
    )


def usable(frames: Sequence[FrameHash]) -> bool:
    """Whether at least one frame can be compared; a video of none would be a dead entry."""
    return any(frame.comparable() for frame in frames)
