"""Which tracks of a container are hashed: runs in the child only.

The track that a player shows is not the whole file: further ones, another programme of a
transport stream and the cover picture are hashed too, so many and no more. Each is read in a
child process of its own, so that none can cost another its frames.
"""

from dataclasses import dataclass

from av.codec.context import ThreadType
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from tutela.adapters.media.model import RefusalReason
from tutela.adapters.media.video.decoding import DECODERS, STILL_DECODERS, NoVideo, check_size
from tutela.adapters.media.video.model import MAX_COVERS, MAX_TRACKS, VideoLimits

_STILLS = Disposition.attached_pic | Disposition.timed_thumbnails
_READ_ALONE = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "avi", "mxf"})
"""Containers whose index says what each track has: others tracks need not be read at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Track:
    """A track to hash: its stream, its number among the video tracks (from 1), or a cover."""

    stream: VideoStream
    number: int
    cover: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Tracks:
    """The tracks to hash in their order, the main one first; of `total` video tracks."""

    chosen: tuple[Track, ...]
    total: int


def tracks_of(container: InputContainer, limits: VideoLimits) -> Tracks:
    """The tracks that are hashed; raise `NoVideo` when there is none that can be."""
    streams = [one for one in container.streams.video if isinstance(one, VideoStream)]
    covers = [one for one in streams if _is_cover(one)]
    films = [one for one in streams if not _is_cover(one)]
    why: list[NoVideo] = []
    tracks = [
        Track(stream=stream, number=number)
        for number, stream in enumerate(films, start=1)
        if _may_be_hashed(stream, limits, why, DECODERS)
    ]
    best = container.streams.best("video")
    tracks.sort(key=lambda one: (one.stream is not best, -_pixels(one.stream), one.number))
    stills = [
        Track(stream=stream, number=number, cover=True)
        for number, stream in enumerate(covers, start=1)
        if _may_be_hashed(stream, limits, why, DECODERS + STILL_DECODERS)
    ]
    chosen = (*tracks[:MAX_TRACKS], *stills[:MAX_COVERS])
    if not chosen:
        raise why[0] if why else NoVideo(RefusalReason.DAMAGED, "no_video_stream")
    return Tracks(chosen=chosen, total=len(films))


def prepare(container: InputContainer, track: Track, limits: VideoLimits) -> VideoStream:
    """Make that track ready to decode; others are left unread where that loses nothing."""
    for stream in container.streams:
        if stream.index == track.stream.index:
            continue
        if stream.type == "video" or container.format.name in _READ_ALONE:
            stream.discard = Discard.all
    context = track.stream.codec_context
    context.thread_count = 1
    context.thread_type = ThreadType.NONE
    context.options = {"max_pixels": str(limits.max_pixels)}
    return track.stream


def _may_be_hashed(
    stream: VideoStream, limits: VideoLimits, why: list[NoVideo], decoders: tuple[str, ...]
) -> bool:
    context = stream.codec_context
    if context is None or context.codec.name not in decoders:
        why.append(NoVideo(RefusalReason.DAMAGED, "codec"))
        return False
    try:
        check_size(context.width, context.height, limits)
    except NoVideo as refusal:
        why.append(refusal)
        return False
    return True


def _pixels(stream: VideoStream) -> int:
    return int(stream.codec_context.width * stream.codec_context.height)


def _is_cover(stream: VideoStream) -> bool:
    """A still that a player shows beside sound or before the film."""
    return bool(stream.disposition & _STILLS)  # its text is a number in Python 3.11
