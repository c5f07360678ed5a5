"""`tutela scan --follow` as a person runs it, while a writer writes at real speed."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import av
import pytest
from video_drawing import HEIGHT, WIDTH, film, pictures

from counsel.detection_parts import US_HOST, accept
from tutela.adapters.media.jail import Jail
from tutela.hashing.model import Hashed
from tutela.indicators.formats import vpdq
from tutela.indicators.importing import import_list
from tutela.primitives.database import Database

pytestmark = pytest.mark.long

FPS, SECONDS, AHEAD_SECONDS = 10, 8, 2
_PATIENCE_SECONDS = 120.0
_GENEROUS_SECONDS = 10.0
_PADDING = b"\x47\x1f\xff\x10" + b"\xff" * 184
"""A packet of MPEG-TS that holds nothing."""


class _Stream:
    """A clip of film 1 as MPEG-TS, and how many of its bytes are there after each frame."""

    def __init__(self) -> None:
        held, self.ends = io.BytesIO(), []
        with av.open(held, "w", format="mpegts", options={"flush_packets": "1"}) as target:
            stream = target.add_stream("libx264", rate=FPS)
            stream.options = {"bf": "0", "g": "10", "preset": "ultrafast", "tune": "zerolatency"}
            stream.pix_fmt = "yuv420p"
            stream.width, stream.height = WIDTH, HEIGHT
            for picture in pictures(film(1), seconds=SECONDS, fps=FPS):
                target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
                self.ends.append(held.tell())
            target.mux(stream.encode(None))
        self.data = held.getvalue()
        self.written: dict[int, float] = {}
        self.may_go_on = threading.Event()

    def write(self, path: Path) -> None:
        """The first seconds at once, the others as they pass; notes when each second was there."""
        place, started = 0, time.monotonic()
        with path.open("ab", buffering=0) as target:
            for number, end in enumerate(self.ends):
                if number == AHEAD_SECONDS * FPS:
                    while not self.may_go_on.wait(0.5):
                        target.write(_PADDING)  # a stream that stands still goes on padding
                    started = time.monotonic() - number / FPS
                time.sleep(max(0.0, started + number / FPS - time.monotonic()))
                target.write(self.data[place:end])
                place = end
                if number % FPS == 0:
                    self.written[number // FPS] = time.monotonic()
            target.write(self.data[place:])


@pytest.fixture
def environment(
    database_url: str, database: Database, jail: Jail, tmp_path: Path
) -> dict[str, str]:
    """A home whose list knows film 1."""
    clip = tmp_path / "known.ts"
    clip.write_bytes(_Stream().data)
    known = jail.hash(clip)
    assert isinstance(known, Hashed)
    assert known.video is not None
    listed = tmp_path / "films.vpdq"
    listed.write_text("\n".join(vpdq.lines_of(known.video.frames)), encoding="ascii")
    import_list(
        database, path=listed, name="films", by="test", at=datetime(2026, 11, 22, tzinfo=UTC)
    )
    accept(database)
    return {
        **os.environ,
        **US_HOST,
        "TUTELA_HOME": str(tmp_path / "home"),
        "TUTELA_DATABASE_URL": database_url.replace("+psycopg", ""),
    }


@contextmanager
def _command(
    path: Path, environment: dict[str, str]
) -> Iterator[tuple["subprocess.Popen[str]", IO[str]]]:
    order = [sys.executable, "-m", "tutela", "scan", "--follow", "--json", "--idle", "3", str(path)]
    with subprocess.Popen(
        order, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout
        finally:
            process.kill()


@pytest.mark.parametrize("form", ["file", "pipe"])
def test_each_second_is_told_while_the_writer_writes(
    environment: dict[str, str], tmp_path: Path, form: str
) -> None:
    path, stream = tmp_path / "live.ts", _Stream()
    if form == "pipe":
        os.mkfifo(path)
    else:
        path.touch()
    writer = threading.Thread(target=stream.write, args=(path,), daemon=True)
    writer.start()
    late: dict[int, float] = {}
    last: dict[str, Any] = {}
    with _command(path, environment) as (process, out):
        for line in out:
            last = json.loads(line)
            if "second" in last:
                stream.may_go_on.set()
                late[round(last["second"])] = time.monotonic()
                assert last["met"][0]["list"] == "films"
        assert process.stderr is not None
        errors = process.stderr.read()
        assert process.wait(_PATIENCE_SECONDS) == 0, errors
    writer.join(_PATIENCE_SECONDS)
    assert sorted(late) == list(range(SECONDS)), "each second once"
    delays = {second: late[second] - stream.written[second] for second in list(late)[3:]}
    print(f"{form}: seconds from frame to line {max(delays.values()):.2f} at most")  # noqa: T201 - docs/reference/video.md
    assert max(delays.values()) < _GENEROUS_SECONDS
    assert (last["finding"], bool(last["case_id"])) == ("matched", True)


def test_ctrl_c_ends_it_in_order(environment: dict[str, str], tmp_path: Path) -> None:
    path, stream = tmp_path / "live.ts", _Stream()
    os.mkfifo(path)
    writer = threading.Thread(target=_quietly, args=(stream, path), daemon=True)
    writer.start()
    with _command(path, environment) as (process, out):
        assert json.loads(out.readline())["second"] == 0
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        errors = process.stderr.read()
        assert process.wait(_PATIENCE_SECONDS) == 130
    stream.may_go_on.set()
    writer.join(_PATIENCE_SECONDS)
    assert "Traceback" not in errors


def _quietly(stream: _Stream, path: Path) -> None:
    """A writer whose reader goes away."""
    try:
        stream.write(path)
    except BrokenPipeError:
        return
