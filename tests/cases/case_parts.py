"""Parts that the tests of evidence, intake, cases and api share. Import as `cases.case_parts`."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pyrage
from sqlalchemy import text

from tutela.accounts.model import Actor, Role
from tutela.adapters.blobs import MemoryBlobsForTests
from tutela.cases import store
from tutela.cases.claiming import claim
from tutela.cases.deciding import finish_review
from tutela.cases.model import Case
from tutela.cases.opening import open_case
from tutela.counsel.gate import DetectionGate
from tutela.evidence.ports import BlobStore
from tutela.evidence.references import ReferenceKey
from tutela.evidence.sealing import Seal
from tutela.evidence.unsealing import Unsealer
from tutela.hashing.model import Digests, Hashed, Mode, Pdq
from tutela.indicators.model import Finding, Match, MatchResult, SignalKind
from tutela.intake.admitting import Intake
from tutela.intake.model import Context, Origin
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.ids import AccountId, CaseId, ListId
from tutela.primitives.redacted import Redacted
from tutela.taxonomy.model import Category

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
IDENTITY = pyrage.x25519.Identity.generate()
SEAL = Seal(str(IDENTITY.to_public()))
UNSEALER = Unsealer(Redacted(str(IDENTITY)))
REFERENCES = ReferenceKey(Redacted(str(IDENTITY)))
CATEGORY = "ncmec-ab/2022/A1"
BY = "acct_platform"
LIST = ListId.new()
PICTURE = Pdq.parse("0f1e2d3c4b5a69788796a5b4c3d2e1f0" * 2, quality=90)


def reviewer(name: str) -> Actor:
    return Actor(
        id=AccountId.new(), login=f"person-{name.lower()}", roles=frozenset({Role.REVIEWER})
    )


PERSON_A, PERSON_B, PERSON_C = reviewer("A"), reviewer("B"), reviewer("C")


def hashed_of(data: bytes, *, pdq: Pdq | None = PICTURE) -> Hashed:
    return Hashed(
        digests=Digests(
            md5=hashlib.md5(data, usedforsecurity=False).digest(),
            sha1=hashlib.sha1(data, usedforsecurity=False).digest(),
            sha256=hashlib.sha256(data).digest(),
            size_bytes=len(data),
        ),
        pdq=pdq,
        pipeline="tests/1",
        unmatchable=pdq.unmatchable if pdq else None,
        media_type="image/png",
    )


def match(*, second_person: bool = False, distance_bits: int = 4) -> Match:
    return Match(
        list_id=LIST,
        list_name="drawn pictures",
        entry_id=7,
        external_id="entry-7",
        kind=SignalKind.PDQ,
        distance_bits=distance_bits,
        threshold_bits=31,
        transform="original",
        category=Category.parse(CATEGORY),
        second_person=second_person,
        reasons=(f"PDQ distance {distance_bits} of 256 bits, the list allows 31",),
    )


class JailForTests:
    """Hashes without decoding: the picture's hash is whatever the test says."""

    def __init__(self) -> None:
        self.pdq: dict[bytes, Pdq] = {}

    def hash(
        self, source: bytes | Path, *, dihedral: bool = False, mode: Mode = Mode.EXACT
    ) -> Hashed:
        del dihedral, mode
        data = source if isinstance(source, bytes) else source.read_bytes()
        return hashed_of(data, pdq=self.pdq.get(data, PICTURE))


@dataclass
class MatcherForTests:
    """Matches everything that begins with `known`, by its SHA-256."""

    second_person: bool = False
    known: set[bytes] = field(default_factory=set)

    dihedral_asked: bool = False

    def learn(self, data: bytes) -> bytes:
        self.known.add(hashlib.sha256(data).digest())
        return data

    def match(self, hashed: Hashed) -> MatchResult:
        if hashed.digests.sha256 in self.known:
            return MatchResult(
                finding=Finding.MATCHED, matches=(match(second_person=self.second_person),)
            )
        return MatchResult(finding=Finding.NO_KNOWN_MATCH, matches=())

    def match_many(self, hashed: Sequence[Hashed]) -> list[MatchResult]:
        return [self.match(one) for one in hashed]

    def sift(self, item: Hashed, *, slack_bits: int) -> MatchResult | None:
        del slack_bits
        result = self.match(item)
        return None if result.matches else result


class PermittedForTests:
    """A gate that always stands open; the real one is tested in tests/oversight."""

    def require(self) -> None:
        """Nothing is refused."""


M = TypeVar("M")


def permitted(matcher: M) -> DetectionGate[M]:
    """A gate that is always open."""
    return DetectionGate(PermittedForTests(), lambda: matcher)


@dataclass
class Desk:
    """An intake with its parts in reach."""

    database: Database
    blobs: BlobStore = field(default_factory=MemoryBlobsForTests)
    matcher: MatcherForTests = field(default_factory=MatcherForTests)
    jail: JailForTests = field(default_factory=JailForTests)
    clock: FixedClock = field(default_factory=lambda: FixedClock(at=AT))

    @property
    def intake(self) -> Intake:
        return Intake(
            self.database,
            self.jail,
            permitted(self.matcher),
            SEAL,
            self.blobs,
            self.clock,
            open_case=open_case,
            references=REFERENCES,
        )

    def open(self, data: bytes = b"known picture", **context: object) -> CaseId:
        """A case by the front door."""
        self.matcher.learn(data)
        admission = self.intake.admit_file(
            data,
            context=Context(**context),  # type: ignore[arg-type]
            by=BY,
            origin=Origin.API_FILE,
        )
        assert admission.case_id is not None
        return admission.case_id

    def reviewed(self, data: bytes = b"known picture", by: Actor = PERSON_A) -> CaseId:
        """A case that one person has claimed and reviewed."""
        case_id = self.open(data)
        with self.database.begin() as tx:
            claim(tx, case_id, by, AT)
            finish_review(tx, case_id, by=by, at=AT)
        return case_id

    def case(self, case_id: CaseId) -> Case:
        with self.database.begin() as tx:
            return store.case(tx, case_id)

    def actions(self) -> list[str]:
        """The ledger's action names, in order."""
        with self.database.begin() as tx:
            return [
                row.action for row in tx.execute(text("SELECT action FROM ledger ORDER BY seq"))
            ]

    def row_counts(self) -> Mapping[str, int]:
        """How many rows every table has; none is left out."""
        with self.database.begin() as tx:
            names = [
                row.tablename
                for row in tx.execute(
                    text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
                )
                if row.tablename != "alembic_version"
            ]
            return {
                name: int(tx.execute(text(f"SELECT count(*) FROM {name}")).scalar_one())  # noqa: S608 - names from the catalogue
                for name in names
            }
