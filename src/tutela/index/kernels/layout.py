"""Sizes and kinds of arrays that kernels and those who call them share.

Nothing of the compiler is needed here.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

PADDING = 64
"""Signatures after the last row of a table, so that a vector may be read at its very end."""
SIGNATURE_BITS = 16
CUTS = 8
"""Numbers in a line of `plan.Plan.cuts`."""
WAITING = 1024
"""Survivors that wait together for their rows to come from memory."""
LINE = 32
"""Signatures in one line of the processor's cache."""

Keys = NDArray[np.uint32]
Signatures = NDArray[np.uint16]
Rows = NDArray[np.uint32]
Words = NDArray[np.uint64]
Numbers = NDArray[np.int64]
Bits = NDArray[np.uint8]
Distances = NDArray[np.uint16]


def address(array: NDArray[Any]) -> int:
    """Where a contiguous array begins; whoever asks keeps the array while this is used."""
    return int(array.__array_interface__["data"][0])


MOST_QUERIES = 1 << 20
"""Queries that are swept together at most."""
NEAR_BYTES = 1 << 19
"""A table up to this size stays near the processor; memory need not be asked for it ahead."""
NEVER = 1 << 62
"""More rows than any query can have in its buckets."""

# What `sweep` remembers between calls.
STATE = 5
POSITION, NUMBER, PLACE, HELD, FOUND = range(STATE)
"""Places in what `sweep` remembers: the query in turn, the probe and place where it stopped,
survivors that wait, and pairs found."""

# What the prefix index counts with.
HASH_BITS, WORDS, WORD = 256, 4, 64
BLOCK = 512
"""Rows counted together."""
GROUP = 32
"""Planes added up together."""
BLOCK_WORDS = BLOCK // WORD
COUNTER_BITS = 9
