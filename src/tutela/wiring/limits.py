"""What one file may cost a decoder, from the settings."""

from tutela.adapters.media.model import Limits
from tutela.adapters.media.video.model import VideoLimits
from tutela.wiring.settings import Settings

_WALL_TO_CPU = 1.5
"""On a busy machine a decoder waits; its own time is what counts."""


def limits_of(settings: Settings) -> Limits:
    """The limits that commands, scans and the API share."""
    return Limits(
        max_file_bytes=settings.max_upload_bytes,
        max_pixels=settings.max_pixels,
        memory_bytes=settings.decoder_memory_bytes,
        cpu_seconds=settings.decoder_seconds,
        wall_seconds=_WALL_TO_CPU * settings.decoder_seconds,
    )


def video_limits_of(settings: Settings) -> VideoLimits:
    """The same for videos: memory as for pictures, time by their length (`VideoLimits`)."""
    return VideoLimits(memory_bytes=settings.decoder_memory_bytes)
