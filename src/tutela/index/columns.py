"""Columns: rows in their mixed order, a word a column, from which keys are cut by shifting."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tutela.index.bits import WORDS, Words
from tutela.index.plan import read_only
from tutela.primitives.kernels import compiled

THREADS = min(2, os.cpu_count() or 1)
_TOGETHER = 1 << 18
"""Rows that one thread mixes at a time: fewer are not worth a second one."""
_mix = compiled("tutela.index.kernels.ring:mix")


def columns_of(words: Words) -> Words:
    """The rows `words` uint64[N, 4] (C-contiguous) as uint64[4, N]; not to be written to."""
    size = len(words)
    columns = np.empty((WORDS, size), np.uint64)
    rows = read_only(words)
    if size <= _TOGETHER:
        _mix(rows, 0, size, columns)
    else:
        with ThreadPoolExecutor(THREADS) as threads:
            starts = range(0, size, _TOGETHER)
            list(threads.map(lambda at: _mix(rows, at, min(at + _TOGETHER, size), columns), starts))
    return read_only(columns)
