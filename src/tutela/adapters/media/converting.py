"""From whatever a file stores to plain RGB or grey bytes: the policy of the pipeline.

Every rule here changes hashes. When one changes, `pipeline.POLICY_VERSION` must too.
Peers hash palette numbers, CMYK as if it were RGB, and clipped 16-bit values (38, 254 and
138 bits off the same picture in plain form); the rules below are 0 to 2 bits off.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tutela.adapters.media.borrowing import borrowed

Pixels = NDArray[np.uint8]

_OPAQUE = 255
_WHITE = 255
_SIXTEEN_BIT = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
_WIDE = frozenset({"I", "F"})
_WITH_ALPHA = frozenset({"RGBA", "RGBa", "LA", "La", "PA"})
_STRIP_ROWS = 1024
_TIFF_PHOTOMETRIC = 262
_TIFF_WHITE_IS_ZERO = 0


class Plain:
    """A decoded picture as plain bytes.

    `alpha` is "none" when there is nothing to see through, else "white" (composed on
    white) or, after `ignore_alpha`, "stored" (the colours under the transparency).
    """

    def __init__(self, image: Image.Image) -> None:
        self._image = image
        self.width_px, self.height_px = image.size
        self.alpha = "white" if self._see_through() else "none"
        self._low, self._span = self._range() if image.mode in _WIDE else (0.0, 0.0)
        self._negative = image.mode in _SIXTEEN_BIT and _white_is_zero(image)

    def ignore_alpha(self) -> None:
        """From now on give the stored colours, whatever the transparency hides."""
        if self.alpha == "white":
            self.alpha = "stored"

    def pixels(self) -> Pixels:
        """All rows: H x W grey, or H x W x 3 or x 4 RGB (the fourth byte means nothing).

        Pillow's own memory where that is plain already, else converted strip by strip, so
        that no second picture of that size is needed on the way.
        """
        if self.alpha == "none" or (self.alpha == "stored" and self._image.mode == "RGBA"):
            lent = borrowed(self._image)
            if lent is not None:
                return lent
        return by_strips(self.rows, self.height_px)

    def rows(self, top: int, bottom: int) -> Pixels:
        """Rows top to bottom (excluded): height x width grey or height x width x 3 RGB."""
        strip = self._image.crop((0, top, self.width_px, bottom))
        if strip.mode in _SIXTEEN_BIT:
            # Upper byte: exact for v*257 and for v<<8, and what decoders do with 16-bit RGB.
            grey = (np.asarray(strip) >> 8).astype(np.uint8)
            return ~grey if self._negative else grey
        if strip.mode in _WIDE:
            return self._stretched(strip)
        return np.asarray(self._plain_mode(strip))

    def whole(self) -> Image.Image:
        """The whole picture in mode L or RGB."""
        if self._image.mode in _SIXTEEN_BIT | _WIDE:
            return Image.fromarray(self.rows(0, self.height_px))
        return self._plain_mode(self._image)

    def _plain_mode(self, strip: Image.Image) -> Image.Image:
        if self.alpha == "white":
            seen = strip.convert("RGBA")
            ground = Image.new("RGB", seen.size, (_WHITE, _WHITE, _WHITE))
            ground.paste(seen, mask=seen.getchannel("A"))
            return ground
        if strip.mode in {"L", "RGB"}:
            return strip
        if strip.mode == "1":
            return strip.convert("L")
        if strip.mode in {"La", "RGBa"}:
            strip = strip.convert("RGBA" if strip.mode == "RGBa" else "LA")
        return strip.convert("RGB")

    def _see_through(self) -> bool:
        """Whether any pixel is less than opaque (or a transparent colour is declared)."""
        if self._image.mode in _WITH_ALPHA:
            lowest, _ = self._image.getchannel(self._image.getbands()[-1]).getextrema()
            return bool(lowest != _OPAQUE)
        return self._image.mode in {"P", "L", "RGB"} and "transparency" in self._image.info

    def _range(self) -> tuple[float, float]:
        """Lowest finite value and the span to the highest."""
        lows, highs = [], []
        for top in range(0, self.height_px, _STRIP_ROWS):
            values = self._values(top, min(self.height_px, top + _STRIP_ROWS))
            finite = values[np.isfinite(values)]
            if finite.size:
                lows.append(float(finite.min()))
                highs.append(float(finite.max()))
        return (min(lows), max(highs) - min(lows)) if lows else (0.0, 0.0)

    def _values(self, top: int, bottom: int) -> NDArray[np.float64]:
        strip = self._image.crop((0, top, self.width_px, bottom))
        return np.asarray(strip).astype(np.float64)

    def _stretched(self, strip: Image.Image) -> Pixels:
        """Lowest value to 0, highest to 255; what is not a number becomes 0."""
        values = np.asarray(strip).astype(np.float64) - self._low
        if self._span:
            values *= 255.0 / self._span
        bounded = np.clip(np.nan_to_num(values, nan=0.0), 0.0, 255.0)
        return np.rint(bounded).astype(np.uint8)


def by_strips(rows: Callable[[int, int], Pixels], height_px: int) -> Pixels:
    """All rows, from a function that gives those from one (included) to another (excluded)."""
    first = rows(0, min(_STRIP_ROWS, height_px))
    if len(first) == height_px:
        return first
    whole = np.empty((height_px, *first.shape[1:]), dtype=np.uint8)
    whole[: len(first)] = first
    for top in range(len(first), height_px, _STRIP_ROWS):
        bottom = min(height_px, top + _STRIP_ROWS)
        whole[top:bottom] = rows(top, bottom)
    return whole


def clipped(image: Image.Image) -> Pixels | None:
    """Values of more than eight bits as `convert("RGB")` of Pillow gives them, else None."""
    if image.mode not in _SIXTEEN_BIT | _WIDE:
        return None

    def rows(top: int, bottom: int) -> Pixels:
        strip = image.crop((0, top, image.width, bottom)).convert("RGB")
        return np.ascontiguousarray(np.asarray(strip)[:, :, 0])

    return by_strips(rows, image.height)


def stored_numbers(image: Image.Image) -> Pixels | None:
    """Numbers of a palette as if grey, and inks as if RGB, else None."""
    if image.mode not in {"P", "CMYK"}:
        return None

    def rows(top: int, bottom: int) -> Pixels:
        numbers = np.asarray(image.crop((0, top, image.width, bottom)))
        return np.ascontiguousarray(numbers[:, :, :3]) if numbers.ndim > 2 else numbers  # noqa: PLR2004 - H x W x 4

    return by_strips(rows, image.height)


def _white_is_zero(image: Image.Image) -> bool:
    """Whether a TIFF stores its 16-bit grey inverted, which Pillow does not undo."""
    tags = getattr(image, "tag_v2", None)
    return tags is not None and tags.get(_TIFF_PHOTOMETRIC) == _TIFF_WHITE_IS_ZERO
