"""How often an edited picture is still found: ours, exact and fast, beside `pdqhash`.

Every picture is drawn from a seed (vectors/draw.py) or is a benign sample of scikit-image or
scikit-learn. Each is listed by its own hash, then edited, stored as a JPEG, and hashed by
each of the three from the very same bytes. It is found when at most RADIUS bits differ. With
dihedral, the nearest of the eight hashes of the edited picture counts.

FORMAT=json prints one object, otherwise a table.
"""

import argparse
import importlib
import importlib.util
import io
import json
import os
import random
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from circumstances import circumstances, line
from PIL import Image, ImageDraw, ImageFont, ImageOps

from tutela.adapters.media.jail import Jail
from tutela.hashing.model import MIN_QUALITY, Hashed, Mode

pdqhash: Any = importlib.import_module("pdqhash")  # it tells no types

ROOT = Path(__file__).resolve().parents[1]
RADIUS = 31
STORED_AT_QUALITY = 90
LONGEST_SIDE_PX = 1024
SAMPLES = {
    "skimage/data": (
        *("brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png"),
        *("gravel.png", "hubble_deep_field.jpg", "moon.png", "motorcycle_left.png"),
        *("page.png", "rocket.jpg", "text.png"),
    ),
    "sklearn/datasets/images": ("china.jpg", "flower.jpg"),
}
TURNS = {
    Image.Transpose.ROTATE_90: "turned by 90 degrees",
    Image.Transpose.ROTATE_180: "turned by 180 degrees",
    Image.Transpose.ROTATE_270: "turned by 270 degrees",
    Image.Transpose.FLIP_LEFT_RIGHT: "mirrored left to right",
    Image.Transpose.FLIP_TOP_BOTTOM: "mirrored top to bottom",
}
CAPTIONS = ("Person A, at the harbour", "A quiet afternoon", "Page 3 of 12")
HASHERS = ("exact", "fast", "pdqhash")
Picture = Image.Image
Bits = tuple[int, ...]


@dataclass(frozen=True)
class Edit:
    """One edit at one strength; `stored_at` is the quality of the JPEG it becomes."""

    family: str
    strength: float
    label: str
    act: Callable[[Picture, random.Random], Picture]
    stored_at: int = STORED_AT_QUALITY


def edits() -> Iterator[Edit]:
    """All edits of the table, in its order."""
    for quality in (95, 90, 80, 70, 60, 50, 40, 30, 20, 10):
        label = f"JPEG quality {quality}"
        yield Edit("re-encoding", quality, label, _as_it_is, stored_at=quality)
    for factor in (0.1, 0.25, 0.5, 0.75, 1.5, 2.0, 4.0):
        yield Edit("scaling", factor, f"scaled to {factor:g}x", partial(_scaled, factor=factor))
    for percent in (1, 2, 3, 5, 8, 10):
        label = f"{percent} % cut off each side"
        yield Edit("crop", percent, label, partial(_cropped, percent=percent))
    for percent in (5, 10):
        label = f"caption, {percent} % of the height"
        yield Edit("caption", percent, label, partial(_captioned, percent=percent))
    for percent in (1, 2, 5):
        for colour in ("black", "white"):
            act = partial(_bordered, percent=percent, colour=colour)
            yield Edit("border", percent, f"{colour} border, {percent} %", act)
    for degrees in (0.5, 1, 2, 3, 5):
        label = f"turned by {degrees:g} degrees"
        yield Edit("small rotation", degrees, label, partial(_turned, degrees=degrees))
    for turn, name in TURNS.items():
        yield Edit("turns and mirroring", turn, name, partial(_transposed, turn=turn))


def _as_it_is(image: Picture, _: random.Random) -> Picture:
    return image


def _scaled(image: Picture, _: random.Random, *, factor: float) -> Picture:
    size = (max(5, round(image.width * factor)), max(5, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _cropped(image: Picture, _: random.Random, *, percent: float) -> Picture:
    x, y = round(image.width * percent / 100), round(image.height * percent / 100)
    return image.crop((x, y, image.width - x, image.height - y))


def _captioned(image: Picture, chance: random.Random, *, percent: float) -> Picture:
    captioned = image.copy()
    height = max(9, round(image.height * percent / 100))
    ImageDraw.Draw(captioned).text(
        (round(image.width * 0.04), image.height - 2 * height),
        chance.choice(CAPTIONS),
        fill="white",
        stroke_fill="black",
        stroke_width=1,
        font=ImageFont.load_default(height),
    )
    return captioned


def _bordered(image: Picture, _: random.Random, *, percent: float, colour: str) -> Picture:
    return ImageOps.expand(image, round(min(image.size) * percent / 100), colour)


def _turned(image: Picture, _: random.Random, *, degrees: float) -> Picture:
    return image.rotate(degrees, Image.Resampling.BICUBIC)


def _transposed(image: Picture, _: random.Random, *, turn: Image.Transpose) -> Picture:
    return image.transpose(turn)


def pictures(seeds: int) -> Iterator[tuple[str, Picture]]:
    """Name and picture: `seeds` of every drawn kind, then the samples that are installed."""
    drawing = _drawing()
    chance = random.Random("robustness/sizes")  # noqa: S311 - figures must repeat
    for kind in drawing.KINDS:
        for seed in range(seeds):
            size = (chance.randrange(480, 1025), chance.randrange(480, 1025))
            yield f"{kind} {seed}", drawing.draw(kind, 9_000 + seed, size)
    for folder, names in SAMPLES.items():
        package, below = folder.split("/", 1)
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        for name in names:
            path = Path(spec.origin).parent / below / name
            if path.exists():
                image = Image.open(path).convert("RGB")
                image.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX), Image.Resampling.LANCZOS)
                yield f"{package} {path.stem}", image


def _drawing() -> ModuleType:
    path = ROOT / "vectors" / "draw.py"
    spec = importlib.util.spec_from_file_location("drawing", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} cannot be read")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _jpeg(image: Picture, quality: int) -> bytes:
    held = io.BytesIO()
    image.save(held, format="JPEG", quality=quality)
    return held.getvalue()


def _ours(jail: Jail, data: bytes, mode: Mode) -> tuple[Bits, int]:
    """The eight hashes, the picture as it is first, and the quality."""
    found = jail.hash(data, dihedral=True, mode=mode)
    if not isinstance(found, Hashed) or found.pdq is None:
        raise SystemExit("A picture of our own was refused")
    return tuple(int.from_bytes(pdq.bits) for pdq in found.dihedral), found.pdq.quality


def _theirs(data: bytes) -> tuple[Bits, int]:
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    vectors, quality = pdqhash.compute_dihedral(pixels)
    return tuple(int.from_bytes(np.packbits(vector).tobytes()) for vector in vectors), quality


def _all(jail: Jail, data: bytes) -> dict[str, tuple[Bits, int]]:
    return {
        "exact": _ours(jail, data, Mode.EXACT),
        "fast": _ours(jail, data, Mode.FAST),
        "pdqhash": _theirs(data),
    }


def measure(seeds: int) -> dict[str, object]:
    """Everything of the table; the same figures for the same seeds and versions."""
    distances: dict[tuple[int, str], list[tuple[int, int]]] = {}
    listed: dict[str, dict[str, int]] = {}
    left_out = []
    chosen = list(edits())
    with Jail(workers=1) as jail:
        for name, image in pictures(seeds):
            original = _all(jail, _jpeg(image, 95))
            if original["exact"][1] < MIN_QUALITY:
                left_out.append(name)
                continue
            # A list holds exact hashes, also when what is scanned is hashed the fast way.
            mine = {hasher: original[hasher.replace("fast", "exact")][0][0] for hasher in HASHERS}
            listed[name] = mine
            for number, edit in enumerate(chosen):
                chance = random.Random(f"robustness/{name}/{number}")  # noqa: S311 - same
                edited = _all(jail, _jpeg(edit.act(image, chance), edit.stored_at))
                for hasher, (hashes, _) in edited.items():
                    apart = [(mine[hasher] ^ found).bit_count() for found in hashes]
                    distances.setdefault((number, hasher), []).append((apart[0], min(apart)))
    return {
        "circumstances": circumstances(),
        "radius_bits": RADIUS,
        "pictures": len(listed),
        "left_out_for_low_quality": left_out,
        "unrelated_pairs": len(listed) * (len(listed) - 1) // 2,
        "unrelated_pairs_within": {
            hasher: sum(
                (one[hasher] ^ other[hasher]).bit_count() <= RADIUS
                for one, other in combinations(listed.values(), 2)
            )
            for hasher in HASHERS
        },
        "rows": [_row(number, edit, distances) for number, edit in enumerate(chosen)],
    }


def _row(
    number: int, edit: Edit, distances: dict[tuple[int, str], list[tuple[int, int]]]
) -> dict[str, object]:
    row: dict[str, object] = {
        "family": edit.family,
        "strength": edit.strength,
        "edit": edit.label,
    }
    for hasher in HASHERS:
        plain, turned = zip(*distances[number, hasher], strict=True)
        row[hasher] = _rate(plain)
        row[f"{hasher}_dihedral"] = _rate(turned)
        row[f"{hasher}_median_bits"] = statistics.median(plain)
    return row


def _rate(apart: tuple[int, ...]) -> float:
    return round(sum(bits <= RADIUS for bits in apart) / len(apart), 4)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=4, help="pictures of each drawn kind (4)")
    given = parser.parse_args()
    found = measure(given.seeds)
    if os.environ.get("FORMAT") == "json":
        print(json.dumps(found))
        return
    print(line())
    print(f"{found['pictures']} pictures, found = at most {RADIUS} bits apart, in per cent")
    names = [f"{hasher}{way}" for way in ("", "_dihedral") for hasher in HASHERS]
    print(f"{'edit':32}", *(f"{name:>17}" for name in names))
    for row in found["rows"]:  # type: ignore[attr-defined]
        print(f"{row['edit']:32}", *(f"{100 * row[name]:17.1f}" for name in names))
    print("unrelated pairs within the radius:", found["unrelated_pairs_within"])


if __name__ == "__main__":
    main()
