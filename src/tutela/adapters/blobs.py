"""Sealed bytes on a disk, in object storage, or (for tests) in memory.

The folder is written with the operating system's own calls, because evidence must survive
a power cut: `obstore`'s local store does not flush to the disk, and its files get the rights
of the umask. Object storage speaks through `obstore`.
"""

import errno
import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Literal
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import MemoryStore, ObjectStore, S3Store

from tutela.evidence.ports import BlobStore, Stored
from tutela.primitives.errors import BadInput, Conflict, Misconfigured, NotFound, Unavailable

_KEY = re.compile(r"[a-z0-9_][a-z0-9_.-]*(/[a-z0-9_][a-z0-9_.-]*)*")
_PART = ".part"
_STALE_S = 24 * 3600
_RETRIES = 3


def open_blobs(url: str | None, *, home: Path) -> BlobStore:
    """The store that the settings name: `file:///…`, `s3://bucket/…`; empty: `home/blobs`."""
    match known_store(url):
        case "home":
            return BlobFolder(home / "blobs")
        case "file":
            return BlobFolder(Path(unquote(urlsplit(url or "").path)))
        case _:
            return _bucket(url or "")


def known_store(url: str | None) -> Literal["home", "file", "s3"]:
    """Which kind of store an address names, without touching it; `Misconfigured` for others."""
    if url is None:
        return "home"
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return "file"
    if parts.scheme == "s3" and parts.netloc:
        return "s3"
    if parts.scheme == "s3":
        why = "it names no bucket"
    else:
        why = f"its scheme is “{parts.scheme}”" if parts.scheme else "it is no address"
    raise Misconfigured(
        "TUTELA_BLOBS_URL names no store that this program knows",
        why=why,
        remedy="Use file:///folder or s3://bucket/prefix, or leave it empty.",
    )


class BlobFolder:
    """Blobs as files below one folder, 0600 in 0700, flushed before `put` returns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with _disk():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._drop_stale_parts()

    def put(self, key: str, data: bytes) -> None:
        """Write to a neighbouring name, flush, link into place: whole or not at all."""
        try:
            self._place(self._path(key), lambda part: _write_flushed(part, data))
        except FileExistsError:
            _require_same(self.get(key), data)

    def put_stream(self, key: str, fill: Callable[[BinaryIO], None]) -> None:
        """The same, with `fill` writing to the neighbouring name."""
        try:
            self._place(self._path(key), lambda part: _fill_flushed(part, fill))
        except FileExistsError:
            raise _taken() from None

    def get(self, key: str) -> bytes:
        """The bytes; raises `NotFound`."""
        with _disk():
            try:
                return self._path(key).read_bytes()
            except FileNotFoundError:
                raise _missing() from None

    def delete(self, key: str) -> None:
        """Remove the file, and flush that it is gone."""
        path = self._path(key)
        with _disk(), suppress(FileNotFoundError):
            path.unlink()
            _flush_folder(path.parent)

    def exists(self, key: str) -> bool:
        """Whether the file is there."""
        with _disk():
            return self._path(key).is_file()

    def contents(self) -> Iterator[Stored]:
        """Every blob below the folder; half-written ones are not blobs."""
        with _disk():
            for path in self._folder.rglob("*"):
                if not path.is_file() or path.name.endswith(_PART):
                    continue
                facts = path.stat()
                yield Stored(
                    key=path.relative_to(self._folder).as_posix(),
                    size_bytes=facts.st_size,
                    modified_at=datetime.fromtimestamp(facts.st_mtime, UTC),
                )

    def _place(self, path: Path, write: Callable[[Path], None]) -> None:
        """Let `write` make a whole file beside `path`, then give it its name."""
        part = path.with_name(f".{path.name}.{secrets.token_hex(8)}{_PART}")
        with _disk():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                write(part)
                path.hardlink_to(part)
            finally:
                with suppress(FileNotFoundError):
                    part.unlink()
            _flush_folder(path.parent)

    def _path(self, key: str) -> Path:
        return self._folder / _checked(key)

    def _drop_stale_parts(self) -> None:
        """Remove what a killed process left half-written (sealed, but of no use)."""
        for part in self._folder.rglob(f".*{_PART}"):
            with suppress(FileNotFoundError):
                if time.time() - part.stat().st_mtime > _STALE_S:
                    part.unlink()


class ObjectBlobs:
    """Blobs in object storage, by `obstore`; writes are conditional, never an overwrite."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def put(self, key: str, data: bytes) -> None:
        """One conditional request (`If-None-Match: *`): whole or not at all."""
        _checked(key)
        try:
            with _objects_answering():
                obstore.put(self._objects, key, data, mode="create", use_multipart=False)
        except (AlreadyExistsError, PreconditionError):
            _require_same(self.get(key), data)

    def put_stream(self, key: str, fill: Callable[[BinaryIO], None]) -> None:
        """Collected in an unnamed file first, then sent in parts; visible only when complete.

        Parts cannot be sent on a condition. Keys of evidence are random, so looking first is
        enough.
        """
        if self.exists(key):
            raise _taken()
        with _disk(), tempfile.TemporaryFile() as collected:
            fill(collected)
            collected.seek(0)
            with _objects_answering():
                obstore.put(self._objects, key, collected)

    def get(self, key: str) -> bytes:
        """The bytes; raises `NotFound`."""
        _checked(key)
        try:
            with _objects_answering():
                return bytes(obstore.get(self._objects, key).bytes())
        except FileNotFoundError:
            raise _missing() from None

    def delete(self, key: str) -> None:
        """Remove the object."""
        _checked(key)
        with suppress(FileNotFoundError), _objects_answering():
            obstore.delete(self._objects, key)

    def exists(self, key: str) -> bool:
        """Whether the object is there."""
        _checked(key)
        try:
            with _objects_answering():
                obstore.head(self._objects, key)
        except FileNotFoundError:
            return False
        return True

    def contents(self) -> Iterator[Stored]:
        """Every object below the store's prefix."""
        with _objects_answering():
            for chunk in obstore.list(self._objects):
                for found in chunk:
                    yield Stored(
                        key=found["path"],
                        size_bytes=found["size"],
                        modified_at=found["last_modified"].astimezone(UTC),
                    )


class MemoryBlobsForTests(ObjectBlobs):
    """Blobs that are gone with the process. For tests only."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())


def _bucket(url: str) -> ObjectBlobs:
    """Object storage by URL; region, endpoint and credentials come from `AWS_*`."""
    try:
        objects = S3Store.from_url(
            url,
            client_options={
                "timeout": timedelta(seconds=60),
                "connect_timeout": timedelta(seconds=10),
                "allow_http": os.environ.get("AWS_ALLOW_HTTP", "") == "true",
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=30)},
        )
    except (BaseError, ValueError) as error:
        raise Misconfigured(
            "The object storage cannot be used as configured",
            why=type(error).__name__,
            remedy="Check TUTELA_BLOBS_URL and the AWS_* settings of this process.",
        ) from None
    return ObjectBlobs(objects)


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise BadInput("This is not a blob key", why="letters, digits, _ - . and / between parts")
    return key


def _write_flushed(path: Path, data: bytes) -> None:
    _fill_flushed(path, lambda file: _write_all(file, data))


def _write_all(file: BinaryIO, data: bytes) -> None:
    file.write(data)


def _fill_flushed(path: Path, fill: Callable[[BinaryIO], None]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        fill(file)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """A new or removed name is durable only when its folder has been flushed too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _disk() -> Iterator[None]:
    """Turn the disk's errors into ours."""
    try:
        yield
    except FileExistsError:
        raise  # a name that is taken is no fault of the disk
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise Unavailable(
            "The disk for sealed evidence is full" if full else "The evidence store cannot be used",
            why=f"the system said {errno.errorcode.get(error.errno or 0, 'unknown')}",
            remedy="Nothing was stored. Free space where sealed evidence rests "
            "(TUTELA_BLOBS_URL), then hand the item in again."
            if full
            else "Check the folder and its rights (TUTELA_BLOBS_URL), then try again.",
        ) from error


@contextmanager
def _objects_answering() -> Iterator[None]:
    """Turn the object storage's errors into ours; its messages may hold addresses."""
    try:
        yield
    except (AlreadyExistsError, PreconditionError, FileNotFoundError):
        raise
    except (BaseError, OSError) as error:
        raise Unavailable(
            "The object storage for sealed evidence did not take part",
            why=type(error).__name__,
            remedy="Check that it runs and that the credentials hold, then try again.",
        ) from None


def _require_same(stored: bytes, data: bytes) -> None:
    if stored != data:
        raise _taken()


def _taken() -> Conflict:
    return Conflict("Other bytes are stored under this key", why="evidence is never overwritten")


def _missing() -> NotFound:
    return NotFound(
        "The sealed bytes are not in the store",
        remedy="Check that TUTELA_BLOBS_URL is the store they were put into.",
    )
