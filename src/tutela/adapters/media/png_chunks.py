"""A PNG rewritten from what its pixels need: no metadata can stand in their way.

Names and rules: PNG (third edition, W3C), 4 to 11. Checksums are written anew: those of a
stranger's file say nothing that its pixels do not.
"""

import re
import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = b"\0\0\0\0IEND\xaeB`\x82"

_NAME = re.compile(rb"[A-Za-z]{4}")
_MAX_LENGTH = (1 << 31) - 1
_ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})
_MAX_EXIF_BYTES = 1 << 20
_HEADER_BYTES = 13
_MAX_PALETTE_BYTES = 768
_GREY, _RGB, _INDEXED = 0, 2, 3
_TRANSPARENT_BYTES = {_GREY: 2, _RGB: 6}
_CONTROL_BYTES = {b"acTL": 8, b"fcTL": 26}

Chunk = tuple[bytes, bytes]


def rewritten(body: bytes, *, animated: bool) -> bytes:
    """Header, palette, transparency, EXIF (for the orientation), pixels and an end.

    With the chunks of an animation, or without. Gives what it can of any bytes.
    """
    out = [SIGNATURE]
    header: bytes | None = None
    palette = seen_data = False
    once: set[bytes] = set()
    for name, data in _chunks(body):
        if name == b"IHDR":
            if header is not None or len(data) < _HEADER_BYTES:
                continue
            header = data[:_HEADER_BYTES]
            out.append(_written(name, header))
        elif name == b"PLTE":
            if palette or seen_data or not _is_palette(data):
                continue
            palette = True
            out.append(_written(name, data))
        elif name == b"IDAT" or (animated and name in _ANIMATION):
            if len(data) < _CONTROL_BYTES.get(name, 0) or (name == b"acTL" and name in once):
                continue
            seen_data = seen_data or name == b"IDAT"
            once.add(name)
            out.append(_written(name, data))
        elif name not in once and not seen_data and _is_kept(name, data, header):
            once.add(name)
            out.append(_written(name, data))
    return b"".join((*out, END))


def is_whole(body: bytes) -> bool:
    """Whether the file has its end."""
    return END in body


def _chunks(body: bytes) -> Iterator[Chunk]:
    """Name and data one after the other; the last one may be cut off."""
    at = len(SIGNATURE)
    while at + 8 <= len(body):
        length, name = struct.unpack_from(">I4s", body, at)
        if length > _MAX_LENGTH or not _NAME.fullmatch(name):
            # A broken length led astray: go on at the next pixels.
            place = body.find(b"IDAT", at + 1)
            if place < at + 4:
                return
            at = place - 4
            continue
        if name == b"IEND":
            return
        start = at + 8
        yield name, body[start : start + length]
        at = start + length + 4


def _written(name: bytes, data: bytes) -> bytes:
    check = zlib.crc32(data, zlib.crc32(name))
    return b"".join((struct.pack(">I", len(data)), name, data, struct.pack(">I", check)))


def _is_palette(data: bytes) -> bool:
    return 0 < len(data) <= _MAX_PALETTE_BYTES and len(data) % 3 == 0


def _is_kept(name: bytes, data: bytes, header: bytes | None) -> bool:
    """Whether these are a transparency or an EXIF as they should be."""
    if name != b"tRNS":
        return name == b"eXIf" and len(data) <= _MAX_EXIF_BYTES
    colour = header[9] if header else -1
    if colour == _INDEXED:
        return 0 < len(data) <= _MAX_PALETTE_BYTES // 3
    return len(data) == _TRANSPARENT_BYTES.get(colour, -1)
