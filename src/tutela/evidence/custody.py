"""Custody: bytes are sealed before they rest, and every stored blob has its exhibit.

Order of writing (each step leaves something a later one can find):
1. seal in memory or from stream to stream; plain bytes never reach a disk;
2. put the sealed bytes under a key that is random, so that neither the key nor a listing of
   the store says anything about the content, and no two submissions can meet there;
3. in one transaction: submission, case, exhibit, matches, hold, ledger lines.
A crash between 2 and 3 leaves a sealed blob that no exhibit names: an orphan. It harms
nobody, `orphans` finds it, `sweep_orphans` removes it when it is old enough that no
transaction can still be on its way to name it. It is never removed at once: when the
connection breaks during COMMIT nobody knows yet whether the exhibit exists.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from sqlalchemy import Connection

from tutela.evidence import store
from tutela.evidence.model import Exhibit
from tutela.evidence.ports import BlobStore, Opens, Stored
from tutela.hashing.model import Hashed
from tutela.ledger.outward import Clears, lost_until
from tutela.primitives.errors import BadInput, Conflict
from tutela.primitives.ids import CaseId, ExhibitId, SubmissionId

ORPHAN_AGE = timedelta(days=1)
"""How old an orphan must be before it is swept; an admission takes seconds."""

_BATCH = 1000
_OURS = re.compile(r"exhibits/exh_[a-z0-9]+\.age")


class Sealing(Protocol):
    """Anything that can seal bytes (`evidence.sealing.Seal`)."""

    def seal(self, data: bytes) -> bytes:
        """Encrypt to the evidence key."""
        ...

    def seal_stream(self, source: BinaryIO, target: BinaryIO) -> None:
        """The same for everything `source` still holds, in bounded memory."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    """Where sealed bytes rest, and their digest (of the sealed form, safe to publish)."""

    blob_key: str
    sealed_sha256: str


def put_sealed(data: bytes, *, exhibit_id: ExhibitId, seal: Sealing, blobs: BlobStore) -> Sealed:
    """Steps 1 and 2: seal `data` and store the sealed form under the exhibit's key."""
    sealed = seal.seal(data)
    blobs.put(_key(exhibit_id), sealed)
    return Sealed(blob_key=_key(exhibit_id), sealed_sha256=hashlib.sha256(sealed).hexdigest())


def put_sealed_file(
    path: Path, *, sha256: bytes, exhibit_id: ExhibitId, seal: Sealing, blobs: BlobStore
) -> Sealed:
    """The same for a file of any size, in bounded memory.

    What is sealed must be what was hashed: raises `Conflict`, with nothing stored, when the
    file's SHA-256 is not `sha256` any more, and `BadInput` when it cannot be read.
    """
    sealed_sha256 = hashlib.sha256()

    def fill(target: BinaryIO) -> None:
        with _opened(path) as file:
            source = _Counted(file, hashlib.sha256())
            seal.seal_stream(
                cast("BinaryIO", source), cast("BinaryIO", _Counted(target, sealed_sha256))
            )
        if source.digest.digest() != sha256:
            raise Conflict(
                "The file changed while it was looked at",
                why="what would be sealed is not what was matched",
                remedy="Nothing was stored. Hand it in again when nobody writes to it.",
            )

    blobs.put_stream(_key(exhibit_id), fill)
    return Sealed(blob_key=_key(exhibit_id), sealed_sha256=sealed_sha256.hexdigest())


def _key(exhibit_id: ExhibitId) -> str:
    return f"exhibits/{exhibit_id}.age"


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise BadInput("The file cannot be read", why=type(error).__name__) from error


class _Counted:
    """A stream that digests what passes through it."""

    def __init__(self, stream: BinaryIO, digest: "hashlib._Hash") -> None:
        self._stream = stream
        self.digest = digest

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self.digest.update(data)
        return data

    def write(self, data: bytes, /) -> int:
        self.digest.update(data)
        return self._stream.write(data)

    def flush(self) -> None:
        self._stream.flush()


def add_exhibit(
    tx: Connection,
    *,
    exhibit_id: ExhibitId,
    case_id: CaseId,
    submission_id: SubmissionId,
    hashed: Hashed,
    sealed: Sealed | None,
    at: datetime,
) -> Exhibit:
    """Part of step 3: the exhibit's row. `sealed` None says that only hashes came.

    The caller appends `exhibit_sealed` with its other ledger lines, last in its act.
    """
    digests = hashed.digests
    exhibit = Exhibit(
        id=exhibit_id,
        case_id=case_id,
        sha256=digests.sha256.hex(),
        md5=digests.md5.hex(),
        sha1=digests.sha1.hex(),
        size_bytes=digests.size_bytes,
        media_type=hashed.media_type or "",
        pdq=hashed.pdq.hex if hashed.pdq else None,
        quality=hashed.pdq.quality if hashed.pdq else None,
        further_hashes=tuple(form.as_json() for form in hashed.further),
        pipeline=hashed.pipeline,
        blob_key=sealed.blob_key if sealed else None,
        sealed_sha256=sealed.sealed_sha256 if sealed else None,
        received_at=at,
        destroyed_at=None,
    )
    store.add_exhibit(tx, exhibit, submission_id=submission_id)
    return exhibit


class SealedBytesDiffer(Conflict):
    """What lies in the store is not what was sealed."""


class PlainBytesDiffer(Conflict):
    """What was sealed is not what was handed in."""


def opened_bytes(exhibit: Exhibit, *, blobs: BlobStore, unsealer: Opens) -> bytes:
    """An exhibit's bytes as they were handed in, proven by the custody record.

    Raises `SealedBytesDiffer`, `PlainBytesDiffer`, `Misconfigured` (another key, or damaged),
    `NotFound` (the blob is missing), or `BadInput` when there are no bytes.
    """
    plain = unsealer.unseal(sealed_bytes(exhibit, blobs))
    sized = exhibit.size_bytes in (None, len(plain))
    if not sized or (exhibit.sha256 and hashlib.sha256(plain).hexdigest() != exhibit.sha256):
        raise PlainBytesDiffer(
            "The unsealed evidence is not what was handed in",
            why="its size or SHA-256 differs from the one in the custody record",
            remedy="Find out which of the two is wrong before anything is sent.",
        )
    return plain


def sealed_bytes(exhibit: Exhibit, blobs: BlobStore) -> bytes:
    """The sealed form of an exhibit, proven to be what was sealed; raises `SealedBytesDiffer`."""
    if exhibit.destroyed_at is not None:
        raise BadInput("The exhibit's bytes were destroyed", why="its time of keeping had ended")
    if exhibit.blob_key is None:
        raise BadInput("This exhibit has no bytes", why="only hashes were handed in")
    sealed = blobs.get(exhibit.blob_key)
    if hashlib.sha256(sealed).hexdigest() != exhibit.sealed_sha256:
        raise SealedBytesDiffer(
            "The stored evidence is not what was sealed",
            why="its SHA-256 differs from the one in the custody record",
            remedy="Restore the blob from a backup, and find out who could write to the store.",
        )
    return sealed


def orphans(tx: Connection, blobs: BlobStore) -> Iterator[Stored]:
    """Sealed blobs that no exhibit names, in batches of one query for each 1,000 blobs.

    Whatever else lies in the store was not put there by us and is none of ours to judge.
    """
    contents = (stored for stored in blobs.contents() if _OURS.fullmatch(stored.key))
    while batch := list(islice(contents, _BATCH)):
        known = store.known_blob_keys(tx, [stored.key for stored in batch])
        yield from (stored for stored in batch if stored.key not in known)


def sweep_orphans(tx: Connection, blobs: BlobStore, *, at: datetime, outward: Clears) -> int:
    """Remove orphans older than `ORPHAN_AGE`; returns how many. Raises `OutwardWaits`.

    Where the database was once put back from an older copy, a blob of the time that was lost is
    no orphan: its exhibit was known, and a report may rest on it. It is kept for people.
    """
    lost = lost_until(tx)
    old = [
        stored
        for stored in orphans(tx, blobs)
        if at - stored.modified_at > ORPHAN_AGE and (lost is None or stored.modified_at > lost[1])
    ]
    for stored in old:
        outward.clear()
        blobs.delete(stored.key)
    return len(old)
