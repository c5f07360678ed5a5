"""The further hashes of one file: later frames and pages, and forms that peers hash.

Each is a form by which the same file may stand in somebody's list (decision 0033). None of them
can cost the file its primary hash: one that cannot be decoded, or that would cost too much, is
left out. Runs in the child only.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from PIL import ExifTags, Image
from PIL.IcoImagePlugin import IcoImageFile

from tutela.adapters.media.converting import Pixels, Plain, clipped, stored_numbers
from tutela.adapters.media.model import Limits
from tutela.hashing.dihedral import all_of, eight_of_turned, hashes_of_turned
from tutela.hashing.model import DIHEDRAL, FormKind, Pdq, PictureForm
from tutela.hashing.pdq import pdq

_SHARE_OF_TIME = 0.5
"""Further pictures are begun only while less than this share of the file's time is used."""

_UPRIGHT = {
    2: "flip_y",
    3: "rotate180",
    4: "flip_x",
    5: "flip_plus1",
    6: "rotate270",
    7: "flip_minus1",
    8: "rotate90",
}
"""Which of `DIHEDRAL` brings a picture of each EXIF orientation upright (EXIF 2.32, tag 274)."""


class Hashes(NamedTuple):
    """Of one picture: its hash, the eight turned ones if they were asked for, and the upright one.

    `upright` is None where the pixels are stored upright, or nothing says that they are not.
    """

    pdq: Pdq
    dihedral: tuple[Pdq, ...] = ()
    upright: Pdq | None = None


def upright_turn(source: Image.Image | bytes) -> str | None:
    """The turn that a viewer applies to the stored pixels, None when they are shown as they are.

    `source` is the picture, or its EXIF block.
    """
    with contextlib.suppress(Exception):  # broken metadata of a stranger: shown as stored
        if isinstance(source, bytes):
            exif = Image.Exif()
            exif.load(source)
        else:
            exif = source.getexif()
        return _UPRIGHT.get(int(exif.get(ExifTags.Base.Orientation, 1)))
    return None


def hashes_of(pixels: Pixels, *, dihedral: bool, turn: str | None = None) -> Hashes:
    """The hash of the pixels as they are stored, and what was asked for beside it."""
    if dihedral:
        plain, eight = all_of(pixels)
        return Hashes(plain, eight, eight[DIHEDRAL.index(turn)] if turn else None)
    return Hashes(pdq(pixels), (), hashes_of_turned(pixels, [turn])[0] if turn else None)


Hashing = Callable[[Pixels], Hashes]
_Taken = TypeVar("_Taken")
_KINDS = {
    "TIFF": FormKind.PAGE,
    "JPEG": FormKind.IMAGE,
    "MPO": FormKind.IMAGE,
    "HEIF": FormKind.IMAGE,
    "ICO": FormKind.IMAGE,
}


@dataclass(kw_only=True)
class Forms:
    """Collects the forms of one file: different hashes only, and none of a flat picture."""

    primary: Pdq
    hashing: Hashing
    found: list[PictureForm] = field(default_factory=list)

    def add(
        self,
        kind: FormKind,
        hashes: Hashes,
        *,
        number: int | None = None,
        total: int | None = None,
    ) -> None:
        """Take one in, unless its hash says nothing new."""
        pdq, turned, _ = hashes
        known = {self.primary.bits, *(form.pdq.bits for form in self.found)}
        if pdq.degenerate or pdq.bits in known:
            return
        self.found.append(
            PictureForm(kind=kind, pdq=pdq, number=number, total=total, dihedral=turned)
        )

    def add_upright(self, hashes: Hashes, turn: str | None) -> None:
        """The form that a viewer shows, where the file says that it is another than the stored."""
        if turn is not None and hashes.upright is not None:
            eight = eight_of_turned(hashes.dihedral, turn) if hashes.dihedral else ()
            self.add(FormKind.UPRIGHT, Hashes(hashes.upright, eight))

    def add_pixels(self, kind: FormKind, pixels: Callable[[], Pixels | None]) -> None:
        """The hash of these pixels, if there are any and they can be had."""
        with contextlib.suppress(Exception):  # MemoryError included: the primary hash is there
            if (given := pixels()) is not None:
                self.add(kind, self.hashing(given))


def add_as_peers_read(forms: Forms, image: Image.Image, plain: Plain) -> None:
    """What `pdqhash` gives for the loaded picture in the two ways its users hand pixels to it.

    `convert("RGB")` of Pillow drops transparency and clips values above 255; ThreatExchange's
    `pdq_hasher` takes the stored numbers of palettes and inks.
    """
    if plain.alpha != "none":
        plain.ignore_alpha()
        forms.add_pixels(FormKind.ALPHA_IGNORED, plain.pixels)
    forms.add_pixels(FormKind.CLIPPED, lambda: clipped(image))
    forms.add_pixels(FormKind.STORED_NUMBERS, lambda: stored_numbers(image))


@dataclass(kw_only=True)
class Budget:
    """What the further pictures of one file may cost: pixels, processor and wall time."""

    pixels: int
    cpu_until: float
    wall_until: float

    @classmethod
    def of(cls, limits: Limits) -> "Budget":
        """From now on."""
        return cls(
            pixels=limits.pixels_of_all,
            cpu_until=time.process_time() + _SHARE_OF_TIME * limits.cpu_seconds,
            wall_until=time.monotonic() + _SHARE_OF_TIME * limits.wall_seconds,
        )

    def allows(self, pixels: int) -> bool:
        """Whether so many more pixels may be decoded; they then count."""
        self.pixels -= pixels
        return (
            self.pixels >= 0
            and time.process_time() < self.cpu_until
            and time.monotonic() < self.wall_until
        )


def add_pictures(
    forms: Forms,
    image: Image.Image,
    *,
    limits: Limits,
    budget: Budget,
    hash_loaded: Callable[[Image.Image], Hashes],
) -> tuple[int, int]:
    """Hash later frames, pages or images; how many there are, and were hashed with the first.

    `hash_loaded` loads the picture that it is given, and hashes it.
    """
    kind = _kind(image)
    total, hashed = count_pictures(image), 1
    for place, hashes in later_pictures(image, limits=limits, budget=budget, taken=hash_loaded):
        hashed += 1
        forms.add(kind, hashes, number=place + 1, total=total)
    return total, hashed


def later_pictures(
    image: Image.Image, *, limits: Limits, budget: Budget, taken: Callable[[Image.Image], _Taken]
) -> Iterator[tuple[int, _Taken]]:
    """What `taken` makes of the pictures after the first, spread over all, with their places.

    `image` stands at the first; afterwards it stands elsewhere. The same are given for the same
    file, so that a person is shown what was hashed.
    """
    steps = _kind(image) is FormKind.FRAME
    first = decoded = image.tell()
    for place in spread(count_pictures(image), limits.max_pictures, first=first):
        try:
            picture = _picture_at(image, place)
            if picture.width * picture.height > limits.max_pixels:
                continue
            # To get to a frame of an animation those before it are decoded.
            passed = max(1, place - decoded) if steps else 1
            if not budget.allows(passed * picture.width * picture.height):
                break
            one = taken(picture)
        except MemoryError:
            break
        except Exception:  # noqa: BLE001, S112 - one broken page of a stranger costs that page
            continue
        decoded = place
        yield place, one


def _kind(image: Image.Image) -> FormKind:
    return _KINDS.get(image.format or "", FormKind.FRAME)


def spread(total: int, most: int, *, first: int = 0) -> Iterator[int]:
    """At most `most` places of `total`, `first` among them but not given, from first to last."""
    if total <= most:
        yield from (place for place in range(total) if place != first)
        return
    steps = max(1, most - 1)
    places = {round(step * (total - 1) / steps) for step in range(1, most)}
    yield from sorted(places - {first})


def _picture_at(image: Image.Image, place: int) -> Image.Image:
    if isinstance(image, IcoImageFile):
        return image.ico.frame(place)
    image.seek(place)
    return image


def count_pictures(image: Image.Image) -> int:
    """How many frames, pages or images the file says that it has; at least one."""
    try:
        if isinstance(image, IcoImageFile):
            return len(image.ico.entry)
        return max(1, int(getattr(image, "n_frames", 1)))
    except Exception:  # noqa: BLE001 - the index of a stranger's file may be broken
        return 1
