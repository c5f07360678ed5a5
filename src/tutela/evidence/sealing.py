"""Sealing: whoever holds only the public key can close evidence, and never open it again."""

from collections.abc import Callable
from typing import BinaryIO, TypeVar

import pyrage

from tutela.primitives.errors import Misconfigured

T = TypeVar("T")


class Seal:
    """Encrypts to one age recipient (`age1…`, X25519). Two seals of the same bytes differ."""

    def __init__(self, recipient: str) -> None:
        try:
            self._recipient = pyrage.x25519.Recipient.from_str(recipient)
        except pyrage.RecipientError as error:
            raise Misconfigured(
                "The evidence key is not an age public key",
                why="expected age1 and 58 letters or digits",
                remedy="Correct TUTELA_EVIDENCE_RECIPIENT, or leave it empty to use the key "
                "pair under TUTELA_HOME/keys.",
            ) from error

    def seal(self, data: bytes) -> bytes:
        """The sealed form of `data` (about 200 bytes longer, plus 16 for each 64 KiB)."""
        return bytes(pyrage.encrypt(data, [self._recipient]))

    def seal_stream(self, source: BinaryIO, target: BinaryIO) -> None:
        """Seal everything that `source` still holds into `target`, in bounded memory.

        What `source` or `target` raises comes through: pyrage would turn it into a text.
        """
        reading, writing = _Watched(source), _Watched(target)
        try:
            pyrage.encrypt_io(reading, writing, [self._recipient])
        except pyrage.EncryptError:
            for watched in (reading, writing):
                if watched.failure is not None:
                    raise watched.failure from None
            raise


class _Watched:
    """A stream that remembers what it failed with."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.failure: Exception | None = None

    def read(self, size: int = -1, /) -> bytes:
        """As the stream's."""
        return self._watch(lambda: self._stream.read(size))

    def write(self, data: bytes, /) -> int:
        """As the stream's."""
        return self._watch(lambda: self._stream.write(data))

    def flush(self) -> None:
        """As the stream's."""
        self._watch(self._stream.flush)

    def _watch(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except Exception as error:
            self.failure = error
            raise
