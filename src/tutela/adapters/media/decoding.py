"""Decode and hash: runs in the child only.

1. The file as it is; 2. without what its pixels do not need; 3. the pixels that came (`partial`).
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from pi_heif import register_heif_opener
from PIL import (
    AvifImagePlugin,
    IcoImagePlugin,
    Image,
    MpoImagePlugin,
    TiffImagePlugin,
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
    hashes_of,
    upright_turn,
)
from tutela.adapters.media.model import Limits, RefusalReason
from tutela.adapters.media.opening import NoPicture, loaded, opened
from tutela.adapters.media.partial import Partial, cleaned, is_whole, lacks_rows, partial
from tutela.adapters.media.sniffing import JPEG, KINDS, Kind
from tutela.hashing.model import DIHEDRAL, MIN_QUALITY, FormKind, Mode
from tutela.hashing.scaled import all_of_scaled, eighths_for, pdq_of_scaled

_Found = TypeVar("_Found")
_LOADED = (IcoImagePlugin, MpoImagePlugin, TiffImagePlugin, WebPImagePlugin)
"""Pillow would load these when it first needs one, and with it forty that nobody here needs. A JPEG
of several pictures needs Mpo, and by then no file can be opened any more."""
_NO_THREADS = 0  # in the words of libheif
_DECODERS = {kind.decoder: kind for kind in KINDS}


def prepare() -> None:
    """Set the decoders up, without any limit yet.

    One thread each: the process may start none, and its neighbours have their own pictures.
    """
    keep_in_one_block()
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    register_heif_opener(
        decode_threads=_NO_THREADS, thumbnails=False, depth_images=False, aux_images=False
    )


def kind_named(decoder: object) -> Kind:
    """The kind of that decoder's name; only those on the allow-list exist."""
    return _DECODERS[str(decoder)]


def decoded(body: bytes, *, kind: Kind, limits: Limits) -> Image.Image:
    """The first picture for a person to see: what came of it, white where nothing did."""

    def whole(one: bytes, of_kind: Kind) -> Image.Image:
        return loaded(opened(one, kind=of_kind, limits=limits), limits)

    found = _whole_or_part(body, kind=kind, limits=limits, whole=whole)
    if not isinstance(found, Partial):
        return found
    image = Image.fromarray(np.ascontiguousarray(found.as_shown()[..., :3]))
    image.info["exif"] = found.exif
    return image


def _whole_or_part(
    body: bytes, *, kind: Kind, limits: Limits, whole: Callable[[bytes, Kind], _Found]
) -> _Found | Partial:
    """What `whole` makes of the file, else of its pixels alone, else the pixels that came.

    Raises what `whole` said first when nothing can be had.
    """
    refused: Exception | None = None
    for of_kind, one in itertools.chain([(kind, body)], cleaned(body, kind=kind)):
        try:
            return whole(one, of_kind)
        except NoPicture as error:
            if error.reason is RefusalReason.TOO_MANY_PIXELS:
                raise
            refused = refused or error
        except Exception as error:  # noqa: BLE001 - almost anything; metadata may take the memory
            refused = refused or error
    try:
        return partial(body, kind=kind, limits=limits)
    except NoPicture as error:
        if error.reason is not RefusalReason.DAMAGED:
            raise
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001, S110 - what was said first is said
        pass
    assert refused is not None  # noqa: S101 - or there would be an answer
    raise refused


def hash_picture(
    body: bytes, *, kind: Kind, limits: Limits, dihedral: bool, mode: Mode = Mode.EXACT
) -> dict[str, Any]:
    """PDQ (and, when asked, the eight dihedral hashes) of each form of the file, as JSON values.

    `mode` in the answer is the one that was used: fast only where it pays. Of a file that is
    cut off `rows` says how many rows came.
    """
    wish = _Wish(dihedral=dihedral, mode=mode, limits=limits, budget=Budget.of(limits))
    found = _whole_or_part(
        body, kind=kind, limits=limits, whole=lambda one, of_kind: _of_whole(one, of_kind, wish)
    )
    if isinstance(found, Partial):
        found = _of_part(found, wish)
    elif not is_whole(body, kind=kind):
        found |= {"rows": found["height"]}
    return found


@dataclass(frozen=True, kw_only=True)
class _Wish:
    """How a file is to be hashed."""

    dihedral: bool
    mode: Mode
    limits: Limits
    budget: Budget

    def hashes(self, pixels: Pixels, turn: str | None = None) -> Hashes:
        """PDQ of plain pixels, the eight when they are asked for, and that after `turn`."""
        return hashes_of(pixels, dihedral=self.dihedral, turn=turn)


def _of_whole(body: bytes, kind: Kind, wish: _Wish) -> dict[str, Any]:
    """All forms of a file that the decoders take as it is; raises what they raise."""
    image = opened(body, kind=kind, limits=wish.limits)
    size = image.size
    plain: Plain | None = None
    found, used = None, Mode.EXACT
    turn = upright_turn(image) if kind is JPEG else None
    if kind is JPEG and wish.mode is Mode.FAST:
        found = _fast(body, image, dihedral=wish.dihedral, turn=turn)
        used = Mode.FAST if found else Mode.EXACT
    if found is None and kind is JPEG:
        found = _by_turbo(body, image, wish, turn)
    if found is None:
        plain = Plain(loaded(image, wish.limits))
        turn = upright_turn(image)  # Pillow has turned some kinds while it loaded them
        size = image.size
        found = _as_seen(plain, wish, turn)
    forms = Forms(primary=found.pdq, hashing=wish.hashes)
    forms.add_upright(found, turn)
    if plain is not None:
        add_as_peers_read(forms, image, plain)
        del plain
    pictures = add_pictures(
        forms,
        image,
        limits=wish.limits,
        budget=wish.budget,
        hash_loaded=lambda one: _as_seen(Plain(loaded(one, wish.limits)), wish),
    )
    return _answer(found, size, forms, mode=used, pictures=pictures)


def _of_part(part: Partial, wish: _Wish) -> dict[str, Any]:
    """The two forms of a file of which not all came."""
    turn = upright_turn(part.exif)
    found = wish.hashes(part.pixels, turn)
    forms = Forms(primary=found.pdq, hashing=wish.hashes)
    forms.add_upright(found, turn)
    if part.blank.any():
        forms.add_pixels(FormKind.SHOWN, part.as_shown)
    height, width = part.pixels.shape[:2]
    return _answer(found, (width, height), forms) | {"rows": part.rows}


def _answer(
    hashes: Hashes,
    size: tuple[int, int],
    forms: Forms,
    *,
    mode: Mode = Mode.EXACT,
    pictures: tuple[int, int] = (1, 1),
) -> dict[str, Any]:
    """As JSON values for the parent (`checking`)."""
    hashed, turned, _ = hashes
    return {
        "mode": mode,
        "pdq": hashed.hex,
        "quality": hashed.quality,
        "dihedral": [one.hex for one in turned],
        "width": size[0],
        "height": size[1],
        "rows": None,
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
        "pictures_total": pictures[0],
        "pictures_hashed": pictures[1],
    }


def _fast(body: bytes, image: Image.Image, *, dihedral: bool, turn: str | None) -> Hashes | None:
    """From the brightness, decoded at k/8; None for a tiny picture, or not this decoder's."""
    width, height = image.size
    k = eighths_for(height, width)
    grey = jpeg.grey_at(body, image, k) if k else None
    if grey is None or k is None:
        return None
    if grey.shape == (height, width):
        return hashes_of(grey, dihedral=dihedral, turn=turn)
    if dihedral or turn:
        plain, eight = all_of_scaled(grey, height, width, k)
        upright = eight[DIHEDRAL.index(turn)] if turn else None
        return Hashes(plain, eight if dihedral else (), upright)
    return Hashes(pdq_of_scaled(grey, height, width, k))


def _by_turbo(body: bytes, image: Image.Image, wish: _Wish, turn: str | None) -> Hashes | None:
    """From every pixel of a JPEG; None for Pillow to decode it.

    Raises `NoPicture` for one of which not all came: Pillow would fill the rest with grey.
    """
    pixels = jpeg.exact(body, image)
    if pixels is not None:
        return wish.hashes(pixels, turn)
    if jpeg.is_damaged(body) and lacks_rows(body, limits=wish.limits):
        raise NoPicture(RefusalReason.DAMAGED, "cut_off")
    return None


def _as_seen(plain: Plain, wish: _Wish, turn: str | None = None) -> Hashes:
    """From every pixel of a loaded picture, on white where it is transparent."""
    found = wish.hashes(plain.pixels(), turn)
    if plain.alpha == "white" and found.pdq.quality < MIN_QUALITY:
        # Transparency hides everything: what is stored underneath may still be a picture.
        plain.ignore_alpha()
        under = wish.hashes(plain.pixels(), turn)
        if under.pdq.quality >= MIN_QUALITY:
            return under
    return found
