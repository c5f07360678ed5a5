"""Admitting: hash, match, and only when it matches keep anything at all.

0. ask whether a basis in law lets known material be looked for today; without one nothing is
   even hashed;
1. hash the item in the jail (a precomputed hash skips this), in fast mode perhaps twice
   (`examining`);
2. match it;
3. no match, or it cannot be matched: answer, and write nothing anywhere;
4. the same item under the same reference by the same actor: answer with its case;
5. seal the bytes and put the sealed form (`evidence.custody`, which says why in this order);
6. one transaction: submission, case, exhibit, matches, hold, ledger lines.
Step 4 also finds out that the database is away before anything was stored.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from tutela.evidence import custody, provenance
from tutela.evidence import store as evidence
from tutela.evidence.custody import Sealed, Sealing
from tutela.evidence.model import Submission
from tutela.evidence.ports import BlobStore
from tutela.evidence.references import ReferenceKey, sealed_reference
from tutela.hashing.model import Hashed, Mode
from tutela.indicators.model import Finding, MatchResult
from tutela.intake.examining import examined
from tutela.intake.model import Admission, Context, Origin
from tutela.intake.ports import Gate, Jail, OpenCase
from tutela.primitives.clock import Clock
from tutela.primitives.database import Database
from tutela.primitives.errors import Conflict, TutelaError
from tutela.primitives.ids import ExhibitId, SubmissionId


class Intake:
    """The one door through which items come in; safe to use from several threads."""

    def __init__(  # noqa: PLR0917 - database, decoders, gate, seal, blobs and clock
        self,
        database: Database,
        jail: Jail,
        gate: Gate,
        seal: Sealing,
        blobs: BlobStore,
        clock: Clock,
        *,
        open_case: OpenCase,
        references: ReferenceKey,
        mode: Mode = Mode.EXACT,
    ) -> None:
        self._database = database
        self._jail = jail
        self._gate = gate
        self._seal = seal
        self._blobs = blobs
        self._clock = clock
        self._open_case = open_case
        self._references = references
        self._mode = mode

    def admit_file(
        self,
        data: bytes | Path,
        *,
        context: Context,
        by: str,
        origin: Origin,
        mode: Mode | None = None,
    ) -> Admission:
        """Take in one file; `mode` is this intake's own when not given.

        Raises `Refused` when no basis lets it be matched today, `BadInput` when it cannot be
        read, `Unavailable` when the decoder, the disk or the database is away; then nothing
        about it was stored.
        """
        at = self._clock.now()
        answer = self.examine_file(data, mode=mode)  # 1, 2
        return self._admit(answer, data, context=context, by=by, origin=origin, at=at)

    def examine_file(self, data: bytes | Path, *, mode: Mode | None = None) -> Admission:
        """What taking in this file would find. Nothing is stored, whatever the answer."""
        matcher = self._gate.open()  # 0
        hashed, result = examined(data, mode=mode or self._mode, jail=self._jail, matcher=matcher)
        return Admission(result=result, hashed=hashed)

    def admit_hashes(
        self, hashed: Hashed, *, context: Context, by: str, origin: Origin
    ) -> Admission:
        """Take in hashes that the service computed itself; its case has no bytes."""
        at = self._clock.now()
        matcher = self._gate.open()  # 0
        answer = Admission(result=matcher.match(hashed), hashed=hashed)  # 2
        return self._admit(answer, None, context=context, by=by, origin=origin, at=at)

    def look_up(self, hashes: Sequence[Hashed]) -> list[MatchResult]:
        """What each would match, in the same order. Nothing is stored, whatever the answer."""
        return self._gate.open().match_many(hashes)  # 0

    def _admit(
        self,
        answer: Admission,
        data: bytes | Path | None,
        *,
        context: Context,
        by: str,
        origin: Origin,
        at: datetime,
    ) -> Admission:
        if answer.result.finding is not Finding.MATCHED:  # 3
            return answer
        submission = Submission(
            id=SubmissionId.new(),
            origin=origin.value,
            received_at=at,
            actor=by,
            reference_digest=self._references.digest(context.item_reference, actor=by),
            item_digest=item_digest(answer.hashed),
        )
        with self._database.begin() as tx:  # 4
            known = _admitted_before(tx, submission, answer)
        if known is not None:
            return known
        exhibit_id, sealed = ExhibitId.new(), None
        if data is not None:  # 5
            sealed = self._put(data, answer.hashed, exhibit_id)
        return self._open(submission, context, answer, exhibit_id=exhibit_id, sealed=sealed)

    def _put(self, data: bytes | Path, hashed: Hashed, exhibit_id: ExhibitId) -> Sealed:
        """Step 5, in memory for what came in memory, else from file to store."""
        if isinstance(data, bytes):
            return custody.put_sealed(
                data, exhibit_id=exhibit_id, seal=self._seal, blobs=self._blobs
            )
        return custody.put_sealed_file(
            data,
            sha256=hashed.digests.sha256,
            exhibit_id=exhibit_id,
            seal=self._seal,
            blobs=self._blobs,
        )

    def _open(
        self,
        submission: Submission,
        context: Context,
        answer: Admission,
        *,
        exhibit_id: ExhibitId,
        sealed: Sealed | None,
    ) -> Admission:
        """Step 6. When another upload of the same item was faster, its case is the answer."""
        personal = provenance.personal_part(context)
        context_sealed = self._seal.seal(personal) if personal is not None else None
        reference_sealed = sealed_reference(
            context.item_reference, context.service.strip(), seal=self._seal
        )
        with self._database.begin() as tx:
            added = evidence.add_submission(
                tx,
                submission,
                context=provenance.open_part(context),
                context_sealed=context_sealed,
                reference_sealed=reference_sealed,
            )
            if added:
                case = self._open_case(
                    tx,
                    submission_id=submission.id,
                    exhibit_id=exhibit_id,
                    hashed=answer.hashed,
                    sealed=sealed,
                    matches=answer.result.matches,
                    by=submission.actor,
                    at=submission.received_at,
                )
                return replace(
                    answer,
                    submission_id=submission.id,
                    exhibit_id=exhibit_id,
                    case_id=case.id,
                )
            known = _admitted_before(tx, submission, answer)
        if sealed is not None:
            with suppress(TutelaError):  # no transaction names it; else it stays an orphan
                self._blobs.delete(sealed.blob_key)
        if known is None:
            raise Conflict("The item could not be stored", remedy="Hand it in again.")
        return known


def item_digest(hashed: Hashed) -> str:
    """What tells this item from others: the SHA-256, or the strongest hash that came."""
    digests = hashed.digests
    if digests.sha256:
        return digests.sha256.hex()
    if digests.sha1:
        return f"sha1:{digests.sha1.hex()}"
    if digests.md5:
        return f"md5:{digests.md5.hex()}"
    return f"pdq:{hashed.pdq.hex}" if hashed.pdq else ""


def _admitted_before(tx: Connection, submission: Submission, answer: Admission) -> Admission | None:
    """The answer that an earlier upload of the same item got, or None."""
    known = evidence.find_submission(
        tx,
        actor=submission.actor,
        reference_digest=submission.reference_digest,
        item_digest=submission.item_digest,
    )
    if known is None:
        return None
    exhibit = evidence.exhibits_of_submission(tx, known.id)[0]
    return replace(
        answer,
        submission_id=known.id,
        exhibit_id=exhibit.id,
        case_id=exhibit.case_id,
        already_known=True,
    )
