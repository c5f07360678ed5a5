"""Whether this machine's kernels hash as they must: `tutela hash --self-test`.

Compilers and processors differ, hashes may not. Pictures are drawn here from whole numbers, at
sizes where the kernels go different ways (a box of one pixel or of many, no filter, lines not
a multiple of the lanes). Each is hashed by the kernels and in plain numpy, and some of them were
hashed by PyPI's `pdqhash` 0.2.8, whose answers stand below.
"""

import numpy as np
from numpy.typing import NDArray

from tutela.hashing import plain
from tutela.hashing.dihedral import all_of
from tutela.hashing.model import Pdq
from tutela.hashing.pdq import hash_of_small, pdq

_SIZES = (
    (5, 5), (5, 300), (300, 5), (16, 16), (17, 31), (63, 64), (64, 64), (64, 65), (100, 80),
    (128, 128), (129, 127), (131, 300), (240, 320), (257, 255), (300, 1030), (513, 90),
)  # fmt: skip
"""Height and width in pixels."""

_FORMS = ("grain", "waves", "flat", "steps", "dot")
_REFERENCE = {
    ("grain", 5, 300): ("a71572215aeaaddf096bf006893f8ff9f6945230a715722158eaaddf096b7006", 100),
    ("grain", 64, 64): ("0ce94cad3371a55007ff53049ee462bc6ab4535ca85fbb0ee4971ae58b534b0e", 100),
    ("grain", 240, 320): ("c5b06264298fde58a90d733d4d3257582568faa7b1d1ef4eee5ef685c081425a", 100),
    ("grain", 300, 1030): ("5e4735379f1e35daa065f4437d0b077b9572b6982602b694cb8b3e3694d7c808", 100),
    ("waves", 64, 65): ("6644767700007677766556767675527676657677244076772000767776755656", 34),
    ("waves", 131, 300): ("d6d2d6d2292d292dd6d2d6d2292d292dd6d2d6d2292d292dd6d2d6d2292d292d", 100),
    ("waves", 513, 90): ("33334ccc33b3cccccccc33334cccb111c44c3333c44c3bb333333eee3bb3cccc", 100),
    ("waves", 257, 255): ("d42d2b522b52d6af2b50d4add4ad2b52d4afabc22b52d4adb150560dd4adaba2", 100),
    ("steps", 128, 128): ("7de07fb550367835104a52176d60529fad35584fa7ffefdd51e0a7e05840844a", 73),
    ("steps", 129, 127): ("f34a284052a0581dc7ee2c175360d2b3d29f2ce0a7cbf2ec72b0c7fe3d4a794a", 61),
    ("dot", 17, 31): ("2222222222228888888888882222222222228888888888882222222222228888", 13),
    ("flat", 100, 80): ("00002c4b00002c4b2c4b2c4b554b82001134113400002c4b2c4b017e554b2c4b", 0),
}
"""What the reference says of a form and size: the hash and the quality."""


PICTURES = len(_FORMS) * len(_SIZES)
REFERENCES = len(_REFERENCE)
"""How many pictures `run` hashes, and how many of them the reference has hashed too."""


def run() -> list[str]:
    """What is wrong, a line for each picture that hashes differently; empty when all is well."""
    failures = []
    for form in _FORMS:
        for height, width in _SIZES:
            pixels = drawn(form, height, width)
            found = _differences(pixels)
            expected = _REFERENCE.get((form, height, width))
            if expected and pdq(pixels) != Pdq.parse(expected[0], quality=expected[1]):
                found.append("not what PyPI's pdqhash 0.2.8 says")
            failures += [f"{form}, {width} x {height} pixels: {what}" for what in found]
    return failures


def _differences(pixels: NDArray[np.uint8]) -> list[str]:
    """In which ways the kernels and plain numpy disagree about one picture."""
    expected, turned = plain.pdq(pixels), plain.dihedral(pixels)
    found = []
    if pdq(pixels) != expected:
        found.append("another hash than in plain numpy")
    if all_of(pixels) != (expected, turned):
        found.append("another hash of the turned or mirrored picture")
    grey = np.ascontiguousarray(pixels[:, :, 1])
    if pdq(grey) != plain.pdq(grey):
        found.append("another hash of its green channel")
    if min(pixels.shape[:2]) >= plain.SIDE:
        small = np.ascontiguousarray(plain.luma(pixels)[: plain.SIDE, : plain.SIDE])
        once = plain.hash_of_small(small)
        if hash_of_small(small) != once:
            found.append("another hash of a small picture")
    return found


def drawn(form: str, height: int, width: int) -> NDArray[np.uint8]:
    """Height x width x 3 bytes from whole numbers only, the same on every machine."""
    y, x = np.mgrid[0:height, 0:width].astype(np.uint32)
    channel = np.arange(3, dtype=np.uint32)
    across, down = x[:, :, np.newaxis], y[:, :, np.newaxis]
    if form == "grain":
        mixed = (across * np.uint32(2654435761)) ^ (down * np.uint32(2246822519)) ^ (channel + 7)
        mixed = (mixed ^ (mixed >> 15)) * np.uint32(3266489917)
        values = mixed >> 24
    elif form == "waves":
        bow = (across * (5 + channel)) % 509
        fall = (down * (3 + channel)) % 509
        values = (np.minimum(bow, 509 - bow) + np.minimum(fall, 509 - fall)) // 2
    elif form == "flat":
        values = np.broadcast_to(61 + 83 * channel, (height, width, 3))
    elif form == "steps":
        values = 255 - (across // 9 % 5) * (channel + 3) - (down // 7 % 4) * 9
    else:
        values = np.zeros((height, width, 3), np.uint32)
        values[height // 3, width // 2] = 255
    return np.ascontiguousarray(values.astype(np.uint8))
