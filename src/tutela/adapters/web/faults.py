"""The trace that an unexpected fault leaves: kind, file and line, never a value."""

import traceback
from pathlib import Path
from typing import Final

import structlog

import tutela

_LOG = structlog.get_logger()
_OURS: Final = Path(tutela.__file__).parent
_MOST_PLACES: Final = 12


def note_fault(error: BaseException, *, face: str) -> None:
    """One log line about a fault of this program that a face has met.

    The message of an error may repeat what somebody sent, so it is not told; `places` are the
    innermost steps, the last one first.
    """
    _LOG.error("unexpected_fault", face=face, **trace_of(error))


def trace_of(error: BaseException) -> dict[str, object]:
    """Kind and places of an error, and the kinds of those that led to it."""
    steps = traceback.extract_tb(error.__traceback__)[-_MOST_PLACES:]
    causes: list[str] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(causes) < _MOST_PLACES:
        causes.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    return {
        "kind": f"{type(error).__module__}.{type(error).__qualname__}",
        "places": [f"{_name(step.filename)}:{step.lineno}" for step in reversed(steps)],
        **({"caused_by": causes} if causes else {}),
    }


def _name(file: str) -> str:
    path = Path(file)
    if path.is_relative_to(_OURS):
        return str(path.relative_to(_OURS.parent))
    return "/".join(path.parts[-2:])
