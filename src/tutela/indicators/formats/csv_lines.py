"""The lines of a CSV before its columns are known: their encoding, number, bound and separator."""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from tutela.primitives.errors import BadInput

LINE_BYTES = 1 << 24
SEPARATORS = (",", ";", "\t")
SEPARATOR_LINE = re.compile(r'"?sep=(?P<separator>[,;\t])"?;*', re.IGNORECASE)


class Lines:
    """Line by line, each of bounded length; knows its number and whether the last one had its end.

    Bytes are split before they are decoded, so that the line of what is no UTF-8 is the right one.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.number = 0
        self.ended = True
        self._lines = self._read()

    def __iter__(self) -> Iterator[str]:
        """The lines that nobody has taken yet."""
        return self._lines

    def _read(self) -> Iterator[str]:
        while raw := self._stream.readline(LINE_BYTES):
            if self.number == 0:
                raw = _without_mark(raw)
            if len(raw) == LINE_BYTES and not raw.endswith(b"\n"):
                raise unreadable(self.number + 1, f"it is longer than {LINE_BYTES} bytes")
            # A lone carriage return ends a line too; in a quoted field it changes nothing.
            for line in _split(raw):
                self.number += 1
                self.ended = line.endswith((b"\n", b"\r"))
                try:
                    yield line.decode("utf-8")
                except UnicodeDecodeError:
                    raise unreadable(
                        self.number,
                        "this is not UTF-8 text",
                        remedy="Nothing was imported. Save the file as UTF-8 (in Excel: “CSV "
                        "UTF-8”) and import it again",
                    ) from None


def _split(raw: bytes) -> list[bytes]:
    """The lines of a piece that ends with a line feed; a lone carriage return ends one too."""
    return [line for line in re.split(rb"(?<=\r)(?!\n)", raw) if line]


def _without_mark(raw: bytes) -> bytes:
    """A first line without its byte order mark; one of UTF-16 refuses the file."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise unreadable(
            1,
            "the file is UTF-16, and lists are read as UTF-8",
            remedy="Nothing was imported. Save it as “CSV UTF-8” instead of “Unicode text”",
        )
    return raw.removeprefix(codecs.BOM_UTF8)


def beginning(lines: Lines) -> tuple[str, list[str]]:
    """The separator, and the header's line unless the separator stood in a line of its own."""
    for line in lines:
        if said := SEPARATOR_LINE.fullmatch(line.strip(" \r\n")):
            return said["separator"], []
        if line.strip():
            return separator_of(line), [line]
    return SEPARATORS[0], []


def separator_of(line: str) -> str:
    """The separator of which a header shows most; the comma when it shows none."""
    return max(SEPARATORS, key=line.count)


def unreadable(line: int, why: str, *, remedy: str = "Nothing was imported") -> BadInput:
    """The whole file is refused because of this line."""
    return BadInput("This CSV cannot be read", why=f"line {line}: {why}", remedy=remedy)
