"""Rows of 256 bits: packing, unpacking, Hamming distance.

Shapes: `hashes` is uint8[N, 32] (one hash a row, as received), `words` is uint64[N, 4] (the
same bytes, in the machine's own order), `chunks` is uint16[N, 16].
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tutela.index.kernels import layout
from tutela.index.model import Hit
from tutela.primitives.errors import BadInput

HASH_BYTES = 32
HASH_BITS = layout.HASH_BITS
WORDS = layout.WORDS
CHUNKS = 16

Hashes = NDArray[np.uint8]
Chunks = NDArray[np.uint16]
Words = layout.Words
Numbers = layout.Numbers
Distances = layout.Distances

Found = tuple[Numbers, Numbers, Distances]
"""Pairs within the radius as three arrays: query number, row number, distance in bits."""


def pack(hashes: Hashes) -> Words:
    """The same rows as uint64[N, 4]; raises `BadInput` for any other shape or type."""
    if hashes.ndim != 2 or hashes.shape[1] != HASH_BYTES or hashes.dtype != np.uint8:  # noqa: PLR2004 - rows and columns
        raise BadInput(
            "These are not rows of hashes",
            why=f"expected bytes in the shape (N, {HASH_BYTES}), got {hashes.dtype} in the "
            f"shape {hashes.shape}",
        )
    return np.ascontiguousarray(hashes).view(np.uint64)


def unpack(words: Words) -> Hashes:
    """The rows as bytes again, uint8[N, 32]: the inverse of `pack`."""
    return np.ascontiguousarray(words).view(np.uint8)


def pack_one(query: bytes) -> Words:
    """One hash as uint64[1, 4]; raises `BadInput` when it is not 32 bytes."""
    if len(query) != HASH_BYTES:
        raise BadInput(
            "This hash cannot be searched",
            why=f"it has {len(query)} bytes, a PDQ hash has {HASH_BYTES}",
        )
    return np.frombuffer(bytes(query), dtype=np.uint64).reshape(1, WORDS)


def chunks_of(words: Words) -> Chunks:
    """Each row cut into sixteen 16-bit chunks, uint16[N, 16]."""
    return np.ascontiguousarray(words).view(np.uint16)


def hamming(left: Words, right: Words) -> Distances:
    """Distance in bits between rows of `left` and rows of `right` (broadcast), uint16[N]."""
    distance: Distances = np.bitwise_count(left[:, 0] ^ right[:, 0]).astype(np.uint16)
    for word in range(1, WORDS):
        distance += np.bitwise_count(left[:, word] ^ right[:, word])
    return distance


def room_for(pairs: int) -> Found:
    """Arrays that so many pairs can be written to."""
    return np.empty(pairs, np.int64), np.empty(pairs, np.int64), np.empty(pairs, np.uint16)


def check_radius(radius_bits: int) -> None:
    """Raise `BadInput` unless the radius is between 0 and 256 bits."""
    if not 0 <= radius_bits <= HASH_BITS:
        raise BadInput(
            "This search radius makes no sense",
            why=f"{radius_bits} is not between 0 and {HASH_BITS} bits",
        )


def hits_of(
    query_count: int, pairs: Iterable[tuple[Numbers, Numbers, Distances]]
) -> list[list[Hit]]:
    """One list of hits a query, nearest first, from (query number, entry, distance) arrays."""
    parts = list(pairs)
    answers: list[list[Hit]] = [[] for _ in range(query_count)]
    if not parts:
        return answers
    query, entry, distance = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((entry, distance, query))
    for q, e, d in zip(
        query[order].tolist(), entry[order].tolist(), distance[order].tolist(), strict=True
    ):
        answers[q].append(Hit(entry=e, distance_bits=d))
    return answers
