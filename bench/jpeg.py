"""JPEG bytes to PDQ hash on one core: what peers do, our exact mode, our fast mode; the jail.

python bench/jpeg.py            a table; FORMAT=json prints one object
"""

import io
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pdqhash
from circumstances import ROOT, circumstances, line
from PIL import Image

from tutela.adapters.media import decoding
from tutela.adapters.media.jail import Jail
from tutela.adapters.media.model import Limits
from tutela.adapters.media.reading import read_once
from tutela.adapters.media.sniffing import JPEG
from tutela.hashing.model import MIN_QUALITY, Mode, Pdq
from tutela.primitives.kernels import prepare

CLASSES = {
    "to 0.2 MP": ((200, 150), (320, 240), (500, 375)),
    "0.3 MP": ((640, 480),),
    "0.5 to 2 MP": ((900, 600), (1280, 960), (1920, 1080)),
    "2 to 5 MP": ((2560, 1920),),
    "8 to 12 MP": ((4032, 3024),),
}
GOALS = {"to 0.2 MP": (4, 6), "0.3 MP": (4, 6), "0.5 to 2 MP": (4, 6)}
GOALS_ABOVE = (8, 11)
KINDS = ("shapes", "contours")
QUALITIES = (88,)
ROUNDS = 3
JAIL_SIZES = ((640, 480), (1920, 1080), (4032, 3024))
JAIL_SECONDS = 1.5
LIMITS = Limits()


def main() -> None:
    """Measure and print."""
    decoding.prepare()
    decoding.obey(LIMITS)
    prepare()
    drawing = _drawing()
    rows = [_row(name, list(_files(drawing, sizes))) for name, sizes in CLASSES.items()]
    with Jail(workers=2) as jailed:
        jail = [_jailed(jailed, drawing, size) for size in JAIL_SIZES]
    found = {"jpeg": rows, "jail": jail, **circumstances()}
    if os.environ.get("FORMAT") == "json":
        print(json.dumps(found))
        return
    print(line())
    for row in (*rows, *jail):
        print("  ".join(f"{name} {value}" for name, value in row.items()))


def _drawing() -> ModuleType:
    spec = spec_from_file_location("draw", ROOT / "vectors" / "draw.py")
    if spec is None or spec.loader is None:
        raise SystemExit("vectors/draw.py is missing")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _files(drawing: ModuleType, sizes: tuple[tuple[int, int], ...]) -> Iterator[bytes]:
    for size, kind, quality in itertools.product(sizes, KINDS, QUALITIES):
        yield _jpeg(drawing.draw(kind, 7, size), quality)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    held = io.BytesIO()
    image.save(held, "JPEG", quality=quality)
    return held.getvalue()


def _peer(body: bytes) -> Pdq:
    bits, quality = pdqhash.compute(np.asarray(Image.open(io.BytesIO(body)).convert("RGB")))
    return Pdq(np.packbits(bits).tobytes(), quality)


def _ours(mode: Mode) -> Callable[[bytes], Pdq]:
    def run(body: bytes) -> Pdq:
        found = decoding.hash_picture(body, kind=JPEG, limits=LIMITS, dihedral=False, mode=mode)
        return Pdq.parse(found["pdq"], quality=found["quality"])

    return run


def _row(name: str, files: list[bytes]) -> dict[str, Any]:
    ways = {"peer": _peer, "exact": _ours(Mode.EXACT), "fast": _ours(Mode.FAST)}
    spent = dict.fromkeys(ways, 0.0)
    moved, different = [], 0
    for body in files:
        hashes = {}
        for way, run in ways.items():
            times = []
            for _ in range(ROUNDS):
                start = time.perf_counter()
                hashes[way] = run(body)
                times.append(time.perf_counter() - start)
            spent[way] += min(times)
        different += hashes["exact"] != hashes["peer"]
        if hashes["exact"].quality >= MIN_QUALITY:
            moved.append(hashes["exact"].distance_bits(hashes["fast"]))
    ms = {f"{way}_ms": round(1000 * total / len(files), 3) for way, total in spent.items()}
    goal_exact, goal_fast = GOALS.get(name, GOALS_ABOVE)
    return {
        "size": name,
        "files": len(files),
        **ms,
        "exact_ratio": round(spent["peer"] / spent["exact"], 1),
        "exact_goal": goal_exact,
        "fast_ratio": round(spent["peer"] / spent["fast"], 1),
        "fast_goal": goal_fast,
        "exact_differs": different,
        "fast_moved_mean_bits": round(statistics.mean(moved), 2) if moved else None,
        "fast_moved_most_bits": max(moved, default=None),
    }


def _jailed(jail: Jail, drawing: ModuleType, size: tuple[int, int]) -> dict[str, Any]:
    """Files a second: one thread in process without a jail, and two children for two threads."""
    body = _jpeg(drawing.draw(KINDS[0], 7, size), QUALITIES[0])
    run = _ours(Mode.EXACT)

    def alone() -> None:
        read = read_once(body, max_file_bytes=LIMITS.max_file_bytes)
        run(read.body)
        _ = read.digests

    in_process = _rate(alone, threads=1)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(jail.hash, [body] * 4))  # both children are there
    jailed_one = _rate(lambda: jail.hash(body), threads=1)
    jailed_two = _rate(lambda: jail.hash(body), threads=2)
    return {
        "jail": f"{size[0]}x{size[1]}",
        "file_kb": len(body) // 1000,
        "in_process_per_s": round(in_process, 1),
        "jail_one_thread_per_s": round(jailed_one, 1),
        "jail_two_threads_per_s": round(jailed_two, 1),
        "share_of_two_cores": round(jailed_two / (2 * in_process), 2),
    }


def _rate(act: Callable[[], object], *, threads: int) -> float:
    def work(_: int) -> int:
        done = 0
        while time.perf_counter() < end:
            act()
            done += 1
        return done

    start = time.perf_counter()
    end = start + JAIL_SECONDS
    with ThreadPoolExecutor(threads) as pool:
        done = sum(pool.map(work, range(threads)))
    return done / (time.perf_counter() - start)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
