"""The gate before every outward act: a report, an order, a message, the removal of evidence.

Such an act cannot be taken back, and a database that was put back from an older copy no longer
knows that it was done. So the ledger's head is noted outside the database (`noted_head`), and
while the noted line is not in the ledger nothing leaves and nothing is removed.

What makes it hold, for an act with its line in the ledger:
1. `clear` before anything is written: the noted line must stand in the ledger;
2. the act's own line is committed with its intent;
3. `clear` again, in the sender itself: the head, hence this line, is noted and flushed;
4. only now the act goes out.
A copy made before 2 lacks a line that was noted before 4, and is found. A copy made after 2
knows the intent, and an intent without an answer is looked into before anything is repeated.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from tutela.ledger import store
from tutela.ledger.actions import LedgerAction
from tutela.ledger.canonical import moment
from tutela.ledger.model import Anchor
from tutela.ledger.noted_head import Noted, NotedHead
from tutela.primitives.clock import Clock
from tutela.primitives.errors import BadInput, Unavailable

HEAD_NOTED = LedgerAction.LEDGER_HEAD_NOTED
"""The head was noted in a file for the first time: from here on a missing file is a lost one."""
WAITS = LedgerAction.OUTWARD_ACTS_WAIT
GO_ON = LedgerAction.OUTWARD_ACTS_GO_ON
RECONCILED = LedgerAction.LEDGER_RECONCILED
SUBJECT = "ledger"
_ACTED = (
    HEAD_NOTED,
    RECONCILED,
    LedgerAction.REPORT_OPENED,
    LedgerAction.REPORT_FINISHED,
    LedgerAction.RESTRICTION_DELIVERED,
    LedgerAction.EXHIBIT_DESTROYED,
)
"""Lines that show that there must be a file: it is made before the first of them."""
REMEDY = (
    "Nothing is reported, ordered, sent or destroyed meanwhile. Put the newest copy of the "
    "database back; or, when there is none, run `tutela ledger reconcile`"
)


class Reason(StrEnum):
    """Why outward acts wait."""

    SHORT = "the ledger ends before the noted line"
    REWRITTEN = "another line stands at the noted place"
    LOST = "the file with the noted head is gone"
    UNREADABLE = "the file with the noted head cannot be read"


class OutwardWaits(Unavailable):
    """An outward act must wait, because the database may be an older copy."""

    code: ClassVar[str] = "outward_waits"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Whether outward acts may leave (`why` empty), or why not, and what to do."""

    reason: Reason | None = None
    why: str = ""
    noted: Noted | None = None

    @property
    def open(self) -> bool:
        """Whether they may leave."""
        return self.reason is None

    @property
    def remedy(self) -> str:
        """What a person can do; empty when there is nothing to do."""
        return "" if self.open else REMEDY


class Clears(Protocol):
    """What a sender asks before it sends."""

    def clear(self) -> None:
        """Return when the act may leave now; raise `OutwardWaits` when it must wait."""
        ...


class Opens(Protocol):
    """A database (`primitives.database.Database`; this room knows no session)."""

    def begin(self) -> AbstractContextManager[Any]:
        """One transaction."""
        ...


class OutwardGate:
    """The one gate of an installation; every process that acts or shows its state has its own."""

    def __init__(self, database: Opens, file: NotedHead, clock: Clock) -> None:
        self._database = database
        self._file = file
        self._clock = clock
        self._marked = False  # the ledger says that the head is noted

    def clear(self) -> None:
        """Let one outward act pass: called right before it leaves, by the sender itself.

        Raises `OutwardWaits` while the noted line is not in the ledger, `Unavailable` when the
        database or the file's disk does not take part. When it returns, the head is noted.
        """
        standing = self._note()
        if not standing.open:
            raise OutwardWaits("Outward acts wait", why=standing.why, remedy=REMEDY)

    def look(self) -> Standing:
        """The same for the worker, many times a minute: it tells the ledger when this changes."""
        standing = self._note()
        with self._database.begin() as tx:
            waited = store.last_action(tx, (WAITS, GO_ON, RECONCILED)) == WAITS
            if waited == standing.open:
                store.append(
                    tx,
                    at=self._clock.now(),
                    actor="system",
                    action=GO_ON if standing.open else WAITS,
                    subject=SUBJECT,
                    detail={"why": standing.reason.value} if standing.reason else {},
                )
        return standing

    def standing(self, *, strict: bool = False) -> Standing:
        """How it stands, for whoever only shows it; changes nothing. Raises `Unavailable`.

        A process on another machine than the worker's does not have the file; there the worker's
        word in the ledger counts, unless `strict` says that the file belongs here.
        """
        with self._database.begin() as tx:
            found = self._standing(tx)
            if strict or found.reason is not Reason.LOST:
                return found
            waits = store.last_action(tx, (WAITS, GO_ON, RECONCILED)) == WAITS
            return found if waits else Standing()

    def announced(self) -> Standing | None:
        """The same for a page, which is drawn even while the database is away: then None."""
        try:
            return self.standing()
        except Unavailable:
            return None

    def reconcile(self, *, by: str, at: datetime) -> "Reconciled":
        """A person has looked: the ledger as it is now counts. Acts may leave from here on.

        The line in the ledger comes first; after a crash in between this is said again.
        """
        with self._database.begin() as tx:
            before = self._standing(tx)
            if before.reason is None:
                raise BadInput(
                    "There is nothing to reconcile",
                    why="the noted head of the ledger stands in it",
                )
            found = store.head(tx)
            until = before.noted.at if before.noted else at
            line = store.append(
                tx,
                at=at,
                actor=by,
                action=RECONCILED,
                subject=SUBJECT,
                detail={
                    "why": before.reason.value,
                    "noted": _as_json(before.noted.anchor if before.noted else None),
                    "found": _as_json(found),
                    "acts_until": moment(until),
                },
            )
        new = Anchor(seq=line.seq, digest=line.digest)
        self._file.replace(new, at=at)
        return Reconciled(
            reason=before.reason,
            old=before.noted.anchor if before.noted else None,
            found=found,
            new=new,
            acts_until=until,
        )

    def _note(self) -> Standing:
        """Look, and when all is well note today's head."""
        with self._database.begin() as tx:
            standing = self._standing(tx)
            head = store.head(tx) if standing.open else None
            marked = self._marked or bool(store.last_action(tx, (HEAD_NOTED,)))
        if head is None:
            return standing
        self._file.advance(head, at=self._clock.now())
        if not marked:  # the file first: a line without a file would say that one was lost
            with self._database.begin() as tx:
                store.append(
                    tx,
                    at=self._clock.now(),
                    actor="system",
                    action=HEAD_NOTED,
                    subject=SUBJECT,
                    detail={},
                )
        self._marked = True
        return standing

    def _standing(self, tx: Any) -> Standing:  # noqa: ANN401 - see `Opens`
        try:
            noted = self._file.read()
        except BadInput as error:
            return Standing(reason=Reason.UNREADABLE, why=f"{Reason.UNREADABLE} ({error.why})")
        if noted is None:
            if not store.last_action(tx, _ACTED):
                return Standing()  # a first start: nothing can have left
            return Standing(reason=Reason.LOST, why=f"{Reason.LOST} ({self._file.path})")
        there = next(store.lines(tx, since=noted.anchor.seq - 1, limit=1), None)
        if there is None:
            head = store.head(tx)
            why = (
                f"the database looks like an older copy: it ends at line {head.seq if head else 0} "
                f"of the ledger, and line {noted.anchor.seq} was noted at {moment(noted.at)}"
            )
            return Standing(reason=Reason.SHORT, why=why, noted=noted)
        if (there.seq, there.digest) != (noted.anchor.seq, noted.anchor.digest):
            why = (
                "the database looks like an older copy that went on, or another database: line "
                f"{noted.anchor.seq} of its ledger is not the one noted at {moment(noted.at)}"
            )
            return Standing(reason=Reason.REWRITTEN, why=why, noted=noted)
        return Standing(noted=noted)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reconciled:
    """What a person has settled: the head that was noted, the one found, the one noted now.

    `acts_until`: whatever left before and is not in the ledger left up to this moment.
    """

    reason: Reason
    old: Anchor | None
    found: Anchor | None
    new: Anchor
    acts_until: datetime


def lost_until(tx: Any) -> tuple[int, datetime] | None:  # noqa: ANN401 - see `Opens`
    """The newest reconciling: its line, and until when acts may have left that nobody knows of."""
    line = store.last_line(tx, RECONCILED)
    if line is None:
        return None
    return line.seq, datetime.fromisoformat(str(line.detail["acts_until"]))


def _as_json(anchor: Anchor | None) -> dict[str, object] | None:
    return {"seq": anchor.seq, "digest": anchor.digest} if anchor else None
