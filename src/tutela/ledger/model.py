"""The ledger's facts: a line, an anchor, and what a verification found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

JSON: TypeAlias = bool | int | str | Sequence["JSON"] | Mapping[str, "JSON"] | None
"""What a line's detail may hold: no floats, which have no one way to be written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One thing that was done: who, what, to what, when; chained to the line before.

    `seq` counts from 1 without a gap. `previous` and `digest` are SHA-256 in lower-case hex.
    `detail` holds identifiers and constants only, never content or people.
    """

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, JSON]
    previous: str
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """A statement kept outside: line `seq` had this digest, hence so had all before it."""

    seq: int
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What reading the whole chain showed.

    `checked` lines are in order; `head_seq` and `head_digest` are the last of them. When not
    `ok`, `bad_seq` is the place in the chain of the first trouble and `why` says what it is.
    """

    ok: bool
    checked: int
    head_seq: int
    head_digest: str
    bad_seq: int | None = None
    why: str = ""
