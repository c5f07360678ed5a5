"""What the pages are built from; wiring chooses it, the console never opens anything itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from tutela.adapters.web.networks import LOOPBACK
from tutela.counsel.detection import Detecting
from tutela.evidence.ports import BlobStore
from tutela.law.loading import Lawbook
from tutela.ledger.outward import OutwardGate
from tutela.primitives.clock import Clock
from tutela.primitives.database import Database
from tutela.reporting.waiting import Waiting

Style = Literal["thumb", "blur", "grey", "lineart"]


class Facts(Protocol):
    """What a file says about itself."""

    @property
    def frames(self) -> int:
        """How many pictures the file holds; more than one moves."""
        ...


class Media(Protocol):
    """Pictures made on the server, in a confined process; raises a `TutelaError` when it cannot."""

    def rendition(self, data: bytes, style: Style) -> bytes:
        """A reduced form as PNG."""
        ...

    def full_view(self, data: bytes) -> bytes:
        """The picture, or a sheet of several, as a new PNG: no uploaded byte reaches a browser."""
        ...

    def facts(self, data: bytes) -> Facts:
        """What the file says about itself."""
        ...


class Unsealing(Protocol):
    """Opens what was sealed at rest."""

    def unseal(self, data: bytes) -> bytes:
        """The bytes as they were before sealing."""
        ...


@dataclass(frozen=True, kw_only=True)
class ConsoleParts:
    """Everything behind the pages.

    `provider` holds the operator's facts for the law (names as in lawbook/facts.yaml).
    `detecting` is the gate before every match; without it no page tells how detection stands.
    `outward` is the gate before every outward act; without it no page tells that they wait.
    `waits` is what waits or fails in the background; empty when it is not known.
    `evidence_faults` counts sealed items that are missing or damaged; it raises nothing.
    `locales` are folders with further catalogues, searched after the package's own.
    """

    database: Database
    blobs: BlobStore
    unsealer: Unsealing
    media: Media
    clock: Clock
    book: Lawbook
    session_hours: int = 8
    sign_in_attempts: int = 5
    secure_cookies: bool = True
    demo: bool = False
    provider: Mapping[str, object] = field(default_factory=dict)
    detecting: Detecting | None = None
    outward: OutwardGate | None = None
    waits: Callable[[], tuple[Waiting, ...]] = tuple
    evidence_faults: Callable[[], int] = int
    authority_name: str = ""
    locales: tuple[Path, ...] = ()
    trusted_proxies: tuple[str, ...] = LOOPBACK
