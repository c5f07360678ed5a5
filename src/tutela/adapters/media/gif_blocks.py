"""A GIF that is cut off, closed where it ends, so that its last pixels are not left out.

Names and rules: GIF89a specification, 15 to 27. A decoder takes whole blocks of up to 255 bytes.
"""

_HEADER_BYTES = 13
_EXTENSION, _IMAGE = 0x21, 0x2C
_CLOSED = b"\0;"


def closed(body: bytes) -> bytes:
    """The same file, its last block made as long as it is, with an end."""
    at = _HEADER_BYTES + _table_bytes(body, 10)
    while at < len(body) and body[at] in {_EXTENSION, _IMAGE}:
        if body[at] == _EXTENSION:
            at += 2
        else:
            at += 10 + _table_bytes(body, at + 9) + 1  # and the size of the first codes
        while at < len(body) and body[at]:
            end = at + 1 + body[at]
            if end > len(body):
                return body[:at] + bytes((len(body) - at - 1,)) + body[at + 1 :] + _CLOSED
            at = end
        at += 1
    return body + _CLOSED


def _table_bytes(body: bytes, at: int) -> int:
    """How long the table of colours is that the flags at this place announce."""
    flags = body[at] if at < len(body) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
