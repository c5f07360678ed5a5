"""Where sealed bytes rest. Fillings: `adapters/blobs.py` (folder, object storage, memory)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """One stored blob as its store lists it."""

    key: str
    size_bytes: int
    modified_at: datetime


class BlobStore(Protocol):
    """Keeps sealed bytes under a key. Every filling passes tests/adapters/test_blobs.py.

    A key is lower-case letters, digits, `_`, `-`, `.` in parts divided by `/`. All calls raise
    `Unavailable` when the store cannot be reached or has no room; nothing is half stored.
    """

    def put(self, key: str, data: bytes) -> None:
        """Store whole or not at all, durably; the same bytes again change nothing.

        Raises `Conflict` when other bytes are under that key: evidence is never overwritten.
        """
        ...

    def put_stream(self, key: str, fill: Callable[[BinaryIO], None]) -> None:
        """Store what `fill` writes, whole or not at all, in bounded memory.

        Raises `Conflict` when the key is taken. What `fill` raises comes through, and nothing
        is stored.
        """
        ...

    def get(self, key: str) -> bytes:
        """The bytes; raises `NotFound`."""
        ...

    def delete(self, key: str) -> None:
        """Remove; a key that is not there is no error, so that it may run twice."""
        ...

    def exists(self, key: str) -> bool:
        """Whether something is under the key."""
        ...

    def contents(self) -> Iterator[Stored]:
        """Everything that is stored, in no particular order."""
        ...


class Opens(Protocol):
    """Opens what was sealed (`evidence.unsealing.Unsealer`)."""

    def unseal(self, data: bytes) -> bytes:
        """The plain bytes; raises `Misconfigured` when its key does not open them."""
        ...
