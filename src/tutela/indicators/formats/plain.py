"""Plain text: one hash a line, MD5, SHA-1, SHA-256 or PDQ; blank lines and `# comments`.

The length says the kind, but for 64 digits, which are a PDQ or a SHA-256. A line `# pdq` or
`# sha256` says it for the lines after it, `pdq:…` or `sha256:…` for one. Otherwise both are taken:
a wrong reading meets nothing, because no file has this digest and no picture comes near this hash.
"""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from tutela.indicators.formats.identities import hashes_in
from tutela.indicators.model import ListEntry, ParsedRow, Partial, Refusal, SignalKind
from tutela.indicators.signals import NotAHash, value_of
from tutela.primitives.errors import BadInput

_LINE_BYTES = 1 << 16
_BY_DIGITS = {32: SignalKind.MD5, 40: SignalKind.SHA1}
_AMBIGUOUS_DIGITS = 64
_SIXTY_FOUR = (SignalKind.PDQ, SignalKind.SHA256)
_KINDS = {
    "md5": SignalKind.MD5,
    "sha1": SignalKind.SHA1,
    "sha-1": SignalKind.SHA1,
    "sha256": SignalKind.SHA256,
    "sha-256": SignalKind.SHA256,
    "pdq": SignalKind.PDQ,
}
_HEX = re.compile(
    r"(?:(?:md5|sha-?1|sha-?256|pdq)\s*:\s*)?[0-9a-f]{32,64}", re.IGNORECASE | re.ASCII
)
_LENGTHS = frozenset({32, 40, 64})


def parse(stream: BinaryIO) -> Iterator[ParsedRow]:
    """Entries and refusals in the order of the lines; `Refusal.row` is the line."""
    stated: SignalKind | None = None
    number = 0
    last: ParsedRow | None = None
    while raw := stream.readline(_LINE_BYTES):
        number += 1
        if number == 1:
            if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise BadInput(
                    "This list cannot be read",
                    why="line 1: the file is UTF-16, and lists are read as UTF-8",
                    remedy="Nothing was imported. Save it as UTF-8 and import it again",
                )
            raw = raw.removeprefix(codecs.BOM_UTF8)
        if len(raw) == _LINE_BYTES and not raw.endswith(b"\n"):
            _pass_over(stream)
            raw += b"\n"
            if not raw.startswith(b"#"):
                yield Refusal(row=number, why=f"it is longer than {_LINE_BYTES:,} bytes")
            continue
        text = raw.decode("utf-8", "replace").strip()
        if text.startswith("#"):
            comment = text.lstrip("#").strip().lower()
            stated = _KINDS.get(comment.removeprefix("kind").lstrip(":= "), stated)
        elif text:
            for found in _entries(text, stated, line=number):
                last = found
                yield found
    if isinstance(last, Refusal) and last.row == number:
        yield Partial(why="its last line is no whole hash, so the file may have been cut off")


def recognises(head: bytes) -> bool:
    """Whether the first line that is no comment and not blank is a hash."""
    for line in head.decode("utf-8", "replace").splitlines():
        text = line.strip()
        if text and not text.startswith("#"):
            digits = text.rpartition(":")[2].strip()
            return bool(_HEX.fullmatch(text)) and len(digits) in _LENGTHS
    return False


def _pass_over(stream: BinaryIO) -> None:
    """The rest of a line that is too long."""
    while (piece := stream.readline(_LINE_BYTES)) and not piece.endswith(b"\n"):
        pass


def _entries(text: str, stated: SignalKind | None, *, line: int) -> Iterator[ParsedRow]:
    """The hash of one line; 64 digits of which nobody says the kind are both."""
    prefix, colon, digits = text.rpartition(":")
    digits = digits.strip()
    if colon:
        kinds = [found] if (found := _KINDS.get(prefix.strip().lower())) else []
    elif len(digits) == _AMBIGUOUS_DIGITS:
        kinds = [stated] if stated in _SIXTY_FOUR else [*_SIXTY_FOUR]
    else:
        kinds = [found] if (found := _BY_DIGITS.get(len(digits))) else []
    if not kinds:
        yield Refusal(
            row=line,
            why="it is not an MD5, SHA-1, SHA-256 or PDQ hash (32, 40 or 64 hexadecimal digits)",
            names=hashes_in(digits),
        )
    for kind in kinds:
        try:
            yield ListEntry(kind=kind, value=value_of(kind, digits), row=line)
        except NotAHash as error:
            yield Refusal(row=line, why=f"{kind}: {error}", names=hashes_in(digits))
