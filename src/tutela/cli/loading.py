"""Loading code is most of a short command's time, and of a process's start."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import in here: modules stay until the end, and nobody looks for garbage among them.

    That search is an eighth of the time in which a thousand modules are loaded, and finds
    nothing.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
