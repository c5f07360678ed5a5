"""Three digests in one pass, in bounded memory."""

import hashlib
import io
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from tutela.hashing.digests import CHUNK_BYTES, Digesting, digests


@given(st.binary(max_size=5000))
def test_digests_are_those_of_hashlib(data: bytes) -> None:
    found = digests(io.BytesIO(data))
    assert found.md5 == hashlib.md5(data, usedforsecurity=False).digest()
    assert found.sha1 == hashlib.sha1(data, usedforsecurity=False).digest()
    assert found.sha256 == hashlib.sha256(data).digest()
    assert found.size_bytes == len(data)


@given(st.lists(st.binary(max_size=300)))
def test_how_the_bytes_arrive_does_not_matter(chunks: list[bytes]) -> None:
    digesting = Digesting()
    for chunk in chunks:
        digesting.update(chunk)
    assert digesting.done() == digests(io.BytesIO(b"".join(chunks)))


class Endless(io.RawIOBase):
    """Zeros up to a length, made while they are read."""

    def __init__(self, length: int) -> None:
        self.left = length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = min(len(buffer), self.left)
        buffer[:count] = bytes(count)
        self.left -= count
        return count


def test_memory_stays_bounded_for_a_long_file() -> None:
    length = 40 * CHUNK_BYTES + 17
    tracemalloc.start()
    found = digests(io.BufferedReader(Endless(length)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.size_bytes == length
    assert peak < 6 * CHUNK_BYTES
