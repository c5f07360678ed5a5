"""Reading an upload as it streams in: digests and sizes are kept, the bytes are not."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

_MAX_FIELD_BYTES = 4096


@dataclass(kw_only=True)
class ReceivedFile:
    """What is remembered of an uploaded file."""

    size_bytes: int = 0
    md5: str = ""


@dataclass(kw_only=True)
class ReceivedForm:
    """The fields of a form; `problem` says why it could not be read."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, ReceivedFile] = field(default_factory=dict)
    problem: str = ""


async def read_form(content_type: str, stream: AsyncIterator[bytes]) -> ReceivedForm:
    """The form in a request's body, multipart or URL-encoded."""
    kind, options = parse_options_header(content_type)
    if kind == b"application/x-www-form-urlencoded":
        body = b"".join([chunk async for chunk in stream])[:_MAX_FIELD_BYTES]
        found = parse_qs(body.decode("utf-8", "replace"))
        return ReceivedForm(fields={name: values[0] for name, values in found.items()})
    if kind != b"multipart/form-data" or b"boundary" not in options:
        return ReceivedForm(problem="the body is no form")
    reader = _MultipartReader(options[b"boundary"])
    try:
        async for chunk in stream:
            reader.parser.write(chunk)
        reader.parser.finalize()
    except FormParserError:
        reader.form.problem = "the multipart body is malformed"
    if not reader.ended:
        reader.form.problem = "the multipart body is cut short"
    return reader.form


class _MultipartReader:
    """Callbacks for `python_multipart`: one part at a time."""

    def __init__(self, boundary: bytes) -> None:
        self.form = ReceivedForm()
        self.ended = False
        self._header_name = b""
        self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._file: ReceivedFile | None = None
        self._text = b""
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_header_field": self._on_header_name,
                "on_header_value": self._on_header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
        )

    def _part_begin(self) -> None:
        self._headers = {}
        self._name = ""
        self._file = None
        self._text = b""
        self._md5 = hashlib.md5(usedforsecurity=False)

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            self._file = ReceivedFile()

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            self._text = (self._text + data[start:end])[:_MAX_FIELD_BYTES]
        else:
            self._file.size_bytes += end - start
            self._md5.update(data[start:end])

    def _part_end(self) -> None:
        if self._file is None:
            self.form.fields[self._name] = self._text.decode("utf-8", "replace")
        else:
            self._file.md5 = self._md5.hexdigest()
            self.form.files[self._name] = self._file

    def _end(self) -> None:
        self.ended = True
