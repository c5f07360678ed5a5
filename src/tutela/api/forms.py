"""A form with one file, read in memory: nothing beside the file decides whether it is looked at.

A framework's own form parser moves files over 1 MiB to a temporary file on disk, and refuses a
whole form for one part it does not like. Uploads may be evidence that must be sealed before it
rests, so this reader keeps them in memory, below the body's own limit.
"""

import binascii
import quopri
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from tutela.intake.context_fields import safe_name
from tutela.intake.model import Ignored
from tutela.primitives.errors import BadInput

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

CONTEXT_BYTES = 512 * 1024
"""Every field at its longest takes 70 KB in ASCII, 280 KB in four-byte letters, and 420 KB with
each letter spelled `\\uXXXX`."""
_MOST_PARTS = 100
_HEADER_BYTES = 64 * 1024
"""Of one header of a part: a person chooses the file name in it."""
_HEADERS = 32
_EXTENDED = re.compile(rb"(?:^|;)\s*filename\*", re.IGNORECASE)
_EXTENDED_NAME = re.compile(
    rb"""(?:^|;)\s*filename\*\s*=\s*"?([A-Za-z0-9_.+-]+)'[^';"]*'([^;"\s]*)""", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """The file, the name it came under, the JSON text beside it, and the parts left out."""

    data: bytes
    file_name: str | None
    context_json: bytes | None
    ignored: tuple[Ignored, ...]


@dataclass(slots=True)
class _Part:
    name: str = ""
    file_name: str | None = None
    encoding: str = ""
    data: bytearray = field(default_factory=bytearray)


async def read_form(content_type: str, chunks: AsyncIterator[bytes]) -> Form:
    """The parts `file` (required) and `context` of a `multipart/form-data` body.

    Raises `BadInput` when there is no whole part `file`, or more than one.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise _misshapen("its Content-Type names no boundary")
    parts = _Parts()
    try:
        parser = MultipartParser(
            boundary,
            parts.callbacks(),
            max_header_count=_HEADERS,
            max_header_size=_HEADER_BYTES,
        )
        async for chunk in chunks:
            if not parts.broken:
                parts.write(parser, chunk)
    except FormParserError as error:
        raise _misshapen("it is not multipart/form-data") from error
    return parts.form()


class _Parts:
    """The parts as they come; only those that are needed are kept."""

    def __init__(self) -> None:
        self.broken = False
        self._file: _Part | None = None
        self._files = 0
        self._contexts: list[_Part] = []
        self._ignored: list[Ignored] = []
        self._part = _Part()
        self._kept = False
        self._header = (bytearray(), bytearray())
        self._headers: dict[bytes, bytes] = {}
        self._count = 0

    def callbacks(self) -> "MultipartCallbacks":
        """What the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
        }

    def write(self, parser: MultipartParser, chunk: bytes) -> None:
        """Parse a chunk; what is broken after the whole file is left out."""
        try:
            parser.write(chunk)
        except FormParserError:
            if self._file is None:
                raise
            self.broken = True
            self._ignored.append(Ignored(field="(form)", why="broken after the file; left out"))

    def form(self) -> Form:
        """What came; raises `BadInput` without exactly one whole file."""
        if self._files > 1:
            raise _misshapen("it holds several parts `file`; send one item a request")
        if self._file is None:
            raise _misshapen("it holds no whole part `file`")
        if self._part.name == "context":
            self._ignored.append(Ignored(field="context", why="cut off; all of it left out"))
        return Form(
            data=_decoded(self._file),
            file_name=self._file.file_name,
            context_json=self._context(),
            ignored=tuple(self._ignored),
        )

    def _context(self) -> bytes | None:
        if not self._contexts:
            return None
        if len({bytes(part.data) for part in self._contexts}) > 1:
            why = "sent several times with different texts; all of them left out"
        elif len(self._contexts[0].data) > CONTEXT_BYTES:
            why = f"larger than {CONTEXT_BYTES} bytes; all of it left out"
        else:
            return bytes(self._contexts[0].data)
        self._ignored.append(Ignored(field="context", why=why))
        return None

    def _begin(self) -> None:
        self._count += 1
        self._part = _Part()
        self._headers = {}

    def _header_end(self) -> None:
        name, value = self._header
        self._headers[bytes(name).strip().lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _headers_finished(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        self._part.name = _utf8(options.get(b"name", b""))
        extended = _extended(disposition)
        self._part.file_name = extended or _utf8(options.get(b"filename", b""))
        encoding = self._headers.get(b"content-transfer-encoding", b"")
        self._part.encoding = encoding.strip().lower().decode("latin-1")
        self._kept = self._part.name in {"file", "context"}
        if self._part.name == "file":
            self._files += 1
            self._kept = self._files == 1
            if extended == "" and not self._part.file_name:
                self._ignored.append(Ignored(field="file_name", why="cannot be read; left out"))
        elif not self._kept and self._count <= _MOST_PARTS:
            name = safe_name(self._part.name) if self._part.name else "(a part without a name)"
            self._ignored.append(Ignored(field=name, why="unknown part of the form; left out"))

    def _data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        if self._kept and (part.name == "file" or len(part.data) <= CONTEXT_BYTES):
            part.data += data[start:end]

    def _end(self) -> None:
        if self._part.name == "file" and self._file is None:
            self._file = self._part
        elif self._part.name == "context":
            self._contexts.append(self._part)
        self._part = _Part()


def _utf8(name: bytes) -> str:
    """Bytes that are not UTF-8 stay visible as lone surrogates, for whoever reads the field."""
    return name.decode("utf-8", "surrogateescape")


def _extended(disposition: bytes) -> str | None:
    """The name in `filename*` (RFC 8187); empty when it cannot be read, None without one."""
    found = _EXTENDED_NAME.search(disposition)
    if found is None:
        return "" if _EXTENDED.search(disposition) else None
    charset, value = found.groups()
    try:
        return unquote_to_bytes(value).decode(charset.decode("ascii"), "surrogateescape")
    except (LookupError, UnicodeError):
        return ""


def _decoded(part: _Part) -> bytes:
    """The file's own bytes, when its sender has encoded it for a mail."""
    if part.encoding == "quoted-printable":
        return quopri.decodestring(bytes(part.data))
    if part.encoding != "base64":
        return bytes(part.data)
    try:
        return binascii.a2b_base64(part.data)
    except binascii.Error as error:
        raise _misshapen("its file is not the base64 that it says it is") from error


def _misshapen(why: str) -> BadInput:
    return BadInput(
        "The form cannot be read",
        why=why,
        remedy="Send one whole part `file`, and beside it at most one part `context`.",
    )
