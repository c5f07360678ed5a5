"""`make bench`: what this machine does, measured now and printed with its circumstances.

Nothing here is asserted. Figures in docs/benchmarks.md name machine, commit and command.
"""

import argparse
import importlib
import json
import resource
import secrets
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from circumstances import circumstances
from PIL import Image

from tutela.adapters.postgres import embedded, migrate
from tutela.hashing.pdq import pdq
from tutela.index.linear import LinearIndex
from tutela.index.searcher import Searcher
from tutela.indicators.importing import import_list
from tutela.primitives.database import Database

SIZES = ((64, 64), (320, 240), (640, 480), (1920, 1080))


def best(times: int, act: object) -> float:
    found = []
    for _ in range(times):
        began = time.perf_counter()
        act()  # type: ignore[operator]
        found.append(time.perf_counter() - began)
    return min(found)


def hashing() -> list[dict[str, object]]:
    pdqhash = importlib.import_module("pdqhash")  # the reference; `make bench` builds it
    rows = []
    rng = np.random.default_rng(7)
    for width, height in SIZES:
        coarse = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
        pixels = np.asarray(Image.fromarray(coarse).resize((width, height)))
        theirs = best(5, lambda p=pixels: pdqhash.compute(p))
        ours = best(5, lambda p=pixels: pdq(p))
        rows.append(
            {
                "size": f"{width}x{height}",
                "pdqhash_ms": round(theirs * 1000, 2),
                "tutela_ms": round(ours * 1000, 2),
            }
        )
    return rows


def searching(n: int) -> dict[str, object]:
    rng = np.random.default_rng(7)
    hashes = rng.integers(0, 256, (n, 32), dtype=np.uint8)
    ids = np.arange(n, dtype=np.int64)
    queries = hashes[rng.integers(0, n, 1000)].copy()
    queries[:, 0] ^= 3
    linear = LinearIndex(hashes, ids)
    searcher = Searcher()
    began = time.perf_counter()
    searcher.add(zip(ids.tolist(), (row.tobytes() for row in hashes), strict=True))
    built = time.perf_counter() - began
    batch = best(3, lambda: searcher.search_many(queries, 31))
    slow = best(1, lambda: linear.search_many(queries[:20], 31))
    return {
        "n": n,
        "build_s": round(built, 2),
        "tutela_us": round(batch * 1e6 / 1000, 1),
        "linear_us": round(slow * 1e6 / 20, 1),
        "bytes_per_hash": round(searcher.bytes_per_hash),
    }


def importing(n: int) -> dict[str, object]:
    folder = Path(tempfile.mkdtemp(prefix="tutela-bench-"))
    folder.chmod(0o755)
    table = folder / "list.csv"
    with table.open("w") as file:
        file.write("kind,value,external_id,scheme,scheme_version,category\n")
        for number in range(n):
            file.write(f"pdq,{secrets.token_hex(32)},e{number},ncmec-ab,2022,B2\n")
    with embedded(folder / "postgres") as url:
        migrate(url)
        database = Database(url)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        done = import_list(
            database, path=table, name="bench", format="csv", by="bench", at=datetime.now(UTC)
        )
        seconds = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        database.close()
    return {
        "rows": n,
        "added": done.added,
        "seconds": round(seconds, 1),
        "rows_per_second": round(n / seconds),
        "peak_memory_before_mib": before // 1024,
        "peak_memory_after_mib": after // 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1_000_000, help="entries to index")
    parser.add_argument("--rows", type=int, default=1_000_000, help="CSV rows to import")
    chosen = parser.parse_args()
    print(json.dumps({"circumstances": circumstances()}))
    if chosen.rows:  # first, while the process is small, so that its memory is the import's
        print(json.dumps({"import": importing(chosen.rows)}))
    print(json.dumps({"hashing": hashing()}))
    print(json.dumps({"search": searching(chosen.n)}))


if __name__ == "__main__":
    main()
