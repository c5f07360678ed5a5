"""Verifying evidence: every sealed item is read back and compared with its custody record.

For each exhibit whose bytes must be there: 1. its blob is in the store; 2. the sealed bytes have
the SHA-256 that was noted; 3. the key opens them; 4. what comes out has the noted size and
SHA-256. What is wrong is noted once, with one line in the ledger, and stays noted until the
exhibit is whole again. A round that is interrupted goes on where it was.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection

from tutela.evidence import store
from tutela.evidence import verification_store as notes
from tutela.evidence.custody import PlainBytesDiffer, SealedBytesDiffer, opened_bytes
from tutela.evidence.model import Exhibit
from tutela.evidence.ports import BlobStore, Opens
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.clock import Clock
from tutela.primitives.database import Database
from tutela.primitives.errors import Misconfigured, NotFound
from tutela.primitives.ids import CaseId, ExhibitId

_BATCH = 100


class Fault(StrEnum):
    """What is wrong with a sealed item."""

    MISSING = "missing"  # the store does not have it
    DAMAGED = "damaged"  # the sealed bytes are not the ones that were sealed, or do not open
    DIFFERENT = "different"  # it opens, to something else than was handed in


_WRITTEN_AS = {
    None: LedgerAction.EXHIBIT_WHOLE_AGAIN,
    Fault.MISSING: LedgerAction.EXHIBIT_MISSING,
    Fault.DAMAGED: LedgerAction.EXHIBIT_DAMAGED,
    Fault.DIFFERENT: LedgerAction.EXHIBIT_DIFFERENT,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One exhibit that is not as it was sealed."""

    exhibit_id: ExhibitId
    case_id: CaseId
    fault: Fault


@dataclass(kw_only=True, slots=True)
class Verified:
    """What a run did. `before`: how many an interrupted run had checked already."""

    checked: int = 0
    before: int = 0
    finished: bool = False
    found: list[Found] = field(default_factory=list)


class Verifier:
    """Reads evidence back, on behalf of `actor` (as the ledger names it)."""

    def __init__(
        self, database: Database, blobs: BlobStore, opens: Opens, clock: Clock, *, actor: str
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._opens = opens
        self._clock = clock
        self._actor = actor

    def go_on(
        self,
        name: str,
        *,
        more: Callable[[Verified], bool] = lambda _: True,
        restart: bool = False,
    ) -> Verified:
        """Go on with the round `name`, or begin the next one, while `more` says so.

        Raises `Unavailable` when the store or the database is away; what was checked stays noted.
        """
        done = Verified(before=self._taken_up(name, restart=restart))
        for exhibit in self._rest(name):
            if not more(done):
                return done
            self._check(exhibit, done, round_name=name)
        with self._database.begin() as tx:
            notes.finish(tx, name, at=self._clock.now())
        done.finished = True
        return done

    def check_these(
        self, chosen: Iterable[ExhibitId], *, on_each: Callable[[Verified], object]
    ) -> Verified:
        """Check some exhibits, in no round."""
        done = Verified()
        for exhibit_id in chosen:
            with self._database.begin() as tx:
                exhibit = store.exhibit(tx, exhibit_id)
            self._check(exhibit, done, round_name=None)
            on_each(done)
        done.finished = True
        return done

    def _taken_up(self, name: str, *, restart: bool) -> int:
        with self._database.begin() as tx:
            current = notes.current(tx, name)
            if current is None or current.finished_at is not None or restart:
                notes.begin(tx, name, at=self._clock.now())
                return 0
            return current.checked

    def _rest(self, name: str) -> Iterator[Exhibit]:
        with self._database.begin() as tx:
            current = notes.current(tx, name)
        after = current.after if current else ""
        while batch := self._batch(after):
            yield from batch
            after = batch[-1].id

    def _batch(self, after: str) -> Sequence[Exhibit]:
        with self._database.begin() as tx:
            return store.exhibits_kept(tx, after=after, limit=_BATCH)

    def _check(self, exhibit: Exhibit, done: Verified, *, round_name: str | None) -> None:
        fault = fault_of(exhibit, self._blobs, self._opens)
        at = self._clock.now()
        with self._database.begin() as tx:
            if fault is not None and _may_be_gone(store.exhibit(tx, exhibit.id), tx):
                fault = None
            if round_name is not None:
                notes.passed(tx, round_name, exhibit.id)
            before = notes.open_fault(tx, exhibit.id)
            if fault is not None and before != fault:
                notes.note_fault(tx, exhibit.id, fault, at=at)
            elif fault is None and before is not None:
                notes.settle(tx, exhibit.id, at=at)
            if before != fault:  # last: others wait for the ledger from here on
                ledger.append(
                    tx,
                    at=at,
                    actor=self._actor,
                    action=_WRITTEN_AS[fault],
                    subject=exhibit.id,
                    detail={"case": exhibit.case_id},
                )
        done.checked += 1
        if fault is not None:
            done.found.append(Found(exhibit_id=exhibit.id, case_id=exhibit.case_id, fault=fault))


def fault_of(exhibit: Exhibit, blobs: BlobStore, opens: Opens) -> Fault | None:
    """What is wrong with an exhibit whose bytes must be there; None when it is whole."""
    try:
        opened_bytes(exhibit, blobs=blobs, unsealer=opens)
    except NotFound:
        return Fault.MISSING
    except (SealedBytesDiffer, Misconfigured):
        return Fault.DAMAGED
    except PlainBytesDiffer:
        return Fault.DIFFERENT
    return None


def _may_be_gone(exhibit: Exhibit, tx: Connection) -> bool:
    """Whether two persons have agreed meanwhile to destroy it."""
    if exhibit.destroyed_at is not None:
        return True
    asked = store.destruction(tx, exhibit.id)
    return asked is not None and asked.confirmed_at is not None
