"""`make bench-pictures`: PDQ of whole pictures beside `pdqhash`, in one process.

Drawn pictures of several kinds at each size; every one is hashed by both, and the hashes must
be equal. `fast` is the time of a picture whose hash one linear step settles, `exact` of one that
goes the reference's way; `ours` is over all of them as they come. The eight hashes of a turned or
mirrored picture are held against `pdqhash` of the eight turned copies, in time and bit for bit.
FORMAT=json for one object.
"""

import argparse
import importlib
import importlib.util
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
from circumstances import circumstances
from numpy.typing import NDArray

from tutela.hashing import pdq as ours
from tutela.hashing.dihedral import dihedral, turned
from tutela.hashing.luma import raster
from tutela.hashing.model import DIHEDRAL, PDQ_BYTES
from tutela.primitives.kernels import prepare

SIZES = (
    (64, 64), (256, 256), (320, 240), (512, 512), (640, 480), (1920, 1080), (4032, 3024),
)  # fmt: skip
GOALS = {"64x64": 3, "256x256": 12, "512x512": 28, "640x480": 20, "1920x1080": 50, "4032x3024": 55}
Pixels = NDArray[np.uint8]


def drawing() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "vectors" / "draw.py"
    spec = importlib.util.spec_from_file_location("drawn_for_bench", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def times_ms(act: Callable[[], object], repeats: int) -> list[float]:
    found = []
    for _ in range(repeats):
        began = time.thread_time()
        act()
        found.append((time.thread_time() - began) * 1000)
    return found


def takes_exact(pixels: Pixels) -> bool:
    return bool(ours.answer(raster(pixels), np.empty((1, PDQ_BYTES), np.uint8)) & ours.EXACT)


def eight(pictures: list[Pixels], repeats: int) -> dict[str, object]:
    """Eight hashes of each picture, beside the peer's of its eight turned copies; milliseconds."""
    pdqhash = importlib.import_module("pdqhash")
    ours_ms = theirs_ms = 0.0
    for pixels in pictures:
        copies = [np.ascontiguousarray(turned(pixels, name)) for name in DIHEDRAL]
        for found, copy in zip(dihedral(pixels), copies, strict=True):
            bits, quality = pdqhash.compute(copy)
            assert found.bits == np.packbits(bits.astype(np.uint8)).tobytes()
            assert found.quality == quality
        reps = max(repeats, min(200, repeats * 200_000 // pixels.size))
        ours_ms += min(times_ms(lambda p=pixels: dihedral(p), reps))
        theirs_ms += min(times_ms(lambda c=copies: [pdqhash.compute(one) for one in c], 1))
    return {
        "eight_pictures": len(pictures),
        "eight_pdqhash_ms": round(theirs_ms / len(pictures), 4),
        "eight_ms": round(ours_ms / len(pictures), 4),
        "eight_ratio": round(theirs_ms / ours_ms, 1),
    }


def row(pictures: list[Pixels], size: str, repeats: int) -> dict[str, object]:
    pdqhash = importlib.import_module("pdqhash")
    sums = dict.fromkeys(("theirs_min", "theirs_median", "ours_min", "ours_median"), 0.0)
    kinds: dict[bool, list[float]] = {False: [], True: []}
    for pixels in pictures:
        bits, quality = pdqhash.compute(pixels)
        found = ours.pdq(pixels)
        assert found.bits == np.packbits(bits.astype(np.uint8)).tobytes()
        assert found.quality == quality
        reps = max(repeats, min(200, repeats * 200_000 // pixels.size))
        theirs = times_ms(lambda p=pixels: pdqhash.compute(p), repeats)
        mine = times_ms(lambda p=pixels: ours.pdq(p), reps)
        kinds[takes_exact(pixels)].append(min(mine))
        sums["theirs_min"] += min(theirs)
        sums["theirs_median"] += statistics.median(theirs)
        sums["ours_min"] += min(mine)
        sums["ours_median"] += statistics.median(mine)
    each = {name: total / len(pictures) for name, total in sums.items()}
    fast, exact = kinds[False], kinds[True]
    return {
        "size": size,
        "pictures": len(pictures),
        "pdqhash_ms": round(each["theirs_min"], 4),
        "tutela_ms": round(each["ours_min"], 4),
        "ratio": round(each["theirs_min"] / each["ours_min"], 1),
        "ratio_of_medians": round(each["theirs_median"] / each["ours_median"], 1),
        "goal": GOALS.get(size),
        "exact_share": round(len(exact) / len(pictures), 3),
        "fast_ms": round(statistics.mean(fast), 4) if fast else None,
        "exact_ms": round(statistics.mean(exact), 4) if exact else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=42, help="of each size up to 0.3 MP")
    parser.add_argument("--eight", type=int, default=160, help="of each, for the eight hashes")
    parser.add_argument("--max-mp", type=float, default=13.0)
    chosen = parser.parse_args()
    prepare()
    draw = drawing()
    kinds = list(draw.KINDS)
    rows = []
    for width, height in SIZES:
        if width * height > chosen.max_mp * 1e6:
            continue
        share = min(1.0, 300_000 / (width * height))
        counts = [max(len(kinds), round(n * share)) for n in (chosen.pictures, chosen.eight)]
        pictures = [
            np.ascontiguousarray(draw.draw(kinds[n % len(kinds)], n, (width, height)))
            for n in range(max(counts))
        ]
        found = row(pictures[: counts[0]], f"{width}x{height}", chosen.repeats)
        rows.append(found | eight(pictures[: counts[1]], chosen.repeats))
        if os.environ.get("FORMAT") != "json":
            print("  ".join(f"{name} {value}" for name, value in rows[-1].items()))
    if os.environ.get("FORMAT") == "json":
        print(json.dumps({"circumstances": circumstances(), "pictures": rows}))


if __name__ == "__main__":
    main()
