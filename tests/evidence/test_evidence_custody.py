"""Every stored blob has its exhibit; what a crash left over is found and swept later."""

import hashlib
import resource
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cases.case_parts import BY, SEAL, UNSEALER, Desk
from tutela.adapters.blobs import BlobFolder
from tutela.evidence import custody, store
from tutela.evidence.custody import ORPHAN_AGE, Sealed
from tutela.intake.model import Context, Origin
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, Conflict, Unavailable
from tutela.primitives.ids import CaseId, ExhibitId
from ungated import Ungated


def test_the_sealed_bytes_are_those_handed_in_and_the_key_says_nothing(database: Database) -> None:
    desk = Desk(database)
    case_id = desk.open(b"drawn picture")
    with database.begin() as tx:
        (exhibit,) = store.exhibits_of(tx, case_id)
    assert UNSEALER.unseal(custody.sealed_bytes(exhibit, desk.blobs)) == b"drawn picture"
    assert exhibit.blob_key == f"exhibits/{exhibit.id}.age"
    assert exhibit.sha256 not in exhibit.blob_key


def test_exchanged_bytes_are_noticed(database: Database) -> None:
    desk = Desk(database)
    case_id = desk.open()
    with database.begin() as tx:
        (exhibit,) = store.exhibits_of(tx, case_id)
    assert exhibit.blob_key is not None
    desk.blobs.delete(exhibit.blob_key)
    desk.blobs.put(exhibit.blob_key, SEAL.seal(b"something else"))
    with pytest.raises(Conflict, match="not what was sealed"):
        custody.sealed_bytes(exhibit, desk.blobs)
    with pytest.raises(BadInput, match="only hashes"):
        custody.sealed_bytes(replace(exhibit, blob_key=None), desk.blobs)


def test_a_crash_between_blob_and_transaction_leaves_only_an_orphan(database: Database) -> None:
    desk = Desk(database)
    case_id = desk.open(b"kept")
    orphan = custody.put_sealed(b"crashed", exhibit_id=ExhibitId.new(), seal=SEAL, blobs=desk.blobs)
    now = datetime.now(UTC)
    with database.begin() as tx:
        assert [found.key for found in custody.orphans(tx, desk.blobs)] == [orphan.blob_key]
        gate, later = Ungated(), now + 2 * ORPHAN_AGE
        # it could still be on its way
        assert custody.sweep_orphans(tx, desk.blobs, at=now, outward=gate) == 0
        assert custody.sweep_orphans(tx, desk.blobs, at=later, outward=gate) == 1
        assert list(custody.orphans(tx, desk.blobs)) == []
        (exhibit,) = store.exhibits_of(tx, case_id)
    assert UNSEALER.unseal(custody.sealed_bytes(exhibit, desk.blobs)) == b"kept"


def test_what_others_keep_in_the_same_folder_is_left_alone(
    database: Database, tmp_path: Path
) -> None:
    """A folder or bucket may hold more than evidence, under names that are no keys of ours."""
    blobs = BlobFolder(tmp_path / "shared")
    others = [".DS_Store", "Read Me.txt", "backup/dump.sql", "exhibits/list of ours.age"]
    for name in others:
        place = tmp_path / "shared" / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(b"not ours")
    with database.begin() as tx:
        orphan = custody.put_sealed(b"x", exhibit_id=ExhibitId.new(), seal=SEAL, blobs=blobs)
        assert [found.key for found in custody.orphans(tx, blobs)] == [orphan.blob_key]
        later = datetime.now(UTC) + 2 * ORPHAN_AGE
        assert custody.sweep_orphans(tx, blobs, at=later, outward=Ungated()) == 1
    assert sorted(stored.key for stored in blobs.contents()) == sorted(others)


def test_an_exhibit_of_hashes_alone_has_no_bytes_and_no_size(database: Database) -> None:
    desk = Desk(database)
    desk.matcher.learn(b"elsewhere")
    hashed = desk.jail.hash(b"elsewhere")
    without_size = replace(hashed, digests=replace(hashed.digests, size_bytes=None, md5=b""))
    admission = desk.intake.admit_hashes(
        without_size, context=Context(), by=BY, origin=Origin.API_HASHES
    )
    with database.begin() as tx:
        (exhibit,) = store.exhibits_of(tx, CaseId(str(admission.case_id)))
    assert (exhibit.blob_key, exhibit.sealed_sha256, exhibit.size_bytes) == (None, None, None)
    assert (exhibit.md5, exhibit.sha256) == ("", hashed.digests.sha256.hex())
    assert "exhibit_sealed" not in desk.actions()


def test_a_large_file_is_sealed_from_stream_to_stream(tmp_path: Path) -> None:
    path, blobs = tmp_path / "large", BlobFolder(tmp_path / "blobs")
    with path.open("wb") as file:
        for number in range(64):
            file.write(bytes([number]) * 2**20)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    tracemalloc.start()
    try:
        sealed = custody.put_sealed_file(
            path, sha256=digest, exhibit_id=ExhibitId.new(), seal=SEAL, blobs=blobs
        )
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 2 * 2**20  # of a file of 64 MiB
    stored = blobs.get(sealed.blob_key)
    assert hashlib.sha256(stored).hexdigest() == sealed.sealed_sha256
    assert hashlib.sha256(UNSEALER.unseal(stored)).digest() == digest


def test_a_disk_that_fills_while_a_stream_is_sealed_leaves_nothing(tmp_path: Path) -> None:
    path, blobs = tmp_path / "large", BlobFolder(tmp_path / "blobs")
    path.write_bytes(bytes(2**20))
    digest = hashlib.sha256(bytes(2**20)).digest()

    def put() -> Sealed:
        return custody.put_sealed_file(
            path, sha256=digest, exhibit_id=ExhibitId.new(), seal=SEAL, blobs=blobs
        )

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))  # the kernel stops the write
    try:
        with pytest.raises(Unavailable, match="full"):
            put()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [entry for entry in (tmp_path / "blobs").rglob("*") if entry.is_file()] == []
    assert blobs.exists(put().blob_key)
