"""Frozen arrays: a file of numpy arrays that is whole, or refused.

    bytes 0-7      magic
    bytes 8-19     format version, length of the header, CRC-32 of the header (uint32, little)
    then           header: JSON, padded with spaces to a whole page; names, types, shapes and
                   places of the arrays, and an XXH3 (128 bits, hex) of each 32 MiB of each
    then           the arrays, each at the beginning of a page, with zeros between them

A file is written under another name, flushed to disk and renamed, so it is never seen half
written. Opening maps it read-only (processes share its pages) and checks every byte: the
search kernels follow row numbers without looking back, so nothing unchecked may reach them.
"""

import hashlib
import json
import mmap
import os
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from tutela.index.model import BadSegment
from tutela.primitives.errors import Unavailable

VERSION = 2
PAGE = 4096
_MAGIC = b"TutelaIx"
_NUMBERS = 12
_PREAMBLE = len(_MAGIC) + _NUMBERS
_BLOCK = 1 << 25
_MAX_HEADER = 1 << 26
_CHECKERS = 2
_DTYPES = {"|u1", "<u1", "<u2", "<u4", "<u8", "<i8"}
_REMEDY = "End all processes and remove the index's folder; it is built again from the database"
_checksum = xxhash.xxh3_128_hexdigest

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Frozen:
    """The arrays of one file, mapped read-only; `digest` names exactly this content."""

    arrays: dict[str, NDArray[Any]]
    digest: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where one array stands in the file, and the checksums of its blocks."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    checks: tuple[str, ...]
    offset: int

    @property
    def nbytes(self) -> int:
        """Room of the array itself."""
        return int(np.prod(self.shape, dtype=np.int64)) * int(self.dtype[-1])


def bad(path: Path, why: str) -> BadSegment:
    """The refusal of one file; names the file, never what is in it."""
    return BadSegment("An index file is refused", why=f"{path.name}: {why}", remedy=_REMEDY)


def write(path: Path, kind: str, arrays: Arrays) -> str:
    """Put the arrays into a new file at `path` (rights 0600); returns its digest.

    When this returns, the file is on disk under its name; when it raises `Unavailable`
    (a full disk, no rights), nothing stands under that name that did not before.
    """
    flat = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    places, header = _layout(kind, flat)
    draft = path.with_name(path.name + ".part")
    try:
        with suppress(FileNotFoundError):
            draft.unlink()
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            _write_all(descriptor, header)
            end = len(header)
            for place, array in zip(places, flat.values(), strict=True):
                _write_all(descriptor, bytes(place.offset - end))
                _write_all(descriptor, _bytes_of(array))
                end = place.offset + place.nbytes
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(path)
        flush_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise unwritable(error) from error
    return hashlib.sha256(header).hexdigest()


def open_file(path: Path, kind: str, *, digest: str | None = None) -> Frozen:
    """Map the file and check every byte of it; raises `BadSegment` for anything altered.

    With `digest` it must also be that very content. Reads at the disk's speed the first time,
    and at that of the sums (some 9 GB a second and core) when another process has the pages in
    memory already.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < _PREAMBLE:
                raise bad(path, "it is too short to be one")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise bad(path, f"it cannot be read ({error.strerror})") from error
    header, end = _header(path, mapped)
    found = hashlib.sha256(mapped[:end]).hexdigest()
    if digest is not None and found != digest:
        raise bad(path, "it is not the file that the manifest names")
    try:
        places = list(_places(path, header, kind, end, size))
    except (KeyError, TypeError, ValueError) as error:
        raise bad(path, "its header makes no sense") from error
    mapped.madvise(mmap.MADV_WILLNEED)
    _check(path, mapped, places, end)
    arrays = {place.name: _array(mapped, place) for place in places}
    return Frozen(arrays=arrays, digest=found, size=size)


def flush_folder(folder: Path) -> None:
    """Make names created, changed or removed in `folder` survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unwritable(error: OSError) -> Unavailable:
    """Our error for a folder that does not take the index."""
    return Unavailable(
        "The index could not be saved",
        why=error.strerror or type(error).__name__,
        remedy="Searching goes on; look at the room and the rights of the index's folder",
    )


def _layout(kind: str, arrays: Arrays) -> tuple[list[_Place], bytes]:
    """Places relative to the file, and the header that says so, ready to be written."""
    with ThreadPoolExecutor(_CHECKERS) as pool:
        checks = {
            name: tuple(pool.map(_checksum, _blocks(_bytes_of(array))))
            for name, array in arrays.items()
        }

    def placed(first: int) -> list[_Place]:
        places: list[_Place] = []
        offset = first
        for name, array in arrays.items():
            place = _Place(
                name=name,
                dtype=array.dtype.str,
                shape=array.shape,
                checks=checks[name],
                offset=offset,
            )
            places.append(place)
            offset = _whole_pages(offset + place.nbytes)
        return places

    def text(places: list[_Place]) -> bytes:
        return json.dumps(
            {
                "kind": kind,
                "block": _BLOCK,
                "arrays": [
                    {
                        "name": place.name,
                        "dtype": place.dtype,
                        "shape": place.shape,
                        "offset": place.offset,
                        "checks": place.checks,
                    }
                    for place in places
                ],
            }
        ).encode()

    # Offsets have at most 15 digits; leave room for them to grow while the header settles.
    room = _PREAMBLE + len(text(placed(PAGE))) + 16 * len(arrays)
    places = placed(_whole_pages(room))
    body = text(places).ljust(_whole_pages(room) - _PREAMBLE, b" ")
    numbers = np.array([VERSION, len(body), zlib.crc32(body)], "<u4")
    return places, _MAGIC + numbers.tobytes() + body


def _header(path: Path, mapped: mmap.mmap) -> tuple[dict[str, Any], int]:
    """The header's facts and where it ends."""
    if mapped[: len(_MAGIC)] != _MAGIC:
        raise bad(path, "it is not an index file")
    version, length, check = np.frombuffer(mapped, "<u4", 3, len(_MAGIC)).tolist()
    if version != VERSION:
        raise bad(path, f"it has format version {version}, this program reads {VERSION}")
    end = _PREAMBLE + length
    if length > _MAX_HEADER or end > len(mapped) or end % PAGE:
        raise bad(path, "its header is cut off")
    body = mapped[_PREAMBLE:end]
    if zlib.crc32(body) != check:
        raise bad(path, "its header has been altered")
    header: dict[str, Any] = json.loads(body)
    return header, end


def _places(path: Path, header: dict[str, Any], kind: str, end: int, size: int) -> Iterator[_Place]:
    """The arrays that the header names, each checked to stand inside the file."""
    if header["kind"] != kind or header["block"] != _BLOCK:
        raise bad(path, f"it is no {kind}")
    for one in header["arrays"]:
        place = _Place(
            name=one["name"],
            dtype=one["dtype"],
            shape=tuple(one["shape"]),
            checks=tuple(one["checks"]),
            offset=one["offset"],
        )
        native = np.dtype(place.dtype).isnative
        if place.dtype not in _DTYPES or not native or place.offset != _whole_pages(end):
            raise bad(path, "it was written by another kind of machine or program")
        end = place.offset + place.nbytes
        yield place
    if end != size:
        raise bad(path, f"it has {size} bytes instead of {end}")


def _check(path: Path, mapped: mmap.mmap, places: list[_Place], end: int) -> None:
    """Compare every block with its checksum; what stands between the arrays must be zero."""
    wanted: list[str] = []
    blocks: list[memoryview] = []
    whole = memoryview(mapped)
    for place in places:
        if any(whole[end : place.offset]):
            raise bad(path, "it has been altered between its arrays")
        end = place.offset + place.nbytes
        blocks += _blocks(whole[place.offset : end])
        wanted += place.checks
    with ThreadPoolExecutor(_CHECKERS) as pool:
        if wanted != list(pool.map(_checksum, blocks)):
            raise bad(path, "its content has been altered")


def _array(mapped: mmap.mmap, place: _Place) -> NDArray[Any]:
    dtype = np.dtype(place.dtype)
    if not place.nbytes:
        return np.empty(place.shape, dtype)
    return np.ndarray(place.shape, dtype, buffer=mapped, offset=place.offset)


def _bytes_of(array: NDArray[Any]) -> memoryview:
    """The array's memory, flat."""
    return array.reshape(-1).view(np.uint8).data


def _blocks(whole: memoryview) -> list[memoryview]:
    return [whole[first : first + _BLOCK] for first in range(0, len(whole), _BLOCK)]


def _write_all(descriptor: int, content: bytes | memoryview) -> None:
    """Write all of it; the system takes at most 2 GiB at once."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest[: 1 << 28]) :]


def _whole_pages(size: int) -> int:
    return -(-size // PAGE) * PAGE
