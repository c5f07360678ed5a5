"""Files of segments: what was written comes back, anything else is refused."""

import errno
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from index_drawing import planted

from tutela.index import frozen, linear
from tutela.index.bits import Numbers, Words, pack
from tutela.index.model import BadSegment
from tutela.index.segment import Segment, all_alive
from tutela.primitives.errors import BadInput, Unavailable


def drawn(size: int, seed: int = 1) -> tuple[Numbers, Words]:
    rng = np.random.default_rng(seed)
    return np.arange(size) * 3 - 50, rng.integers(0, 2**64, (size, 4), dtype=np.uint64)


def as_set(found: tuple[Numbers, Numbers, np.ndarray]) -> set[tuple[int, int, int]]:
    return set(zip(*(column.tolist() for column in found), strict=True))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of a few rows, to be copied and torn."""
    path = tmp_path_factory.mktemp("small") / "00000001-0.segment"
    Segment.build(*drawn(100)).write(path)
    return path


@pytest.mark.parametrize("size", [0, 1, 100, 20_000])
def test_what_was_written_comes_back(tmp_path: Path, size: int) -> None:
    entries, words = drawn(size)
    rng = np.random.default_rng(2)
    queries = rng.integers(0, 2**64, (20, 4), dtype=np.uint64)
    for number in range(min(size, 200)):
        near = planted(rng, queries[number % 20].view(np.uint8), number % 35)
        words[number * size // min(size, 200)] = pack(near[None])[0]
    path = tmp_path / "one.segment"
    mapped = Segment.build(entries, words).write(path)
    opened = Segment.open(path)
    query, row, distance = linear.rows_within(words, queries, 31)
    expected = as_set((query, entries[row], distance))
    for segment in (mapped, opened):
        assert len(segment) == segment.living == size
        assert as_set(segment.found(queries, 31)) == expected
        assert (segment.living_rows()[0] == entries).all()
        assert (segment.living_rows()[1] == words).all()
        assert not segment.ring.words.flags.writeable
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["one.segment"]


def test_tombstones_leave_the_older_state_as_it_was() -> None:
    entries, words = drawn(1000)
    before = Segment.build(entries, words)
    after = before.without(np.concatenate((entries[100:300], entries[:1], [10**9, -(10**9)])))
    again = after.without(entries[250:400])
    assert (before.living, after.living, again.living) == (1000, 799, 699)
    assert before.without(np.array([2, 3])) is before
    assert after.without(entries[100:200]) is after
    assert (again.lost_since(after) == entries[300:400]).all()
    assert again.lost_since(before).size == 301
    assert before.lost_since(before).size == 0
    for segment, gone in ((before, ()), (after, range(100, 300)), (again, range(100, 400))):
        dead = {*gone, *([0] if gone else [])}
        found = segment.found(words, 0)
        assert sorted(found[0].tolist()) == [row for row in range(1000) if row not in dead]
        rows = np.array([row for row in range(1000) if row not in dead])
        assert (segment.living_rows()[0] == entries[rows]).all()
        assert (segment.living_rows()[1] == words[rows]).all()
    assert again.revived().living == 1000
    assert again.alive is not None
    assert before.with_alive(again.alive).living == 699


def test_arrays_that_do_not_fit_are_refused() -> None:
    entries, words = drawn(20)
    with pytest.raises(BadInput, match="19 entries, 20 rows"):
        Segment.build(entries[1:], words)
    segment = Segment.build(entries, words)
    for wrong in (np.zeros(2, np.uint8), np.zeros(3, np.int8), np.zeros(4, np.uint8)):
        with pytest.raises(BadInput, match="expected 20 bits"):
            segment.with_alive(wrong)
    assert all_alive(20).tolist() == [255, 255, 15]


def test_every_region_is_checked(tmp_path: Path, small: Path) -> None:
    """One altered byte anywhere (by sampling), one cut or one added byte: refused."""
    content = small.read_bytes()
    copy = tmp_path / "copy.segment"
    rng = np.random.default_rng(4)
    edges = [0, 7, 8, 11, 12, 15, 16, 19, 20, len(content) - 1]
    pages = [
        place + int(rng.integers(frozen.PAGE)) for place in range(0, len(content), frozen.PAGE)
    ]
    places = {*edges, *pages[:30], *rng.choice(pages, 40).tolist()}
    for place in places:
        if place >= len(content):
            continue
        torn = bytearray(content)
        torn[place] ^= 1 << int(rng.integers(8))
        copy.write_bytes(torn)
        with pytest.raises(BadSegment, match=r"copy\.segment"):
            Segment.open(copy)
    cuts = {0, 1, 19, 20, 4095, 4096, len(content) - 1, *rng.integers(0, len(content), 20)}
    for cut in cuts:
        copy.write_bytes(content[: int(cut)])
        with pytest.raises(BadSegment):
            Segment.open(copy)
    copy.write_bytes(content + b"\0")
    with pytest.raises(BadSegment, match="bytes instead of"):
        Segment.open(copy)
    copy.write_bytes(content)
    assert len(Segment.open(copy)) == 100


def test_a_refusal_says_why(tmp_path: Path, small: Path) -> None:
    content = small.read_bytes()
    path = tmp_path / "other.segment"
    with pytest.raises(BadSegment, match="cannot be read"):
        Segment.open(path)
    path.write_bytes(b"not an index file at all, but long enough")
    with pytest.raises(BadSegment, match="not an index file"):
        Segment.open(path)
    path.write_bytes(content[:8] + b"\xff" + content[9:])
    versions = f"format version 255, this program reads {frozen.VERSION}"
    with pytest.raises(BadSegment, match=versions):
        Segment.open(path)
    with pytest.raises(BadSegment, match="not the file that the manifest names"):
        Segment.open(small, digest="0" * 64)
    frozen.write(path, "alive", {"alive": all_alive(9)})
    with pytest.raises(BadSegment, match="it is no segment"):
        Segment.open(path)
    frozen.write(path, "segment", {"numbering.entry": np.arange(9)})
    with pytest.raises(BadSegment, match="do not fit together"):
        Segment.open(path)


def test_tables_that_these_kernels_would_not_find_their_way_in_are_refused(
    tmp_path: Path,
) -> None:
    """Whole by its checksums, but its rows are not sorted as this program sorts them."""
    entries, words = drawn(5000)
    segment = Segment.build(entries, words)
    other = Segment.build(entries, ~words)
    arrays = {
        **{f"numbering.{name}": one for name, one in segment.numbering.arrays().items()},
        **{f"ring.{name}": one for name, one in other.ring.arrays().items()},
        "ring.words": words,
    }
    frozen.write(tmp_path / "one.segment", "segment", arrays)
    with pytest.raises(BadSegment, match="in another way"):
        Segment.open(tmp_path / "one.segment")


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = Segment.build(*drawn(100))
    written = 0

    def full(descriptor: int, content: memoryview) -> int:
        nonlocal written
        written += 1
        if written > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, content)

    real = os.write
    monkeypatch.setattr("tutela.index.frozen.os.write", full)
    with pytest.raises(Unavailable, match="No space left"):
        segment.write(tmp_path / "one.segment")
    assert list(tmp_path.iterdir()) == []


def test_a_writing_that_the_system_splits_is_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    monkeypatch.setattr(
        "tutela.index.frozen.os.write", lambda file, content: real(file, content[:5000])
    )
    entries, words = drawn(100)
    segment = Segment.build(entries, words).write(tmp_path / "one.segment")
    assert (segment.living_rows()[1] == words).all()


def test_big_arrays_are_checked_block_by_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tutela.index.frozen._BLOCK", 1 << 12)
    path = tmp_path / "one.delta"
    digest = frozen.write(path, "delta", {"words": np.arange(10_000, dtype=np.uint64)})
    assert frozen.open_file(path, "delta", digest=digest).arrays["words"][9999] == 9999
    content = bytearray(path.read_bytes())
    content[-4096 * 7] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadSegment, match="content has been altered"):
        frozen.open_file(path, "delta", digest=digest)


def test_a_file_stays_readable_when_its_name_is_gone(tmp_path: Path) -> None:
    entries, words = drawn(300)
    segment = Segment.build(entries, words).write(tmp_path / "one.segment")
    (tmp_path / "one.segment").unlink()
    assert (segment.found(words, 0)[1] == entries).all()
