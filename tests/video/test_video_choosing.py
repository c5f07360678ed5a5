"""Frames chosen without decoding the others are the frames of a full decode, bit for bit."""

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pdqhash
import pytest
from video_drawing import film, pictures, write

from tutela.adapters.media.video.decoding import (
    Showing,
    Wish,
    grey_of,
    hash_of,
    opened,
    video_stream,
)
from tutela.adapters.media.video.model import HEAD_BYTES, VideoLimits, sniff_video

_X264 = {"crf": "23", "preset": "veryfast"}
FORMS = {
    "b_frames": ("clip.mp4", {"options": _X264}),
    "short_groups": ("clip.mp4", {"options": _X264 | {"g": "8"}}),
    "open_groups": ("clip.mkv", {"options": _X264 | {"g": "12", "x264-params": "open-gop=1"}}),
    "no_b_frames": ("clip.mp4", {"options": _X264 | {"bf": "0", "g": "10"}}),
    "pyramid": ("clip.ts", {"container": "mpegts", "options": _X264 | {"bf": "5", "g": "30"}}),
    "hevc": (
        "clip.mkv",
        {"codec": "libx265", "options": {"x265-params": "log-level=none", "preset": "ultrafast"}},
    ),
    "vp9": (
        "clip.webm",
        {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}},
    ),
    "av1": (
        "clip.mp4",
        {"codec": "libsvtav1", "options": {"preset": "12", "svtav1-params": "lp=1"}},
    ),
    "mpeg4_avi": ("clip.avi", {"codec": "mpeg4", "options": {"bf": "2", "b": "800k"}}),
    "mpeg2": (
        "clip.ts",
        {"codec": "mpeg2video", "container": "mpegts", "fps": 25, "options": {"bf": "2"}},
    ),
    "ten_bits": ("clip.mkv", {"pixels": "yuv420p10le", "options": _X264}),
    "full_range": ("clip.avi", {"codec": "mjpeg", "pixels": "yuvj420p"}),
    "rgb": ("clip.mkv", {"codec": "ffv1", "pixels": "bgr0"}),
}


@pytest.fixture(scope="module", params=FORMS)
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds and a bit in each of the forms."""
    name, how = FORMS[request.param]
    fps = how.get("fps", 10)
    path = tmp_path_factory.mktemp(request.param) / name
    return write(path, pictures(film(3, width=96, height=80), seconds=6.4, fps=fps), **how)


def _shown(path: Path, wish: Wish) -> list[tuple[int, float, str, bytes]]:
    with path.open("rb") as file:
        kind = sniff_video(file.read(HEAD_BYTES))
        assert kind is not None
        file.seek(0)
        container = opened(file, container=kind.container, live=False)
        stream = video_stream(container, VideoLimits())
        return [
            (one.number, one.second, hash_of(one.frame)[0].hex, grey_of(one.frame).tobytes())
            for one in Showing(container, stream, wish)
            if one is not None
        ]


def _all_frames(path: Path) -> list[tuple[float, av.VideoFrame]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(container.streams.video[0]))
    first = frames[0].time
    return [(frame.time - first, frame) for frame in frames]


def test_one_a_second_is_what_a_full_decode_gives(clip: Path) -> None:
    expected, target = [], 0
    for number, (second, frame) in enumerate(_all_frames(clip)):
        if second >= target - 1e-6:
            expected.append((number, second, grey_of(frame)))
            target = int(second + 1e-6) + 1
    shown = _shown(clip, Wish(every_s=1.0))
    assert [one[0] for one in shown] == [number for number, _, _ in expected]
    assert np.allclose([one[1] for one in shown], [second for _, second, _ in expected], atol=2e-3)
    for one, (_, _, grey) in zip(shown, expected, strict=True):
        assert one[3] == grey.tobytes(), "a pixel differs"


def test_every_frame_is_hashed_when_asked_for(clip: Path) -> None:
    shown = _shown(clip, Wish(every_s=0.0))
    frames = _all_frames(clip)
    assert [one[0] for one in shown] == list(range(len(frames)))
    assert all(
        one[3] == grey_of(frame).tobytes() for one, (_, frame) in zip(shown, frames, strict=True)
    )
    assert all(before[1] <= after[1] for before, after in pairwise(shown))


def test_the_hash_is_what_pdqhash_gives_for_the_same_brightness(clip: Path) -> None:
    frames = dict(enumerate(frame for _, frame in _all_frames(clip)))
    for number, _, hexadecimal, _ in _shown(clip, Wish(every_s=1.0)):
        grey = grey_of(frames[number])
        bits, _ = pdqhash.compute(grey if grey.ndim == 3 else np.dstack([grey] * 3))
        assert hexadecimal == np.packbits(bits).tobytes().hex()


def test_key_frames_only(clip: Path) -> None:
    keys = [
        (number, grey_of(frame).tobytes())
        for number, (_, frame) in enumerate(_all_frames(clip))
        if frame.key_frame
    ]
    shown = _shown(clip, Wish(key_frames=True))
    assert [(one[0], one[3]) for one in shown] == keys
