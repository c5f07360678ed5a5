"""Messages between parent and child: a length, a JSON header, raw bytes. Never pickle.

Layout: 4 bytes big-endian header length, the header as UTF-8 JSON object, then as many
bytes as the header's `body` says.
"""

import json
import struct
from typing import Any, BinaryIO

LENGTH = struct.Struct(">I")
MAX_HEADER_BYTES = 1 << 16

Header = dict[str, Any]


class BadFrame(Exception):
    """What arrived is not a message."""


def head_of(header: Header, *, body_bytes: int) -> bytes:
    """The bytes that go before a body of that length."""
    text = json.dumps({**header, "body": body_bytes}).encode()
    if len(text) > MAX_HEADER_BYTES:
        raise BadFrame
    return LENGTH.pack(len(text)) + text


def header_length(prefix: bytes) -> int:
    """How long the announced header is; refuses one that is too long."""
    (length,) = LENGTH.unpack(prefix)
    if not 0 < length <= MAX_HEADER_BYTES:
        raise BadFrame
    return int(length)


def header_of(text: bytes, *, max_body_bytes: int) -> Header:
    """The header, when it is a JSON object with a sane body length; `BadFrame` otherwise."""
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFrame from error
    body = header.get("body") if isinstance(header, dict) else None
    if type(body) is not int or not 0 <= body <= max_body_bytes:
        raise BadFrame
    return dict(header)


def receive(stream: BinaryIO, *, max_body_bytes: int) -> tuple[Header, bytes] | None:
    """Wait for one whole message; None when the other side has closed."""
    prefix = stream.read(LENGTH.size)
    if len(prefix) < LENGTH.size:
        return None
    header = header_of(stream.read(header_length(prefix)), max_body_bytes=max_body_bytes)
    body = stream.read(header["body"])
    if len(body) < header["body"]:
        return None
    return header, body


def send(stream: BinaryIO, header: Header, body: bytes = b"") -> None:
    """Write one whole message."""
    stream.write(head_of(header, body_bytes=len(body)))
    stream.write(body)
    stream.flush()
