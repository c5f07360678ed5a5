"""Fast mode is a sieve: whatever comes near a list is decided by the exact hash alone."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cases.case_parts import AT, BY, REFERENCES, SEAL, hashed_of, permitted
from tutela.adapters.blobs import MemoryBlobsForTests
from tutela.adapters.media.jail import Jail
from tutela.cases import store as cases
from tutela.cases.opening import open_case
from tutela.evidence import store as evidence
from tutela.hashing.model import FAST_SLACK_BITS, Hashed, Mode, Pdq
from tutela.indicators import listing
from tutela.indicators.importing import import_list
from tutela.indicators.matching import Matcher
from tutela.indicators.model import Finding
from tutela.intake.admitting import Intake
from tutela.intake.model import Admission, Context, Origin
from tutela.intake.ports import Jail as AnyJail
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database

LISTED = bytes(np.random.default_rng(3).integers(0, 256, 32, dtype=np.uint8))


def off(bits: bytes, count: int, *, where: NDArray[np.intp] | None = None) -> bytes:
    """The hash with `count` bits turned over, of those in `where` (else the first ones)."""
    flat = np.unpackbits(np.frombuffer(bits, np.uint8))
    places = np.arange(256) if where is None else where
    flat[places[:count]] ^= 1
    return np.packbits(flat).tobytes()


class TwoHashes:
    """A jail whose fast and exact hashes are so many bits off the listed one."""

    def __init__(self, *, fast: int, exact: int, quality: int = 90) -> None:
        self.far = {Mode.FAST: fast, Mode.EXACT: exact}
        self.quality = quality
        self.asked: list[Mode] = []

    def hash(
        self, source: bytes | Path, *, dihedral: bool = False, mode: Mode = Mode.EXACT
    ) -> Hashed:
        assert not dihedral  # for no list asks for it
        assert isinstance(source, bytes)
        self.asked.append(mode)
        pdq = Pdq(off(LISTED, self.far[mode]), self.quality if mode is Mode.FAST else 90)
        return Hashed(
            digests=hashed_of(source).digests,
            pdq=pdq,
            mode=mode,
            pipeline=f"{mode}/1",
            unmatchable=pdq.unmatchable,
        )


@pytest.fixture
def listed(database: Database, tmp_path: Path) -> Database:
    return with_list(database, tmp_path, LISTED)


def with_list(database: Database, folder: Path, bits: bytes) -> Database:
    path = folder / "list.csv"
    path.write_text(f"kind,value\npdq,{bits.hex()}\n")
    import_list(database, path=path, name="drawings", by="test", at=AT)
    return database


def intake(database: Database, jail: AnyJail, mode: Mode = Mode.FAST) -> Intake:
    return Intake(
        database,
        jail,
        permitted(Matcher(database)),
        SEAL,
        MemoryBlobsForTests(),
        FixedClock(at=AT),
        open_case=open_case,
        references=REFERENCES,
        mode=mode,
    )


def admit(database: Database, jail: AnyJail, data: bytes = b"picture") -> Admission:
    return intake(database, jail).admit_file(data, context=Context(), by=BY, origin=Origin.SCAN)


def test_beyond_the_threshold_by_fast_and_within_by_exact_is_found(listed: Database) -> None:
    jail = TwoHashes(fast=31 + FAST_SLACK_BITS, exact=31)
    found = admit(listed, jail)
    assert found.result.finding is Finding.MATCHED
    assert jail.asked == [Mode.FAST, Mode.EXACT]
    assert found.case_id is not None
    with listed.begin() as tx:
        [match] = cases.matches_of(tx, found.case_id)
        [exhibit] = evidence.exhibits_of(tx, found.case_id)
    assert match.match.distance_bits == 31
    assert exhibit.pipeline == "exact/1"
    assert exhibit.pdq == off(LISTED, 31).hex()


def test_within_the_threshold_by_fast_and_beyond_by_exact_is_no_match(listed: Database) -> None:
    jail = TwoHashes(fast=28, exact=32)
    found = admit(listed, jail)
    assert found.result.finding is Finding.NO_KNOWN_MATCH
    assert found.case_id is None
    assert found.hashed.pipeline == "exact/1"


def test_nothing_near_is_answered_by_the_fast_hash_and_says_so(listed: Database) -> None:
    jail = TwoHashes(fast=32 + FAST_SLACK_BITS, exact=0)
    found = admit(listed, jail)
    assert found.result.finding is Finding.NO_KNOWN_MATCH
    assert found.hashed.pipeline == "fast/1"
    assert jail.asked == [Mode.FAST]


def test_too_little_detail_by_fast_is_hashed_exactly(listed: Database) -> None:
    jail = TwoHashes(fast=100, exact=0, quality=49)
    assert admit(listed, jail).result.finding is Finding.MATCHED
    assert jail.asked == [Mode.FAST, Mode.EXACT]


def test_a_list_that_asks_for_more_quality_than_the_fast_hash_has_is_asked_exactly(
    listed: Database,
) -> None:
    with listed.begin() as tx:
        listing.configure(tx, name="drawings", min_quality=80, by="test", at=AT)
    jail = TwoHashes(fast=100, exact=0, quality=79)
    assert admit(listed, jail).result.finding is Finding.MATCHED


def test_a_digest_on_a_list_is_found_however_far_the_pictures_are(
    listed: Database, tmp_path: Path
) -> None:
    path = tmp_path / "digests.csv"
    path.write_text(f"kind,value\nmd5,{hashed_of(b'picture').digests.md5.hex()}\n")
    import_list(listed, path=path, name="digests", by="test", at=AT)
    jail = TwoHashes(fast=100, exact=100)
    found = admit(listed, jail)
    assert found.result.finding is Finding.MATCHED
    assert found.hashed.pipeline == "exact/1"


def test_exact_is_what_an_intake_does_by_itself_and_for_one_call(listed: Database) -> None:
    jail = TwoHashes(fast=100, exact=0)
    assert intake(listed, jail, Mode.EXACT).examine_file(b"x").result.matches
    assert intake(listed, jail).examine_file(b"x", mode=Mode.EXACT).result.matches
    assert jail.asked == [Mode.EXACT, Mode.EXACT]


def drawn(seed: int) -> bytes:
    """A benign JPEG: waves across each other, and some noise."""
    chance = np.random.default_rng(seed)
    down, across = np.mgrid[0:700, 0:900]
    waves = np.zeros((700, 900))
    for _ in range(12):
        a, b, phase = chance.uniform(-0.05, 0.05, 3) * (1, 1, 60)
        waves += np.sin(a * down + b * across + phase)
    waves += chance.normal(0, 0.3, waves.shape)
    held = io.BytesIO()
    Image.fromarray(np.clip(128 + 20 * waves, 0, 255).astype(np.uint8)).convert("RGB").save(
        held, "JPEG", quality=60
    )
    return held.getvalue()


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    with Jail(workers=1) as opened:
        yield opened


def _pdq(answer: object) -> Pdq:
    assert isinstance(answer, Hashed)
    assert answer.pdq is not None
    return answer.pdq


def test_a_drawn_jpeg_at_the_edge_of_the_threshold(
    database: Database, tmp_path: Path, jail: Jail
) -> None:
    """The list's entry is 31 bits off the exact hash, and so further off the fast one."""
    pairs = (
        (data, _pdq(jail.hash(data)), _pdq(jail.hash(data, mode=Mode.FAST)))
        for data in map(drawn, range(20))
    )
    data, exact, fast = next(pair for pair in pairs if pair[1] != pair[2])
    apart = exact.distance_bits(fast)
    assert 0 < apart <= FAST_SLACK_BITS
    bits = [np.unpackbits(np.frombuffer(one.bits, np.uint8)) for one in (exact, fast)]
    entry = off(exact.bits, 31, where=np.flatnonzero(bits[0] == bits[1]))
    assert Pdq(entry, 100).distance_bits(fast) == 31 + apart
    with_list(database, tmp_path, entry)
    found = intake(database, jail).examine_file(data)
    assert found.result.finding is Finding.MATCHED
    assert [match.distance_bits for match in found.result.matches] == [31]
    assert found.hashed.mode is Mode.EXACT
    other = intake(database, jail).examine_file(drawn(99))
    assert other.result.finding is Finding.NO_KNOWN_MATCH
    assert other.hashed.pipeline == jail.fast_pipeline
