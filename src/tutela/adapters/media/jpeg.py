"""JPEG by libjpeg-turbo directly: the same pixels as Pillow's in less time, or only some of them.

Pillow has read the header and its size is within the limits before anything here is called.
Whatever this decoder is not sure about (a warning counts) it leaves to Pillow, which then
decodes the file or refuses it: so a file gives a picture here only if it gives the same one
there. Runs in the child only.
"""

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from tutela.hashing.scaled import scaled_side

Pixels = NDArray[np.uint8]

_Spaces = dict[str, tuple[str, ...]]
_SPACES: _Spaces = {"L": ("Gray",), "RGB": ("YCbCr", "RGB")}
_WITH_LUMA: _Spaces = {"L": ("Gray",), "RGB": ("YCbCr",)}
"""By Pillow's mode the ways of storing colour that are decoded here; CMYK is Pillow's."""


def exact(body: bytes, image: Image.Image) -> Pixels | None:
    """H x W or H x W x 3 bytes equal to Pillow's, or None for Pillow to decide."""
    width, height = image.size
    if not _agreed(body, image, _SPACES):
        return None
    channels = 1 if image.mode == "L" else 3
    pixels = np.empty((height, width, channels), dtype=np.uint8)
    try:
        simplejpeg.decode_jpeg(body, "GRAY" if channels == 1 else "RGB", buffer=pixels)
    except ValueError:
        return None
    return pixels[:, :, 0] if channels == 1 else pixels


def grey_at(body: bytes, image: Image.Image, k: int) -> Pixels | None:
    """Brightness at k/8 of the size (scaled H x W bytes), or None for the exact way to decide.

    Grey is the luma channel as it is stored; pictures stored as RGB have none.
    """
    if not _agreed(body, image, _WITH_LUMA):
        return None
    width, height = (scaled_side(side, k) for side in image.size)
    pixels = np.empty((height, width, 1), dtype=np.uint8)
    try:
        found = simplejpeg.decode_jpeg(
            body, "GRAY", min_height=height, min_width=width, buffer=pixels
        )
    except ValueError:
        return None
    return pixels[:, :, 0] if found.shape == pixels.shape else None


def is_damaged(body: bytes) -> bool:
    """Whether libjpeg-turbo warns about the pixels: an end too early, or nonsense among them."""
    try:
        _, _, space, _ = simplejpeg.decode_jpeg_header(body)
        asked = "CMYK" if space in {"CMYK", "YCCK"} else "GRAY"
        simplejpeg.decode_jpeg(body, asked, min_height=1, min_width=1)
    except ValueError:
        return True
    return False


def _agreed(body: bytes, image: Image.Image, spaces: _Spaces) -> bool:
    """Whether both decoders read the same size and colour space, one of these, from the header."""
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(body)
    except ValueError:
        return False
    return (width, height) == image.size and space in spaces.get(image.mode, ())
