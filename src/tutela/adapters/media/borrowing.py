"""The pixels of a decoded Pillow picture as an array, without copying them.

Pillow lends its memory through the Arrow C data interface (one block, four bytes a colour
pixel). Only the child uses this.
"""

import ctypes

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import core  # type: ignore[attr-defined] # the compiled part, not in its list

_BANDS = {"L": 1, "RGB": 4, "RGBA": 4}
_NAME = b"arrow_array"


class _Array(ctypes.Structure):
    """`struct ArrowArray` of the Arrow C data interface."""


_Array._fields_ = [
    *(
        (name, ctypes.c_int64)
        for name in ("length", "null_count", "offset", "n_buffers", "n_children")
    ),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype = ctypes.c_void_p
_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def keep_in_one_block() -> None:
    """From now on each picture of this process lies in one piece of memory."""
    core.set_use_block_allocator(1)


def borrowed(image: Image.Image) -> NDArray[np.uint8] | None:
    """H x W grey or H x W x 4 bytes of a loaded picture, or None when they cannot be lent.

    The array keeps the picture's memory alive.
    """
    bands = _BANDS.get(image.mode)
    if bands is None:
        return None
    try:
        loan = _Loan(image, bands)
    except ValueError:  # Pillow: more than one block, or a layout that Arrow has no word for
        return None
    return np.asarray(loan)


class _Loan:
    """Holds the capsules and tells numpy where the bytes are."""

    def __init__(self, image: Image.Image, bands: int) -> None:
        self._capsules = image.__arrow_c_array__()
        array = _Array.from_address(_pointer(self._capsules[1], _NAME))
        inner = array.children[0].contents if array.n_children else array
        width, height = image.size
        if inner.length != height * width * bands or inner.offset or array.offset:
            raise ValueError
        self.__array_interface__ = {
            "version": 3,
            "typestr": "|u1",
            "shape": (height, width, bands) if bands > 1 else (height, width),
            "data": (inner.buffers[1], False),
        }
