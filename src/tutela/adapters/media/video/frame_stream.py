"""What a child says of one track, checked line by line: facts, frames, and what the end was like.

Nothing that comes out of a child is trusted: a line that is malformed, or that breaks the order of
frames, ends the track.
"""

from collections.abc import Iterator

from tutela.adapters.media.cell import CellLost
from tutela.adapters.media.checking import refusal_of, whole
from tutela.adapters.media.frames import BadFrame
from tutela.adapters.media.model import Refusal, RefusalReason
from tutela.adapters.media.video.cell import Line
from tutela.adapters.media.video.completeness import incomplete, shortfalls_of, undecodable
from tutela.adapters.media.video.model import MAX_COVERS, MAX_TRACKS, VideoFacts, VideoLimits
from tutela.adapters.media.video.refusing import VideoRefused, refuse_video
from tutela.hashing.model import DIHEDRAL, FrameHash, Pdq, VideoHash
from tutela.primitives.errors import BadInput

_MAX_SIDE = 1 << 16
_MANY = 1 << 31


class Frames:
    """The frames of one video while it is read; `facts` first, the rest when they have come."""

    def __init__(self, lines: Iterator[Line], limits: VideoLimits, *, dihedral: bool) -> None:
        self._lines = lines
        self._limits = limits
        self._dihedral = dihedral
        self.facts: VideoFacts = _facts(not_refused(next(lines), limits))
        self.complete: bool | None = False
        self.shortfalls: tuple[str, ...] = ()
        self.undecodable = 0
        self.cpu_used_seconds = 0.0
        self.stopped: Refusal | None = None

    def __iter__(self) -> Iterator[FrameHash]:
        """Frame after frame; a video that breaks off ends here, and `stopped` says why."""
        last = -1
        try:
            for line in self._lines:
                if "alive" in line:
                    continue
                not_refused(line, self._limits)
                if "end" in line:
                    self._end(line)
                    used = line.get("cpu_used_seconds")
                    self.cpu_used_seconds = used if type(used) is float else 0.0
                    return
                frame = _frame(line, dihedral=self._dihedral)
                if frame.frame_number <= last:
                    raise BadFrame  # noqa: TRY301 - one place says what nonsense is
                last = frame.frame_number
                yield frame
        except VideoRefused as refused:
            self.stopped = refused.refusal
        except CellLost as lost:
            self.stopped = refuse_video(lost.reason, self._limits)
        except BadFrame:
            self.stopped = refuse_video(RefusalReason.DECODER_DIED, self._limits)

    def _end(self, line: Line) -> None:
        complete = line.get("complete")
        if complete is not None and type(complete) is not bool:
            raise BadFrame
        self.shortfalls = shortfalls_of(line.get("shortfalls"))
        self.complete = complete and not self.shortfalls
        self.undecodable = whole(line, "undecodable", high=_MANY)

    @property
    def why(self) -> str:
        """Why these are not all the frames of the track; empty where nothing is known to lack."""
        parts = []
        if self.complete is False:
            reasons = (self.stopped.why,) if self.stopped else self.shortfalls
            parts.append(incomplete(reasons))
        if self.undecodable:
            parts.append(undecodable(self.undecodable))
        return ". ".join(parts)

    def video(self, frames: tuple[FrameHash, ...]) -> VideoHash:
        """Those frames, with what is known of the track."""
        return VideoHash(
            frames=frames,
            complete=self.complete,
            undecodable=self.undecodable,
            track=self.facts.track,
            tracks_total=self.facts.tracks_total,
        )


def not_refused(line: Line, limits: VideoLimits) -> Line:
    """The line, unless it is a refusal."""
    if "refused" in line:
        reason, detail = refusal_of(line)
        raise VideoRefused(refuse_video(reason, limits, detail))
    return line


def _facts(line: Line) -> VideoFacts:
    codec, seconds = line.get("codec"), line.get("seconds")
    if not isinstance(codec, str) or not codec.isalnum() or len(codec) > 20:  # noqa: PLR2004 - a name
        raise BadFrame
    return VideoFacts(
        width_px=whole(line, "width", high=_MAX_SIDE),
        height_px=whole(line, "height", high=_MAX_SIDE),
        codec=codec,
        seconds=seconds if type(seconds) is float and seconds >= 0 else None,
        track=whole(line, "track", low=1),
        tracks_total=whole(line, "tracks_total"),
        hashable=whole(line, "hashable", low=1, high=MAX_TRACKS + MAX_COVERS),
        cover=line.get("cover") is True,
    )


def _frame(line: Line, *, dihedral: bool) -> FrameHash:
    quality = whole(line, "quality", high=100)
    texts, second = line.get("pdq"), line.get("second")
    expected = 1 + (len(DIHEDRAL) if dihedral else 0)
    if not isinstance(texts, list) or len(texts) != expected or type(second) is not float:
        raise BadFrame
    try:
        found = [Pdq.parse(text, quality=quality) for text in texts]
        return FrameHash(
            frame_number=whole(line, "frame", high=_MANY),
            timestamp_s=second,
            pdq=found[0],
            key_frame=line.get("key") is True,
            turned=tuple(found[1:]),
        )
    except (BadInput, TypeError) as error:
        raise BadFrame from error
