"""Reduced forms of a picture for the reviewer, made whole in the child.

A rendition shows no more than it must; the browser never gets the original bytes. Turned
upright by EXIF orientation (a person looks at it), written anew without any metadata.
"""

import contextlib
import io

from PIL import ExifTags, Image, ImageFilter

from tutela.adapters.media.contact_sheet import cell_px, sheet_of
from tutela.adapters.media.converting import Plain
from tutela.adapters.media.decoding import decoded
from tutela.adapters.media.forms import Budget, count_pictures, later_pictures
from tutela.adapters.media.model import (
    FULL_VIEW_SIDE_PX,
    RENDITION_SIDE_PX,
    STYLES,
    THUMB_SIDE_PX,
    Limits,
    RefusalReason,
    Style,
)
from tutela.adapters.media.opening import NoPicture, loaded
from tutela.adapters.media.sniffing import Kind
from tutela.hashing.model import MIN_QUALITY
from tutela.hashing.pdq import pdq

_BLUR_SIDE_PX = 24  # what is left of the picture before it is blown up and smoothed
_BLUR_RADIUS_PX = 8
_LINE_CUT = 20  # a step of brightness below this is not a line
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture of each EXIF orientation upright (EXIF 2.32, tag 274)."""


def rendition(body: bytes, *, kind: Kind, limits: Limits, style: Style) -> bytes:
    """A PNG: 64-px thumb, or a blurred, grey or line-art form with 320 px on the long side."""
    if style not in STYLES:
        raise NoPicture(RefusalReason.DAMAGED, "style")
    image = _shown(body, kind=kind, limits=limits, side_px=RENDITION_SIDE_PX)
    if style == "thumb":
        image.thumbnail((THUMB_SIDE_PX, THUMB_SIDE_PX))
    elif style == "grey":
        image = image.convert("L")
    elif style == "blur":
        image = _blurred(image)
    else:
        image = _lines(image)
    return _png(image)


def full_view(body: bytes, *, kind: Kind, limits: Limits) -> bytes:
    """A PNG of the whole picture, at most 1600 px on the long side.

    Of a file with several pictures: a contact sheet of those that are hashed.
    """
    return _png(_shown(body, kind=kind, limits=limits, side_px=FULL_VIEW_SIDE_PX))


def _shown(body: bytes, *, kind: Kind, limits: Limits, side_px: int) -> Image.Image:
    """The picture, plain, reduced and upright; of a file with several those that were hashed."""
    budget = Budget.of(limits)
    source = decoded(body, kind=kind, limits=limits)
    count = min(count_pictures(source), limits.max_pictures)
    cell = cell_px(count, side_px=side_px)
    # The file's own picture changes when it is asked for the next one.
    pictures = [_upright(source if count == 1 else source.copy(), side_px=cell)]
    later = later_pictures(
        source,
        limits=limits,
        budget=budget,
        taken=lambda one: _upright(loaded(one, limits).copy(), side_px=cell),
    )
    pictures += [picture for _, picture in later]
    return sheet_of(pictures)


def _upright(source: Image.Image, *, side_px: int) -> Image.Image:
    """One loaded picture, turned as its orientation says.

    Where transparency hides all that is to be seen: the colours stored under it, as for hashing.
    """
    turn = None
    with contextlib.suppress(Exception):  # broken metadata of a stranger: shown as stored
        turn = _TURNS.get(int(source.getexif().get(ExifTags.Base.Orientation, 1)))
    plain = Plain(source)
    if plain.alpha == "white" and pdq(plain.pixels()).quality < MIN_QUALITY:
        plain.ignore_alpha()
    small = plain.whole()
    small.thumbnail((side_px, side_px), reducing_gap=2.0)
    return small.transpose(turn) if turn is not None else small


def _blurred(image: Image.Image) -> Image.Image:
    """Throw the detail away first, so that no filter can bring it back."""
    size = image.size
    image.thumbnail((_BLUR_SIDE_PX, _BLUR_SIDE_PX))
    grown = image.resize(size, Image.Resampling.BICUBIC)
    return grown.filter(ImageFilter.GaussianBlur(_BLUR_RADIUS_PX))


def _lines(image: Image.Image) -> Image.Image:
    """Black outlines on white, no surface."""
    edges = image.convert("L").filter(ImageFilter.GaussianBlur(1)).filter(ImageFilter.FIND_EDGES)
    return edges.point([255 if step < _LINE_CUT else 0 for step in range(256)])


def _png(image: Image.Image) -> bytes:
    """Only the pixels: a fresh picture carries no metadata along."""
    bare = Image.frombytes(image.mode, image.size, image.tobytes())
    held = io.BytesIO()
    bare.save(held, format="PNG", compress_level=3)
    return held.getvalue()
