"""Open, check, decode, hash: runs in the child only.

The header is read first; a picture that declares too many pixels is refused before a
single one is decoded.
"""

import contextlib
import io
import warnings
from functools import partial
from typing import Any

from pi_heif import register_heif_opener
from PIL import (
    AvifImagePlugin,
    ExifTags,
    IcoImagePlugin,
    Image,
    MpoImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from tutela.adapters.media import jpeg
from tutela.adapters.media.borrowing import keep_in_one_block
from tutela.adapters.media.converting import Pixels, Plain
from tutela.adapters.media.forms import (
    Budget,
    Forms,
    Hashes,
    add_as_peers_read,
    add_pictures,
)
from tutela.adapters.media.model import Limits, RefusalReason
from tutela.adapters.media.sniffing import JPEG, KINDS, Kind
from tutela.hashing.dihedral import all_of
from tutela.hashing.model import MIN_QUALITY, Mode
from tutela.hashing.pdq import pdq
from tutela.hashing.scaled import all_of_scaled, eighths_for, pdq_of_scaled

_LOADED = (IcoImagePlugin, MpoImagePlugin, TiffImagePlugin, WebPImagePlugin)
"""Pillow would load these when it first needs one, and with it forty that nobody here needs. A JPEG
of several pictures needs Mpo, and by then no file can be opened any more."""
_NO_THREADS = 0  # in the words of libheif
_EXIF_TEXT = 200
_EXIF_BASE = (
    "Make", "Model", "Software", "DateTime", "Artist", "Copyright", "ImageDescription",
    "Orientation", "HostComputer",
)  # fmt: skip
_EXIF_DETAIL = (
    "DateTimeOriginal", "DateTimeDigitized", "OffsetTimeOriginal", "BodySerialNumber",
    "CameraOwnerName", "LensModel", "LensSerialNumber", "ImageUniqueID",
)  # fmt: skip
_EXIF_PLACE = (
    "GPSLatitudeRef", "GPSLatitude", "GPSLongitudeRef", "GPSLongitude", "GPSAltitude",
    "GPSDateStamp", "GPSTimeStamp",
)  # fmt: skip
_DECODERS = {kind.decoder: kind for kind in KINDS}


class NoPicture(Exception):
    """The file gives no picture; `detail` is a constant or a class name, never content."""

    def __init__(self, reason: RefusalReason, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(reason)


def prepare() -> None:
    """Set the decoders up, without any limit yet.

    One thread each: the process may start none, and its neighbours have their own pictures.
    """
    keep_in_one_block()
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    register_heif_opener(
        decode_threads=_NO_THREADS, thumbnails=False, depth_images=False, aux_images=False
    )


def obey(limits: Limits) -> None:
    """Set the decoders' own limits; a warning about size becomes a refusal."""
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def kind_named(decoder: object) -> Kind:
    """The kind of that decoder's name; only those on the allow-list exist."""
    return _DECODERS[str(decoder)]


def opened(body: bytes, *, kind: Kind, limits: Limits) -> Image.Image:
    """The picture with its header read and its declared size within the limits."""
    try:
        image = Image.open(io.BytesIO(body), formats=[kind.decoder])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NoPicture(RefusalReason.TOO_MANY_PIXELS) from error
    except UnidentifiedImageError as error:
        raise NoPicture(RefusalReason.DAMAGED, "header") from error
    _check_size(image, limits)
    return image


def _check_size(image: Image.Image, limits: Limits) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise NoPicture(RefusalReason.DAMAGED, "size")
    if width * height > limits.max_pixels or max(width, height) > limits.max_side_px:
        raise NoPicture(RefusalReason.TOO_MANY_PIXELS)


def decoded(body: bytes, *, kind: Kind, limits: Limits) -> Image.Image:
    """The first frame, all pixels decoded."""
    return _loaded(opened(body, kind=kind, limits=limits), limits)


def _loaded(image: Image.Image, limits: Limits) -> Image.Image:
    try:
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NoPicture(RefusalReason.TOO_MANY_PIXELS) from error
    _check_size(image, limits)  # a frame may be larger than the header said
    return image


def hash_picture(
    body: bytes, *, kind: Kind, limits: Limits, dihedral: bool, mode: Mode = Mode.EXACT
) -> dict[str, Any]:
    """PDQ (and, when asked, the eight dihedral hashes) of each form of the file, as JSON values.

    `mode` in the answer is the one that was used: fast only where it pays.
    """
    budget = Budget.of(limits)
    image = opened(body, kind=kind, limits=limits)
    width, height = image.size
    plain: Plain | None = None
    found = _fast(body, image, dihedral=dihedral) if (kind, mode) == (JPEG, Mode.FAST) else None
    used = Mode.FAST if found else Mode.EXACT
    if found is None and kind is JPEG:
        found = _by_turbo(body, image, dihedral=dihedral)
    if found is None:
        plain = Plain(_loaded(image, limits))
        width, height = image.size
        found = _as_seen(plain, dihedral=dihedral)
    hashed, turned = found
    forms = Forms(primary=hashed, hashing=partial(_hashes, dihedral=dihedral))
    if plain is not None:
        add_as_peers_read(forms, image, plain)
        del plain
    total, looked_at = add_pictures(
        forms,
        image,
        limits=limits,
        budget=budget,
        hash_loaded=lambda one: _as_seen(Plain(_loaded(one, limits)), dihedral=dihedral),
    )
    return {
        "mode": used,
        "pdq": hashed.hex,
        "quality": hashed.quality,
        "dihedral": [one.hex for one in turned],
        "width": width,
        "height": height,
        "forms": [
            {
                "kind": form.kind,
                "number": form.number,
                "total": form.total,
                "pdq": form.pdq.hex,
                "quality": form.pdq.quality,
                "dihedral": [one.hex for one in form.dihedral],
            }
            for form in forms.found
        ],
        "pictures_total": total,
        "pictures_hashed": looked_at,
    }


def _fast(body: bytes, image: Image.Image, *, dihedral: bool) -> Hashes | None:
    """From the brightness, decoded at k/8; None for a tiny picture, or not this decoder's."""
    width, height = image.size
    k = eighths_for(height, width)
    grey = jpeg.grey_at(body, image, k) if k else None
    if grey is None or k is None:
        return None
    if grey.shape == (height, width):
        return _hashes(grey, dihedral=dihedral)
    if dihedral:
        return all_of_scaled(grey, height, width, k)
    return pdq_of_scaled(grey, height, width, k), ()


def _by_turbo(body: bytes, image: Image.Image, *, dihedral: bool) -> Hashes | None:
    """From every pixel of a JPEG; None for Pillow to decode it or to refuse it."""
    pixels = jpeg.exact(body, image)
    return None if pixels is None else _hashes(pixels, dihedral=dihedral)


def _as_seen(plain: Plain, *, dihedral: bool) -> Hashes:
    """From every pixel of a loaded picture, on white where it is transparent."""
    found = _hashes(plain.pixels(), dihedral=dihedral)
    if plain.alpha == "white" and found[0].quality < MIN_QUALITY:
        # Transparency hides everything: what is stored underneath may still be a picture.
        plain.ignore_alpha()
        under = _hashes(plain.pixels(), dihedral=dihedral)
        if under[0].quality >= MIN_QUALITY:
            return under
    return found


def _hashes(pixels: Pixels, *, dihedral: bool) -> Hashes:
    return all_of(pixels) if dihedral else (pdq(pixels), ())


def facts(body: bytes, *, kind: Kind, limits: Limits) -> dict[str, Any]:
    """Size, number of frames and a choice of EXIF entries, without decoding the pixels."""
    image = opened(body, kind=kind, limits=limits)
    return {
        "width": image.width,
        "height": image.height,
        "frames": int(getattr(image, "n_frames", 1)),
        "exif": _exif(image),
    }


def _exif(image: Image.Image) -> dict[str, str]:
    """The chosen entries as text; a broken block gives what could be read."""
    chosen: dict[str, str] = {}
    with contextlib.suppress(Exception):  # metadata of a stranger: any of it may be broken
        exif = image.getexif()
        for block, names, tags in (
            (exif, _EXIF_BASE, ExifTags.TAGS),
            (exif.get_ifd(ExifTags.IFD.Exif), _EXIF_DETAIL, ExifTags.TAGS),
            (exif.get_ifd(ExifTags.IFD.GPSInfo), _EXIF_PLACE, ExifTags.GPSTAGS),
        ):
            for tag, value in block.items():
                name = tags.get(tag)
                if name is not None and name in names:
                    chosen[name] = _text(value)
    return chosen


def _text(value: object) -> str:
    """One line of printable text, cut to a bound."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, tuple):
        value = " ".join(str(part) for part in value[:8])
    line = "".join(letter if letter.isprintable() else " " for letter in str(value)[:_EXIF_TEXT])
    return " ".join(line.split())
