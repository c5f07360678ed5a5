"""`tutela hash --vpdq`: the frames of videos as vPDQ's text, or as JSON lines of many videos."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tutela.adapters.media.jail import Jail
from tutela.adapters.media.model import PictureRefused
from tutela.adapters.media.video.frame_stream import Frames
from tutela.adapters.media.video.jail import Videos, video_kinds
from tutela.cli.presenting import OUT, emit, plain, progress
from tutela.hashing.model import FrameHash
from tutela.indicators.formats.vpdq import lines_of
from tutela.primitives.errors import BadInput, Unavailable
from tutela.scan.naming import spelled
from tutela.scan.walking import walk
from tutela.wiring.limits import limits_of, video_limits_of
from tutela.wiring.settings import load_settings


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameWish:
    """Which frames: one in so many seconds (0: every one), or those a stream starts anew at."""

    every_s: float
    key_frames: bool


def write_frames(paths: Sequence[Path], out: Path, wish: FrameWish, *, as_json: bool) -> int:
    """Write `out` and tell what became of each file; returns how many gave no frame.

    One file named: its text as vPDQ writes it. Several, or a folder: JSON lines, named by path.
    """
    files = list(walk(paths))
    single = len(paths) == 1 and paths[0].is_file()
    settings = load_settings()
    refused = 0
    with (
        _opened(out) as target,
        Jail(limits_of(settings), workers=1, videos=video_limits_of(settings)) as jail,
        progress("Hashing", total=len(files)) as show,
    ):
        for number, path in enumerate(files, start=1):
            said = _written(jail, path, target, wish, single=single)
            refused += "error" in said
            emit(said, as_json=as_json, render=_telling(said))
            show(number)
    return refused


def _opened(out: Path) -> TextIO:
    try:
        return out.open("w", encoding="utf-8")
    except OSError as error:
        raise Unavailable(
            "The file for the frames cannot be written", why=error.strerror or "it is away"
        ) from error


def _written(
    jail: Jail, path: Path, target: TextIO, wish: FrameWish, *, single: bool
) -> dict[str, object]:
    """One video: its frames to `target` as they come, and what is told of it."""
    said: dict[str, object] = {"path": spelled(path)}
    if not video_kinds(path):
        if single:
            raise BadInput("Not a video", why="its first bytes are those of no kind that is read")
        return said | {"error": "Not a video"}
    frames: list[FrameHash] = []
    compared = count = 0
    try:
        with _frames(jail.videos, path, wish) as shown:
            for frame in shown:
                count += 1
                compared += frame.comparable()
                if single:
                    target.writelines(f"{line}\n" for line in lines_of((frame,)))
                else:
                    frames.append(frame)
    except PictureRefused as refused:
        return said | {"error": str(refused.refusal)}
    if not single and frames:
        row = {"external_id": spelled(path)[-200:], "frames": list(lines_of(frames))}
        target.write(json.dumps(row) + "\n")
    if shown.stopped is not None:
        said["error"] = str(shown.stopped)
    elif shown.why:
        said["why"] = shown.why
    return said | {
        "frames_total": count,
        "frames_compared": compared,
        "complete": shown.complete,
        "track": shown.facts.track,
        "tracks_total": shown.facts.tracks_total,
    }


@contextmanager
def _frames(videos: Videos, path: Path, wish: FrameWish) -> Iterator[Frames]:
    """The main track, as the first kind that its bytes may stand for and that can be opened."""
    kinds = video_kinds(path)
    for place, kind in enumerate(kinds, start=1):
        with ExitStack() as stack:
            try:
                frames = stack.enter_context(
                    videos.frames(path, kind, every_s=wish.every_s, key_frames=wish.key_frames)
                )
            except PictureRefused:
                if place == len(kinds):
                    raise
                continue
            yield frames
            return


def _telling(said: dict[str, object]) -> Callable[[], None]:
    def render() -> None:
        told = said.get("error") or (
            f"{said['frames_total']} frames, {said['frames_compared']} can be compared"
        )
        if "why" in said:
            told = f"{told}. {said['why']}"
        OUT.print(plain(f"{said['path']}: {told}"), soft_wrap=True)

    return render
