"""The hashes of a video: one PDQ hash for each frame looked at, with its second.

As vPDQ (interfaces.md 4.2): a video is a bag of frame hashes, and a frame of low quality or
without a picture is kept but never compared. The facts themselves are in `model`.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.model import PDQ_BYTES, FrameHash


def pruned(frames: Iterable[FrameHash], *, within_bits: int) -> Iterator[FrameHash]:
    """Leave out each frame that is within so many bits of the last one kept.

    A scene that stands still then counts once; vPDQ does the same where it is asked to.
    """
    kept: FrameHash | None = None
    for frame in frames:
        if kept is not None and kept.pdq.distance_bits(frame.pdq) <= within_bits:
            continue
        kept = frame
        yield frame


def rows_of(frames: Sequence[FrameHash]) -> NDArray[np.uint8]:
    """The hashes as uint8[N, 32], for a search."""
    flat = np.frombuffer(b"".join(frame.pdq.bits for frame in frames), np.uint8)
    return flat.reshape(len(frames), PDQ_BYTES)
