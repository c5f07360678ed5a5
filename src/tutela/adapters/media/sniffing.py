"""Which picture decoders may look at a file: from its first bytes, never from its name.

First bytes are a claim like any other. The kinds that they announce come in the order in which
they are tried: one decoder's refusal is not the last word on a file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

HEAD_BYTES = 4096
_JUNK_BYTES = 512
"""A picture that begins within so many bytes of something else is found."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One format on the allow-list; `decoder` is Pillow's name of it, `name` the reader's."""

    media_type: str
    decoder: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A kind that a file may be of, and the byte at which the picture would begin.

    `sure`: the file begins with the signature of this kind. `brand` is what the file's own
    brand must be replaced by, for a decoder that heeds it.
    """

    kind: Kind
    offset: int = 0
    sure: bool = True
    brand: bytes = b""

    @property
    def name(self) -> str:
        """For the reader: the kind, and where it begins unless that is the file's start."""
        return f"{self.kind.name} at byte {self.offset}" if self.offset else self.kind.name


JPEG = Kind(media_type="image/jpeg", decoder="JPEG", name="JPEG")
PNG = Kind(media_type="image/png", decoder="PNG", name="PNG")
GIF = Kind(media_type="image/gif", decoder="GIF", name="GIF")
WEBP = Kind(media_type="image/webp", decoder="WEBP", name="WebP")
TIFF = Kind(media_type="image/tiff", decoder="TIFF", name="TIFF")
BMP = Kind(media_type="image/bmp", decoder="BMP", name="BMP")
ICO = Kind(media_type="image/vnd.microsoft.icon", decoder="ICO", name="ICO")
AVIF = Kind(media_type="image/avif", decoder="AVIF", name="AVIF")
HEIF = Kind(media_type="image/heif", decoder="HEIF", name="HEIC")

KINDS = (JPEG, PNG, GIF, WEBP, TIFF, BMP, ICO, AVIF, HEIF)
NAMES = "JPEG, PNG, GIF, WebP, TIFF, BMP, ICO, AVIF and HEIC"

_STARTS = (
    (re.compile(rb"\xff\xd8\xff"), JPEG),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), PNG),
    (re.compile(rb"GIF8[79]a"), GIF),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), WEBP),
    (re.compile(rb"II\*\0|MM\0\*|II\+\0|MM\0\+"), TIFF),  # the last two: BigTIFF
    (re.compile(rb"BM"), BMP),
    (re.compile(rb"\x00\x00\x01\x00[\x01-\xff]\x00"), ICO),
)
_AFTER_JUNK = (JPEG, PNG, GIF, WEBP)
"""Kinds with a signature that hardly stands anywhere by chance, and without absolute offsets."""

_BRANDS = {b"avif": AVIF, b"avis": AVIF} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), HEIF
)
_CONTAINERS = frozenset({b"mif1", b"mif2", b"msf1", b"miaf"})
"""Brands of the container alone: what is inside, the further brands tell (ISO/IEC 23008-12)."""
_HEEDED = frozenset({b"mif1", b"msf1"})
"""Those of the containers that both decoders take as they are."""
_OWN_BRANDS = {AVIF: b"avif", HEIF: b"heic"}
_PICTURE_ITEMS = re.compile(rb"meta.{0,64}hdlr.{8}pict", re.DOTALL)


def sniff(head: bytes) -> tuple[Found, ...]:
    """The formats that a file with these first bytes may be of; empty: none on the list.

    In the order to try them; at most four.
    """
    return tuple(_found(head))[:4]


def _found(head: bytes) -> Iterator[Found]:
    if head[4:8] == b"ftyp":
        yield from _by_brand(head)
        return
    starting = next((kind for start, kind in _STARTS if start.match(head)), None)
    if starting is not None:
        yield Found(kind=starting)
    later = []
    for start, kind in _STARTS:
        if kind in _AFTER_JUNK and kind is not starting:
            place = start.search(head, 1, _JUNK_BYTES + 12)
            if place:
                later.append((place.start(), kind))
    for offset, kind in sorted(later, key=lambda one: one[0]):
        yield Found(kind=kind, offset=offset, sure=False)


def _by_brand(head: bytes) -> Iterator[Found]:
    """AVIF and HEIC: first by the brands, then the other, whatever the brands say."""
    size = min(len(head), int.from_bytes(head[:4]))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))]
    if brands[0] in _CONTAINERS:
        named = next((_BRANDS[brand] for brand in brands if brand in _BRANDS), HEIF)
    elif brands[0] in _BRANDS:
        named = _BRANDS[brands[0]]
    elif _PICTURE_ITEMS.search(head):
        named = next((_BRANDS[brand] for brand in brands if brand in _BRANDS), HEIF)
    else:
        return
    sure = brands[0] in _CONTAINERS or brands[0] in _BRANDS
    if brands[0] in _HEEDED or _BRANDS.get(brands[0]) is named:
        yield Found(kind=named, sure=sure)
    if brands[0] != _OWN_BRANDS[named]:  # for one, a still picture under the brand of a sequence
        yield Found(kind=named, sure=sure, brand=_OWN_BRANDS[named])
    other = AVIF if named is HEIF else HEIF
    yield Found(kind=other, sure=sure, brand=_OWN_BRANDS[other])
