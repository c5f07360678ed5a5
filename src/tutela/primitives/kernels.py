"""Kernels: functions compiled for this machine's processor, once, and kept on disk.

`numba` compiles them at their first call (or all at once in `prepare`) and keeps the machine
code in a folder that only this user may write, because whoever writes there runs code here.
Without such a folder nothing is kept and every start compiles.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import numba

from tutela.primitives.kernel_folder import FOLDER

_F = TypeVar("_F", bound=Callable[..., Any])


if FOLDER is not None:
    numba.config.CACHE_DIR = str(FOLDER)  # type: ignore[attr-defined] # its table is made at import

_KERNELS: list[tuple[Any, tuple[str, ...]]] = []


def kernel(*signatures: str, fast_math: bool = False) -> Callable[[_F], _F]:
    """Compile the function below for these `signatures` (numba's words) when first needed.

    Sums keep the written order and nothing is fused unless `fast_math` allows it; division by
    zero follows numpy. Kernels let go of the interpreter's lock. A function without signatures
    is compiled as a part of those that call it.
    """

    def compiled(function: _F) -> _F:
        keep = FOLDER is not None and bool(signatures)
        dispatcher = numba.njit(nogil=True, cache=keep, fastmath=fast_math, error_model="numpy")(
            function
        )
        if signatures:
            _KERNELS.append((dispatcher, signatures))
        return cast("_F", dispatcher)

    return compiled


def prepare() -> None:
    """Compile or load every kernel of the modules imported so far.

    One process of a machine compiles, the others wait and load.
    """
    with _one_at_a_time():
        for dispatcher, signatures in _KERNELS:
            for signature in signatures:
                dispatcher.compile(signature)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold the folder's lock; without a folder there is nothing to share."""
    if FOLDER is None:
        yield
        return
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
