"""Writes HEIC files of drawn pictures, for tests: no decoder package here can write them.

The picture is encoded by libx265 (package `av`) and put into the boxes of ISO/IEC 14496-12
and 23008-12: one coded item, no thumbnail.

    python vectors/heic.py                the flat sample of `adapters/media/flat_heic.py`
"""

import base64
import struct
from fractions import Fraction

import av
import numpy as np
from PIL import Image

_START = b"\x00\x00\x01"
_VPS, _SPS, _PPS = 32, 33, 34
_SHARPEST = "8"


def heic(
    image: Image.Image, *, turns: int = 0, ten_bit: bool = False, declared: tuple[int, int] = (0, 0)
) -> bytes:
    """One picture of even sides, to be shown turned; `declared` is a false size for it."""
    units = _units(_encoded(image, ten_bit=ten_bit))
    heads = [unit for unit in units if _kind(unit) in {_VPS, _SPS, _PPS}]
    coded = b"".join(struct.pack(">I", len(u)) + u for u in units if _kind(u) < _VPS)
    width, height = declared if any(declared) else image.size
    properties = [
        _box(b"hvcC", _configuration(heads, bits=10 if ten_bit else 8)),
        _full(b"ispe", struct.pack(">II", width, height)),
        _box(b"colr", b"nclx" + struct.pack(">HHHB", 1, 13, 6, 0x80)),
    ]
    if turns:
        properties.append(_box(b"irot", bytes([turns])))
    kind = _box(b"ftyp", b"heic\0\0\0\0mif1heic")
    place = len(kind) + len(_meta(properties, at=0, length=len(coded))) + 8
    return kind + _meta(properties, at=place, length=len(coded)) + _box(b"mdat", coded)


def _encoded(image: Image.Image, *, ten_bit: bool) -> bytes:
    """One HEVC key frame as a byte stream, full range, BT.601."""
    encoder = av.CodecContext.create("libx265", "w")
    encoder.width, encoder.height = image.size
    encoder.pix_fmt = "yuv420p10le" if ten_bit else "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {
        "crf": _SHARPEST,
        "x265-params": "log-level=none:info=0:keyint=1:range=full:pools=1:frame-threads=1",
    }
    frame = av.VideoFrame.from_ndarray(np.asarray(image.convert("RGB")), format="rgb24")
    coded = frame.reformat(format=encoder.pix_fmt, dst_colorspace="ITU601", dst_color_range="JPEG")
    return b"".join(bytes(packet) for packet in [*encoder.encode(coded), *encoder.encode(None)])


def _units(stream: bytes) -> list[bytes]:
    """The NAL units between the start codes."""
    return [part.rstrip(b"\0") for part in stream.split(_START) if part.rstrip(b"\0")]


def _kind(unit: bytes) -> int:
    return unit[0] >> 1 & 0x3F


def _configuration(heads: list[bytes], *, bits: int) -> bytes:
    """HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1)."""
    (sequence,) = (unit for unit in heads if _kind(unit) == _SPS)
    profile = sequence.replace(b"\0\0\3", b"\0\0")[3:15]
    depth = 0xF8 | (bits - 8)
    fixed = struct.pack(">HBBBBHBB", 0xF000, 0xFC, 0xFD, depth, depth, 0, 0x0F, len(heads))
    arrays = b"".join(
        struct.pack(">BHH", 0x80 | _kind(unit), 1, len(unit)) + unit for unit in heads
    )
    return b"\1" + profile + fixed + arrays


def _meta(properties: list[bytes], *, at: int, length: int) -> bytes:
    handler = _full(b"hdlr", b"\0\0\0\0pict" + bytes(13))
    first = _full(b"pitm", struct.pack(">H", 1))
    entry = _full(b"infe", struct.pack(">HH4sB", 1, 0, b"hvc1", 0), version=2)
    items = _full(b"iinf", struct.pack(">H", 1) + entry)
    links = bytes([0x80 | (n + 1) for n in range(len(properties))])
    linked = struct.pack(">IHB", 1, 1, len(links)) + links
    shared = _box(b"iprp", _box(b"ipco", b"".join(properties)) + _full(b"ipma", linked))
    where = struct.pack(">BBHHHHII", 0x44, 0, 1, 1, 0, 1, at, length)
    return _full(b"meta", handler + first + items + shared + _full(b"iloc", where))


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _full(kind: bytes, body: bytes, *, version: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24) + body)


def main() -> None:
    """Print the sample, without any content, as it stands in the source."""
    print(base64.b85encode(heic(Image.new("RGB", (64, 64), (90, 120, 150)))).decode())


if __name__ == "__main__":
    main()
