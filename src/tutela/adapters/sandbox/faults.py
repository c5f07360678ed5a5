"""Faults on demand: how the sandbox plays a bad day, one call at a time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tutela.primitives.errors import BadInput
from tutela.reporting.model import Call

_SPEC = re.compile(r"([a-z]+):([a-z]+|[0-9]{3,4})(?::([0-9]+|\*))?")
_HTTP_CODES = range(300, 600)


class FaultKind(StrEnum):
    """What goes wrong."""

    HTTP = "http"  # an HTTP status with a body that is no answer
    CODE = "code"  # a response code in a proper answer
    DROP = "drop"  # the call is processed, then the connection is cut: a lost reply
    CUT = "cut"  # the connection is cut before anything is processed
    GARBAGE = "garbage"  # HTTP 200 with a body that is no XML


@dataclass(kw_only=True)
class Fault:
    """One planned fault; `left` is how many calls it still hits, `None` for all."""

    call: Call
    kind: FaultKind
    number: int
    left: int | None


class FaultPlan:
    """The faults still to come, in the order given."""

    def __init__(self, specs: Sequence[str] = ()) -> None:
        """Read specifications like `submit:500:2`; raise `BadInput` for another shape."""
        self._faults = [_read(spec) for spec in specs]

    def next(self, call: Call) -> Fault | None:
        """The fault that hits this call, used up by asking."""
        for fault in self._faults:
            if fault.call is call and fault.left != 0:
                if fault.left is not None:
                    fault.left -= 1
                return fault
        return None


def _read(spec: str) -> Fault:
    found = _SPEC.fullmatch(spec)
    if not found or found[1] not in set(Call):
        raise _unreadable(spec)
    what, times = found[2], found[3] or "1"
    left = None if times == "*" else int(times)
    call = Call(found[1])
    if not what.isdigit():
        if what not in {FaultKind.DROP, FaultKind.CUT, FaultKind.GARBAGE}:
            raise _unreadable(spec)
        return Fault(call=call, kind=FaultKind(what), number=0, left=left)
    number = int(what)
    kind = FaultKind.HTTP if number in _HTTP_CODES else FaultKind.CODE
    return Fault(call=call, kind=kind, number=number, left=left)


def _unreadable(spec: str) -> BadInput:
    return BadInput(
        f"The fault {spec!r} cannot be read",
        why="expected CALL:WHAT or CALL:WHAT:TIMES",
        remedy="CALL is one of " + ", ".join(Call) + "; WHAT is an HTTP status (300 to 599), a "
        "response code (1000 and up), drop, cut or garbage; TIMES is a number or *.",
    )
