"""One suite that every filling of the blob store passes, and each filling's own faults."""

import errno
import os
import resource
import stat
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

import pytest

from adapters.s3_for_tests import BucketForTests, serving
from tutela.adapters import blobs
from tutela.adapters.blobs import BlobFolder, MemoryBlobsForTests, open_blobs
from tutela.evidence.ports import BlobStore
from tutela.primitives.errors import BadInput, Conflict, Misconfigured, NotFound, Unavailable

KEY = "exhibits/exh_01.age"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    """A loopback server that speaks the few S3 calls that we use."""
    with serving(BucketForTests) as server:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "for-tests",
            "AWS_SECRET_ACCESS_KEY": "for-tests",
            "AWS_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "memory":
        return MemoryBlobsForTests()
    if request.param == "s3":
        request.getfixturevalue("bucket")
        return open_blobs("s3://evidence/sealed", home=tmp_path)
    return open_blobs(None, home=tmp_path)


def test_bytes_come_back_as_they_were_put(store: BlobStore) -> None:
    for size in (0, 1, 70_000):
        data = os.urandom(size)
        store.put(f"exhibits/{size}.age", data)
        assert store.get(f"exhibits/{size}.age") == data


def test_the_same_bytes_again_change_nothing_and_others_are_refused(store: BlobStore) -> None:
    store.put(KEY, b"sealed")
    store.put(KEY, b"sealed")
    with pytest.raises(Conflict, match="never overwritten"):
        store.put(KEY, b"other")
    assert store.get(KEY) == b"sealed"


def test_a_stream_is_stored_whole_or_not_at_all(store: BlobStore) -> None:
    def fill(target: BinaryIO) -> None:
        target.writelines(bytes(100_000) for _ in range(100))

    def breaks(target: BinaryIO) -> None:
        target.write(b"half")
        raise BadInput("the source broke")

    with pytest.raises(BadInput, match="source broke"):
        store.put_stream(KEY, breaks)
    assert list(store.contents()) == []
    store.put_stream(KEY, fill)
    assert store.get(KEY) == bytes(10_000_000)
    with pytest.raises(Conflict, match="never overwritten"):
        store.put_stream(KEY, fill)


def test_what_is_not_there_is_not_found_and_may_be_deleted_twice(store: BlobStore) -> None:
    with pytest.raises(NotFound):
        store.get(KEY)
    assert not store.exists(KEY)
    store.delete(KEY)
    store.put(KEY, b"sealed")
    assert store.exists(KEY)
    store.delete(KEY)
    store.delete(KEY)
    assert not store.exists(KEY)
    store.put(KEY, b"other")  # a destroyed key may be used again
    assert store.get(KEY) == b"other"


def test_contents_name_everything_with_its_size_and_time(store: BlobStore) -> None:
    assert list(store.contents()) == []
    store.put("a/1", b"x")
    store.put("b/c/2", b"xy")
    found = {one.key: one for one in store.contents()}
    assert {key: one.size_bytes for key, one in found.items()} == {"a/1": 1, "b/c/2": 2}
    for one in found.values():
        assert abs(datetime.now(UTC) - one.modified_at) < timedelta(minutes=1)


@pytest.mark.parametrize("key", ["", "../x", "a/../b", "/a", "a//b", "A", "a/.b", "ä", "a\n"])
def test_a_strange_key_is_refused(store: BlobStore, key: str) -> None:
    for act in (store.get, store.delete, store.exists):
        with pytest.raises(BadInput):
            act(key)
    with pytest.raises(BadInput):
        store.put(key, b"x")


def test_of_many_who_put_other_bytes_at_once_one_wins_whole(store: BlobStore) -> None:
    def attempt(letter: bytes) -> bool:
        try:
            store.put(KEY, letter * 50_000)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(attempt, [b"a", b"b", b"c", b"d", b"e", b"f"]))
    assert won.count(True) == 1
    stored = store.get(KEY)
    assert stored == stored[:1] * 50_000


def test_a_folder_is_its_owners_only_and_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (flushed.append(fd), real(fd))[1])
    BlobFolder(tmp_path / "blobs").put(KEY, b"sealed")
    assert len(flushed) == 2  # the file, then the folder that names it
    path = tmp_path / "blobs" / KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_disk_that_fills_while_writing_leaves_nothing(tmp_path: Path) -> None:
    store = BlobFolder(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))  # the kernel stops the write
    try:
        with pytest.raises(Unavailable, match=r"full.*Nothing was stored.*Free space"):
            store.put(KEY, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    store.put(KEY, bytes(100_000))
    assert len(store.get(KEY)) == 100_000


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_each_fault_of_the_disk_becomes_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    store = BlobFolder(tmp_path)

    def broken(path: Path, data: bytes) -> None:
        path.write_bytes(data[:1])
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(blobs, "_write_flushed", broken)
    with pytest.raises(Unavailable, match=errno.errorcode[code]):
        store.put(KEY, b"sealed")
    assert list(store.contents()) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_killed_process_left_is_no_blob_and_goes_after_a_day(tmp_path: Path) -> None:
    store = BlobFolder(tmp_path)
    store.put(KEY, b"sealed")
    for name, age_s in (("old", 2 * 86_400), ("new", 60)):
        part = tmp_path / "exhibits" / f".{name}.{'0' * 16}.part"
        part.write_bytes(b"half")
        os.utime(part, (time.time() - age_s,) * 2)
    assert [found.key for found in store.contents()] == [KEY]
    BlobFolder(tmp_path)
    assert [path.name[:4] for path in tmp_path.rglob("*.part")] == [".new"]


def test_object_storage_that_is_away_is_unavailable(
    tmp_path: Path, bucket: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "_RETRIES", 0)
    store = open_blobs("s3://evidence", home=tmp_path)
    bucket.shutdown()
    bucket.server_close()
    for act in (lambda: store.put(KEY, b"x"), lambda: store.get(KEY), lambda: store.exists(KEY)):
        with pytest.raises(Unavailable, match="did not take part"):
            act()


@pytest.mark.parametrize("url", ["ftp://host/x", "relative", "s3://", "file://elsewhere/x", ""])
def test_an_unknown_address_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(Misconfigured):
        open_blobs(url, home=tmp_path)


def test_a_file_address_is_a_folder(tmp_path: Path) -> None:
    open_blobs((tmp_path / "a folder").as_uri(), home=tmp_path).put(KEY, b"x")
    assert (tmp_path / "a folder" / KEY).read_bytes() == b"x"
