"""Which decoder may look at a file: decided from its first bytes, never from its name."""

from dataclasses import dataclass

HEAD_BYTES = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One format on the allow-list; `decoder` is Pillow's name of it."""

    media_type: str
    decoder: str


JPEG = Kind(media_type="image/jpeg", decoder="JPEG")
_PNG = Kind(media_type="image/png", decoder="PNG")
_GIF = Kind(media_type="image/gif", decoder="GIF")
_WEBP = Kind(media_type="image/webp", decoder="WEBP")
_TIFF = Kind(media_type="image/tiff", decoder="TIFF")
_BMP = Kind(media_type="image/bmp", decoder="BMP")
_AVIF = Kind(media_type="image/avif", decoder="AVIF")
HEIF = Kind(media_type="image/heif", decoder="HEIF")

KINDS = (JPEG, _PNG, _GIF, _WEBP, _TIFF, _BMP, _AVIF, HEIF)
NAMES = "JPEG, PNG, GIF, WebP, TIFF, BMP, AVIF and HEIC"

_STARTS = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"GIF87a", _GIF),
    (b"GIF89a", _GIF),
    (b"II*\x00", _TIFF),
    (b"MM\x00*", _TIFF),
    (b"II+\x00", _TIFF),  # BigTIFF
    (b"MM\x00+", _TIFF),
    (b"BM", _BMP),
)

_BRANDS = {b"avif": _AVIF, b"avis": _AVIF} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), HEIF
)
_CONTAINERS = frozenset({b"mif1", b"msf1"})
"""Brands of the container alone: what is inside, the further brands tell (ISO/IEC 23008-12)."""


def sniff(head: bytes) -> Kind | None:
    """The format that these first bytes announce, or None when it is not on the list."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _WEBP
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    return None


def _by_brand(head: bytes) -> Kind | None:
    """By the first brand of the file, or, where that names a container only, by a further one."""
    if head[8:12] not in _CONTAINERS:
        return _BRANDS.get(head[8:12])
    end = min(len(head), int.from_bytes(head[:4]))
    further = (head[at : at + 4] for at in range(16, end - 3, 4))
    return next((_BRANDS[brand] for brand in further if brand in _BRANDS), None)
