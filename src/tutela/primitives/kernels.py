"""Kernels: machine code for this machine's processor, made once (`compiling`) and kept on disk.

A kernel is named by its place, "module:function". Nothing of the compiler is loaded to call one.
The folder is one that only this user may write to, because whoever writes there runs code here;
without such a folder nothing is kept and every start compiles.
"""

import ctypes
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from operator import index
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numpy as np

from tutela.primitives.errors import Unavailable
from tutela.primitives.kernel_folder import FOLDER

ENTRY = "tutela_kernel"
"""What the one function of a kernel's object code is called."""
FAILED = -(1 << 63)
"""What it answers when there was no memory."""
_NUMBERS = {"int64": ctypes.c_int64, "float32": ctypes.c_float, "float64": ctypes.c_double}
_READ = 0x1 | 0x100
"""The flags of an array in C order and aligned (numpy's numbers)."""
_WRITTEN = _READ | 0x400
"""And one that may be written to."""
_COMPILE = """
import ctypes, sys
if sys.platform == "linux":  # it takes a minute, and ends with whoever waits for it
    ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
from tutela.primitives.compiling import main
main()
"""
_COMPILE_SECONDS = 540.0
"""Far more than the slowest machine needs, and less than who waits for a child to start."""
_LOCK = threading.RLock()
_ALL: dict[str, "_Kernel"] = {}
_KEPT: list[Any] = []
"""Code stays for the life of the process."""


def compiled(place: str) -> Callable[..., int]:
    """The kernel at this place, to be called with numpy arrays and numbers.

    Arrays must be of the type, axes and order (C) that its signature says; `TypeError` else.
    Raises `MemoryError` when it finds no room for its own. The interpreter's lock is let go.
    """
    return _ALL.setdefault(place, _Kernel(place))


def prepare() -> None:
    """Compile or load every kernel that the modules imported so far may call."""
    _load(_ALL.values())


class _Kernel:
    """Loaded at its first call."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.run: Callable[..., int] | None = None
        self._arrays: list[tuple[int, np.dtype[Any], int, int]] = []
        self._numbers: list[tuple[int, Callable[[Any], object]]] = []

    def __call__(self, *arguments: Any) -> int:  # noqa: ANN401 - arrays of many types
        if self.run is None:
            _load([self])
        given = list(arguments)
        if len(given) != len(self._arrays) + len(self._numbers):
            raise TypeError(f"{self.place} does not take {len(given)} arguments")
        for number, plain in self._numbers:
            given[number] = plain(given[number])  # numpy's numbers are not Python's
        for number, dtype, axes, needed in self._arrays:
            array = given[number]
            if (
                (array.dtype is not dtype and array.dtype != dtype)
                or array.ndim != axes
                or array.flags.num & needed != needed
            ):
                raise TypeError(f"{self.place} does not take {_told(array)} as argument {number}")
        answer = self.run(*given)  # type: ignore[misc] # loaded above
        if answer == FAILED:
            raise MemoryError(self.place)
        return answer

    def take(self, arguments: list[list[Any]], address: int) -> None:
        """Be the function at this address."""
        self._arrays = [
            (number, np.dtype(kind[0]), kind[1], _WRITTEN if kind[2] else _READ)
            for number, kind in enumerate(arguments)
            if len(kind) > 1
        ]
        self._numbers = [
            (number, index if kind[0] == "int64" else float)
            for number, kind in enumerate(arguments)
            if len(kind) == 1
        ]
        kinds: list[Any] = [
            ctypes.py_object if len(kind) > 1 else _NUMBERS[kind[0]] for kind in arguments
        ]
        self.run = ctypes.CFUNCTYPE(ctypes.c_int64, *kinds)(address)


def path_of(place: str, folder: Path) -> Path:
    """Where the object code of a kernel rests: it is for one kind of processor only."""
    return folder / f"{place.replace(':', '.')}-{_host()}.kernel"


def _load(wanted: Iterable[_Kernel]) -> None:
    with _LOCK, _folder() as folder:
        missing = [kernel for kernel in wanted if kernel.run is None]  # others may have been here
        modules = {_module(kernel) for kernel in missing if not _made(kernel, folder)}
        # Side by side: the largest alone takes as long as all the others.
        with ThreadPoolExecutor(os.cpu_count()) as crew:
            list(crew.map(lambda module: _compile(module, folder), sorted(modules)))
        for kernel in missing:
            made = _made(kernel, folder)
            if made is None:
                raise _cannot(kernel.place, "what was written cannot be read again")
            kernel.take(made[0], _linked(kernel.place, made[1]))


def _module(kernel: _Kernel) -> str:
    return kernel.place.split(":")[0]


def _made(kernel: _Kernel, folder: Path) -> tuple[list[list[Any]], bytes] | None:
    """Its arguments and object code, if they are there and whole."""
    try:
        head, code = path_of(kernel.place, folder).read_bytes().split(b"\n", 1)
        told = json.loads(head)
    except (OSError, ValueError):
        return None
    return (told["arguments"], code) if told["crc32"] == zlib.crc32(code) else None


def _compile(module: str, folder: Path) -> None:
    """Of several processes one compiles a module, the others wait."""
    with (folder / f"{module}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if all(_made(kernel, folder) for kernel in _ALL.values() if _module(kernel) == module):
            return
        try:
            subprocess.run(  # noqa: S603 - our own module
                [sys.executable, "-I", "-c", _COMPILE, str(folder), module],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=True,
                timeout=_COMPILE_SECONDS,
            )
        except subprocess.SubprocessError as error:
            told = getattr(error, "stderr", None) or str(error)
            raise _cannot(module, told.strip().rpartition("\n")[2]) from error


def _cannot(what: str, why: str) -> Unavailable:
    return Unavailable(
        "The kernels cannot be compiled for this processor",
        why=f"{what}: {why}",
        remedy="Free memory and disk, or install the package again",
    )


@cache
def _linker() -> Any:  # noqa: ANN401 - llvmlite's
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.create_lljit_compiler()


def _linked(place: str, code: bytes) -> int:
    """The address of its entry, in memory of this process."""
    library = llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
    tracker = library.export_symbol(ENTRY).link(_linker(), place)
    _KEPT.append(tracker)
    return int(tracker[ENTRY])


@contextmanager
def _folder() -> Iterator[Path]:
    if FOLDER is not None:
        yield FOLDER
        return
    with tempfile.TemporaryDirectory(prefix="tutela-kernels-") as once:
        yield Path(once)


def _host() -> str:
    """Names the processor and the compiler's version."""
    told = f"{llvmlite.__version__} {llvm.get_host_cpu_name()} "
    return hashlib.sha256((told + llvm.get_host_cpu_features().flatten()).encode()).hexdigest()[:12]


def _told(array: Any) -> str:  # noqa: ANN401 - whatever was given
    return (
        f"{array.dtype} {array.shape} ({'C order' if array.flags.c_contiguous else 'other order'})"
    )
