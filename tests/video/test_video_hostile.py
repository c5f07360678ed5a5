"""Hostile, broken and endless files: a refusal with its reason, in bounded memory and time."""

import os
import random
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from video_drawing import Picture, film, pictures, write

from tutela.adapters.media.jail import Jail
from tutela.adapters.media.model import Refusal
from tutela.adapters.media.video import jail as video_jail
from tutela.adapters.media.video.containers import MP4, sniff_video
from tutela.adapters.media.video.jail import Videos, video_kinds
from tutela.adapters.media.video.model import VideoLimits
from tutela.hashing.model import Hashed, Unmatchable
from tutela.primitives.errors import Unavailable

_MIB = 1 << 20


def _hashed(jail: Jail, source: bytes | Path) -> Hashed:
    hashed = jail.hash(source)
    assert isinstance(hashed, Hashed)
    return hashed


def test_a_file_cut_off_gives_the_frames_before(jail: Jail, tmp_path: Path) -> None:
    path = write(tmp_path / "a.ts", pictures(film(4), seconds=8, fps=10), container="mpegts")
    whole = _hashed(jail, path).video
    data = path.read_bytes()
    half = _hashed(jail, data[: len(data) // 2]).video
    assert whole is not None
    assert half is not None
    assert 0 < len(half.frames) < len(whole.frames)
    assert half.frames[0] == whole.frames[0]


def test_an_mp4_without_its_index_is_refused_with_digests(jail: Jail, known_clip: Path) -> None:
    data = known_clip.read_bytes()[:20_000]
    hashed = _hashed(jail, data)
    assert (hashed.unmatchable, hashed.video) == (Unmatchable.UNDECODABLE, None)
    assert hashed.digests.size_bytes == len(data)
    assert "damaged" in hashed.why


def test_random_damage_never_does_more_than_refuse(jail: Jail, known_clip: Path) -> None:
    data = known_clip.read_bytes()
    chance = random.Random(7)  # noqa: S311 - damage that comes out the same each time
    for _ in range(2):
        broken = bytearray(data)
        for _ in range(200):
            broken[chance.randrange(64, len(broken))] = chance.randrange(256)
        hashed = _hashed(jail, bytes(broken))
        assert hashed.digests.size_bytes == len(data)
        assert hashed.video is not None or hashed.unmatchable is Unmatchable.UNDECODABLE


def test_noise_behind_a_video_head_is_refused(jail: Jail) -> None:
    noise = random.Random(8).randbytes(50_000)  # noqa: S311 - same
    for head in (b"\0\0\0\x18ftypisom", b"\x1a\x45\xdf\xa3", b"RIFF\0\0\0\0AVI ", b""):
        body = head + noise if head else b"".join(b"\x47" + noise[:187] for _ in range(50))
        assert video_kinds(body)
        hashed = _hashed(jail, body)
        assert (hashed.unmatchable, hashed.video) == (Unmatchable.UNDECODABLE, None)


def test_a_frame_of_too_many_pixels_is_refused_before_it_is_decoded(known_clip: Path) -> None:
    videos = Videos(VideoLimits(max_pixels=1000))
    hashed = videos.hash(known_clip, MP4)
    videos.close()
    assert isinstance(hashed, Hashed)
    assert hashed.unmatchable is Unmatchable.TOO_LARGE


def test_time_that_runs_out_keeps_the_frames_before(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", pictures(film(4), seconds=8, fps=5), fps=5)
    videos = Videos(VideoLimits(max_frames=5))
    hashed = videos.hash(path, MP4)
    videos.close()
    assert isinstance(hashed, Hashed)
    assert hashed.video is not None
    assert (len(hashed.video.frames), hashed.video.complete) == (5, False)
    assert "incomplete" in hashed.why


def test_the_child_can_open_nothing(jail: Jail, known_clip: Path) -> None:
    with jail.videos.frames(known_clip, MP4) as frames:
        next(iter(frames))
        (cell,) = jail.videos._cells
        assert "no_new_descriptor" in cell.confinement
        assert "no_new_process" in cell.confinement
        limits = Path(f"/proc/{cell.process.pid}/limits").read_text(encoding="ascii")
    (line,) = (one for one in limits.splitlines() if one.startswith("Max open files"))
    assert line.split()[3:5] == ["0", "0"]


def test_a_reference_to_another_file_is_not_followed(jail: Jail, tmp_path: Path) -> None:
    secret = write(tmp_path / "other.mp4", pictures(film(4), seconds=2, fps=5), fps=5)
    playlist = f"#EXTM3U\n#EXTINF:10,\n{secret}\n".encode()
    concat = f"ffconcat version 1.0\nfile '{secret}'\n".encode()
    for body in (playlist, concat):
        assert not video_kinds(body)
        behind = b"\0\0\0\x18ftypisom" + body * 20
        assert _hashed(jail, behind).video is None


def test_pictures_are_not_taken_for_videos() -> None:
    for head in (
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"RIFF\0\0\0\0WEBP",
        b"G" * 2,
    ):
        assert sniff_video(head + bytes(1000)) is None


def test_without_the_decoder_the_digests_are_matched_and_the_remedy_is_told(
    jail: Jail, known_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_jail, "find_spec", lambda _: None)
    hashed = _hashed(jail, known_clip)
    assert hashed.video is None
    assert "tutela[video]" in hashed.why
    assert len(hashed.digests.sha256) == 32


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    videos = Videos()
    assert isinstance(videos.hash(tmp_path, MP4), Refusal)
    videos.close()


def test_a_sheet_shows_frames_and_facts_never_say_one(jail: Jail, known_clip: Path) -> None:
    data = known_clip.read_bytes()
    assert jail.full_view(data).startswith(b"\x89PNG")
    assert jail.rendition(data, "blur").startswith(b"\x89PNG")
    facts = jail.facts(data)
    assert (facts.media_type, facts.width_px, facts.height_px) == ("video/mp4", 192, 144)
    assert facts.frames > 1


def test_a_transport_stream_of_one_group_gives_a_sheet(jail: Jail, tmp_path: Path) -> None:
    options = {"preset": "veryfast", "x264-params": "scenecut=0:slices=3:aud=1"}
    shapes = pictures(film(3, width=96, height=80), seconds=3.4, fps=10)
    path = write(tmp_path / "a.ts", shapes, container="mpegts", options=options)
    assert jail.full_view(path.read_bytes()).startswith(b"\x89PNG")


@pytest.mark.parametrize("how", ["closed", "interrupted"])
def test_nobody_waits_for_digests_of_a_file_without_end(
    how: str, known_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, told = threading.Event(), []

    def endless(_file: int, size: int, _place: int) -> bytes:
        begun.set()
        return bytes(size)

    def interrupted(*_: object, **__: object) -> None:
        begun.wait()
        raise KeyboardInterrupt

    opened = Jail(workers=1)
    monkeypatch.setattr(os, "pread", endless)
    if how == "interrupted":
        monkeypatch.setattr(opened.videos, "_hashed", interrupted)

    def calling() -> None:
        try:
            opened.hash(known_clip)
        except (KeyboardInterrupt, Unavailable) as error:
            told.append(type(error))

    threads = [threading.Thread(target=calling, daemon=True)]
    threads[0].start()
    assert begun.wait(60)
    if how == "closed":
        threads.append(threading.Thread(target=opened.close, daemon=True))
        threads[1].start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    opened.close()
    assert told == [Unavailable if how == "closed" else KeyboardInterrupt]


def test_an_hour_is_hashed_in_bounded_memory(tmp_path: Path) -> None:
    tiles = [film(5, width=32, height=32)(second * 3.0) for second in range(20)]

    def hour() -> Iterator[Picture]:
        return (np.roll(tiles[number % 20], number % 32, axis=1) for number in range(3_600))

    path = write(tmp_path / "hour.mkv", hour(), fps=1, codec="mpeg4")
    videos = Videos()
    peak = count = 0
    last = 0.0
    with videos.frames(path, video_kinds(path)[0]) as frames:
        (cell,) = videos._cells
        for count, frame in enumerate(frames, start=1):
            last = frame.timestamp_s
            if count % 500 == 0 and count <= 3000:  # later it may have ended
                peak = max(peak, _peak_bytes(cell.process))
    videos.close()
    assert last == pytest.approx(3599, abs=1)
    assert count == 3600
    assert 0 < peak < 400 * _MIB


def _peak_bytes(process: "subprocess.Popen[bytes]") -> int:
    """The child's largest resident size so far."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    (line,) = (one for one in status.splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
