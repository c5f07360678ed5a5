"""Limits and facts of the video decoder; imported on both sides of the pipe."""

from dataclasses import dataclass

from tutela.hashing.model import MAX_FRAMES

MAX_TRACKS = 4
"""Of a file with more video tracks so many are hashed: the main one, then the largest."""
MAX_COVERS = 2
"""So many cover pictures beside them."""

_GIB = 1 << 30


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoLimits:
    """What one video may cost. Each has a child process of its own.

    The time allowed grows with the seconds of video that were reached, so that a long film is
    no fault and a file that stands still is: `wall_seconds` and, on top,
    `wall_per_second` for each second of video, up to twice `cpu_seconds`. `stall_seconds` is the
    longest silence.
    """

    max_file_bytes: int = 16 * _GIB
    max_pixels: int = 40_000_000
    max_frames: int = MAX_FRAMES
    memory_bytes: int = 2 * _GIB
    cpu_seconds: int = 6 * 3600
    wall_seconds: float = 60.0
    wall_per_second: float = 5.0
    stall_seconds: float = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoFacts:
    """What the container says about one of its tracks, before a frame is decoded.

    `track` is its number among `tracks_total` video tracks, or among the cover pictures when
    `cover`; `hashable` is how many tracks and covers are hashed, this one included.
    """

    width_px: int
    height_px: int
    codec: str
    seconds: float | None
    track: int = 1
    tracks_total: int = 1
    hashable: int = 1
    cover: bool = False
