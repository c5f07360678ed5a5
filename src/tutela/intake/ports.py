"""What intake needs from elsewhere; wiring hands the real things in."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from tutela.evidence.custody import Sealed
from tutela.hashing.model import Hashed, Mode
from tutela.indicators.model import Match, MatchResult
from tutela.primitives.ids import CaseId, ExhibitId, SubmissionId


class Unread(Protocol):
    """A file that could not even be read, so that it has no digests."""

    @property
    def why(self) -> str:
        """The reason, for a reader."""
        ...

    @property
    def remedy(self) -> str:
        """What to do."""
        ...


class Jail(Protocol):
    """Hashes a file in a confined process (`adapters.media.jail.Jail`)."""

    def hash(
        self, source: bytes | Path, *, dihedral: bool = False, mode: Mode = Mode.EXACT
    ) -> Hashed | Unread:
        """Digests always; the picture's hash, or why there is none."""
        ...


class Matching(Protocol):
    """Compares hashes with the lists (`indicators.matching.Matcher`)."""

    @property
    def dihedral_asked(self) -> bool:
        """Whether a list, as of the last match, wants turned and mirrored pictures found."""
        ...

    def match(self, hashed: Hashed) -> MatchResult:
        """All matches of one item."""
        ...

    def match_many(self, hashed: Sequence[Hashed]) -> list[MatchResult]:
        """All matches of each item, in the same order."""
        ...

    def sift(self, item: Hashed, *, slack_bits: int) -> MatchResult | None:
        """No known match of a fast hash, or None when only the exact one can tell."""
        ...


class Gate(Protocol):
    """The way to the matcher (`counsel.gate.DetectionGate`)."""

    def open(self) -> Matching:
        """The matcher; raises `Refused` unless a basis lets known material be looked for today."""
        ...


class Opened(Protocol):
    """A case that was just opened."""

    @property
    def id(self) -> CaseId:
        """Its identifier."""
        ...


class OpenCase(Protocol):
    """Opens a case in the caller's transaction (`cases.opening.open_case`)."""

    def __call__(
        self,
        tx: Connection,
        *,
        submission_id: SubmissionId,
        exhibit_id: ExhibitId,
        hashed: Hashed,
        sealed: Sealed | None,
        matches: Sequence[Match],
        by: str,
        at: datetime,
    ) -> Opened:
        """The case, with exhibit, matches, hold and ledger lines."""
        ...
