"""Hostile, broken and oversized files: a clear refusal each, and the next file goes on."""

import contextlib
import hashlib
import io
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tutela.adapters.media.jail import Jail
from tutela.adapters.media.model import Limits, PictureRefused, Refusal, RefusalReason
from tutela.hashing.model import Hashed, Unmatchable
from tutela.hashing.pdq import pdq
from tutela.primitives.errors import Unavailable

MIB = 1 << 20
ROOMY = 300_000_000  # lets the heavy picture in
NOISE = random.Random(5).randbytes(4000)  # noqa: S311 - the same noise each time


def hashed(jail: Jail, source: Any, **options: Any) -> Hashed:
    found = jail.hash(source, **options)
    assert isinstance(found, Hashed)
    return found


def assert_goes_on(jail: Jail, small_png: bytes) -> None:
    assert hashed(jail, small_png).pdq is not None


def test_a_picture_is_hashed_as_its_pixels_are(
    jail: Jail, small_png: bytes, drawing: ModuleType, tmp_path: Path
) -> None:
    found = hashed(jail, small_png, dihedral=True)
    pixels = drawing.draw("tiles", 2, (160, 120))
    assert found.pdq == pdq(np.asarray(pixels))
    assert found.dihedral[0] == found.pdq
    assert len(found.dihedral) == 8
    assert found.digests.sha256 == hashlib.sha256(small_png).digest()
    assert found.digests.size_bytes == len(small_png)
    assert found.pipeline.startswith(f"tutela-exact/3+pillow-{Image.__version__}+simplejpeg-")
    assert (found.media_type, found.width_px, found.height_px) == ("image/png", 160, 120)
    assert found.unmatchable is None
    assert found.why == ""
    path = tmp_path / "upload"
    path.write_bytes(small_png)
    assert hashed(jail, path) == hashed(jail, small_png) == hashed(jail, io.BytesIO(small_png))


def test_of_a_jpeg_that_holds_several_pictures_the_first_is_hashed(
    jail: Jail, drawing: ModuleType, encode: Callable[..., bytes]
) -> None:
    first, second = (drawing.draw(name, 2, (160, 120)) for name in ("tiles", "rings"))
    several = encode(first, "MPO", save_all=True, append_images=[second])
    assert hashed(jail, several).pdq == hashed(jail, encode(first, "JPEG")).pdq


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda _png: b"", "empty"),
        (lambda _png: b"just some words", "first bytes"),
        (lambda _png: b"%!PS-Adobe-3.0 EPSF-3.0\n", "first bytes"),
        (lambda _png: b"8BPS\x00\x01" + bytes(100), "first bytes"),
        (lambda _png: b"\x89PNG\r\n\x1a\n" + NOISE, "damaged"),
        (lambda _png: b"\xff\xd8\xff\xe0" + NOISE, "damaged"),
        (lambda _png: b"GIF89a" + NOISE, ""),
        (lambda _png: b"RIFF\x00\x10\x00\x00WEBPVP8 " + NOISE, "damaged"),
        (lambda _png: b"II*\x00\x08\x00\x00\x00" + b"\xff" * 4000, "damaged"),
        (lambda _png: b"BM" + NOISE, ""),
        (lambda png: png[: len(png) // 2], "cut off"),
        (lambda png: png[:40], "cut off"),
    ],
)
def test_what_is_no_picture_says_so_and_keeps_its_digests(
    make: Callable[[bytes], bytes], reason: str, jail: Jail, small_png: bytes
) -> None:
    data = make(small_png)
    found = hashed(jail, data)
    assert found.pdq is None
    assert found.unmatchable in set(Unmatchable) - {Unmatchable.LOW_QUALITY, Unmatchable.DEGENERATE}
    assert reason in found.why.lower()
    assert found.digests.md5 == hashlib.md5(data, usedforsecurity=False).digest()
    assert_goes_on(jail, small_png)


def test_half_a_jpeg_is_refused(jail: Jail, drawing: ModuleType, encode: Any) -> None:
    data = encode(drawing.draw("tiles", 3, (300, 300)), "JPEG")
    assert hashed(jail, data[: len(data) // 2]).unmatchable is Unmatchable.CUT_OFF


@pytest.mark.parametrize("size", [(70_000, 70_000), (40_000, 41_000), (100_001, 900), (5, 70_000)])
def test_a_header_that_declares_gigabytes_is_refused_before_decoding(
    size: tuple[int, int], jail: Jail, png_header: Callable[[int, int], bytes], small_png: bytes
) -> None:
    data = png_header(*size)
    assert len(data) < 200
    found = hashed(jail, data)
    assert found.unmatchable is Unmatchable.TOO_LARGE
    assert "100,000,000 pixels" in found.why
    assert_goes_on(jail, small_png)


def test_headers_of_the_other_formats_are_read_first_too(jail: Jail, encode: Any) -> None:
    bmp = bytearray(encode(Image.new("RGB", (8, 8)), "BMP"))
    bmp[18:26] = struct.pack("<ii", 60_000, 60_000)
    gif = bytearray(encode(Image.new("P", (8, 8)), "GIF"))
    gif[6:10] = struct.pack("<HH", 60_000, 60_000)
    jpeg = bytearray(encode(Image.new("RGB", (8, 8)), "JPEG"))
    start = jpeg.index(b"\xff\xc0") + 5
    jpeg[start : start + 4] = struct.pack(">HH", 60_000, 60_000)
    webp = bytearray(encode(Image.new("RGBA", (8, 8), (1, 2, 3, 4)), "WEBP", save_all=True))
    canvas = webp.index(b"VP8X") + 12
    webp[canvas : canvas + 6] = (16_000 - 1).to_bytes(3, "little") * 2
    for data in (bmp, gif, jpeg, webp):
        assert hashed(jail, bytes(data)).unmatchable is Unmatchable.TOO_LARGE


def test_a_small_file_that_unpacks_to_too_many_pixels_is_refused(
    jail: Jail, encode: Any, small_png: bytes
) -> None:
    bomb = encode(Image.new("1", (12_000, 9_000)), "PNG")
    assert len(bomb) < MIB // 16
    found = hashed(jail, bomb)
    assert found.unmatchable is Unmatchable.TOO_LARGE
    assert_goes_on(jail, small_png)


def test_a_packed_text_bomb_inside_a_picture_is_bounded(
    jail: Jail, small_png: bytes, encode: Any
) -> None:
    from PIL.PngImagePlugin import PngInfo  # noqa: PLC0415 - only here

    notes = PngInfo()
    notes.add_text("Comment", "x" * (80 * MIB), zip=True)
    found = hashed(jail, encode(Image.new("RGB", (64, 64)), "PNG", pnginfo=notes))
    assert found.unmatchable is not None
    assert_goes_on(jail, small_png)


def test_a_file_that_is_two_things_is_what_its_first_bytes_say(
    jail: Jail, small_png: bytes
) -> None:
    tail = io.BytesIO()
    with zipfile.ZipFile(tail, "w") as archive:
        archive.writestr("inside.txt", "neutral words")
    found = hashed(jail, small_png + tail.getvalue())
    assert found.pdq == hashed(jail, small_png).pdq
    hidden = hashed(jail, bytes(2000) + tail.getvalue() + small_png)
    assert hidden.unmatchable is Unmatchable.UNDECODABLE


def test_flat_and_tiny_pictures_are_hashed_but_not_comparable(jail: Jail, encode: Any) -> None:
    flat = hashed(jail, encode(Image.new("RGB", (300, 200)), "PNG"))
    assert flat.pdq is not None
    assert flat.unmatchable is Unmatchable.DEGENERATE
    tiny = hashed(jail, encode(Image.new("RGB", (4, 400), "red"), "PNG"))
    assert tiny.unmatchable is Unmatchable.DEGENERATE
    dull = Image.linear_gradient("L").resize((300, 200))
    faint = hashed(jail, encode(dull.point(lambda v: v // 16), "PNG"))
    assert faint.pdq is not None
    assert faint.pdq.quality < 50
    assert faint.unmatchable in {Unmatchable.LOW_QUALITY, Unmatchable.DEGENERATE}
    assert faint.why


def test_a_path_that_cannot_be_read_is_a_refusal_of_its_own(jail: Jail, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path / "absent", tmp_path, pipe):
        found = jail.hash(path)
        assert isinstance(found, Refusal)
        assert found.reason is RefusalReason.UNREADABLE
        assert found.remedy


def test_too_many_bytes_are_digested_but_neither_kept_nor_decoded(
    tmp_path: Path, small_png: bytes
) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.write(small_png)
        file.truncate(40 * MIB)
    with Jail(Limits(max_file_bytes=2 * MIB), workers=1) as strict:
        tracemalloc.start()
        found = hashed(strict, path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert strict._cells == set()  # no decoder was even started
    assert found.unmatchable is Unmatchable.TOO_LARGE
    assert "2,097,152 bytes" in found.why
    with path.open("rb") as file:
        assert found.digests.sha256 == hashlib.file_digest(file, "sha256").digest()
    assert found.digests.size_bytes == 40 * MIB
    assert peak < 8 * MIB


def test_pixels_never_enter_the_parent(jail: Jail, encode: Any) -> None:
    large = encode(Image.new("RGB", (3_000, 2_000)), "PNG")
    tracemalloc.start()
    found = hashed(jail, large)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.width_px, found.height_px) == (3_000, 2_000)
    assert peak < 4 * MIB


def test_memory_is_limited(heavy_png: bytes, small_png: bytes) -> None:
    with Jail(Limits(memory_bytes=700 * MIB, max_pixels=ROOMY), workers=1) as tight:
        found = hashed(tight, heavy_png)
        assert found.unmatchable is Unmatchable.TOO_LARGE
        assert "734,003,200 bytes" in found.why
        assert_goes_on(tight, small_png)


def test_wall_clock_is_limited(heavy_png: bytes, small_png: bytes) -> None:
    with Jail(Limits(wall_seconds=1.0, max_pixels=ROOMY), workers=1) as quick:
        started = time.monotonic()
        found = hashed(quick, heavy_png)
        assert time.monotonic() - started < 20  # start-up included, on a busy machine
        assert found.unmatchable is Unmatchable.TOO_LARGE
        assert "1 s" in found.why
        assert_goes_on(quick, small_png)


def test_processor_time_is_limited(heavy_png: bytes, small_png: bytes) -> None:
    with Jail(Limits(cpu_seconds=1, max_pixels=ROOMY), workers=1) as quick:
        found = hashed(quick, heavy_png)
        assert found.unmatchable is Unmatchable.TOO_LARGE
        assert "1 s of work" in found.why
        assert_goes_on(quick, small_png)


def test_a_child_killed_in_the_middle_costs_one_refusal(heavy_png: bytes, small_png: bytes) -> None:
    limits = Limits(max_pixels=ROOMY)
    with Jail(limits, workers=1) as single, ThreadPoolExecutor(1) as pool:
        assert_goes_on(single, small_png)
        (cell,) = single._cells
        running = pool.submit(hashed, single, heavy_png)
        while not single._idle.empty():
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(cell.process.pid, signal.SIGKILL)
        found = running.result()
        assert found.unmatchable is Unmatchable.UNDECODABLE
        assert "ended in the middle" in found.why
        assert found.digests.size_bytes == len(heavy_png)
        assert_goes_on(single, small_png)
        assert len(single._cells) == 1


def test_a_child_killed_while_idle_is_not_noticed(small_png: bytes) -> None:
    with Jail(workers=1) as single:
        assert_goes_on(single, small_png)
        (cell,) = single._cells
        cell.process.kill()
        cell.process.wait()
        assert_goes_on(single, small_png)


def test_a_child_retires_after_its_share_of_files(small_png: bytes) -> None:
    with Jail(Limits(jobs_per_child=2), workers=1) as single:
        pids = []
        for _ in range(4):
            assert_goes_on(single, small_png)
            pids += [cell.process.pid for cell in single._cells]
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_many_threads_share_the_children(jail: Jail, drawing: ModuleType, encode: Any) -> None:
    files = [encode(drawing.draw("tiles", n, (90, 80)), "PNG") for n in range(24)]
    alone = [hashed(jail, data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda data: hashed(jail, data), files)) == alone
    assert len(jail._cells) <= 2


def test_closing_ends_the_children_and_refuses_later_calls(
    heavy_png: bytes, small_png: bytes
) -> None:
    opened = Jail(Limits(max_pixels=ROOMY), workers=2)
    results: list[Hashed] = []
    thread = threading.Thread(target=lambda: results.append(hashed(opened, heavy_png)))
    thread.start()
    while not opened._cells:
        time.sleep(0.01)
    time.sleep(0.1)
    pids = [cell.process.pid for cell in opened._cells]
    opened.close()
    opened.close()
    thread.join()
    assert results[0].unmatchable is Unmatchable.UNDECODABLE
    assert not any(psutil.pid_exists(pid) for pid in pids)
    with pytest.raises(Unavailable, match="closed"):
        opened.hash(small_png)


def test_closing_does_not_wait_for_a_decoder_that_is_not_ready(
    small_png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def compiles_for_minutes() -> "subprocess.Popen[bytes]":
        order = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
        process = subprocess.Popen(order, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        return process

    monkeypatch.setattr("tutela.adapters.media.jail.start_decoder", compiles_for_minutes)
    opened = Jail(workers=1)
    _closed_in_the_middle(opened, lambda: opened.hash(small_png), begun=lambda: bool(started))
    assert started[0].poll() is not None


def test_closing_ends_the_reading_of_a_file_without_end() -> None:
    class Endless(io.RawIOBase):
        begun = False

        def read(self, size: int = -1) -> bytes:
            self.begun = True
            return bytes(size)

    opened, endless = Jail(workers=1), Endless()
    _closed_in_the_middle(opened, lambda: opened.hash(endless), begun=lambda: endless.begun)


def _closed_in_the_middle(
    jail: Jail, call: Callable[[], object], *, begun: Callable[[], bool]
) -> None:
    """Close while a thread is at it: that thread is told, and nobody waits."""
    told: list[Unavailable] = []

    def calling() -> None:
        try:
            call()
        except Unavailable as error:
            told.append(error)

    threads = [threading.Thread(target=one, daemon=True) for one in (calling, jail.close)]
    threads[0].start()
    while not begun():
        time.sleep(0.01)
    threads[1].start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert told


def test_children_die_with_a_parent_that_is_killed(tmp_path: Path, heavy_png: bytes) -> None:
    path = tmp_path / "heavy.png"
    path.write_bytes(heavy_png)
    script = (
        "import sys, threading, time, pathlib\n"
        "from tutela.adapters.media.jail import Jail\n"
        "from tutela.adapters.media.model import Limits\n"
        "jail = Jail(Limits(max_pixels=300_000_000), workers=1)\n"
        "jail.confinement()\n"
        "threading.Thread(target=jail.hash, args=(pathlib.Path(sys.argv[1]),)).start()\n"
        "time.sleep(0.3)\n"
        "print(*(cell.process.pid for cell in jail._cells), flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.kill()
    try:
        child.wait(timeout=60)
    except psutil.TimeoutExpired:
        assert child.status() == psutil.STATUS_ZOMBIE  # dead; nobody has collected it


def test_a_decoder_that_cannot_start_says_so(
    small_png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Jail(workers=1) as broken:
        monkeypatch.setattr(sys, "executable", "/bin/false")
        for _ in range(2):
            with pytest.raises(Unavailable, match="does not start"):
                broken.hash(small_png)
        monkeypatch.undo()
        assert_goes_on(broken, small_png)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_files_never_break_the_jail(
    data: st.DataObject, jail: Jail, drawing: ModuleType, encode: Any
) -> None:
    """Flip, cut, repeat and insert bytes of real files: a hash or a refusal, nothing else."""
    form = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"]))
    body = bytearray(encode(drawing.draw("tiles", 1, (40, 30)), form))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, max(0, len(body) - 1)))
        action = data.draw(st.sampled_from(["flip", "cut", "repeat", "insert"]))
        if action == "flip":
            body[place : place + 1] = bytes([data.draw(st.integers(0, 255))])
        elif action == "cut":
            del body[place : place + data.draw(st.integers(1, 64))]
        elif action == "repeat":
            body[place:place] = body[place : place + 32]
        else:
            body[place:place] = data.draw(st.binary(min_size=1, max_size=8))
    found = hashed(jail, bytes(body))
    assert (found.pdq is None) == (found.unmatchable is not None and found.width_px is None)
    for ask in (jail.facts, jail.full_view):
        with contextlib.suppress(PictureRefused):
            assert ask(bytes(body))
