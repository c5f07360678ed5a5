"""A system-call filter: the process may start threads, but no process and no program.

Linux keeps a small program per process that sees the number and the arguments of every
system call (seccomp, mode filter). Ours refuses `fork`, `vfork`, `execve`, `execveat`, and
`clone` unless for a thread: the decoder of HEIC needs one, and a limit on the number of
processes would forbid threads too. `clone3` hides its arguments from filters and is declared
missing, so that the C library takes `clone`.
"""

import ctypes
import errno
import platform
import sys

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_CLONE_THREAD = 0x10000
_CLONE3 = 435
_OTHER_TABLES = 0x40000000
"""Numbers from here on are those of another call table of the same processor (x32)."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # places in struct seccomp_data

# Audit name, number of `clone`, numbers of what starts a process or a program.
_CALLS = {
    "x86_64": (0xC000003E, 56, (57, 58, 59, 322)),
    "aarch64": (0xC00000B7, 220, (221, 281)),
}


class _Step(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("jump_true", ctypes.c_ubyte),
        ("jump_false", ctypes.c_ubyte),
        ("value", ctypes.c_uint),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(_Step)))


def forbid_new_processes() -> bool:
    """Install the filter for good; false where the kernel or the processor has none of ours.

    Gaining privileges must have been given up before.
    """
    calls = _CALLS.get(platform.machine())
    if sys.platform != "linux" or calls is None:
        return False
    steps = _steps(*calls)
    program = _Program(len(steps), (_Step * len(steps))(*(_Step(*step) for step in steps)))
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def _steps(
    architecture: int, clone: int, forbidden: tuple[int, ...]
) -> list[tuple[int, int, int, int]]:
    """The filter: code, jumps when true and false (steps to skip), value."""
    refuse = (_RETURN, 0, 0, _REFUSE | errno.EPERM)
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _OTHER_TABLES),
        refuse,
        (_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _REFUSE | errno.ENOSYS),
    ]
    for number in forbidden:
        steps += [(_EQUAL, 0, 1, number), refuse]
    return [
        *steps,
        (_EQUAL, 0, 3, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 1, 0, _CLONE_THREAD),
        refuse,
        (_RETURN, 0, 0, _ALLOW),
    ]
