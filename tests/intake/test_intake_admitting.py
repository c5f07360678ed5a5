"""A match is sealed and opens a case; anything else leaves nothing, whatever breaks."""

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cases.case_parts import BY, UNSEALER, Desk, JailForTests, hashed_of
from tutela.adapters import blobs as blob_adapters
from tutela.adapters.blobs import BlobFolder, MemoryBlobsForTests
from tutela.adapters.postgres import embedded, migrate
from tutela.evidence import custody, store
from tutela.hashing.model import Digests, Hashed, Mode, Pdq, Unmatchable
from tutela.indicators.model import Finding
from tutela.intake.admitting import item_digest
from tutela.intake.model import Admission, Context, Origin
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, Conflict, Unavailable
from tutela.primitives.redacted import Redacted


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    return Desk(database)


def admit(desk: Desk, data: bytes | Path, by: str = BY, **context: Any) -> Admission:
    return desk.intake.admit_file(data, context=Context(**context), by=by, origin=Origin.API_FILE)


def stored(desk: Desk) -> tuple[dict[str, int], list[str]]:
    """Everything that rests anywhere: rows of all tables, and blobs."""
    return dict(desk.row_counts()), sorted(found.key for found in desk.blobs.contents())


def test_a_match_opens_a_case_with_its_sealed_bytes(desk: Desk) -> None:
    desk.matcher.learn(b"known")
    admission = admit(desk, b"known", item_reference="item 1")
    assert admission.result.finding is Finding.MATCHED
    assert not admission.already_known
    with desk.database.begin() as tx:
        (exhibit,) = store.exhibits_of(tx, admission.case_id)  # type: ignore[arg-type]
    assert exhibit.id == admission.exhibit_id
    assert UNSEALER.unseal(custody.sealed_bytes(exhibit, desk.blobs)) == b"known"
    assert desk.actions() == ["case_opened", "exhibit_sealed", "match_recorded", "hold_placed"]


def test_ten_thousand_negatives_leave_the_store_as_it_was(desk: Desk) -> None:
    desk.open(b"one case is there already")
    before = stored(desk)
    for number in range(9_950):
        digest = hashlib.sha256(str(number).encode()).digest()
        admission = desk.intake.admit_hashes(
            Hashed(digests=Digests(sha256=digest), pdq=Pdq(digest, 90), pipeline="tests/1"),
            context=Context(
                item_reference=f"item {number}",
                uploader_reference=f"account {number}",
                uploader_ip=Redacted("192.0.2.1"),
            ),
            by=BY,
            origin=Origin.API_HASHES,
        )
        assert admission.result.finding is Finding.NO_KNOWN_MATCH
        assert (admission.case_id, admission.exhibit_id, admission.submission_id) == (None,) * 3
    for number in range(50):
        assert admit(desk, b"harmless %d" % number, item_reference="x").case_id is None
    assert stored(desk) == before


def test_what_cannot_be_matched_leaves_nothing_either(desk: Desk) -> None:
    class Unsure(JailForTests):
        def hash(
            self, source: bytes | Path, *, dihedral: bool = False, mode: Mode = Mode.EXACT
        ) -> Hashed:
            hashed = super().hash(source, dihedral=dihedral, mode=mode)
            return Hashed(
                digests=hashed.digests,
                pdq=None,
                pipeline="tests/1",
                unmatchable=Unmatchable.UNDECODABLE,
            )

    desk.jail = Unsure()
    before = stored(desk)
    assert admit(desk, b"not a picture").case_id is None
    assert stored(desk) == before


def test_looking_up_stores_nothing_even_when_it_matches(desk: Desk) -> None:
    desk.matcher.learn(b"known")
    before = stored(desk)
    results = desk.intake.look_up([hashed_of(b"known"), hashed_of(b"other")])
    assert [result.finding for result in results] == [Finding.MATCHED, Finding.NO_KNOWN_MATCH]
    assert stored(desk) == before


def test_the_same_item_twice_is_one_case(desk: Desk) -> None:
    desk.matcher.learn(b"known")
    first = admit(desk, b"known", item_reference="item 1")
    before = stored(desk)
    again = admit(desk, b"known", item_reference="item 1")
    assert again.already_known
    assert (again.case_id, again.exhibit_id, again.submission_id) == (
        first.case_id,
        first.exhibit_id,
        first.submission_id,
    )
    assert stored(desk) == before


def test_another_item_another_actor_or_no_reference_is_another_case(desk: Desk) -> None:
    desk.matcher.learn(b"known")
    desk.matcher.learn(b"known too")
    admissions = [
        admit(desk, b"known", item_reference="item 1"),
        admit(desk, b"known", item_reference="item 2"),
        admit(desk, b"known too", item_reference="item 1"),
        admit(desk, b"known", item_reference="item 1", by="acct_other"),
        admit(desk, b"known"),
        admit(desk, b"known"),
    ]
    assert len({admission.case_id for admission in admissions}) == 6


def test_the_same_item_many_times_at_once_is_one_case_and_one_blob(desk: Desk) -> None:
    desk.matcher.learn(b"known")
    with ThreadPoolExecutor(6) as pool:
        admissions = list(
            pool.map(lambda _: admit(desk, b"known", item_reference="item 1"), range(12))
        )
    assert len({admission.case_id for admission in admissions}) == 1
    assert [admission.already_known for admission in admissions].count(False) == 1
    assert len(list(desk.blobs.contents())) == 1
    assert desk.actions().count("case_opened") == 1


def test_the_database_alone_reveals_nobody(desk: Desk) -> None:
    personal = {
        "uploader_reference": "account-personal-1",
        "uploader_screen_name": Redacted("Person A"),
        "uploader_email": Redacted("person-a@service.example"),
        "uploader_ip": Redacted("192.0.2.77"),
        "uploader_port": 40404,
        "location_url": Redacted("place-personal-2"),
        "file_name": Redacted("holiday-personal-3"),
        "extra": {"device": "device-personal-4"},
    }
    desk.matcher.learn(b"known")
    reference, service = "item-personal-5", "service-personal-6"
    admit(
        desk,
        b"known",
        item_reference=reference,
        service=service,
        uploader_location="DE",
        **personal,
    )
    dump = ""
    with desk.database.begin() as tx:
        for name in desk.row_counts():
            rows = tx.execute(text(f"SELECT {name}::text AS row FROM {name}"))  # noqa: S608 - names from the catalogue
            dump += " ".join(row.row for row in rows)
        sealed = tx.execute(text("SELECT context_sealed FROM submissions")).scalar_one()
        names = tx.execute(text("SELECT reference_sealed FROM submissions")).scalar_one()
    assert '"uploader_location": "DE"' in dump.replace('\\"', '"').replace('""', '"')
    assert json.loads(UNSEALER.unseal(names)) == {"item_reference": reference, "service": service}
    assert hashlib.sha256(reference.encode()).hexdigest() not in dump
    for hidden in ("personal", "Person A", "person-a", "192.0.2", "40404"):
        assert hidden not in dump
        assert hidden.encode() not in sealed
        assert hidden in UNSEALER.unseal(sealed).decode()


def test_plain_bytes_never_reach_the_disk(desk: Desk, tmp_path: Path) -> None:
    data = b"a drawn picture with a mark in it" * 100
    desk.blobs = BlobFolder(tmp_path)
    desk.open(data)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 1
    assert b"with a mark" not in files[0].read_bytes()


class FullDisk(MemoryBlobsForTests):
    """Takes nothing while it is full."""

    full = True

    def put(self, key: str, data: bytes) -> None:
        if self.full:
            raise Unavailable("The disk for sealed evidence is full", remedy="Free space.")
        super().put(key, data)


def test_a_full_disk_stores_nothing_and_the_next_try_works(desk: Desk) -> None:
    blobs = FullDisk()
    desk.blobs = blobs
    desk.matcher.learn(b"known")
    before = stored(desk)
    with pytest.raises(Unavailable, match="Free space"):
        admit(desk, b"known", item_reference="item 1")
    assert stored(desk) == before
    blobs.full = False
    assert not admit(desk, b"known", item_reference="item 1").already_known


def test_a_disk_that_fills_in_the_middle_of_a_write_leaves_no_part(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = blob_adapters._write_flushed
    desk.blobs = BlobFolder(tmp_path)
    desk.matcher.learn(b"known")
    before = stored(desk)

    def filling(path: Path, data: bytes) -> None:
        real(path, data[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(blob_adapters, "_write_flushed", filling)
    with pytest.raises(Unavailable, match="full"):
        admit(desk, b"known", item_reference="item 1")
    assert stored(desk) == before
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    monkeypatch.undo()
    assert admit(desk, b"known", item_reference="item 1").case_id is not None


def test_a_transaction_that_breaks_leaves_an_orphan_and_no_case(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.matcher.learn(b"known")
    before = dict(desk.row_counts())

    def broken(*_args: object, **_kwargs: object) -> None:
        raise Unavailable("The database went away in the middle of a step")

    monkeypatch.setattr("tutela.cases.opening.store.add_matches", broken)
    with pytest.raises(Unavailable):
        admit(desk, b"known", item_reference="item 1")
    monkeypatch.undo()
    assert dict(desk.row_counts()) == before
    with desk.database.begin() as tx:
        assert len(list(custody.orphans(tx, desk.blobs))) == 1
    assert not admit(desk, b"known", item_reference="item 1").already_known


def test_a_database_out_of_reach_stores_nothing() -> None:
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/nowhere")
    desk = Desk(away)
    desk.matcher.learn(b"known")
    with pytest.raises(Unavailable, match="Nothing was stored"):
        admit(desk, b"known")
    assert list(desk.blobs.contents()) == []
    assert admit(desk, b"unknown").case_id is None  # what matches nothing needs no database here
    away.close()


def test_a_database_that_stops_for_a_while_loses_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with embedded(tmp_path / "postgres") as url:
        migrate(url)
        database = Database(url)
        desk = Desk(database)
        first = desk.open(b"before")
    desk.matcher.learn(b"during")
    blobs_before = len(list(desk.blobs.contents()))
    with pytest.raises(Unavailable):
        admit(desk, b"during", item_reference="item 2")
    assert len(list(desk.blobs.contents())) == blobs_before
    with embedded(tmp_path / "postgres") as again:
        assert again == url
        assert not admit(desk, b"during", item_reference="item 2").already_known
        assert desk.case(first).id == first
        assert desk.actions().count("case_opened") == 2
        database.close()


def test_a_file_is_read_from_its_path_and_a_changed_one_is_refused(
    desk: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "picture"
    path.write_bytes(b"known")
    desk.matcher.learn(b"known")
    assert admit(desk, path).case_id is not None

    class Swapping(JailForTests):
        def hash(
            self, source: bytes | Path, *, dihedral: bool = False, mode: Mode = Mode.EXACT
        ) -> Hashed:
            hashed = super().hash(source, dihedral=dihedral, mode=mode)
            assert isinstance(source, Path)
            source.write_bytes(b"swapped")
            return hashed

    desk.jail = Swapping()
    before = stored(desk)
    with pytest.raises(Conflict, match="changed while"):
        admit(desk, path)
    assert stored(desk) == before


def test_a_file_that_cannot_be_read_is_bad_input(desk: Desk, tmp_path: Path) -> None:
    class Refusing(JailForTests):
        def hash(
            self, source: bytes | Path, *, dihedral: bool = False, mode: Mode = Mode.EXACT
        ) -> Any:
            del source, dihedral, mode

            class Refusal:
                why = "PermissionError"
                remedy = "Check the rights"

            return Refusal()

    desk.jail = Refusing()
    with pytest.raises(BadInput, match=r"PermissionError.*Check the rights"):
        admit(desk, tmp_path / "x")


def test_the_strongest_hash_names_the_item() -> None:
    pdq = Pdq(bytes(range(32)), 80)
    full = hashed_of(b"x")
    assert item_digest(full) == hashlib.sha256(b"x").hexdigest()
    for digests, expected in (
        (Digests(sha1=b"\1" * 20, md5=b"\2" * 16), "sha1:" + "01" * 20),
        (Digests(md5=b"\2" * 16), "md5:" + "02" * 16),
        (Digests(), "pdq:" + pdq.hex),
    ):
        assert item_digest(Hashed(digests=digests, pdq=pdq, pipeline="tests/1")) == expected
