"""Draws benign pictures from a seed: for the golden hashes, the tests and the demo.

Noise, tiles, rings, contours, cells, fractals, shapes and neutral labels; nothing else is
ever drawn here. The kinds in `GOLDEN_KINDS` use whole numbers only (and no font), so they
give the same bytes on every machine.

    python vectors/draw.py --write                     recompute vectors/pdq.json
    python vectors/draw.py --out DIR --count 300       known/, uploads/ and manifest.json
"""

import argparse
import hashlib
import io
import json
import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

Size = tuple[int, int]
Plane = NDArray[np.int32]

GOLDEN = Path(__file__).with_name("pdq.json")
_ONE = 256  # fixed point
_WORDS = ("Harbour", "Window", "Paper", "River", "Lantern", "Granite", "Meadow", "Signal")


def _chance(kind: str, seed: int) -> random.Random:
    """Random numbers of this picture; seeding by text is stable across versions."""
    return random.Random(f"{kind}/{seed}")  # noqa: S311 - drawing, not security


def _noise(key: str, size: Size, cell: int) -> Plane:
    """Smooth value noise 0 to 255: random lattice, bilinear in fixed point."""
    width, height = size
    columns, rows = width // cell + 2, height // cell + 2
    raw = hashlib.shake_128(f"{key}/{cell}".encode()).digest(columns * rows)
    lattice = np.frombuffer(raw, dtype=np.uint8).reshape(rows, columns).astype(np.int32)
    y, x = np.arange(height, dtype=np.int32), np.arange(width, dtype=np.int32)
    top, left = y // cell, x // cell
    down = ((y % cell) * _ONE // cell)[:, np.newaxis]
    right = ((x % cell) * _ONE // cell)[np.newaxis, :]
    narrow: Plane = lattice[top] * (_ONE - down) + lattice[top + 1] * down
    wide: Plane = narrow[:, left] * (_ONE - right) + narrow[:, left + 1] * right
    return wide >> 16  # both fixed points


def _plasma(key: str, size: Size, cells: tuple[int, ...] = (96, 48, 24, 12)) -> Plane:
    """Several noises, each half as strong as the last, stretched around the middle."""
    total = np.zeros((size[1], size[0]), dtype=np.int32)
    weight = 1 << len(cells)
    whole = 0
    for cell in cells:
        total += _noise(key, size, cell) * weight
        whole += weight
        weight //= 2
    return np.clip((total // whole - 128) * 2 + 128, 0, 255)


def _grid(size: Size) -> tuple[Plane, Plane]:
    """Columns as a row and rows as a column, to be combined."""
    across = np.arange(size[0], dtype=np.int32)[np.newaxis, :]
    return across, np.arange(size[1], dtype=np.int32)[:, np.newaxis]


def _picture(planes: list[Plane]) -> Image.Image:
    # The cast wraps around at 256, which is meant.
    return Image.fromarray(np.stack([plane.astype(np.uint8) for plane in planes], axis=-1))


def _draw_plasma(seed: int, size: Size) -> Image.Image:
    return _picture([_plasma(f"plasma/{seed}/{channel}", size) for channel in "rgb"])


def _draw_tiles(seed: int, size: Size) -> Image.Image:
    chance = _chance("tiles", seed)
    width, height = size
    canvas = np.full((height, width, 3), chance.randrange(256), dtype=np.uint8)
    for _ in range(70):
        left, top = chance.randrange(width), chance.randrange(height)
        right = left + max(2, chance.randrange(width // 3 + 2))
        bottom = top + max(2, chance.randrange(height // 3 + 2))
        canvas[top:bottom, left:right] = [chance.randrange(256) for _ in range(3)]
    return Image.fromarray(canvas)


def _draw_rings(seed: int, size: Size) -> Image.Image:
    chance = _chance("rings", seed)
    width, height = size
    x, y = _grid(size)
    grain = _plasma(f"rings/{seed}", size, (64, 32))
    planes = []
    for _ in range(3):
        plane = np.zeros((height, width), dtype=np.int32)
        for _ in range(4):
            across, down = chance.randrange(width), chance.randrange(height)
            spread = chance.randrange(width * height // 60 + 1, width * height // 12 + 3)
            distance = (x - across) ** 2 + (y - down) ** 2
            plane += np.abs(distance % (2 * spread) - spread) * 255 // spread
        planes.append(plane // 8 + grain // 2)
    return _picture(planes)


def _draw_contours(seed: int, size: Size) -> Image.Image:
    planes = []
    for channel in "rgb":
        height = _plasma(f"contours/{seed}/{channel}", size, (128, 64, 32))
        planes.append(np.abs((height * 4) % 512 - 256).clip(0, 255))
    return _picture(planes)


def _draw_cells(seed: int, size: Size) -> Image.Image:
    chance = _chance("cells", seed)
    width, height = size
    x, y = _grid(size)
    nearest = np.full((height, width), 1 << 30, dtype=np.int32)
    owner = np.zeros((height, width), dtype=np.uint8)
    for number in range(32):
        across, down = chance.randrange(width), chance.randrange(height)
        distance = (x - across) ** 2 + (y - down) ** 2
        owner[distance < nearest] = number
        np.minimum(nearest, distance, out=nearest)
    colours = [[chance.randrange(256) for _ in range(3)] for _ in range(32)]
    return Image.fromarray(np.array(colours, dtype=np.uint8)[owner])


def _draw_checker(seed: int, size: Size) -> Image.Image:
    """A checkerboard bent by noise, shaded by other noise."""
    x, y = _grid(size)
    bend_x = _plasma(f"checker/{seed}/x", size, (90, 45)) // 2
    bend_y = _plasma(f"checker/{seed}/y", size, (90, 45)) // 2
    step = 28 + seed % 25
    board = ((x + bend_x) // step + (y + bend_y) // step) % 2 * 120
    return _picture(
        [board + _plasma(f"checker/{seed}/{channel}", size, (120, 60)) // 2 for channel in "rgb"]
    )


def _draw_fractal(seed: int, size: Size) -> Image.Image:
    """A Julia set over slow noise; the constant comes from the seed."""
    chance = _chance("fractal", seed)
    width, height = (size[0] + 1) // 2, (size[1] + 1) // 2  # drawn at half size: it is slow
    real, imaginary = ((-0.8, 0.156), (-0.4, 0.6), (0.285, 0.01), (-0.70176, -0.3842))[seed % 4]
    constant = complex(real + chance.random() * 0.04, imaginary + chance.random() * 0.04)
    zoom, away = 1.0 + chance.random(), chance.random() * 0.6
    grid_y = (np.arange(height) / height * 2.4 - 1.2) / zoom + away
    grid_x = (np.arange(width) / width * 3.0 - 1.5) / zoom - away
    z = grid_x[np.newaxis, :] + 1j * grid_y[:, np.newaxis]
    steps = np.zeros(z.shape, dtype=np.int32)
    for _ in range(24):
        inside = z.real * z.real + z.imag * z.imag < 4.0  # noqa: PLR2004 - escape radius 2
        steps += inside
        z = np.where(inside, z * z + constant, z)
    steps = steps.repeat(2, axis=0).repeat(2, axis=1)[: size[1], : size[0]]
    return _picture(
        [
            steps * gain // 2 % 128 + _plasma(f"fractal/{seed}/{gain}", size, (110, 55, 28)) // 2
            for gain in (11, 17, 23)
        ]
    )


def _draw_shapes(seed: int, size: Size) -> Image.Image:
    chance = _chance("shapes", seed)
    image = _draw_plasma(seed + 1_000_000, size)
    pen = ImageDraw.Draw(image)
    for _ in range(26):
        across, down = chance.randrange(size[0]), chance.randrange(size[1])
        reach = chance.randrange(12, min(size) // 3 + 13)
        colour = tuple(chance.randrange(256) for _ in range(3))
        box = (across - reach, down - reach * 2 // 3, across + reach, down + reach * 2 // 3)
        form = chance.randrange(3)
        if form == 0:
            pen.ellipse(box, fill=colour)
        elif form == 1:
            pen.rectangle(box, fill=colour)
        else:
            pen.regular_polygon((across, down, reach), 3 + chance.randrange(5), fill=colour)
    return image


def _draw_labels(seed: int, size: Size) -> Image.Image:
    chance = _chance("labels", seed)
    image = _draw_tiles(seed + 2_000_000, size)
    pen = ImageDraw.Draw(image)
    for _ in range(14):
        place = (chance.randrange(-20, size[0] - 40), chance.randrange(size[1] - 20))
        font = ImageFont.load_default(18 + chance.randrange(40))
        pen.text(place, chance.choice(_WORDS), fill=chance.randrange(1 << 24), font=font)
    return image


KINDS: dict[str, Callable[[int, Size], Image.Image]] = {
    "plasma": _draw_plasma,
    "tiles": _draw_tiles,
    "rings": _draw_rings,
    "contours": _draw_contours,
    "cells": _draw_cells,
    "checker": _draw_checker,
    "fractal": _draw_fractal,
    "shapes": _draw_shapes,
    "labels": _draw_labels,
}
GOLDEN_KINDS = ("plasma", "tiles", "rings", "contours", "cells", "checker")


def draw(kind: str, seed: int, size: Size) -> Image.Image:
    """The RGB picture of that kind and seed, `size` = (width, height) in pixels."""
    return KINDS[kind](seed, size)


def _resized(image: Image.Image) -> Image.Image:
    size = (image.width * 6 // 10, image.height * 6 // 10)
    return image.resize(size, Image.Resampling.LANCZOS)


def _recompressed(image: Image.Image) -> bytes:
    return _encoded(image, "JPEG", quality=35)


def _cropped(image: Image.Image) -> Image.Image:
    """One per cent off each side."""
    cut_x, cut_y = max(1, image.width // 100), max(1, image.height // 100)
    return image.crop((cut_x, cut_y, image.width - cut_x, image.height - cut_y))


def _rotated(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.ROTATE_90)


def _captioned(image: Image.Image) -> Image.Image:
    """A line of white text with a black edge near the bottom."""
    captioned = image.copy()
    height = max(9, image.height // 20)
    ImageDraw.Draw(captioned).text(
        (8, image.height - 2 * height),
        "Person A, at the harbour",
        fill="white",
        stroke_fill="black",
        stroke_width=1,
        font=ImageFont.load_default(height),
    )
    return captioned


EDITS: dict[str, Callable[[Image.Image], Image.Image | bytes]] = {
    "resize": _resized,
    "recompress": _recompressed,
    "crop": _cropped,
    "rotate": _rotated,
    "mirror": ImageOps.mirror,
    "caption": _captioned,
}


def edits(image: Image.Image) -> dict[str, Image.Image | bytes]:
    """What people do to a picture before they upload it again; bytes where encoding is the edit.

    Distances to expect (of 256, threshold 31): see docs/reference/media.md. A turned or
    mirrored picture is found only where the eight dihedral hashes are compared.
    """
    return {name: edit(image) for name, edit in EDITS.items()}


def _encoded(image: Image.Image, form: str, **options: object) -> bytes:
    held = io.BytesIO()
    image.save(held, format=form, **options)
    return held.getvalue()


def _file_of(form: Image.Image | bytes) -> bytes:
    """Bytes as they are; a picture as an ordinary JPEG."""
    return form if isinstance(form, bytes) else _encoded(form, "JPEG", quality=88)


def draw_folder(
    out: Path,
    *,
    count: int,
    listed: int,
    seed: int,
    told: Callable[[int], None] = lambda _done: None,
) -> dict[str, dict[str, str | None]]:
    """Draw `count` pictures: `listed` into known/, an edit of each and the rest into uploads/.

    Returns the manifest that is written beside them: file -> kind, source, edit.
    """
    known, uploads = out / "known", out / "uploads"
    known.mkdir(parents=True, exist_ok=True)
    uploads.mkdir(parents=True, exist_ok=True)
    chance = _chance("folder", seed)
    places = chance.sample(range(count), count)
    sizes = [(chance.randrange(320, 641), chance.randrange(320, 641)) for _ in range(count)]

    def draw_one(number: int) -> dict[str, dict[str, str | None]]:
        kind = list(KINDS)[number % len(KINDS)]
        image = draw(kind, seed * 100_000 + number, sizes[number])
        name = f"uploads/upload_{places[number]:04d}"
        if number < listed:
            return _write_listed(out, image, kind=kind, number=number, name=name)
        (out / f"{name}.jpg").write_bytes(_file_of(image))
        return {f"{name}.jpg": {"kind": kind, "source": None, "edit": "stranger"}}

    manifest: dict[str, dict[str, str | None]] = {}
    with ThreadPoolExecutor() as pool:
        for done, drawn in enumerate(pool.map(draw_one, range(count)), start=1):
            manifest |= drawn
            told(done)
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    return manifest


def _write_listed(
    out: Path, image: Image.Image, *, kind: str, number: int, name: str
) -> dict[str, dict[str, str | None]]:
    """The original into known/, one form of it into uploads/; the forms take turns."""
    source = f"known/known_{number:04d}.png"
    original = _encoded(image, "PNG", compress_level=1)
    (out / source).write_bytes(original)
    edit = ("identical", *EDITS)[number % (len(EDITS) + 1)]
    form = original if edit == "identical" else EDITS[edit](image)
    upload = f"{name}.{'png' if edit == 'identical' else 'jpg'}"
    (out / upload).write_bytes(_file_of(form))
    return {
        source: {"kind": kind, "source": None, "edit": "original"},
        upload: {"kind": kind, "source": source, "edit": edit},
    }


def golden_pictures() -> list[tuple[str, int, Size]]:
    """Kind, seed and size of each picture in pdq.json: plain, tiny, extreme and 64 x 64."""
    sizes = ((64, 64), (320, 240), (241, 517), (640, 480), (1200, 37), (9, 700), (128, 128))
    return [
        (kind, 1 + place * 10 + number, size)
        for number, kind in enumerate(GOLDEN_KINDS)
        for place, size in enumerate(sizes)
    ]


def golden() -> list[dict[str, object]]:
    """Hashes of the golden pictures, computed now by the package itself."""
    from tutela.hashing.dihedral import dihedral  # noqa: PLC0415 - drawing needs no package
    from tutela.hashing.pdq import pdq  # noqa: PLC0415 - same

    rows: list[dict[str, object]] = []
    for kind, seed, (width, height) in golden_pictures():
        pixels = np.asarray(draw(kind, seed, (width, height)))
        found = pdq(pixels)
        rows.append(
            {
                "kind": kind,
                "seed": seed,
                "width": width,
                "height": height,
                "pixels_sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
                "pdq": found.hex,
                "quality": found.quality,
                "dihedral": [turned.hex for turned in dihedral(pixels)],
            }
        )
    return rows


def main() -> int:
    """Parse the command line and do one of the two things."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="recompute vectors/pdq.json")
    parser.add_argument("--out", type=Path, help="folder to draw known/ and uploads/ into")
    parser.add_argument("--count", type=int, default=300, help="pictures to draw (300)")
    parser.add_argument("--listed", type=int, default=60, help="how many go into known/ (60)")
    parser.add_argument("--seed", type=int, default=7, help="another seed, other pictures (7)")
    parser.add_argument("--json", action="store_true", help="print the manifest as JSON")
    given = parser.parse_args()
    if given.write:
        GOLDEN.write_text(json.dumps(golden(), indent=1) + "\n")
        print(f"wrote {len(golden_pictures())} golden hashes")
        return 0
    if given.out is None or not 0 <= given.listed <= given.count:
        parser.error("give --out DIR, with 0 <= listed <= count, or --write")
    manifest = _with_bar(given)
    if given.json:
        print(json.dumps(manifest))
    else:
        print(f"drew {given.count} pictures, {given.listed} of them listed, into {given.out}")
    return 0


def _with_bar(given: argparse.Namespace) -> dict[str, dict[str, str | None]]:
    from rich.console import Console  # noqa: PLC0415 - only the script needs a terminal
    from rich.progress import Progress  # noqa: PLC0415 - same

    notes = Console(stderr=True)
    with Progress(console=notes, disable=not notes.is_terminal) as bar:
        task = bar.add_task("Drawing pictures", total=given.count)
        return draw_folder(
            given.out,
            count=given.count,
            listed=given.listed,
            seed=given.seed,
            told=lambda done: bar.update(task, completed=done),
        )


if __name__ == "__main__":
    sys.exit(main())
