"""Draws databases and queries that are hard for a bucket index. Not a test itself."""

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Rows = NDArray[np.uint8]


def flip(row: Rows, bits: NDArray[np.int64]) -> Rows:
    """The row with these bits turned; bit b stands in byte b // 8."""
    out = row.copy()
    for bit in bits:
        out[bit // 8] ^= np.uint8(1 << (bit % 8))
    return out


def planted(rng: np.random.Generator, query: Rows, distance: int) -> Rows:
    """A row exactly `distance` bits from the query."""
    return flip(query, rng.choice(256, distance, replace=False))


def spread(query: Rows, per_chunk: tuple[int, ...], rng: np.random.Generator) -> Rows:
    """A row with that many bits turned in each of the sixteen chunks."""
    bits = [
        chunk * 16 + place
        for chunk, many in enumerate(per_chunk)
        for place in rng.choice(16, many, replace=False)
    ]
    return flip(query, np.array(bits, np.int64))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Rows, NDArray[np.int64], Rows, int]:
    """(hashes, ids, queries, radius): even, skewed, doubled and planted rows mixed."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from([0, 1, 2, 17, 300, 2500]))
    radius = draw(
        st.one_of(st.integers(0, 47), st.sampled_from([15, 16, 31, 32, 47, 48, 128, 256]))
    )
    kind = draw(st.sampled_from(["even", "few chunk values", "near one centre", "half doubled"]))
    queries = rng.integers(0, 256, (draw(st.integers(0, 6)), 32), dtype=np.uint8)
    hashes = rng.integers(0, 256, (size, 32), dtype=np.uint8)
    if kind == "few chunk values":
        values = rng.integers(0, 1 << 16, 3, dtype=np.uint16)
        hashes = rng.choice(values, (size, 16)).astype(np.uint16).view(np.uint8)
        queries = rng.choice(values, (len(queries), 16)).astype(np.uint16).view(np.uint8)
    elif kind == "near one centre" and size:
        centre = hashes[0]
        hashes = np.array([planted(rng, centre, int(rng.integers(0, 40))) for _ in range(size)])
        if len(queries):
            queries[0] = centre
    elif kind == "half doubled":
        hashes[: size // 2] = hashes[size - size // 2 :]
    for place in range(min(size, 60)):
        if len(queries):
            near = int(rng.integers(max(0, radius - 2), min(256, radius + 2) + 1))
            hashes[rng.integers(size)] = planted(rng, queries[place % len(queries)], near)
    ids = rng.permutation(size).astype(np.int64) * 3 - 7
    return hashes, ids, queries, radius
