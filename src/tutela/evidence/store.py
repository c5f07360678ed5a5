"""The room's tables: submissions, exhibits, holds, destructions. No row is ever removed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from tutela.evidence.model import Destruction, Exhibit, Hold, StoredContext, Submission
from tutela.primitives.database import METADATA
from tutela.primitives.errors import NotFound
from tutela.primitives.ids import CaseId, ExhibitId, HoldId, SubmissionId

SUBMISSIONS = Table(
    "submissions",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("origin", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("item_reference", Text, nullable=False),  # of earlier versions, until it is sealed
    Column("reference_digest", Text, nullable=False),
    Column("reference_sealed", LargeBinary),
    Column("item_digest", Text, nullable=False),
    Column("context", JSONB, nullable=False),
    Column("context_sealed", LargeBinary),
)
EXHIBITS = Table(
    "exhibits",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("submission_id", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("md5", Text, nullable=False),
    Column("sha1", Text, nullable=False),
    Column("size_bytes", BigInteger),
    Column("media_type", Text, nullable=False),
    Column("pdq", Text),
    Column("quality", Integer),
    Column("further_hashes", JSONB, nullable=False),
    Column("pipeline", Text, nullable=False),
    Column("blob_key", Text),
    Column("sealed_sha256", Text),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("destroyed_at", DateTime(timezone=True)),
)
HOLDS = Table(
    "holds",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("exhibit_id", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("until", DateTime(timezone=True)),
    Column("placed_at", DateTime(timezone=True), nullable=False),
    Column("released_at", DateTime(timezone=True)),
)
DESTRUCTIONS = Table(
    "destructions",
    METADATA,
    Column("exhibit_id", Text, primary_key=True),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("confirmed_by", Text),
    Column("confirmed_at", DateTime(timezone=True)),
)


def add_submission(
    tx: Connection,
    submission: Submission,
    *,
    context: Mapping[str, object],
    context_sealed: bytes | None,
    reference_sealed: bytes | None = None,
) -> bool:
    """Keep how a matched item came to us (`context` open, the other two sealed by age).

    False when the same actor has handed in the same item under the same reference before;
    one that is just being handed in elsewhere is waited for.
    """
    done = tx.execute(
        insert(SUBMISSIONS)
        .values(
            id=submission.id,
            origin=submission.origin,
            received_at=submission.received_at,
            actor=submission.actor,
            item_reference="",
            reference_digest=submission.reference_digest,
            reference_sealed=reference_sealed,
            item_digest=submission.item_digest,
            context=dict(context),
            context_sealed=context_sealed,
        )
        .on_conflict_do_nothing()
        .returning(SUBMISSIONS.c.id)
    )
    return done.first() is not None


def find_submission(
    tx: Connection, *, actor: str, reference_digest: str, item_digest: str
) -> Submission | None:
    """The submission that was admitted before under the same reference, by the same actor."""
    if not reference_digest:
        return None
    row = tx.execute(
        select(SUBMISSIONS).where(
            SUBMISSIONS.c.actor == actor,
            SUBMISSIONS.c.reference_digest == reference_digest,
            SUBMISSIONS.c.item_digest == item_digest,
        )
    ).first()
    return _submission(row) if row else None


def submission_of(tx: Connection, case_id: CaseId) -> Submission:
    """The submission behind a case; raises `NotFound`."""
    return _submission(_submission_row(tx, case_id))


def stored_context(tx: Connection, case_id: CaseId) -> StoredContext:
    """The context behind a case as it rests; raises `NotFound`."""
    row = _submission_row(tx, case_id)
    return StoredContext(
        opened=row.context,
        plain_reference=row.item_reference,
        reference_sealed=row.reference_sealed,
        personal_sealed=row.context_sealed,
    )


def _submission_row(tx: Connection, case_id: CaseId) -> Row[tuple[object, ...]]:
    row = tx.execute(
        select(SUBMISSIONS)
        .join(EXHIBITS, EXHIBITS.c.submission_id == SUBMISSIONS.c.id)
        .where(EXHIBITS.c.case_id == case_id)
        .order_by(EXHIBITS.c.id)
        .limit(1)
    ).first()
    if row is None:
        raise NotFound("There is no submission behind this case")
    return row


def add_exhibit(tx: Connection, exhibit: Exhibit, *, submission_id: SubmissionId) -> None:
    """Keep one exhibit's row."""
    tx.execute(
        insert(EXHIBITS).values(
            id=exhibit.id,
            case_id=exhibit.case_id,
            submission_id=submission_id,
            sha256=exhibit.sha256,
            md5=exhibit.md5,
            sha1=exhibit.sha1,
            size_bytes=exhibit.size_bytes,
            media_type=exhibit.media_type,
            pdq=exhibit.pdq,
            quality=exhibit.quality,
            further_hashes=list(exhibit.further_hashes),
            pipeline=exhibit.pipeline,
            blob_key=exhibit.blob_key,
            sealed_sha256=exhibit.sealed_sha256,
            received_at=exhibit.received_at,
            destroyed_at=exhibit.destroyed_at,
        )
    )


def exhibit(tx: Connection, exhibit_id: ExhibitId, *, for_update: bool = False) -> Exhibit:
    """One exhibit, `for_update` locks its row; raises `NotFound`."""
    query = select(EXHIBITS).where(EXHIBITS.c.id == exhibit_id)
    row = tx.execute(query.with_for_update() if for_update else query).first()
    if row is None:
        raise NotFound("There is no such exhibit")
    return _exhibit(row)


def exhibits_of(tx: Connection, case_id: CaseId) -> Sequence[Exhibit]:
    """The exhibits of a case, oldest first."""
    rows = tx.execute(select(EXHIBITS).where(EXHIBITS.c.case_id == case_id).order_by(EXHIBITS.c.id))
    return [_exhibit(row) for row in rows]


def hashes_of(
    tx: Connection, case_ids: Sequence[CaseId]
) -> Sequence[tuple[CaseId, str | None, int | None]]:
    """Case, PDQ hash and quality of every exhibit of these cases, in the order of the cases."""
    rows = tx.execute(
        select(EXHIBITS.c.case_id, EXHIBITS.c.pdq, EXHIBITS.c.quality)
        .where(EXHIBITS.c.case_id.in_(case_ids))
        .order_by(EXHIBITS.c.case_id, EXHIBITS.c.id)
    )
    return [(CaseId(case_id), pdq, quality) for case_id, pdq, quality in rows]


def sealed_contexts(tx: Connection, *, limit: int) -> Sequence[bytes]:
    """Sealed parts of the newest submissions that have one."""
    rows = tx.execute(
        select(SUBMISSIONS.c.context_sealed)
        .where(SUBMISSIONS.c.context_sealed.is_not(None))
        .order_by(SUBMISSIONS.c.id.desc())
        .limit(limit)
    )
    return [bytes(row.context_sealed) for row in rows]


def exhibits_kept(
    tx: Connection, *, after: str = "", limit: int | None = None
) -> Sequence[Exhibit]:
    """The exhibits whose bytes are still there, the oldest first; those after one, so many."""
    rows = tx.execute(
        select(EXHIBITS)
        .where(
            EXHIBITS.c.destroyed_at.is_(None),
            EXHIBITS.c.blob_key.is_not(None),
            EXHIBITS.c.id > after,
        )
        .order_by(EXHIBITS.c.id)
        .limit(limit)
    )
    return [_exhibit(row) for row in rows]


def exhibits_of_submission(tx: Connection, submission_id: SubmissionId) -> Sequence[Exhibit]:
    """The exhibits that one submission brought, oldest first."""
    rows = tx.execute(
        select(EXHIBITS).where(EXHIBITS.c.submission_id == submission_id).order_by(EXHIBITS.c.id)
    )
    return [_exhibit(row) for row in rows]


def known_blob_keys(tx: Connection, keys: Sequence[str]) -> frozenset[str]:
    """Which of `keys` an exhibit names (destroyed ones too)."""
    rows = tx.execute(select(EXHIBITS.c.blob_key).where(EXHIBITS.c.blob_key.in_(keys)))
    return frozenset(str(row.blob_key) for row in rows)


def note_destroyed(tx: Connection, exhibit_id: ExhibitId, *, at: datetime) -> None:
    """Note that the bytes are gone; the row and its hashes stay."""
    tx.execute(update(EXHIBITS).where(EXHIBITS.c.id == exhibit_id).values(destroyed_at=at))


def add_hold(tx: Connection, hold: Hold) -> None:
    """Keep one reason to preserve."""
    tx.execute(
        insert(HOLDS).values(
            id=hold.id,
            exhibit_id=hold.exhibit_id,
            case_id=hold.case_id,
            basis=hold.basis,
            until=hold.until,
            placed_at=hold.placed_at,
            released_at=hold.released_at,
        )
    )


def hold(tx: Connection, hold_id: HoldId, *, for_update: bool = False) -> Hold:
    """One hold; raises `NotFound`."""
    query = select(HOLDS).where(HOLDS.c.id == hold_id)
    row = tx.execute(query.with_for_update() if for_update else query).first()
    if row is None:
        raise NotFound("There is no such hold")
    return _hold(row)


def note_released(tx: Connection, hold_id: HoldId, *, at: datetime) -> None:
    """Note that a hold no longer binds."""
    tx.execute(update(HOLDS).where(HOLDS.c.id == hold_id).values(released_at=at))


def holds_of(tx: Connection, case_id: CaseId) -> Sequence[Hold]:
    """All holds of a case, oldest first, the released ones too."""
    rows = tx.execute(select(HOLDS).where(HOLDS.c.case_id == case_id).order_by(HOLDS.c.id))
    return [_hold(row) for row in rows]


def holds_of_exhibit(tx: Connection, exhibit_id: ExhibitId) -> Sequence[Hold]:
    """All holds of one exhibit, oldest first, the released ones too."""
    rows = tx.execute(select(HOLDS).where(HOLDS.c.exhibit_id == exhibit_id).order_by(HOLDS.c.id))
    return [_hold(row) for row in rows]


def cases_without_end(tx: Connection, *, bases: Collection[str]) -> Sequence[CaseId]:
    """The cases with a live hold on one of these bases that has no end yet, each once."""
    rows = tx.execute(
        select(HOLDS.c.case_id)
        .where(HOLDS.c.basis.in_(bases), HOLDS.c.until.is_(None), HOLDS.c.released_at.is_(None))
        .distinct()
        .order_by(HOLDS.c.case_id)
    )
    return [CaseId(row.case_id) for row in rows]


def destruction(tx: Connection, exhibit_id: ExhibitId) -> Destruction | None:
    """The request to destroy this exhibit, if somebody made one; its row is locked."""
    row = tx.execute(
        select(DESTRUCTIONS).where(DESTRUCTIONS.c.exhibit_id == exhibit_id).with_for_update()
    ).first()
    if row is None:
        return None
    return Destruction(
        exhibit_id=ExhibitId(row.exhibit_id),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        confirmed_by=row.confirmed_by,
        confirmed_at=row.confirmed_at,
    )


def add_destruction(tx: Connection, request: Destruction) -> None:
    """Keep a request to destroy."""
    tx.execute(
        insert(DESTRUCTIONS).values(
            exhibit_id=request.exhibit_id,
            requested_by=request.requested_by,
            requested_at=request.requested_at,
        )
    )


def note_confirmed(tx: Connection, exhibit_id: ExhibitId, *, by: str, at: datetime) -> None:
    """Note the second person's consent to destroy."""
    tx.execute(
        update(DESTRUCTIONS)
        .where(DESTRUCTIONS.c.exhibit_id == exhibit_id)
        .values(confirmed_by=by, confirmed_at=at)
    )


def _submission(row: Row[tuple[object, ...]]) -> Submission:
    return Submission(
        id=SubmissionId(row.id),
        origin=row.origin,
        received_at=row.received_at,
        actor=row.actor,
        reference_digest=row.reference_digest,
        item_digest=row.item_digest,
    )


def _exhibit(row: Row[tuple[object, ...]]) -> Exhibit:
    return Exhibit(
        id=ExhibitId(row.id),
        case_id=CaseId(row.case_id),
        sha256=row.sha256,
        md5=row.md5,
        sha1=row.sha1,
        size_bytes=row.size_bytes,
        media_type=row.media_type,
        pdq=row.pdq,
        quality=row.quality,
        further_hashes=tuple(row.further_hashes),
        pipeline=row.pipeline,
        blob_key=row.blob_key,
        sealed_sha256=row.sealed_sha256,
        received_at=row.received_at,
        destroyed_at=row.destroyed_at,
    )


def _hold(row: Row[tuple[object, ...]]) -> Hold:
    return Hold(
        id=HoldId(row.id),
        exhibit_id=ExhibitId(row.exhibit_id),
        case_id=CaseId(row.case_id),
        basis=row.basis,
        until=row.until,
        placed_at=row.placed_at,
        released_at=row.released_at,
    )
