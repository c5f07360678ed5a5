"""A JPEG without the segments that pixels do not need, and where its pixels end.

Names and rules: ITU-T T.81, annex B. A segment whose length leads astray is passed over by going
on at the next table.
"""

import re
from dataclasses import dataclass

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_SOS, _DQT, _COM = 0xDA, 0xDB, 0xFE
_EOI_MARKER = 0xD9
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_ADOBE = 0xEE
_APPLICATION = range(0xE0, 0xF0)
_ADOBE_BYTES = 14
_EXIF = b"Exif\0\0"
_AFTER_SCAN = re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]")
"""What ends a scan: any marker but a stuffed byte (FF 00) and the restarts (FF D0 to FF D7)."""
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd9-\xfe]")
"""Any marker with a segment, or the end; not a restart, another beginning or filling."""
_JUNK = bytes((37 * number * number + 11 * number) & 0x7F for number in range(4096))
"""Bytes without FF, to be taken for pixels that never came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Segments:
    """What the decoder needs of a JPEG; `ended`: its end stands where it should.

    `coarse`: it is progressive and its first scan is whole, so every row came, if not in full
    detail.
    """

    body: bytes
    ended: bool
    coarse: bool

    def closed(self) -> bytes:
        """With an end, so that the decoder gives what came."""
        return self.body + _EOI

    def gone_on(self) -> bytes:
        """The same, with other bytes where the file has none: rows that differ did not come."""
        return self.body + _JUNK + _EOI


def segments(body: bytes) -> Segments | None:
    """The tables and scans of a JPEG, without its end; None when it has no scan."""
    kept = [_SOI]
    at = 2
    scans = 0
    progressive = False
    while True:
        at = _next_marker(body, at)
        if at < 0:
            break
        marker = body[at + 1]
        if marker == _EOI_MARKER:
            return _found(kept, scans, progressive=progressive, ended=True)
        length = int.from_bytes(body[at + 2 : at + 4])
        end = at + 2 + length
        if marker != _SOS and (length < 2 or body[end : end + 1] not in {b"\xff", b""}):  # noqa: PLR2004 - the length counts itself
            end = body.find(b"\xff\xdb", at + 2)  # the next table
            if end < 0:
                break
            at = end
            continue
        progressive = progressive or marker in _PROGRESSIVE
        if marker == _SOS:
            scans += 1
            ending = _AFTER_SCAN.search(body, end)
            end = ending.start() if ending else len(body)
        if _is_needed(marker, body[at + 4 : end]):
            kept.append(body[at:end])
        at = end
    return _found(kept, scans, progressive=progressive, ended=False)


def _found(kept: list[bytes], scans: int, *, progressive: bool, ended: bool) -> Segments | None:
    if not scans:
        return None
    # A lone FF is the first half of a marker that did not come.
    body = b"".join(kept).rstrip(b"\xff")
    return Segments(body=body, ended=ended, coarse=progressive and scans > 1)


def _next_marker(body: bytes, at: int) -> int:
    """Where the next marker stands, from `at` on; -1 when there is none."""
    found = _MARKER.search(body, at)
    return found.end() - 2 if found else -1


def _is_needed(marker: int, data: bytes) -> bool:
    """Tables, frames and scans; Adobe's colour transform; EXIF, which says what is upright."""
    if marker == _ADOBE:
        return len(data) + 2 >= _ADOBE_BYTES and data.startswith(b"Adobe")
    if marker == 0xE1:  # noqa: PLR2004 - APP1
        return data.startswith(_EXIF)
    return marker != _COM and marker not in _APPLICATION
