"""MD5, SHA-1 and SHA-256 in one pass over the bytes, in bounded memory.

MD5 and SHA-1 are identifiers that lists and authorities still use; nothing here relies on
them for security.
"""

import hashlib
from typing import BinaryIO

from tutela.hashing.model import Digests

CHUNK_BYTES = 1 << 20


class Digesting:
    """Takes the bytes of one file in order; `done` gives the digests so far."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._size_bytes = 0

    def update(self, chunk: bytes | memoryview) -> None:
        """Take the next bytes."""
        self._md5.update(chunk)
        self._sha1.update(chunk)
        self._sha256.update(chunk)
        self._size_bytes += len(chunk)

    def done(self) -> Digests:
        """The digests of everything taken so far."""
        return Digests(
            md5=self._md5.digest(),
            sha1=self._sha1.digest(),
            sha256=self._sha256.digest(),
            size_bytes=self._size_bytes,
        )


def digests(stream: BinaryIO) -> Digests:
    """Digest a binary stream of any length to its end, one mebibyte in memory at a time."""
    digesting = Digesting()
    while chunk := stream.read(CHUNK_BYTES):
        digesting.update(chunk)
    return digesting.done()
