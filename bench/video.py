"""Frames of video a second on one core, beside `vpdq` from PyPI; and what edits do to matching.

Run it as `python bench/video.py [speed|edits]` (FORMAT=json for one object). `vpdq` is looked
for in the environment that `.ci/vpdq FOLDER` makes: VPDQ_PYTHON=FOLDER/bin/python. Clips are drawn.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from circumstances import ROOT, circumstances, line

sys.path.insert(0, str(ROOT / "tests" / "video"))

from video_drawing import (
    Film,
    captioned,
    cropped,
    film,
    joined,
    letterboxed,
    pictures,
    write,
)

from tutela.adapters.media.jail import Jail
from tutela.adapters.media.video.decoding import (
    Showing,
    Wish,
    hash_of,
    opened,
    video_stream,
)
from tutela.adapters.media.video.model import VideoLimits
from tutela.hashing.model import FrameHash
from tutela.index.alignment import aligned

SIZES = {"480p": (854, 480), "1080p": (1920, 1080)}
SECONDS = {"480p": 12, "1080p": 4}
FPS = 25
TURNS = 4
WAYS = {
    "every frame": Wish(every_s=0.0),
    "one a second": Wish(every_s=1.0),
    "key frames": Wish(key_frames=True),
}
_VPDQ = """
import sys, time, vpdq
path, every = sys.argv[1], float(sys.argv[2])
start = time.perf_counter()
found = vpdq.computeHash(path, seconds_per_hash=every, thread_count=1)
print(time.perf_counter() - start, len(found))
"""


def measure_speed(folder: Path) -> list[dict[str, object]]:
    """Decoded frames a second: of the file's frames, whichever of them are hashed."""
    rows = []
    for name, (width, height) in SIZES.items():
        path = folder / f"{name}.mp4"
        shown = list(pictures(film(1, width=width, height=height), seconds=4, fps=FPS))
        frames = [shown[number % len(shown)] for number in range(SECONDS[name] * FPS)]
        write(path, iter(frames), fps=FPS, options={"preset": "faster", "crf": "23"})
        for way, wish in WAYS.items():
            taken: list[tuple[float, int]] = []
            others: list[float] = []
            for _ in range(TURNS):  # in turn, for the machine has quicker and slower minutes
                taken.append(_ours(path, wish))
                if not wish.key_frames and (one := _theirs(path, wish.every_s)):
                    others.append(one)
            ours, hashed = min(taken)
            theirs = min(others, default=None)
            rows.append(
                {
                    "size": name,
                    "way": way,
                    "tutela_fps": round(len(frames) / ours, 1),
                    "vpdq_fps": round(len(frames) / theirs, 1) if theirs else None,
                    "ratio": round(theirs / ours, 2) if theirs else None,
                    "hashed": hashed,
                }
            )
    return rows


def _ours(path: Path, wish: Wish) -> tuple[float, int]:
    """Seconds and hashes, in this process and one thread: what the child does."""
    start = time.perf_counter()
    with path.open("rb") as file:
        container = opened(file, container="mov", live=False)
        stream = video_stream(container, VideoLimits())
        count = sum(1 for one in Showing(container, stream, wish) if one and hash_of(one.frame))
    return time.perf_counter() - start, count


def _theirs(path: Path, every_s: float) -> float | None:
    python = os.environ.get("VPDQ_PYTHON", "")
    if not python:
        return None
    told = subprocess.run(  # noqa: S603 - named by whoever runs the bench
        [python, "-c", _VPDQ, str(path), str(every_s)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(told.stdout.split()[0])


def measure_edits(folder: Path) -> list[dict[str, object]]:
    """Share of the upload's frames found, and by how much the start found is off."""
    known_film, width, height = 1, 320, 240
    of = film(known_film, width=width, height=height)
    small = film(known_film, width=192, height=144)
    rows = []
    with Jail(workers=1) as jail:

        def frames(edited: Film, seconds: float, **how: float) -> tuple[FrameHash, ...]:
            fps = float(how.pop("fps", 10))
            crf = str(int(how.pop("crf", 23)))
            path = write(
                folder / "edit.mp4",
                pictures(edited, seconds=seconds, fps=fps, **how),
                fps=fps,
                options={"crf": crf, "preset": "veryfast"},
            )
            video = jail.hash(path).video  # type: ignore[union-attr]
            return video.comparable() if video else ()

        known = frames(of, 40)
        inside = joined((film(7, width=width, height=height), 30.0), (of, 40.0))
        edits: dict[str, tuple[Film, float, dict[str, float], float]] = {
            "same file again": (of, 40, {}, 0.0),
            "re-encoded, crf 35": (of, 40, {"crf": 35}, 0.0),
            "re-encoded, crf 45": (of, 40, {"crf": 45}, 0.0),
            "scaled to 192x144": (small, 40, {}, 0.0),
            "24 frames a second": (of, 40, {"fps": 24}, 0.0),
            "cropped 1 % each side": (cropped(of, 0.01), 40, {}, 0.0),
            "cropped 2 % each side": (cropped(of, 0.02), 40, {}, 0.0),
            "cropped 5 % each side": (cropped(of, 0.05), 40, {}, 0.0),
            "caption": (captioned(of), 40, {}, 0.0),
            "letterbox 2 %": (letterboxed(of, 0.02), 40, {}, 0.0),
            "letterbox 10 %": (letterboxed(of, 0.10), 40, {}, 0.0),
            "clip, seconds 20 to 35": (of, 15, {"start": 20}, 20.0),
            "after 30 s of another": (inside, 70, {}, -30.0),
            "speed 0.9": (of, 40, {"speed": 0.9}, 0.0),
            "speed 1.1": (of, 36, {"speed": 1.1}, 0.0),
            "another film": (film(2, width=width, height=height), 40, {}, 0.0),
        }
        for name, (edited, seconds, how, offset) in edits.items():
            speed = how.get("speed", 1.0)
            rows.append(
                {"edit": name} | _found(known, frames(edited, seconds, **how), offset, speed)
            )
    return rows


def _found(
    known: tuple[FrameHash, ...], upload: tuple[FrameHash, ...], offset: float, speed: float
) -> dict[str, object]:
    pairs = [
        (one.timestamp_s, other.timestamp_s)
        for one in upload
        for other in known
        if one.pdq.distance_bits(other.pdq) <= 31
    ]
    if not pairs:
        return {"query_percent": 0, "bank_percent": 0, "seconds": 0, "offset_error_s": None}
    query, bank = (np.array(part) for part in zip(*pairs, strict=True))
    stretch = aligned(query, bank, all_query_s=np.array([one.timestamp_s for one in upload]))
    assert stretch is not None
    off = stretch.bank_start_s - (offset + speed * stretch.query_start_s)
    return {
        "query_percent": round(100 * len(set(query.tolist())) / len(upload)),
        "bank_percent": round(100 * len(set(bank.tolist())) / len(known)),
        "seconds": round(stretch.seconds, 1),
        "offset_error_s": round(abs(off), 2),
        "speed": stretch.speed,
    }


def main() -> None:
    """Measure and print."""
    parts = {"speed": measure_speed, "edits": measure_edits}
    wanted = sys.argv[1:] or list(parts)
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        said = {
            **circumstances(),
            "vpdq": "0.2.5" if os.environ.get("VPDQ_PYTHON") else "absent: run .ci/vpdq",
            **{name: measure(folder) for name, measure in parts.items() if name in wanted},
        }
    if os.environ.get("FORMAT") == "json":
        print(json.dumps(said))
        return
    print(line(), f"vpdq {said['vpdq']}", sep="\n")
    for rows in (said[name] for name in parts if name in wanted):
        assert isinstance(rows, list)
        print()
        print(*rows[0], sep="\t")
        for row in rows:
            print(*row.values(), sep="\t")


if __name__ == "__main__":
    main()
