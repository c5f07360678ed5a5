"""The tracks of one file, gathered into what hashing says of it."""

from dataclasses import replace

from tutela.adapters.media.model import Refusal, RefusalReason
from tutela.adapters.media.video.containers import VideoKind
from tutela.adapters.media.video.frame_stream import Frames
from tutela.adapters.media.video.model import VideoFacts, VideoLimits
from tutela.adapters.media.video.refusing import refuse_video
from tutela.hashing.model import (
    Digests,
    FormKind,
    FrameHash,
    Hashed,
    PictureForm,
    Unmatchable,
    VideoHash,
)

_NO_DETAIL = "No frame of the video has enough detail to be compared"


class Gathered:
    """Fills up track by track; the first that gives frames is the file's `video`."""

    def __init__(self, *, refusal: Refusal | None = None) -> None:
        self.hashable = 1  # the main track says how many there are
        self._refusal = refusal
        self._facts: VideoFacts | None = None
        self._total = 1
        self._videos: list[VideoHash] = []
        self._covers: list[PictureForm] = []
        self._why: list[str] = []

    def add(self, frames: Frames, found: tuple[FrameHash, ...], limits: VideoLimits) -> None:
        """One track (or cover picture) that was read to its end, or as far as it went."""
        facts = frames.facts
        self.hashable = max(self.hashable, facts.hashable)
        self._total = facts.tracks_total
        what = f"cover {facts.track}" if facts.cover else f"video track {facts.track}"
        prefix = f"{what}: " if self._total > 1 or facts.cover else ""
        if not found:
            refusal = frames.stopped or refuse_video(RefusalReason.DAMAGED, limits)
            self._refusal = self._refusal or refusal
            self._why.append(f"{prefix}{refusal.why}")
            return
        if facts.cover:
            first = found[0]
            self._covers.append(
                PictureForm(
                    kind=FormKind.COVER, pdq=first.pdq, number=facts.track, dihedral=first.turned
                )
            )
            return
        if self._facts is None:
            self._facts = facts
        self._videos.append(frames.video(found))
        if frames.why:
            self._why.append(f"{prefix}{frames.why}")

    def note(self, place: int, refusal: Refusal) -> None:
        """The track at that place gave nothing."""
        self._why.append(f"Track at place {place + 1} of {self.hashable}: {refusal.why}")

    def hashed(self, digests: Digests, kind: VideoKind, *, pipeline: str) -> Hashed:
        """All of it; without any frame the refusal says why."""
        facts = self._facts
        videos = tuple(replace(one, begins_at=kind.offset) for one in self._videos)
        unmatchable, why = self._judged()
        return Hashed(
            digests=digests,
            pdq=None,
            pipeline=pipeline,
            unmatchable=unmatchable,
            why=why,
            media_type=kind.media_type,
            width_px=facts.width_px if facts else None,
            height_px=facts.height_px if facts else None,
            video=videos[0] if videos else None,
            further_videos=videos[1:],
            further=tuple(self._covers),
        )

    def _judged(self) -> tuple[Unmatchable | None, str]:
        if not self._videos and not self._covers:
            if self._refusal is None:
                return Unmatchable.UNDECODABLE, "; ".join(self._why)
            return self._refusal.unmatchable, str(self._refusal)
        why = list(self._why)
        if self._total > len(self._videos):
            why.append(f"{len(self._videos)} of its {self._total} video tracks were compared")
        frames = any(frame.comparable() for video in self._videos for frame in video.frames)
        if frames or any(not cover.pdq.unmatchable for cover in self._covers):
            return None, ". ".join(why)
        return Unmatchable.LOW_QUALITY, ". ".join(why) or _NO_DETAIL
