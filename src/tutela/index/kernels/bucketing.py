"""Bucketing: the counting sort that builds one table of the ring."""

import numpy as np

from tutela.index.kernels.layout import Keys, Rows, Signatures, Words
from tutela.primitives.compiling import kernel

_FIRST_BITS = 9


@kernel("void(uint32[::1], uint16[::1], uint64[::1], int64, uint32[::1], uint16[::1], uint32[::1])")
def sort_rows(  # noqa: PLR0917
    keys: Keys,
    marks: Signatures,
    packed: Words,
    key_bits: int,
    offsets: Keys,
    sorted_marks: Signatures,
    rows: Rows,
) -> None:
    """Counting sort of one table: `offsets` uint32[keys + 1] is filled, rows stand by key.

    Goes in two steps, by the first bits of the key and then by all, so that memory is written
    to in few places at a time; `packed` uint64[N] is room for that.
    """
    offsets[:] = 0
    last = len(offsets) - 1
    for row in range(len(keys)):
        key = np.int64(keys[row]) + 2
        if key <= last:
            offsets[key] += np.uint32(1)
    for before in range(1, last):
        offsets[before + 1] += offsets[before]
    # offsets[key + 1] is where the next row of `key` goes; at the end it is where key + 1 begins.
    low_bits = max(key_bits - _FIRST_BITS, 0)
    parts = (last >> low_bits) + 1
    place_of = np.empty(parts, np.int64)
    for part in range(parts):
        place_of[part] = np.int64(offsets[min((part << low_bits) + 1, last)])
    low = np.uint64((1 << low_bits) - 1)
    for row in range(len(keys)):
        part = int(np.int64(keys[row]) >> low_bits)
        held = ((np.uint64(keys[row]) & low) << np.uint64(48)) | (
            np.uint64(marks[row]) << np.uint64(32)
        )
        packed[place_of[part]] = held | np.uint64(row)
        place_of[part] += 1
    begin = 0
    for part in range(parts):
        end = place_of[part]
        for place in range(begin, end):
            held = packed[place]
            cell = (part << low_bits) + np.int64(held >> np.uint64(48)) + 1
            target = np.int64(offsets[cell])
            offsets[cell] += np.uint32(1)
            rows[target] = np.uint32(held & np.uint64(0xFFFFFFFF))
            sorted_marks[target] = np.uint16((held >> np.uint64(32)) & np.uint64(0xFFFF))
        begin = max(begin, end)
