"""Start the processes that decode: they get nothing of ours but what they are handed.

A decoder of pictures loads its libraries before it needs to know anything. A module of its own,
because who is in a hurry starts it first and loads the rest meanwhile.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from tutela.primitives.kernel_folder import ROOT

_LOG = structlog.get_logger()
_MOST_SAID_BYTES = 2_000


def start_decoder() -> subprocess.Popen[bytes]:
    """A decoder that loads, then waits for its limits on standard input (see `cell`).

    Start it from a thread that outlives it: the kernel ends it with that thread. One that
    nobody gives limits to ends when its input closes.
    """
    return start_child("tutela.adapters.media.child")


def start_child(
    module: str, *arguments: str, stdin: int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    """Run a module of ours as a process that knows its parent; it answers on standard output."""
    kernels = {"TUTELA_KERNELS": str(ROOT)} if ROOT else {}  # without a home it finds none
    said, saying = os.pipe()
    os.set_blocking(said, False)
    os.set_blocking(saying, False)  # who says more than the pipe holds loses it, and never waits
    try:
        process = subprocess.Popen(  # noqa: S603 - our own module, our own numbers
            [
                sys.executable,
                "-I",  # neither the working folder nor the environment can add code
                "-m",
                module,
                *arguments,
                f"parent={os.getpid()}",
            ],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=saying,
            env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"} | kernels,
            cwd="/",
            start_new_session=True,  # Ctrl-C is for the parent, which ends it
        )
    except BaseException:  # no memory for a process: its pipe must not stay open
        os.close(said)
        raise
    finally:
        os.close(saying)
    process.stderr = os.fdopen(said, "rb", buffering=0)
    return process


@contextmanager
def decoder_ahead() -> Iterator[subprocess.Popen[bytes]]:
    """Have one while the block runs; whoever took it may have ended it."""
    process = start_decoder()
    try:
        yield process
    finally:
        stop_decoder(process)


def stop_decoder(process: subprocess.Popen[bytes]) -> None:
    """Kill it and wait for it; harmless when it is gone."""
    process.kill()
    process.wait()
    _log_what_it_said(process)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()


def _log_what_it_said(process: subprocess.Popen[bytes]) -> None:
    """What a decoder wrote on its error stream in its life, its beginning, as printable text."""
    if process.stderr is None or process.stderr.closed:
        return
    said = process.stderr.read(_MOST_SAID_BYTES) or b""
    if said.strip():
        text = said.decode("ascii", "backslashreplace")
        printable = "".join(one if one.isprintable() else " " for one in text)
        _LOG.warning("decoder_errors", exit_code=process.returncode, text=printable)
