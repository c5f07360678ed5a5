"""vPDQ's text: exact round trips, and every defect refused with its line (hma.md 6.1)."""

import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.hashing.model import FrameHash, Pdq, VideoHash
from tutela.hashing.video import pruned
from tutela.hashing.video_luma import full_range
from tutela.indicators.formats import vpdq
from tutela.indicators.model import EntryStatus, Ignored, ListEntry, ParsedRow, Refusal, SignalKind
from tutela.primitives.errors import BadInput

HASH = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
GOOD = f"0,100,{HASH},0.0"

frames = st.lists(
    st.tuples(
        st.integers(1, 1000),
        st.floats(0, 1e4, allow_nan=False, allow_infinity=False),
        st.integers(0, 100),
        st.binary(min_size=32, max_size=32),
    ),
    min_size=1,
    max_size=20,
)


def _video(rows: list[tuple[int, float, int, bytes]]) -> VideoHash:
    number, second, made = 0, 0.0, []
    for step, later, quality, bits in rows:
        number, second = number + step, second + later
        made.append(FrameHash(frame_number=number, timestamp_s=second, pdq=Pdq(bits, quality)))
    return VideoHash(frames=tuple(made))


def _parsed(text: str) -> list[ParsedRow]:
    return list(vpdq.parse(io.BytesIO(text.encode())))


@given(frames)
def test_text_and_packed_frames_read_back_exactly(
    rows: list[tuple[int, float, int, bytes]],
) -> None:
    video = _video(rows)
    assert vpdq.video_of(vpdq.lines_of(video.frames)) == video
    assert VideoHash.unpacked(video.packed()) == video
    assert VideoHash.unpacked(video.packed()).fingerprint == video.fingerprint


def test_a_late_second_keeps_its_digits() -> None:
    late = FrameHash(frame_number=7, timestamp_s=1000.5, pdq=Pdq.parse(HASH))
    (line,) = vpdq.lines_of([late])
    assert line == f"7,100,{HASH},1000.5"
    assert vpdq.seconds_text(1e-7) == "0.0000001"


@pytest.mark.parametrize(
    "line",
    [
        f"1,100,{HASH},nan",
        f"1,100,{HASH},inf",
        f"1,100,{HASH},-1.0",
        f"1,100,{HASH},1e3",
        f"1,100,{HASH},1_0.0",
        f"1_0,100,{HASH},1.0",
        f"1,1_0,{HASH},1.0",
        f"1,101,{HASH},1.0",
        f"-1,100,{HASH},1.0",
        f"1,100,{HASH[:-1]},1.0",
        f"1,100,{HASH[:-2]}0_,1.0",
        f"1,100,{HASH}00,1.0",
        f"1,100,{HASH}",
        f"1,100,{HASH},1.0,2",
        f" 1,100,{HASH},1.0",
        f"\u0661,100,{HASH},1.0",
        f"0,100,{HASH},1.0",
        f"1,100,{HASH},1.0\n1,100,{HASH},2.0",
        f"2,100,{HASH},1.0\n3,100,{HASH},0.5",
        "x" * 600,
    ],
)
def test_a_bad_line_refuses_the_video_with_its_number(line: str) -> None:
    refusals = _parsed(f"{GOOD}\n{line}\n9000,100,{HASH},9000.0\n")
    assert all(isinstance(one, Refusal) for one in refusals)
    assert refusals[0].row == 2 + line.count("\n")
    assert HASH not in refusals[0].why


def test_a_video_of_low_quality_alone_is_refused_and_the_next_one_goes_in() -> None:
    low = {"external_id": "low", "frames": [f"0,49,{HASH},0.0"]}
    good = {"external_id": "good", "frames": [GOOD], "scheme": "iwf", "category": "A"}
    refused, taken = _parsed(f"{json.dumps(low)}\n{json.dumps(good)}\n")
    assert isinstance(refused, Refusal)
    assert (refused.row, "low quality" in refused.why) == (1, True)
    assert isinstance(taken, ListEntry)
    assert taken.kind is SignalKind.VPDQ
    assert taken.category is not None


@pytest.mark.parametrize(
    "row",
    [
        "[]",
        "{",
        '{"frames": NaN}',
        '{"frames": []}',
        '{"frames": [1]}',
        '{"frames": ["x"]}',
        f'{{"frames": ["{GOOD}"], "status": "new"}}',
        f'{{"frames": ["{GOOD}"], "external_id": 7}}',
        '{"external_id": "a", "status": "active"}',
    ],
)
def test_a_bad_json_line_is_refused_and_the_others_go_in(row: str) -> None:
    before, bad, after = _parsed(
        "\n".join((json.dumps({"frames": [GOOD]}), row, json.dumps({"frames": [GOOD]})))
    )
    assert isinstance(before, ListEntry)
    assert isinstance(bad, Refusal)
    assert bad.row == 2
    assert isinstance(after, ListEntry)


@pytest.mark.parametrize(
    ("more", "field"), [('"category": "A"', "category"), ('"more": 1', "other")]
)
def test_a_side_field_that_cannot_be_read_is_left_out(more: str, field: str) -> None:
    ignored, taken = _parsed(f'{{"frames": ["{GOOD}"], {more}}}')
    assert isinstance(ignored, Ignored)
    assert (ignored.row, ignored.field) == (1, field)
    assert isinstance(taken, ListEntry)
    assert taken.unread == {field}


@pytest.mark.parametrize(
    "text", [f"0,100,{HASH},0.0\n", json.dumps({"frames": [f"0,100,{HASH},0.0"]}) + "\n"]
)
def test_a_byte_order_mark_before_the_first_line_is_no_part_of_it(text: str) -> None:
    (taken,) = vpdq.parse(io.BytesIO(text.encode("utf-8-sig")))
    assert [taken] == list(vpdq.parse(io.BytesIO(text.encode())))
    assert isinstance(taken, ListEntry)


def test_a_record_is_taken_back_without_its_frames() -> None:
    (gone,) = _parsed('{"external_id": "a", "status": "deleted"}')
    assert isinstance(gone, ListEntry)
    assert (gone.value, gone.status, gone.external_id) == (b"", EntryStatus.DELETED, "a")


@given(st.binary(max_size=400))
def test_no_bytes_do_more_than_refuse(data: bytes) -> None:
    for one in vpdq.parse(io.BytesIO(data)):
        assert isinstance(one, ListEntry | Refusal | Ignored)


def test_frames_out_of_order_make_no_video() -> None:
    first = FrameHash(frame_number=3, timestamp_s=1.0, pdq=Pdq.parse(HASH))
    with pytest.raises(BadInput, match="not in order"):
        VideoHash(frames=(first, first))
    for second in (float("nan"), float("inf"), -1.0):
        with pytest.raises(BadInput):
            FrameHash(frame_number=1, timestamp_s=second, pdq=Pdq.parse(HASH))


def test_a_scene_that_stands_still_is_pruned_to_one_frame() -> None:
    bits = [bytes([number]) + bytes(31) for number in (0, 1, 3, 255, 254)]
    rows = [FrameHash(frame_number=n, timestamp_s=n, pdq=Pdq(b, 90)) for n, b in enumerate(bits)]
    assert [one.frame_number for one in pruned(rows, within_bits=2)] == [0, 3]
    assert [one.frame_number for one in pruned(rows, within_bits=0)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("bits", [8, 10, 16])
@pytest.mark.parametrize("limited", [True, False])
def test_brightness_is_stretched_and_rounded(bits: int, *, limited: bool) -> None:
    kind = np.uint8 if bits == 8 else np.uint16
    noise = np.random.default_rng(5).integers(0, 1 << bits, (40, 64))
    plane = noise.astype(kind)
    low, span = (16 << bits - 8, 219 << bits - 8) if limited else (0, (1 << bits) - 1)
    scaled = (plane.astype(np.float32) - np.float32(low)) * (np.float32(255) / np.float32(span))
    slow = (np.clip(scaled, 0, 255).astype(np.float32) + np.float32(0.5)).astype(np.uint8)
    assert np.array_equal(full_range(plane, width=50, bits=bits, limited=limited), slow[:, :50])
