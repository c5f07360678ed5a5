"""A word to whoever waits: the first start after an installation compiles, once.

Kernels are compiled for this process (`load_kernels`) or for the decoders' (`patience`). Every
command says it in the same way: one line on standard error, once a process.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tutela.primitives.kernel_folder import FOLDER

MESSAGE = "Compiling the kernels for this processor, once …"

_FIRST_START_SECONDS = 3.0
_LATER_START_SECONDS = 15.0  # a busy machine; longer only after an update, which compiles anew
_SAID = threading.Event()


@contextmanager
def patience() -> Iterator[Callable[[], None]]:
    """Say it when what is in here takes more than a moment; the yielded call ends the watch."""
    compiled = FOLDER is not None and any(FOLDER.rglob("*.kernel"))
    watch = threading.Timer(_LATER_START_SECONDS if compiled else _FIRST_START_SECONDS, _say)
    watch.daemon = True
    watch.start()
    try:
        yield watch.cancel
    finally:
        watch.cancel()


def load_kernels() -> None:
    """Compile or load every kernel of the modules imported so far."""
    # The compiler is loaded for this alone: not every command needs it.
    from tutela.primitives.kernels import prepare  # noqa: PLC0415

    with patience():
        prepare()


def _say() -> None:
    if not _SAID.is_set():
        _SAID.set()
        print(MESSAGE, file=sys.stderr, flush=True)  # noqa: T201 - to a person, or a log
