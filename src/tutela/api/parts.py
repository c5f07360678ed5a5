"""What the API works with, handed in by wiring."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tutela.accounts.model import Actor
from tutela.hashing.model import Hashed
from tutela.indicators.model import MatchResult
from tutela.intake.admitting import Intake
from tutela.primitives.clock import Clock
from tutela.primitives.database import Database
from tutela.primitives.redacted import Redacted

if TYPE_CHECKING:  # processes that look up hashes share this file and need neither
    from tutela.evidence.ports import Opens
    from tutela.law.book import Lawbook


class IndexState(Protocol):
    """How a matcher stands against the database (`indicators.matching.MatcherState`)."""

    @property
    def entries(self) -> int:
        """Perceptual hashes in memory."""
        ...

    @property
    def change(self) -> int:
        """The last change taken in."""
        ...

    @property
    def database_change(self) -> int:
        """The last change there is."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LookupParts:
    """What it takes to look up hashes, and to say whether that can be done now.

    `authenticate` tells whose key it is, or None. `index_state` may raise `Unavailable`.
    `bodies_at_once` bounds the memory: so many large bodies at most, of one key half as many.
    `attention` names what a person must settle though items can be taken; it may raise
    `Unavailable`. `disk` says `ok`, or why nothing more can be stored (None: nothing is stored).
    """

    look_up: Callable[[Sequence[Hashed]], list[MatchResult]]
    clock: Clock
    authenticate: Callable[[Redacted[str]], Actor | None]
    index_state: Callable[[], IndexState]
    requests_per_minute: int
    bodies_at_once: int = 8
    body_seconds: float = 120.0
    index_lag_s: float = 30.0
    attention: Callable[[], Mapping[str, str]] = dict
    disk: Callable[[], str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiParts:
    """Everything the addresses need.

    `authenticate` tells whose key it is, or None. `index_state` may raise `Unavailable`.
    `countries` are the codes that the law knows; empty accepts any two letters.
    `uploads_at_once` bounds the memory: so many bodies of `max_upload_bytes` at most, of one key
    a quarter. `decoders` is how many files are hashed at a time; one key never has all of them.
    """

    intake: Intake
    database: Database
    unsealer: "Opens"
    clock: Clock
    authenticate: Callable[[Redacted[str]], Actor | None]
    index_state: Callable[[], IndexState]
    book: "Lawbook"
    max_upload_bytes: int
    requests_per_minute: int
    countries: frozenset[str] = frozenset()
    uploads_at_once: int = 8
    decoders: int = 2
    body_seconds: float = 120.0
    index_lag_s: float = 30.0
    attention: Callable[[], Mapping[str, str]] = dict
    disk: Callable[[], str] | None = None

    @property
    def lookup(self) -> LookupParts:
        """The part of it that looks up hashes."""
        return LookupParts(
            look_up=self.intake.look_up,
            clock=self.clock,
            authenticate=self.authenticate,
            index_state=self.index_state,
            requests_per_minute=self.requests_per_minute,
            bodies_at_once=self.uploads_at_once,
            body_seconds=self.body_seconds,
            index_lag_s=self.index_lag_s,
            attention=self.attention,
            disk=self.disk,
        )
