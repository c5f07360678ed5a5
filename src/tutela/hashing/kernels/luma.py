"""Brightness of each pixel of a row; see `hashing.luma` for why it is exact."""

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.kernels.sizes import BLUE, GREEN, RED, WHOLE
from tutela.primitives.compiling import kernel


@kernel()
def bright(row: NDArray[np.uint8], width: int, channels: int, out: NDArray[np.float32]) -> None:
    """Brightness 0 to 255 of one row of `width` pixels into `out`, rounded as the reference."""
    if channels == 1:
        for x in range(width):
            out[x] = np.float32(row[x])  # the weights sum to one: a grey stays itself
    elif channels == 3:  # noqa: PLR2004 - RGB; each width has its own loop so that both vectorise
        for x in range(width):
            red, green, blue = row[3 * x], row[3 * x + 1], row[3 * x + 2]
            thousandths = np.int32(RED) * red + np.int32(GREEN) * green + np.int32(BLUE) * blue
            out[x] = np.float32(thousandths) / np.float32(WHOLE)
    else:
        for x in range(width):
            red, green, blue = row[4 * x], row[4 * x + 1], row[4 * x + 2]
            thousandths = np.int32(RED) * red + np.int32(GREEN) * green + np.int32(BLUE) * blue
            out[x] = np.float32(thousandths) / np.float32(WHOLE)
