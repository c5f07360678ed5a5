"""The parent believes nothing: a child that lies costs one refusal and its own life."""

import io
import json
import os
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.adapters.media import frames
from tutela.adapters.media.cell import Cell
from tutela.adapters.media.checking import exif_of, hashes_of, png_of, refusal_of, whole
from tutela.adapters.media.frames import BadFrame
from tutela.adapters.media.jail import Jail
from tutela.adapters.media.model import PictureRefused, RefusalReason
from tutela.hashing.model import Hashed, Unmatchable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
HASH = "0f" * 32


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=9)), st.binary(max_size=400))
def test_a_message_survives_the_pipe(header: dict[str, str], body: bytes) -> None:
    header.pop("body", None)
    pipe = io.BytesIO()
    frames.send(pipe, header, body)
    pipe.seek(0)
    assert frames.receive(pipe, max_body_bytes=400) == ({**header, "body": len(body)}, body)
    assert frames.receive(pipe, max_body_bytes=400) is None


@given(st.binary(max_size=60))
def test_any_other_bytes_are_an_end_or_a_bad_message(noise: bytes) -> None:
    try:
        message = frames.receive(io.BytesIO(noise), max_body_bytes=10)
    except BadFrame:
        return
    assert message is None


@pytest.mark.parametrize(
    "text", [b"[]", b"7", b"{}", b'{"body": -1}', b'{"body": 11}', b'{"body": true}', b'{"body":']
)
def test_a_header_must_be_an_object_with_a_sane_length(text: bytes) -> None:
    with pytest.raises(BadFrame):
        frames.header_of(text, max_body_bytes=10)


def test_a_header_that_is_too_long_is_refused_on_both_sides() -> None:
    with pytest.raises(BadFrame):
        frames.head_of({"text": "x" * frames.MAX_HEADER_BYTES}, body_bytes=0)
    with pytest.raises(BadFrame):
        frames.header_length(struct.pack(">I", frames.MAX_HEADER_BYTES + 1))


@given(st.dictionaries(st.sampled_from(["pdq", "quality", "dihedral", "refused", "exif"]), JSON))
def test_answers_of_any_shape_are_checked(answer: dict[str, Any]) -> None:
    for check in (
        lambda: hashes_of(answer, dihedral=False),
        lambda: exif_of(answer),
        lambda: whole(answer, "quality", high=100),
    ):
        try:
            check()
        except BadFrame:
            continue


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"pdq": HASH, "quality": 101, "dihedral": []},
        {"pdq": HASH, "quality": True, "dihedral": []},
        {"pdq": HASH + "\n", "quality": 50, "dihedral": []},
        {"pdq": None, "quality": 50, "dihedral": []},
        {"pdq": HASH, "quality": 50, "dihedral": [HASH]},
        {"pdq": HASH, "quality": 50, "dihedral": None},
        {"refused": "because", "detail": ""},
        {"refused": "damaged", "detail": "words that came out of the file"},
    ],
)
def test_a_lie_about_a_hash_becomes_a_refusal(
    answer: dict[str, Any], small_png: bytes, monkeypatch: pytest.MonkeyPatch, jail: Jail
) -> None:
    monkeypatch.setattr(Cell, "exchange", lambda *_, **_more: (answer, b""))
    found = jail.hash(small_png)
    assert isinstance(found, Hashed)
    assert found.pdq is None
    assert found.unmatchable is Unmatchable.UNDECODABLE
    assert "words" not in found.why


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


START = b"\x89PNG\r\n\x1a\n"
HEADER = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
PIXEL = chunk(b"IDAT", zlib.compress(b"\0\0"))
END = chunk(b"IEND", b"")


def test_a_bare_png_passes() -> None:
    assert png_of(START + HEADER + PIXEL + END)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"GIF89a",
        START,
        START + HEADER + PIXEL,
        START + PIXEL + END,
        START + HEADER + chunk(b"tEXt", b"Author\0Person A") + PIXEL + END,
        START + HEADER + chunk(b"eXIf", b"MM") + PIXEL + END,
        START + HEADER + HEADER + PIXEL + END,
        START + HEADER + PIXEL + END + b"tail",
        START + HEADER + PIXEL[:-1] + b"\0" + END,
        START + HEADER + struct.pack(">I", 1 << 31) + b"IDAT",
    ],
)
def test_anything_but_a_bare_png_is_no_answer(
    body: bytes, small_png: bytes, monkeypatch: pytest.MonkeyPatch, jail: Jail
) -> None:
    with pytest.raises(BadFrame):
        png_of(body)
    monkeypatch.setattr(Cell, "exchange", lambda *_, **_more: ({}, body))
    with pytest.raises(PictureRefused) as caught:
        jail.full_view(small_png)
    assert caught.value.refusal.reason is RefusalReason.DECODER_DIED


@pytest.mark.parametrize(
    "reply",
    [
        b"\xff\xff\xff\xff",
        struct.pack(">I", 11) + b'{"body": 0}' + b"more than was announced",
    ],
)
def test_nonsense_on_the_pipe_ends_the_child(reply: bytes, small_png: bytes) -> None:
    with Jail(workers=1) as single:
        single.confinement()
        (cell,) = single._cells
        reading, writing = os.pipe()
        os.write(writing, reply)
        os.close(writing)
        os.dup2(reading, cell._out)  # as if the child had said this
        os.close(reading)
        os.set_blocking(cell._out, False)
        found = single.hash(small_png)
        assert isinstance(found, Hashed)
        assert found.unmatchable is Unmatchable.UNDECODABLE
        assert cell.process.poll() is not None
        again = single.hash(small_png)
        assert isinstance(again, Hashed)
        assert again.pdq is not None


def test_refusals_carry_only_class_names() -> None:
    assert refusal_of({"refused": "damaged", "detail": "OSError"}) == (
        RefusalReason.DAMAGED,
        "OSError",
    )
    assert json.dumps(RefusalReason.DAMAGED) == '"damaged"'


def test_exif_is_bounded(small_png: bytes, monkeypatch: pytest.MonkeyPatch, jail: Jail) -> None:
    size = {"width": 1, "height": 1, "frames": 1}
    bad: list[Callable[[], dict[str, Any]]] = [
        lambda: {"exif": {"Make": "x" * 201}},
        lambda: {"exif": {f"Name{'x' * n}": "" for n in range(65)}},
        lambda: {"exif": {"bad name": ""}},
        lambda: {"exif": {"Make": 7}},
        lambda: {"exif": []},
    ]
    for answer in bad:
        monkeypatch.setattr(Cell, "exchange", lambda *_, a=answer, **_more: ({**size, **a()}, b""))
        with pytest.raises(PictureRefused):
            jail.facts(small_png)
