"""What the child gives up before it sees a byte of a stranger's file.

Everything the decoders need is loaded before; afterwards the process can open nothing
(file, socket, pipe), start no process and no program, write no file, and grow only so far.
It is not a whole sandbox (no namespaces, and the system-call filter is about starting things
only): other system calls that need no new descriptor remain possible. See
docs/reference/media.md for what that means.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys

from tutela.adapters.media.filtering import forbid_new_processes

_NOBODY = 65534
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38


def confine(*, memory_bytes: int, cpu_seconds: int, parent: int) -> list[str]:
    """Give up rights for good; returns the names of the confinements that took hold.

    `cpu_seconds` is the process's lifetime total, `parent` the expected parent's id.
    """
    held = []
    if os.geteuid() != 0 or _become_nobody():
        held.append("unprivileged_user")
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        # After the change of user, which resets the last two.
        for name, option, value in (
            ("no_new_privileges", _PR_SET_NO_NEW_PRIVS, 1),
            ("not_dumpable", _PR_SET_DUMPABLE, 0),
            ("dies_with_parent", _PR_SET_PDEATHSIG, int(signal.SIGKILL)),
        ):
            if libc.prctl(option, value, 0, 0, 0) == 0:
                held.append(name)
        if os.getppid() != parent:  # it died before it could be watched
            os._exit(0)
    if forbid_new_processes():
        held.append("no_new_process")
    for name, kind, value in (
        ("no_core", resource.RLIMIT_CORE, 0),
        ("no_file_growth", resource.RLIMIT_FSIZE, 0),
        ("no_new_process", resource.RLIMIT_NPROC, 0),
        ("address_space", resource.RLIMIT_AS, memory_bytes),
        ("cpu", resource.RLIMIT_CPU, cpu_seconds),
        # Last: zero forbids every new descriptor, also after closing an old one.
        ("no_new_descriptor", resource.RLIMIT_NOFILE, 0),
    ):
        if name in held:
            continue  # the filter does it, and leaves threads to the decoder that needs one
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, value))
            held.append(name)
    return held


def die_with(parent: int) -> None:
    """End this process when the thread of `parent` that started it ends (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it died before it could be watched
            os._exit(0)


def _become_nobody() -> bool:
    """Drop root; false where the container forbids it."""
    try:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    except OSError:
        return False
    return True


def allow_cpu(seconds: int) -> None:
    """Let the next job use that much processor time; the kernel ends the process after it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(usage.ru_utime + usage.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (min(soft, hard), hard))


def cpu_used_seconds() -> float:
    """Processor time of this process since it started."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
