"""What the decoder tests share: the drawing script (loaded by its path), files, one jail."""

import importlib.util
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from tutela.adapters.media.jail import Jail

Encode = Callable[..., bytes]


@pytest.fixture(scope="session")
def drawing() -> ModuleType:
    path = Path(__file__).resolve().parents[3] / "vectors" / "draw.py"
    spec = importlib.util.spec_from_file_location("drawn_for_tests", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def encode() -> Encode:
    """`encode(image, format, **options)` gives the file's bytes."""

    def run(image: Image.Image, form: str, **options: Any) -> bytes:
        held = io.BytesIO()
        image.save(held, format=form, **options)
        return held.getvalue()

    return run


@pytest.fixture(scope="session")
def jail() -> Iterator[Jail]:
    """Two children for all tests that do not break them on purpose."""
    with Jail(workers=2) as opened:
        yield opened


@pytest.fixture(scope="session")
def small_png(drawing: ModuleType, encode: Encode) -> bytes:
    return encode(drawing.draw("tiles", 2, (160, 120)), "PNG")


def _chunk(kind: bytes, data: bytes) -> bytes:
    checked = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checked


def _png(
    width: int,
    height: int,
    packed: bytes,
    *,
    bits: int = 8,
    colour: int = 2,
    interlaced: bool = False,
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced))
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", packed), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.fixture(scope="session")
def heavy_png() -> bytes:
    """A few thousand bytes of one-bit pixels, 296 million of them, that come in seven passes.

    Even a quick processor needs more than two seconds for it.
    """
    side = 17_200
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
    rows = 0
    for left, top, across, down in (*passes, (0, 1, 1, 2)):
        wide, high = -(-(side - left) // across), -(-(side - top) // down)
        rows += high * (1 + -(-wide // 8))  # a filter's number, then eight pixels a byte
    packed = zlib.compress(bytes(rows))
    return _png(side, side, packed, bits=1, colour=0, interlaced=True)


@pytest.fixture(scope="session")
def png_header() -> Callable[[int, int], bytes]:
    """A PNG that declares that size and holds next to nothing."""
    return lambda width, height: _png(width, height, zlib.compress(bytes(1000)))
