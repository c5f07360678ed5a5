"""The rows of a still WebP that came, by libwebp's incremental decoder. Runs in the child only.

Pillow asks libwebp for whole pictures only. The library that came with Pillow can do more
(`decode.h`, "Incremental decoding"), and browsers use that.
"""

import contextlib
import ctypes
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray

_RGBA = 1  # MODE_RGBA


def _library() -> ctypes.CDLL | None:
    """The one that Pillow brought along, or the system's."""
    own = Path(PIL.__file__).parent.parent / "pillow.libs"
    for name in (*map(str, sorted(own.glob("libwebp-*"))), "libwebp.so.7"):
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(name)
            library.WebPINewRGB.restype = ctypes.c_void_p
            library.WebPINewRGB.argtypes = [
                ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int,
            ]  # fmt: skip
            library.WebPIAppend.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
            library.WebPIDecGetRGB.restype = ctypes.c_void_p
            library.WebPIDecGetRGB.argtypes = [ctypes.c_void_p, *[ctypes.c_void_p] * 4]
            library.WebPIDelete.argtypes = [ctypes.c_void_p]
            library.WebPIDelete.restype = None
            library.WebPGetInfo.argtypes = [
                ctypes.c_char_p,
                ctypes.c_size_t,
                *[ctypes.c_void_p] * 2,
            ]
            return library
    return None


_LIBRARY = _library()
"""Loaded with the process: afterwards it can open nothing."""


def size_of(body: bytes) -> tuple[int, int] | None:
    """Width and height as the header says, or None where nothing can be decoded."""
    width, height = ctypes.c_int(), ctypes.c_int()
    if _LIBRARY is None or not _LIBRARY.WebPGetInfo(
        body, len(body), ctypes.byref(width), ctypes.byref(height)
    ):
        return None
    return width.value, height.value


def rows_of(body: bytes, size: tuple[int, int]) -> tuple[NDArray[np.uint8], int]:
    """H x W x 4 (RGB and alpha), all zero where nothing came, and how many rows came."""
    width, height = size
    pixels = np.zeros((height, width, 4), np.uint8)
    if _LIBRARY is None:
        return pixels, 0
    decoder = _LIBRARY.WebPINewRGB(_RGBA, pixels.ctypes.data, pixels.nbytes, width * 4)
    if not decoder:
        return pixels, 0
    rows = ctypes.c_int(0)
    try:
        _LIBRARY.WebPIAppend(decoder, body, len(body))  # also after an error rows are there
        _LIBRARY.WebPIDecGetRGB(decoder, ctypes.byref(rows), None, None, None)
    finally:
        _LIBRARY.WebPIDelete(decoder)
    return pixels, min(rows.value, height)
