"""Whether the disks that must take something still can: free space, free names, and writing."""

import errno
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from tutela.adapters.blobs import known_store
from tutela.primitives.errors import Misconfigured
from tutela.wiring.settings import Settings

_LOOK_SECONDS = 5.0
"""A look writes, and anybody may ask a process for its state."""
_LEAST_NAMES = 100
_PROBE = b"\0" * 4096


class Filesystem(Protocol):
    """What the operating system says of a file system (`os.statvfs`)."""

    @property
    def f_bavail(self) -> int:
        """Free blocks for this user."""
        ...

    @property
    def f_frsize(self) -> int:
        """Size of a block in bytes."""
        ...

    @property
    def f_files(self) -> int:
        """How many names there can be; 0 where that has no bound."""
        ...

    @property
    def f_favail(self) -> int:
        """Free names for this user."""
        ...


class Disks:
    """The places of one installation; `look` remembers its answer for some seconds."""

    def __init__(
        self,
        places: Mapping[str, Path],
        *,
        least_free_bytes: int,
        not_written: frozenset[str] = frozenset(),
        statvfs: Callable[[Path], Filesystem] = os.statvfs,
    ) -> None:
        """`not_written` are places whose space counts, but where only another user may write."""
        self._places = places
        self._least = least_free_bytes
        self._not_written = not_written
        self._statvfs = statvfs
        self._looked_at = -_LOOK_SECONDS
        self._found: Mapping[str, str] = {}
        self._lock = threading.Lock()

    def look(self) -> Mapping[str, str]:
        """What is wrong, by place; empty when every place can take something."""
        with self._lock:
            if time.monotonic() - self._looked_at >= _LOOK_SECONDS:
                looked = ((name, self._why(name, path)) for name, path in self._places.items())
                self._found = {name: why for name, why in looked if why}
                self._looked_at = time.monotonic()
            return self._found

    def said(self) -> str:
        """The same as a sentence; `ok` when nothing is wrong."""
        return "; ".join(f"{name}: {why}" for name, why in self.look().items()) or "ok"

    def _why(self, name: str, path: Path) -> str:
        there = next((each for each in (path, *path.parents) if each.exists()), path)
        try:
            found = self._statvfs(there)
            free = found.f_bavail * found.f_frsize
            if free < self._least:
                return (
                    f"{free >> 20} MiB are free at {there}, fewer than the {self._least >> 20} MiB "
                    "of TUTELA_MIN_FREE_BYTES"
                )
            if found.f_files and found.f_favail < _LEAST_NAMES:
                return f"no more files can be made at {there} (inodes)"
            if name not in self._not_written:
                _write(there)
        except OSError as error:
            return f"{there} cannot be written: {error.strerror or type(error).__name__}"
        return ""


def disks_of(settings: Settings, *, written: bool = True) -> Disks:
    """The home folder, the sealed evidence and the embedded database, as far as they are here.

    `written` false only looks, for a process that stores nothing in these places itself.
    """
    places = {"home folder": settings.folder}
    try:
        store = known_store(settings.blobs_url)
    except Misconfigured:
        store = "s3"  # `tutela check` says what is wrong with it
    if store == "home":
        places["evidence store"] = settings.folder / "blobs"
    elif store == "file":
        places["evidence store"] = Path(unquote(urlsplit(settings.blobs_url or "").path))
    if settings.database_url is None:
        places["database"] = settings.folder / "postgres"
    return Disks(
        places,
        least_free_bytes=settings.min_free_bytes,
        # The database's server may run as another user.
        not_written=frozenset({"database"} if written else places),
    )


def _write(folder: Path) -> None:
    """Write a little where `folder` is, and take it away again; raises `OSError`."""
    probe = folder / f".tutela-probe.{secrets.token_hex(8)}"
    descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        if os.write(descriptor, _PROBE) < len(_PROBE):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)
        probe.unlink(missing_ok=True)
