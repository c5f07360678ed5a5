"""A contact sheet: a few frames of a video side by side, for a person who must look."""

import io
from fractions import Fraction

import av
from av.container import InputContainer
from av.stream import Discard
from av.video.stream import VideoStream
from PIL import Image

from tutela.adapters.media.model import RefusalReason
from tutela.adapters.media.video.decoding import NoVideo, check_size
from tutela.adapters.media.video.model import VideoLimits
from tutela.adapters.media.video.tracks import Tracks, prepare

COLUMNS, ROWS = 3, 3
CELL_PX = 528
"""Three cells and two gaps are the widest full view, 1,600 px."""
_GAP_PX = 8
_FRAMES_TO_TRY = 250
"""From a key frame on, so many frames are decoded at most to come nearer to the wished second."""


def sheet_of(
    container: InputContainer, tracks: Tracks, limits: VideoLimits, *, seconds: float | None
) -> bytes:
    """A PNG of up to nine frames, spread over the video and its tracks.

    Raises `NoVideo` when there is none.
    """
    each = COLUMNS * ROWS // len(tracks.chosen)
    frames: list[Image.Image] = []
    for place, track in enumerate(tracks.chosen):
        stream = prepare(container, track, limits)
        stream.discard = Discard.default
        try:
            if place:
                container.seek(0)
            frames += _frames_of(container, stream, limits, each, 0.0 if track.cover else seconds)
        except (NoVideo, av.FFmpegError):
            if not place and len(tracks.chosen) == 1:
                raise
    if not frames:
        raise NoVideo(RefusalReason.DAMAGED, "no_frame")
    return _sheet(frames)


def _frames_of(
    container: InputContainer,
    stream: VideoStream,
    limits: VideoLimits,
    wanted: int,
    seconds: float | None,
) -> list[Image.Image]:
    frames: list[Image.Image] = []
    for place in range(wanted):
        at = (seconds or 0.0) * place / wanted
        if place and not seconds:
            break
        frame = _frame_at(container, stream, at)
        if frame is None:
            continue
        check_size(frame.width, frame.height, limits)
        frames.append(_small(frame))
    return frames


def _frame_at(
    container: InputContainer, stream: VideoStream, second: float
) -> av.VideoFrame | None:
    """The first frame at or after that second, or the last one that gives a picture."""
    unit = stream.time_base or Fraction(1, 1000)
    target = (stream.start_time or 0) + round(Fraction(second) / unit)
    last: av.VideoFrame | None = None
    try:
        if second:  # a seek to the start of MPEG-TS may miss the first picture: it goes by dts
            container.seek(target, stream=stream, backward=True)
        for tried, frame in enumerate(container.decode(stream)):
            last = frame
            if frame.pts is None or frame.pts >= target or tried == _FRAMES_TO_TRY:
                break
    except av.FFmpegError:
        return last
    return last


def _small(frame: av.VideoFrame) -> Image.Image:
    image: Image.Image = frame.to_image(threads=1)  # type: ignore[no-untyped-call] # PyAV's own
    image.thumbnail((CELL_PX, CELL_PX))
    return image


def _sheet(frames: list[Image.Image]) -> bytes:
    """Rows of cells on black, no larger than the frames need; only pixels, no metadata."""
    width, height = max(one.width for one in frames), max(one.height for one in frames)
    columns = min(COLUMNS, len(frames))
    rows = -(-len(frames) // columns)
    size = (columns * (width + _GAP_PX) - _GAP_PX, rows * (height + _GAP_PX) - _GAP_PX)
    sheet = Image.new("RGB", size)
    for place, image in enumerate(frames):
        row, column = divmod(place, columns)
        sheet.paste(image, (column * (width + _GAP_PX), row * (height + _GAP_PX)))
    held = io.BytesIO()
    sheet.save(held, format="PNG", compress_level=3)
    return held.getvalue()
