"""A case that met one entry, what a person does with it, and what would then be sent."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from cases.case_parts import PERSON_A, PICTURE, hashed_of
from tutela.accounts.model import Actor
from tutela.cases.claiming import claim
from tutela.cases.deciding import decide, finish_review
from tutela.cases.model import AgeBand, Verdict
from tutela.cases.opening import open_case
from tutela.evidence import store as evidence
from tutela.evidence.custody import put_sealed
from tutela.evidence.model import Submission, Viewed
from tutela.hashing.model import Pdq
from tutela.indicators.model import Match
from tutela.primitives.ids import CaseId, ExhibitId, SubmissionId
from tutela.reporting import composing
from tutela.reporting.model import CyberTip, TipFile
from tutela.review import viewing
from tutela.review.model import Rendition, ViewReason
from workflows.filing_world import CATEGORY, World

Look = Callable[[Connection, CaseId, Actor, World], None]
NO_LIST = "No matched entry of a hash list has this category."


def opened(
    world: World,
    match: Match,
    data: bytes = b"known",
    *,
    pdq: Pdq | None = PICTURE,
    **context: Any,
) -> CaseId:
    """A case about one sealed item that met this entry."""
    exhibit_id = ExhibitId.new()
    submission = Submission(
        id=SubmissionId.new(),
        origin="api_file",
        received_at=world.began,
        actor="acct_platform",
        reference_digest="",
        item_digest="",
    )
    sealed = put_sealed(data, exhibit_id=exhibit_id, seal=world.seal, blobs=world.blobs)
    with world.database.begin() as tx:
        evidence.add_submission(tx, submission, context=context, context_sealed=None)
        return open_case(
            tx,
            submission_id=submission.id,
            exhibit_id=exhibit_id,
            hashed=hashed_of(data, pdq=pdq),
            sealed=sealed,
            matches=[match],
            by="acct_platform",
            at=world.began,
        ).id


def judge(world: World, case_id: CaseId, *, by: Actor = PERSON_A, look: Look | None = None) -> None:
    """Claim, look, decide."""
    with world.database.begin() as tx:
        claim(tx, case_id, by, world.began)
        finish_review(tx, case_id, by=by, at=world.began)
        if look is not None:
            look(tx, case_id, by, world)
        decide(
            tx,
            case_id,
            by=by,
            at=world.began,
            verdict=Verdict.APPARENT_CSAM,
            category=CATEGORY,
            age_band=AgeBand.PUBESCENT,
        )


def composed(world: World, case_id: CaseId) -> tuple[CyberTip, TipFile]:
    """What would be sent now."""
    desk = world.desk(None)
    with world.database.begin() as tx:
        (exhibit,) = evidence.exhibits_of(tx, case_id)
        tip = composing.compose(tx, case_id, desk=desk, at=world.clock.now()).tip
        file = composing.describe(
            tx,
            case_id,
            exhibit.id,
            report_id="1",
            file_id="f",
            desk=desk,
            at=world.clock.now(),
        )
    return tip, file


def _exhibit(tx: Connection, case_id: CaseId) -> ExhibitId:
    (exhibit,) = evidence.exhibits_of(tx, case_id)
    return exhibit.id


def nothing(tx: Connection, case_id: CaseId, by: Actor, world: World) -> None:
    """No view at all."""


def rendition(tx: Connection, case_id: CaseId, by: Actor, world: World) -> None:
    viewing.note_rendition(
        tx,
        case_id=case_id,
        exhibit_id=_exhibit(tx, case_id),
        by=by,
        rendition=Rendition.BLUR,
        at=world.began,
    )


def full(*, shown: bool = True, entire: bool = True, close: bool = True) -> Look:
    def look(tx: Connection, case_id: CaseId, by: Actor, world: World) -> None:
        view = viewing.open_view(
            tx,
            case_id=case_id,
            exhibit_id=_exhibit(tx, case_id),
            by=by,
            reason=ViewReason.CATEGORY_UNCLEAR,
            at=world.began,
        )
        if shown:
            viewing.note_shown(tx, view.id, by=by, at=world.began, entire=entire)
        if close:
            viewing.close_view(tx, view.id, by=by, at=world.began + timedelta(seconds=9))

    return look


VIEWS: Mapping[str, tuple[Look, Viewed, str, bool]] = {
    "no view": (nothing, Viewed.NOTHING, "had opened nothing of the file", False),
    "rendition only": (
        rendition,
        Viewed.RENDITION,
        "had seen reduced forms of the file only and no full view of it",
        False,
    ),
    "opened, the picture never sent": (
        full(shown=False),
        Viewed.NOTHING,
        "had opened nothing of the file",
        False,
    ),
    "one frame of several": (
        full(entire=False),
        Viewed.PART,
        "had opened a full view of one frame or page of the file, not of all of it",
        False,
    ),
    "opened and closed": (
        full(),
        Viewed.ENTIRE,
        "had opened a full view of all of the file",
        True,
    ),
    "still open": (
        full(close=False),
        Viewed.ENTIRE,
        "had opened a full view of all of the file",
        True,
    ),
}
