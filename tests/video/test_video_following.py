"""A video that is still written: frames come while the writer writes, and end with it."""

import fcntl
import os
import threading
import time
from pathlib import Path

import pytest
from video_drawing import film, pictures, write

from tutela.adapters.media.jail import Jail
from tutela.adapters.media.video.model import VideoLimits
from tutela.hashing.model import Digests, Hashed
from tutela.primitives.errors import BadInput
from tutela.wiring.live import follow

FORMS = {
    "mpegts": {"container": "mpegts"},
    "matroska": {"container": "matroska", "muxing": {"cluster_time_limit": "500", "live": "1"}},
    "fragmented": {
        "container": "mp4",
        "muxing": {"movflags": "frag_every_frame+empty_moov+default_base_moof"},
    },
}


def _clip(path: Path, how: dict[str, object]) -> bytes:
    write(
        path,
        pictures(film(1), seconds=12, fps=10),
        options={"bf": "0", "g": "10", "preset": "ultrafast"},
        **how,
    )
    return path.read_bytes()


@pytest.mark.parametrize("form", FORMS)
def test_frames_of_a_pipe_come_before_its_writer_ends(
    jail: Jail, tmp_path: Path, form: str
) -> None:
    data = _clip(tmp_path / "clip", FORMS[form])
    whole = jail.hash(tmp_path / "clip")
    assert isinstance(whole, Hashed)
    assert whole.video is not None
    fifo = tmp_path / "live"
    os.mkfifo(fifo)
    half_is_written, may_go_on = threading.Event(), threading.Event()

    def writer() -> None:
        with fifo.open("wb") as target:
            target.write(data[: len(data) * 3 // 4])
            target.flush()
            half_is_written.set()
            may_go_on.wait(30)
            target.write(data[len(data) * 3 // 4 :])

    thread = threading.Thread(target=writer, daemon=True)
    thread.start()
    with follow(jail.videos, fifo, idle_seconds=5, dihedral=False) as live:
        frames = []
        for frame in live.frames:
            frames.append(frame)
            if frame.timestamp_s >= 5 and half_is_written.is_set():
                may_go_on.set()  # only a frame that came in time lets the writer end
        assert may_go_on.is_set()
        thread.join(60)
        hashed = live.hashed(tuple(frames))
    assert not live.is_file
    assert [frame.pdq for frame in frames] == [frame.pdq for frame in whole.video.frames]
    assert hashed.digests == whole.digests


def test_a_growing_file_ends_when_nothing_comes_any_more(jail: Jail, tmp_path: Path) -> None:
    data = _clip(tmp_path / "clip", FORMS["mpegts"])
    growing = tmp_path / "growing.ts"
    growing.write_bytes(data[:20_000])

    def writer() -> None:
        with growing.open("ab") as target:
            for start in range(20_000, len(data), 40_000):
                target.write(data[start : start + 40_000])
                target.flush()
                time.sleep(0.05)

    thread = threading.Thread(target=writer, daemon=True)
    thread.start()
    with follow(jail.videos, growing, idle_seconds=1.0, dihedral=False) as live:
        seconds = [frame.timestamp_s for frame in live.frames]
        thread.join(60)
        assert live.is_file
        assert live.hashed(()).digests.size_bytes == len(data)
    assert seconds[-1] >= 11


def test_no_descriptor_of_anybody_else_is_closed(jail: Jail, tmp_path: Path) -> None:
    growing = tmp_path / "growing.ts"
    growing.write_bytes(_clip(tmp_path / "clip", FORMS["mpegts"]))
    with follow(jail.videos, growing, idle_seconds=0.2, dihedral=False) as live:
        assert list(live.frames)
        assert live.hashed(()).digests.size_bytes, "everything was handed on"
        others = [os.open("/dev/null", os.O_RDONLY) for _ in range(8)]  # take the numbers let go
    for other in others:
        os.close(other)


def test_who_stops_does_not_wait_for_a_silent_writer(jail: Jail, tmp_path: Path) -> None:
    data = _clip(tmp_path / "clip", FORMS["mpegts"])
    fifo = tmp_path / "live"
    os.mkfifo(fifo)
    writer = os.open(fifo, os.O_RDWR)
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 1 << 20)
    os.write(writer, data[:200_000])
    with (  # noqa: PT012 - the interruption comes while it is followed
        pytest.raises(KeyboardInterrupt),
        follow(jail.videos, fifo, idle_seconds=0.0, dihedral=False) as live,
    ):
        next(iter(live.frames))
        raise KeyboardInterrupt
    os.close(writer)
    for one in threading.enumerate():
        if one.name == "follow":
            one.join(60)
            assert not one.is_alive()
    assert live.hashed(()).digests == Digests(), "those of a part are nobody's"


def test_a_slow_writer_has_all_the_time_it_needs(tmp_path: Path) -> None:
    growing = tmp_path / "growing.ts"
    growing.write_bytes(_clip(tmp_path / "clip", FORMS["mpegts"]))
    slow = VideoLimits(wall_seconds=0.0, wall_per_second=0.0)  # long over, were it a whole file
    with (
        Jail(workers=1, videos=slow) as jail,
        follow(jail.videos, growing, idle_seconds=0.2, dihedral=False) as live,
    ):
        seconds = [frame.timestamp_s for frame in live.frames]
    assert seconds[-1] >= 11


def test_what_cannot_be_followed_is_told(jail: Jail, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("neutral words " * 200, encoding="utf-8")
    for path in (words, tmp_path, tmp_path / "missing"):
        with (
            pytest.raises(BadInput, match="cannot be followed"),
            follow(jail.videos, path, idle_seconds=0.2, dihedral=False),
        ):
            pass
