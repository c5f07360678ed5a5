"""What the console's tests share: a real database, sealed drawn pictures, people of each role."""

import hashlib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import pyrage
from PIL import Image
from starlette.testclient import TestClient

from own_lawbook import own_lawbook
from tutela.accounts.creating import create_account
from tutela.accounts.model import Actor, Role
from tutela.adapters.blobs import MemoryBlobsForTests
from tutela.adapters.media.jail import Jail
from tutela.cases.opening import open_case
from tutela.console.app import build
from tutela.console.parts import ConsoleParts
from tutela.evidence import store as evidence
from tutela.evidence.custody import put_sealed
from tutela.evidence.model import Submission
from tutela.evidence.sealing import Seal
from tutela.evidence.unsealing import Unsealer
from tutela.hashing.model import Digests, Hashed, Pdq
from tutela.indicators.model import Match, SignalKind
from tutela.intake.model import Origin
from tutela.law.loading import Lawbook
from tutela.ledger.store import lines
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.ids import CaseId, ExhibitId, ListId, SubmissionId
from tutela.primitives.redacted import Redacted
from tutela.taxonomy.model import Category

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PASSWORD = "four fictitious words here"
IDENTITY = pyrage.x25519.Identity.generate()
BOOK = own_lawbook()
PROVIDER: Mapping[str, object] = {
    "provider.established_in": "US",
    "provider.is_electronic_service": True,
    "service.targets_markets": ["US", "GB"],
    "service.is_user_to_user": True,
    "service.offered_in_eu": True,
    "service.is_hosting": True,
}


def drawn(seed: int = 1, *, frames: int = 1) -> bytes:
    """A benign picture: waves of colour; with more frames a small animation."""
    pictures = []
    for frame in range(frames):
        y, x = np.mgrid[0:240, 0:320] / 40.0
        red = np.sin(x + seed + frame) * 0.5 + 0.5
        green = np.cos(y * 1.3 + seed) * 0.5 + 0.5
        blue = np.sin(x * y * 0.7 + seed) * 0.5 + 0.5
        stacked = (np.dstack([red, green, blue]) * 255).astype(np.uint8)
        pictures.append(Image.fromarray(stacked))
    out = io.BytesIO()
    if frames == 1:
        pictures[0].save(out, format="PNG")
    else:
        pictures[0].save(out, format="GIF", save_all=True, append_images=pictures[1:])
    return out.getvalue()


def match(*, second_person: bool = False, distance_bits: int = 6) -> Match:
    return Match(
        list_id=ListId.new(),
        list_name="Drawn pictures",
        entry_id=7,
        external_id="entry-7",
        kind=SignalKind.PDQ,
        distance_bits=distance_bits,
        threshold_bits=31,
        transform="original",
        category=Category(scheme="ncmec-ab", version="2022", code="B2"),
        second_person=second_person,
        reasons=(f"PDQ distance {distance_bits} of 256 bits, the list allows 31",),
    )


@dataclass
class Office:
    """A console with people and cases to put before it."""

    database: Database
    media: Jail
    clock: FixedClock = field(default_factory=lambda: FixedClock(at=AT))
    blobs: MemoryBlobsForTests = field(default_factory=MemoryBlobsForTests)
    book: Lawbook = BOOK
    sign_in_attempts: int = 5
    secure_cookies: bool = False
    demo: bool = False
    locales: tuple[Path, ...] = ()

    def parts(self) -> ConsoleParts:
        return ConsoleParts(
            database=self.database,
            blobs=self.blobs,
            unsealer=Unsealer(Redacted(str(IDENTITY))),
            media=self.media,
            clock=self.clock,
            book=self.book,
            provider=PROVIDER,
            sign_in_attempts=self.sign_in_attempts,
            secure_cookies=self.secure_cookies,
            demo=self.demo,
            authority_name="CyberTipline",
            locales=self.locales,
        )

    def person(self, login: str, *roles: Role) -> Actor:
        with self.database.begin() as tx:
            return create_account(
                tx,
                login=login,
                password=Redacted(PASSWORD),
                roles=roles or (Role.REVIEWER,),
                by="tests",
                at=AT,
            )

    def case(
        self,
        data: bytes | None = None,
        *,
        pdq: Pdq | None = None,
        second_person: bool = False,
        hashes_only: bool = False,
        item_reference: str = "",
        matches: Sequence[Match] | None = None,
    ) -> tuple[CaseId, ExhibitId]:
        """A matched case about one drawn picture."""
        plain = drawn() if data is None else data
        exhibit_id = ExhibitId.new()
        sealed = (
            None
            if hashes_only
            else put_sealed(
                plain, exhibit_id=exhibit_id, seal=Seal(str(IDENTITY.to_public())), blobs=self.blobs
            )
        )
        submission = Submission(
            id=SubmissionId.new(),
            origin=Origin.API_FILE,
            received_at=self.clock.now(),
            actor="acct_platform",
            reference_digest=item_reference and f"digest of {item_reference}",
            item_digest="",
        )
        with self.database.begin() as tx:
            evidence.add_submission(tx, submission, context={}, context_sealed=None)
            case = open_case(
                tx,
                submission_id=submission.id,
                exhibit_id=exhibit_id,
                hashed=_hashed(plain, pdq),
                sealed=sealed,
                matches=matches or [match(second_person=second_person)],
                by="acct_platform",
                at=self.clock.now(),
            )
        return case.id, exhibit_id

    def browser(self, *, headers: Mapping[str, str] | None = None) -> "Browser":
        scheme = "https" if self.secure_cookies else "http"
        client = TestClient(
            build(self.parts()),
            base_url=f"{scheme}://console.test",
            follow_redirects=False,
            raise_server_exceptions=False,
        )
        client.headers.update({"accept-language": "en", **(headers or {})})
        return Browser(client)


@dataclass
class Browser:
    """A test client that fills in forms the way a browser would."""

    client: TestClient

    def get(self, path: str, **options: object) -> httpx.Response:
        return self.client.get(path, **options)  # type: ignore[arg-type]

    def csrf(self, path: str = "/help") -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(path).text)
        assert found, f"no form on {path}"
        return found[1]

    def post(self, path: str, **fields: str) -> httpx.Response:
        return self.client.post(path, data={"csrf": self.csrf(), **fields})

    def sign_in(self, login: str, password: str = PASSWORD, next_path: str = "") -> httpx.Response:
        token = self.csrf("/sign-in")
        fields = {"csrf": token, "login": login, "password": password, "next": next_path}
        return self.client.post("/sign-in", data=fields)


def actions(database: Database) -> list[str]:
    with database.begin() as tx:
        return [line.action for line in lines(tx)]


def details(database: Database, action: str) -> Iterable[Mapping[str, object]]:
    with database.begin() as tx:
        return [line.detail for line in lines(tx, action=action)]


def hash_of(seed: int) -> Pdq:
    """A hash that may be compared, another one for each seed."""
    return Pdq(hashlib.sha256(bytes([seed])).digest(), 100)


def _hashed(plain: bytes, pdq: Pdq | None) -> Hashed:
    return Hashed(
        digests=Digests(
            md5=hashlib.md5(plain, usedforsecurity=False).digest(),
            sha1=hashlib.sha1(plain, usedforsecurity=False).digest(),
            sha256=hashlib.sha256(plain).digest(),
            size_bytes=len(plain),
        ),
        pdq=pdq,
        pipeline="tests/1",
        media_type="image/png",
    )
