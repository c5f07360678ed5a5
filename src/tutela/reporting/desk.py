"""What reporting works with: the authority, the sealed evidence, the law and who we are."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Connection

from tutela.evidence.ports import BlobStore, Opens
from tutela.law.loading import Lawbook
from tutela.ledger.outward import Clears
from tutela.primitives.clock import Clock
from tutela.primitives.database import Database
from tutela.primitives.ids import ExhibitId
from tutela.primitives.redacted import Redacted
from tutela.reporting.ports import Authority


class Stopped(BaseException):
    """The process was asked to end; what is unfinished goes on at the next start.

    No `Exception`, because the workflow engine would store one as a result.
    """


class ViewLog(Protocol):
    """What people were shown (`review.viewing.viewed_entirely`)."""

    def __call__(self, tx: Connection, exhibit_id: ExhibitId, /) -> bool:
        """Whether a person was shown all of the exhibit."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderProfile:
    """Who reports, as it stands in every report. Empty means not set."""

    name: str
    reporter_email: Redacted[str]
    reporter_first_name: Redacted[str]
    reporter_last_name: Redacted[str]
    terms_url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """One place to file from. `authority` None: none is configured, and nothing is filed.

    `provider` are the operator's answers to the law's questions (`provider.*`,
    `service.*`). `pinned_schema_sha256` None pins the first schema that the authority
    shows. `outward` is the gate that every act passes before it leaves. `stop` is set when
    the process is asked to end.
    """

    database: Database
    clock: Clock
    book: Lawbook
    provider: Mapping[str, object]
    profile: ProviderProfile
    authority: Authority | None
    outward: Clears
    pinned_schema_sha256: str | None
    blobs: BlobStore
    unsealer: Opens
    viewed_entirely: ViewLog
    stop: threading.Event = field(default_factory=threading.Event)

    def pause(self, seconds: float) -> None:
        """Wait, or raise `Stopped` as soon as the process is asked to end."""
        if self.stop.wait(max(0.0, seconds)):
            raise Stopped
