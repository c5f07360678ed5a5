"""Frames chosen without decoding the others are the frames of a full decode, bit for bit."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import cast

import av
import numpy as np
import pdqhash
import pytest
from av.container import InputContainer
from av.video.stream import VideoStream
from video_drawing import film, pictures, write

from tutela.adapters.media.video.choosing import Choosing, Nals, Reading, Role, nals_of
from tutela.adapters.media.video.containers import HEAD_BYTES, sniff_video
from tutela.adapters.media.video.decoding import (
    Showing,
    Wish,
    grey_of,
    hash_of,
    opened,
)
from tutela.adapters.media.video.model import VideoLimits
from tutela.adapters.media.video.tracks import prepare, tracks_of

_X264 = {"crf": "23", "preset": "veryfast"}
FORMS = {
    "b_frames": ("clip.mp4", {"options": _X264}),
    "short_groups": ("clip.mp4", {"options": _X264 | {"g": "8"}}),
    "open_groups": ("clip.mkv", {"options": _X264 | {"g": "12", "x264-params": "open-gop=1"}}),
    "no_b_frames": ("clip.mp4", {"options": _X264 | {"bf": "0", "g": "10"}}),
    "pyramid": ("clip.ts", {"container": "mpegts", "options": _X264 | {"bf": "5", "g": "30"}}),
    "one_group": ("clip.mp4", {"options": _X264 | {"x264-params": "scenecut=0:b-pyramid=none"}}),
    "slices": (
        "clip.ts",
        {"container": "mpegts", "options": _X264 | {"x264-params": "slices=3:aud=1"}},
    ),
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


def _stream(container: InputContainer) -> VideoStream:
    return prepare(container, tracks_of(container, VideoLimits()).chosen[0], VideoLimits())


def _shown(path: Path, wish: Wish) -> list[tuple[int, float, str, bytes]]:
    with path.open("rb") as file:
        kind = sniff_video(file.read(HEAD_BYTES))
        assert kind is not None
        file.seek(0)
        container = opened(file, container=kind.container, live=False)
        stream = _stream(container)
        return [
            (one.number, one.second, hash_of(one.frame)[0].hex, grey_of(one.frame).tobytes())
            for one in Showing(container, stream, wish)
            if one is not None
        ]


def _all_frames(path: Path) -> list[tuple[float, av.VideoFrame]]:
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1  # as ours: what is lost is
        container.streams.video[0].thread_type = "NONE"  # filled in by what is at hand
        frames = list(container.decode(container.streams.video[0]))
    first = frames[0].time
    return [(frame.time - first, frame) for frame in frames]


def _packets(path: Path) -> list[av.Packet]:
    with av.open(str(path)) as container:
        return [packet for packet in container.demux(video=0) if packet.size]


def _extradata(path: Path) -> bytes:
    with av.open(str(path)) as container:
        return bytes(container.streams.video[0].codec_context.extradata or b"")


def _is_what_a_full_decode_gives(clip: Path) -> None:
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


def test_one_a_second_is_what_a_full_decode_gives(clip: Path) -> None:
    _is_what_a_full_decode_gives(clip)


@pytest.mark.parametrize("name", ["uneven.mp4", "uneven.mkv"])
def test_frames_at_uneven_times_are_those_of_a_full_decode(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    rests = [1, 1, 40, 2, 7, 1, 1, 95, 3, 1, 12, 1, 1, 1, 30, 5]  # thirtieths of a second
    times = np.cumsum([0, *rests, *rests, *rests])
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=30, options=_X264 | {"threads": "1"})
        stream.height, stream.width = 80, 96
        stream.codec_context.time_base = Fraction(1, 30)
        for time in times.tolist():
            frame = av.VideoFrame.from_ndarray(film(3, width=96, height=80)(time / 30), "rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 30)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    assert len(_shown(path, Wish(every_s=1.0))) < len(times) / 2
    _is_what_a_full_decode_gives(path)


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Groups of twenty frames with B-frames, some of which others refer to."""
    path = tmp_path_factory.mktemp("groups") / "clip.mp4"
    shapes = pictures(film(3, width=96, height=80), seconds=6.4, fps=10)
    return write(path, shapes, options=_X264 | {"g": "20", "x264-params": "scenecut=0"})


def test_a_broken_packet_spoils_nothing_but_what_refers_to_it(groups: Path, tmp_path: Path) -> None:
    whole = groups.read_bytes()
    packets = _packets(groups)
    frames = _all_frames(groups)
    sound = _shown(groups, Wish(every_s=1.0))
    nals = nals_of("h264", _extradata(groups))
    assert nals is not None
    path = tmp_path / "broken.mp4"
    for packet in packets[21:40:3]:
        middle = packet.pos + packet.size // 2
        path.write_bytes(whole[:middle] + b"\xa5" * 8 + whole[middle + 8 :])
        shown = _shown(path, Wish(every_s=1.0))
        assert [one[:2] for one in shown] == [one[:2] for one in sound]
        (hit,) = (n for n, (_, frame) in enumerate(frames) if frame.pts == packet.pts)
        spoilt = {hit} if nals.read(bytes(packet)).leaf else set(range(20, 40))
        assert [one for one in shown if one[0] not in spoilt] == [
            one for one in sound if one[0] not in spoilt
        ]


class _Timeless:
    """A container whose packets do not say when they are shown."""

    def __init__(self, container: InputContainer) -> None:
        self._container = container

    def demux(self) -> Iterator[av.Packet]:
        for packet in self._container.demux():
            packet.pts = packet.dts = None
            yield packet


def test_packets_without_times_are_all_decoded(groups: Path) -> None:
    frames = _all_frames(groups)
    with groups.open("rb") as file:
        container = opened(file, container="mov", live=False)
        stream = _stream(container)
        showing = Showing(cast("InputContainer", _Timeless(container)), stream, Wish(every_s=1.0))
        shown = [(one.number, one.second, grey_of(one.frame).tobytes()) for one in showing if one]
    assert shown == [
        (second * 10, second, grey_of(frames[second * 10][1]).tobytes()) for second in range(7)
    ]


def test_pictures_that_no_other_refers_to_never_reach_the_decoder(groups: Path) -> None:
    packets = _packets(groups)
    nals = nals_of("h264", _extradata(groups))
    assert nals is not None
    step = 10 * packets[0].duration
    choosing = Choosing(step=step, codec="h264", extradata=_extradata(groups))
    released = [one for packet in packets for one in choosing.take(packet)]
    released += choosing.finish()
    others = [one for one in released if one.role is Role.OTHER]
    assert sum(nals.read(bytes(packet)).leaf for packet in packets) > len(packets) / 4
    assert len(released) - len(others) == 7
    assert others
    assert not any(nals.read(bytes(one.packet)).leaf for one in others)


_IDR, _LEAF, _REFERRED, _DELIMITER, _WORDS = b"\x65..", b"\x01..", b"\x41..", b"\x09.", b"\x06.."


@pytest.mark.parametrize(
    ("units", "reading"),
    [
        ([_IDR], Reading(starts_anew=True, droppable=True)),
        ([_IDR, _REFERRED], Reading(droppable=True)),
        ([_DELIMITER, _LEAF, _LEAF], Reading(droppable=True, leaf=True)),
        ([_WORDS, _LEAF], Reading(droppable=True)),
        ([_LEAF, _REFERRED], Reading(droppable=True)),
        ([_DELIMITER], Reading(droppable=True)),
        ([b"\x67..", _IDR], Reading(starts_anew=True)),
        ([], Reading()),
    ],
)
def test_what_the_units_of_a_packet_say(units: list[bytes], reading: Reading) -> None:
    sized = b"".join(len(one).to_bytes(4) + one for one in units)
    assert Nals(hevc=False, length_bytes=4).read(sized) == reading
    marked = b"".join(b"\0\0\1" + one for one in units)
    assert Nals(hevc=False, length_bytes=0).read(marked) == reading


@pytest.mark.parametrize("more", [b"\0", b"\0\0\1\x65..", b"\0\0\0\x09\x65.."])
def test_units_that_do_not_fill_the_packet_say_nothing(more: bytes) -> None:
    assert Nals(hevc=False, length_bytes=4).read(b"\0\0\0\3" + _LEAF + more) == Reading()


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
