"""What a browser would show of a file that is cut off, or broken beside its pixels.

1. `cleaned`: the file without anything that its pixels do not need. Metadata never decides.
2. `partial`: the pixels that came. Which ones, is measured: the file is decoded twice, with other
   values where it has none, and what differs did not come.

Runs in the child only.
"""

import contextlib
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image, ImageFile

from tutela.adapters.media import gif_blocks, jpeg_segments, png_chunks, webp_rows
from tutela.adapters.media.borrowing import borrowed
from tutela.adapters.media.converting import Pixels, Plain
from tutela.adapters.media.model import Limits, RefusalReason
from tutela.adapters.media.opening import NoPicture, check_size, opened
from tutela.adapters.media.sniffing import AVIF, BMP, GIF, HEIF, ICO, JPEG, PNG, TIFF, WEBP, Kind

LEAST_SHARE = 0.75
"""A picture of which less came is not compared: the hash would be too far from that of the whole
to be met by it, and "no known match" would be said of what nobody could compare."""

_WHITE = 255
_STRIP_ROWS = 1024
_JUNK = bytes((97 * number * number + 29 * number + 165) & 0xFF for number in range(4096))
_WEBP_PIXELS = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"})
_WEBP_KEPT_FLAGS = 0x12  # alpha and animation (WebP Container Specification, "VP8X")
_RAW = frozenset({BMP, TIFF, ICO})
_ICO_ENTRY = struct.Struct("<BBBBHHII")


@dataclass(frozen=True, kw_only=True, slots=True)
class Partial:
    """The pixels of a file that is cut off.

    In `pixels` the nearest row that came stands where none did, which is nearer to the whole
    picture than any filling; `blank` says which rows those are. `rows` came.
    """

    pixels: Pixels
    blank: NDArray[np.bool_]
    rows: int
    exif: bytes = b""

    def as_shown(self) -> Pixels:
        """As browsers show it, white where nothing came. Changes `pixels`: no second copy."""
        self.pixels[self.blank] = _WHITE
        return self.pixels


def cleaned(body: bytes, *, kind: Kind) -> Iterator[tuple[Kind, bytes]]:
    """The file without what pixels do not need, from the least change to the greatest."""
    if kind is PNG:
        yield PNG, png_chunks.rewritten(body, animated=True)
        yield PNG, png_chunks.rewritten(body, animated=False)
    elif kind is JPEG and (parts := jpeg_segments.segments(body)) is not None:
        if parts.ended:
            yield JPEG, parts.closed()
    elif kind is WEBP:
        yield WEBP, _without_metadata(body)
    elif kind is ICO and (inside := _largest(body)).startswith(png_chunks.SIGNATURE):
        yield PNG, inside
        yield from cleaned(inside, kind=PNG)


def is_whole(body: bytes, *, kind: Kind) -> bool:
    """Whether the file has its end, as far as its kind has one that can be told."""
    if kind is WEBP:
        return _riff_bytes(body) <= len(body) + 1  # a byte of padding
    if kind is ICO:
        return all(place + size <= len(body) for size, place in _entries(body))
    return kind is not PNG or png_chunks.is_whole(body)


def partial(body: bytes, *, kind: Kind, limits: Limits) -> Partial:
    """The pixels that came; raise `NoPicture` when these are too few, or none."""
    if kind is ICO and (inside := _largest(body)).startswith(png_chunks.SIGNATURE):
        return partial(inside, kind=PNG, limits=limits)
    image, came = (
        _of_webp(body, limits) if kind is WEBP else _of_two(body, kind=kind, limits=limits)
    )
    share = float(came.mean())
    if not share:
        raise NoPicture(RefusalReason.DAMAGED, "pixels")
    if share < LEAST_SHARE:
        raise NoPicture(RefusalReason.CUT_OFF, _percent(share))
    exif = image.info.get("exif", b"")
    return Partial(
        pixels=_filled(Plain(image).pixels(), came),
        blank=np.logical_not(came.any(axis=1)),
        rows=int(share * image.height),
        exif=exif if isinstance(exif, bytes) else b"",
    )


def _of_webp(body: bytes, limits: Limits) -> tuple[Image.Image, NDArray[np.bool_]]:
    """The picture, transparent where nothing came, and which pixels came."""
    missing = min(max(0, _riff_bytes(body) - len(body)), len(body)) + 2 * len(_JUNK)
    padded, other = (_without_metadata(body, tail=one) for one in (bytes(missing), _junk(missing)))
    size = webp_rows.size_of(padded)
    if size is None:
        raise NoPicture(RefusalReason.DAMAGED, "header")
    check_size(size, limits)
    # The decoder holds rows back until enough bytes after them are there, so it gets some.
    pixels, rows = webp_rows.rows_of(padded, size)
    others, rows_of_others = webp_rows.rows_of(other, size)
    came = (pixels == others).all(axis=2)
    came[min(rows, rows_of_others) :] = False
    came = _in_order(came)
    # Lossless pixels are an error in both: those before it come from what is really there.
    certain, rows = webp_rows.rows_of(padded[: len(padded) - missing - 1], size)
    if rows > came.all(axis=1).sum():
        pixels, came[:rows] = certain, True
    return Image.fromarray(pixels), came


def _of_two(body: bytes, *, kind: Kind, limits: Limits) -> tuple[Image.Image, NDArray[np.bool_]]:
    """The picture, decoded twice, and which pixels came: those that are the same in both."""
    first, other, in_order = _variants(body, kind=kind)
    image = _loaded(first, 0, kind=kind, limits=limits)
    second = _loaded(other, 1, kind=kind, limits=limits)
    came = _came(image, second, kind=kind)
    if kind is PNG:  # opaque where nothing came, so that an opaque picture stays one
        image = second
    return image, _in_order(came) if in_order else came


def _in_order(came: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """From the first pixel that did not come all is made up, even where it looks the same."""
    missing = ~came
    starts = np.where(missing.any(axis=1), missing.argmax(axis=1), came.shape[1])
    before: NDArray[np.bool_] = np.arange(came.shape[1]) < np.minimum.accumulate(starts)[:, None]
    return before


def lacks_rows(body: bytes, *, limits: Limits) -> bool:
    """Whether some rows of a JPEG that was decoded with warnings did not come, or its end."""
    parts = jpeg_segments.segments(body)
    if parts is None or not parts.ended:
        return True
    first, other, _ = _variants(body, kind=JPEG)
    image = _loaded(first, 0, kind=JPEG, limits=limits)
    return not _came(image, _loaded(other, 1, kind=JPEG, limits=limits), kind=JPEG).all()


def _variants(body: bytes, *, kind: Kind) -> tuple[bytes, bytes, bool]:
    """The file in two ways that differ only where it has nothing; whether rows come in order."""
    if kind is PNG:
        one = png_chunks.rewritten(body, animated=False)
        return one, one, False
    if kind is GIF:
        one = gif_blocks.closed(body)
        return one, one, False
    if kind is JPEG:
        parts = jpeg_segments.segments(body)
        if parts is None:
            raise NoPicture(RefusalReason.DAMAGED, "header")
        closed = parts.closed()
        return closed, closed if parts.coarse else parts.gone_on(), True
    missing = _missing_bytes(body, kind=kind)
    if missing <= 0:
        raise NoPicture(RefusalReason.DAMAGED, "pixels")
    if kind in _RAW and missing > len(body):
        raise NoPicture(RefusalReason.CUT_OFF, _percent(len(body) / (len(body) + missing)))
    missing = min(missing, len(body) + len(_JUNK))
    return body + bytes(missing), body + _junk(missing), kind not in _RAW


def _junk(size: int) -> bytes:
    return (_JUNK * (size // len(_JUNK) + 1))[:size]


def _missing_bytes(body: bytes, *, kind: Kind) -> int:
    """How many bytes the file declares and does not have."""
    if kind in {AVIF, HEIF}:
        return _end_of_boxes(body) - len(body)
    if kind is BMP:
        return _end_of_bitmap(body) - len(body)
    if kind is ICO:
        return max((place + size for size, place in _entries(body)), default=0) - len(body)
    with _tolerant():
        tags = getattr(Image.open(io.BytesIO(body), formats=[kind.decoder]), "tag_v2", {})
    strips = [
        place + size
        for places, sizes in ((273, 279), (324, 325))
        for place, size in zip(tags.get(places, ()), tags.get(sizes, ()), strict=False)
    ]
    return max(strips, default=0) - len(body)


def _end_of_boxes(body: bytes) -> int:
    """Where the last of the outermost boxes ends (ISO/IEC 14496-12, 4.2)."""
    at = 0
    while at + 8 <= len(body):
        size = int.from_bytes(body[at : at + 4])
        if size == 1:
            size = int.from_bytes(body[at + 8 : at + 16])
        if size < 8:  # noqa: PLR2004 - to the end of the file, or broken
            return len(body)
        at += size
    return at


def _end_of_bitmap(body: bytes) -> int:
    """Where the rows of a BMP end; of a compressed one, what its header says."""
    declared = int.from_bytes(body[2:6], "little")
    if len(body) < 34:  # noqa: PLR2004 - up to the field of the compression
        return declared
    start = int.from_bytes(body[10:14], "little")
    width, height, _, bits, packed = struct.unpack_from("<iiHHI", body, 18)
    if packed in {1, 2}:
        return declared
    rows: int = (abs(width) * bits + 31) // 32 * 4 * abs(height)
    return start + rows


def _entries(body: bytes) -> list[tuple[int, int]]:
    """Size and place of the pictures of an icon, the largest first."""
    count = int.from_bytes(body[4:6], "little")
    found = [
        _ICO_ENTRY.unpack_from(body, at) for at in range(6, min(6 + 16 * count, len(body) - 15), 16)
    ]
    found.sort(key=lambda one: (one[0] or 256) * (one[1] or 256), reverse=True)
    return [(size, place) for *_, size, place in found]


def _largest(body: bytes) -> bytes:
    entries = _entries(body)
    return body[entries[0][1] : entries[0][1] + entries[0][0]] if entries else b""


def _riff_bytes(body: bytes) -> int:
    """How long a RIFF file is, as it says itself."""
    return int.from_bytes(body[4:8], "little") + 8


def _without_metadata(body: bytes, *, tail: bytes = b"") -> bytes:
    """A WebP of nothing but pixels, with the lengths that it really has.

    Of an animation only whole frames. `tail` is put at the end of the last chunk.
    """
    chunks: list[tuple[bytes, bytes]] = []
    at = 12
    while at + 8 <= len(body):
        name = body[at : at + 4]
        size = int.from_bytes(body[at + 4 : at + 8], "little")
        data = body[at + 8 : at + 8 + size]
        if name == b"VP8X" and data:
            data = bytes((data[0] & _WEBP_KEPT_FLAGS, *data[1:]))
        if name == b"ANMF" and len(data) < size:
            break
        if name in _WEBP_PIXELS:
            chunks.append((name, data))
        at += 8 + size + size % 2
    if chunks:
        chunks[-1] = (chunks[-1][0], chunks[-1][1] + tail)
    inside = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
        for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(inside)) + inside


def _loaded(body: bytes, variant: int, *, kind: Kind, limits: Limits) -> Image.Image:
    """The picture, all of the lowest value where nothing came, or all of the highest."""
    with _tolerant():
        image = opened(body, kind=kind, limits=limits)
        if kind in {PNG, GIF, TIFF, BMP}:
            image.im = Image.new(image.mode, image.size, _ground(image.mode, variant)).im
        if isinstance(image, GifImagePlugin.GifImageFile):
            image._frame_transparency = None  # noqa: SLF001 - it would hide what did not come
        try:
            image.load()
        except OSError:
            if not image.im:
                raise
    check_size(image.size, limits)
    return image


def _ground(mode: str, variant: int) -> float | tuple[float, ...]:
    if mode.startswith("I;16"):
        return 65535 * variant
    bands = len(Image.new(mode, (1, 1)).getbands())
    return _WHITE * variant if bands == 1 else (_WHITE * variant,) * bands


@contextlib.contextmanager
def _tolerant() -> Iterator[None]:
    """Pillow gives the rows that came; otherwise it refuses the file."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _came(one: Image.Image, other: Image.Image, *, kind: Kind) -> NDArray[np.bool_]:
    """H x W: which pixels do not depend on what the file does not have."""
    if kind is ICO:  # its transparency lies at the end, and browsers do without it
        one, other = one.convert("RGB"), other.convert("RGB")
    if one.size != other.size or one.mode != other.mode:
        raise NoPicture(RefusalReason.DAMAGED, "pixels")
    came = np.empty((one.height, one.width), np.bool_)
    lent, others = borrowed(one), borrowed(other)
    for top in range(0, one.height, _STRIP_ROWS):
        end = min(one.height, top + _STRIP_ROWS)
        if lent is not None and others is not None:
            came[top:end] = _same(lent[top:end], others[top:end], mode=one.mode)
            continue
        box = (0, top, one.width, end)
        same = np.asarray(one.crop(box)) == np.asarray(other.crop(box))
        came[top:end] = same if same.ndim == 2 else same.all(axis=2)  # noqa: PLR2004 - H x W
    return came


def _same(one: NDArray[Any], other: NDArray[Any], *, mode: str) -> NDArray[np.bool_]:
    """Which pixels are equal; of RGB the fourth byte means nothing."""
    if one.ndim > 2:  # noqa: PLR2004 - H x W x 4
        mask = np.uint32(0xFFFFFF if mode == "RGB" else 0xFFFFFFFF)
        one, other = (values.view("<u4")[..., 0] & mask for values in (one, other))
    same: NDArray[np.bool_] = one == other
    return same


def _filled(pixels: Pixels, came: NDArray[np.bool_]) -> Pixels:
    """The pixels with the nearest row that came where none did."""
    filled = pixels if pixels.flags.writeable else np.array(pixels)
    for row in np.flatnonzero(~came.all(axis=1)).tolist():
        if row:
            filled[row][~came[row]] = filled[row - 1][~came[row]]
    first = int(np.argmax(came.any(axis=1)))
    filled[:first] = filled[first]
    return filled


def _percent(share: float) -> str:
    return f"{int(100 * share)} %"
