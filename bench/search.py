"""`make bench-search N=…`: our search beside faiss's, one thread each, in one process.

Rows are uniform, and near-duplicates of some queries are planted at 0 to 40 bits. Everyone
answers the same queries at radius 31; a slow peer answers fewer of them, and the output says
how many. Rates are time of the one thread on the processor, which is the wall's time on a
machine with nothing else to do; single queries, builds and joins are the wall's time.
faiss compares strictly, so it is asked for 32. FORMAT=json gives one object.
"""

import argparse
import json
import os
import time
from collections.abc import Callable

import faiss
import numpy as np
from circumstances import circumstances
from numpy.typing import NDArray

from tutela.index.bits import Found
from tutela.index.ring import RingIndex
from tutela.primitives.kernels import prepare

RADIUS = 31
BATCH = 1_000
LARGE_BATCH = 10_000
SLOW_SECONDS = 8.0
"""A peer that would need longer for the whole batch answers a part of it."""


def drawn(n: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Rows and queries; half of the queries have three planted rows each."""
    rng = np.random.default_rng(31)
    words = rng.integers(0, 1 << 64, (n, 4), dtype=np.uint64)
    queries = rng.integers(0, 1 << 64, (LARGE_BATCH, 4), dtype=np.uint64)
    places = rng.choice(n, min(n // 2, 3 * LARGE_BATCH // 2), replace=False)
    for number, place in enumerate(places.tolist()):
        row = queries[2 * (number // 3)].copy().view(np.uint8)
        for bit in rng.choice(256, int(rng.integers(0, 41)), replace=False):
            row[bit // 8] ^= np.uint8(1 << (bit % 8))
        words[place] = row.view(np.uint64)
    return words, queries


def seconds(act: Callable[[], object], times: int = 5) -> float:
    """Best time of this thread on the processor: others on the machine do not count."""
    taken = []
    for _ in range(times):
        began = time.thread_time()
        act()
        taken.append(time.thread_time() - began)
    return min(taken)


def singly(index: RingIndex, queries: NDArray[np.uint64]) -> tuple[float, float]:
    taken = []
    for number in range(len(queries)):
        one = queries[number : number + 1]
        began = time.perf_counter()
        index.rows_within(one, RADIUS)
        taken.append(time.perf_counter() - began)
    return float(np.percentile(taken, 50)) * 1e6, float(np.percentile(taken, 99)) * 1e6


def same(ours: Found, theirs: tuple[NDArray[np.int64], ...], asked: int) -> bool:
    limits, distance, row = theirs
    query = np.repeat(np.arange(asked), np.diff(limits.astype(np.int64)))
    left = np.stack([column[ours[0] < asked].astype(np.int64) for column in ours])
    right = np.stack((query, row.astype(np.int64), distance.astype(np.int64)))
    left, right = left[:, np.lexsort(left)], right[:, np.lexsort(right)]
    return left.shape == right.shape and bool((left == right).all())


def peer(
    index: object, queries: NDArray[np.uint64]
) -> tuple[float, int, tuple[NDArray[np.int64], ...]]:
    """Microseconds a query, how many queries were answered, and the answers to them."""
    codes = queries.view(np.uint8)
    index.range_search(codes[:2], RADIUS + 1)  # type: ignore[attr-defined]
    one = seconds(lambda: index.range_search(codes[:2], RADIUS + 1), 2) / 2  # type: ignore[attr-defined]
    asked = int(np.clip(SLOW_SECONDS / one, 20, len(codes)))
    answers: list[tuple[NDArray[np.int64], ...]] = []
    taken = seconds(
        lambda: answers.append(index.range_search(codes[:asked], RADIUS + 1)),  # type: ignore[attr-defined]
        3 if one * asked < SLOW_SECONDS / 4 else 1,
    )
    return taken / asked * 1e6, asked, answers[-1]


def self_join(index: RingIndex) -> tuple[float, int]:
    began = time.perf_counter()
    pairs = sum(len(block[0]) for block in index.pairs_within(RADIUS))
    return time.perf_counter() - began, pairs


def measured(n: int, *, peers: bool, join: bool) -> dict[str, object]:
    words, queries = drawn(n)
    first = queries[:BATCH]
    began = time.perf_counter()
    index = RingIndex.build(words)
    built = time.perf_counter() - began
    ours = index.rows_within(first, RADIUS)
    batch = seconds(lambda: index.rows_within(first, RADIUS), 7)
    large = seconds(lambda: index.rows_within(queries, RADIUS), 3)
    p50, p99 = singly(index, queries[BATCH : 3 * BATCH])
    report: dict[str, object] = {
        "n": n,
        "radius": RADIUS,
        "tutela_us": round(batch / BATCH * 1e6, 2),
        "tutela_single_p50_us": round(p50, 1),
        "tutela_single_p99_us": round(p99, 1),
        "tutela_batch_10k_us": round(large / LARGE_BATCH * 1e6, 2),
        "build_s": round(built, 2),
        "bytes_per_hash": round(index.nbytes / n, 1),
        "tables": index.tables,
        "pairs_found": len(ours[0]),
    }
    if join:
        taken, pairs = self_join(index)
        report |= {
            "self_join_s": round(taken, 2),
            "self_join_us": round(taken / n * 1e6, 2),
            "self_join_pairs": pairs,
        }
    if peers:
        report |= beside(words, first, ours, batch / BATCH * 1e6)
    return report


def beside(
    words: NDArray[np.uint64], queries: NDArray[np.uint64], ours: Found, our_us: float
) -> dict[str, object]:
    faiss.omp_set_num_threads(1)
    report: dict[str, object] = {}
    codes = words.view(np.uint8)
    flat = faiss.IndexBinaryFlat(256)
    flat.add(codes)
    flat_us, asked, answers = peer(flat, queries)
    report |= {
        "faiss_flat_us": round(flat_us, 1),
        "faiss_flat_queries": asked,
        "exact": same(ours, answers, asked),
        "times_faster_than_flat": round(flat_us / our_us, 1),
    }
    del flat
    multi = faiss.IndexBinaryMultiHash(256, 16, 16)
    multi.nflip = 1
    began = time.perf_counter()
    multi.add(codes)
    multi_built = time.perf_counter() - began
    multi_us, asked, answers = peer(multi, queries)
    return report | {
        "faiss_multihash_us": round(multi_us, 1),
        "faiss_multihash_queries": asked,
        "faiss_multihash_build_s": round(multi_built, 1),
        "faiss_multihash_same_pairs": same(ours, answers, asked),
        "times_faster_than_multihash": round(multi_us / our_us, 1),
    }


def main() -> None:
    chosen = argparse.ArgumentParser(description=__doc__)
    chosen.add_argument("--n", type=int, default=int(os.environ.get("N", "1000000")))
    chosen.add_argument("--no-peers", action="store_true", help="ours alone")
    chosen.add_argument("--no-join", action="store_true", help="leave out the self-join")
    asked = chosen.parse_args()
    prepare()
    report = measured(asked.n, peers=not asked.no_peers, join=not asked.no_join)
    report |= {"threads": 1, **circumstances()}
    if os.environ.get("FORMAT") == "json":
        print(json.dumps(report))
        return
    width = max(map(len, report))
    for name, value in report.items():
        print(f"{name:<{width}}  {value}")


if __name__ == "__main__":
    main()
