"""Which decoder may look at a file: decided from its first bytes, never from its name."""

from dataclasses import dataclass

HEAD_BYTES = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One format on the allow-list; `decoder` is Pillow's name of it."""

    media_type: str
    decoder: str


_JPEG = Kind(media_type="image/jpeg", decoder="JPEG")
_PNG = Kind(media_type="image/png", decoder="PNG")
_GIF = Kind(media_type="image/gif", decoder="GIF")
_WEBP = Kind(media_type="image/webp", decoder="WEBP")
_TIFF = Kind(media_type="image/tiff", decoder="TIFF")
_BMP = Kind(media_type="image/bmp", decoder="BMP")

KINDS = (_JPEG, _PNG, _GIF, _WEBP, _TIFF, _BMP)
NAMES = "JPEG, PNG, GIF, WebP, TIFF and BMP"

_STARTS = (
    (b"\xff\xd8\xff", _JPEG),
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"GIF87a", _GIF),
    (b"GIF89a", _GIF),
    (b"II*\x00", _TIFF),
    (b"MM\x00*", _TIFF),
    (b"II+\x00", _TIFF),  # BigTIFF
    (b"MM\x00+", _TIFF),
    (b"BM", _BMP),
)


def sniff(head: bytes) -> Kind | None:
    """The format that these first bytes announce, or None when it is not on the list."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _WEBP
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    return None
