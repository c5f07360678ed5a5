"""What a picture file says about itself: runs in the child only."""

import contextlib
import itertools
from typing import Any

from PIL import ExifTags, Image

from tutela.adapters.media.model import Limits
from tutela.adapters.media.opening import NoPicture, opened
from tutela.adapters.media.partial import cleaned
from tutela.adapters.media.sniffing import Kind

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


def facts(body: bytes, *, kind: Kind, limits: Limits) -> dict[str, Any]:
    """Size, number of frames and a choice of EXIF entries, without decoding the pixels."""
    for of_kind, one in itertools.chain([(kind, body)], cleaned(body, kind=kind)):
        with contextlib.suppress(NoPicture, OSError, SyntaxError, ValueError):
            image = opened(one, kind=of_kind, limits=limits)
            break
    else:
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
