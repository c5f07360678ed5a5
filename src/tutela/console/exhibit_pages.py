"""Pictures: renditions on request, the full view as a reasoned step. Never the uploaded bytes."""

import hashlib

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from tutela.accounts.model import Permission
from tutela.accounts.permissions import require
from tutela.console import answers
from tutela.console.case_pages import case_of
from tutela.console.parts import ConsoleParts
from tutela.console.protecting import POLICY_WITH_BEACON
from tutela.console.visiting import Form, Pages, Parts, Person, Visitor
from tutela.evidence import store as evidence
from tutela.evidence.custody import opened_bytes
from tutela.evidence.model import Exhibit
from tutela.primitives.errors import BadInput, Conflict, NotFound
from tutela.primitives.ids import ExhibitId, ViewingId
from tutela.review import viewing
from tutela.review.model import Rendition, ViewReason

router = APIRouter()
_SEE_OTHER = 303
_NO_CONTENT = 204


@router.get("/cases/{case_id}/exhibits/{exhibit_id}/rendition/{style}")
def rendition(parts: Parts, person: Person, case_id: str, exhibit_id: str, style: str) -> Response:
    """A reduced form as PNG; written down before it leaves."""
    require(person, Permission.EXHIBIT_RENDITION)
    if style not in set(Rendition):
        raise NotFound("There is no such rendition")
    chosen, case = Rendition(style), case_of(case_id)
    with parts.database.begin() as tx:
        exhibit = viewing.picture_of(tx, case_id=case, exhibit_id=_exhibit_of(exhibit_id))
    png = parts.media.rendition(_plain(parts, exhibit), chosen.value)
    with parts.database.begin() as tx:
        viewing.note_rendition(
            tx,
            case_id=case,
            exhibit_id=exhibit.id,
            by=person,
            rendition=chosen,
            at=parts.clock.now(),
        )
    return _png(png)


@router.post("/cases/{case_id}/exhibits/{exhibit_id}/view")
def open_view(
    parts: Parts, person: Person, fields: Form, case_id: str, exhibit_id: str
) -> Response:
    """Open the full view for a stated reason."""
    reason = answers.choice(ViewReason, fields.get("reason", ""), "A full view needs its reason")
    with parts.database.begin() as tx:
        opened = viewing.open_view(
            tx,
            case_id=case_of(case_id),
            exhibit_id=_exhibit_of(exhibit_id),
            by=person,
            reason=reason,
            at=parts.clock.now(),
        )
    return RedirectResponse(f"/views/{opened.id}", status_code=_SEE_OTHER)


@router.get("/views/{viewing_id}")
def show(request: Request, parts: Parts, pages: Pages, visit: Visitor, viewing_id: str) -> Response:
    """The page of an open view: the picture, the running time, the way out."""
    with parts.database.begin() as tx:
        current = viewing.still_open(
            tx, _viewing_of(viewing_id), by=visit.session.actor, at=parts.clock.now()
        )
    response = pages.page(
        request,
        "view.html",
        visit=visit,
        viewing=current,
        seconds=viewing.duration_seconds(current, parts.clock.now()),
        longest_seconds=int(viewing.LONGEST_VIEW.total_seconds()),
    )
    response.headers["Content-Security-Policy"] = POLICY_WITH_BEACON
    return response


@router.get("/views/{viewing_id}/picture")
def picture(parts: Parts, person: Person, viewing_id: str) -> Response:
    """The picture as a new PNG, only while the view is open and only for its person."""
    name = _viewing_of(viewing_id)
    with parts.database.begin() as tx:
        current = viewing.still_open(tx, name, by=person, at=parts.clock.now())
        exhibit = evidence.exhibit(tx, current.exhibit_id)
    plain = _plain(parts, exhibit)
    png = parts.media.full_view(plain)
    entire = parts.media.facts(plain).frames == 1
    with parts.database.begin() as tx:
        viewing.note_shown(tx, name, by=person, at=parts.clock.now(), entire=entire)
    return _png(png)


@router.post("/views/{viewing_id}/close")
def close(parts: Parts, person: Person, fields: Form, viewing_id: str) -> Response:
    """End the view; also called by a beacon when the page is left."""
    with parts.database.begin() as tx:
        closed = viewing.close_view(tx, _viewing_of(viewing_id), by=person, at=parts.clock.now())
    if fields.get("beacon"):
        return Response(status_code=_NO_CONTENT)
    return RedirectResponse(f"/cases/{closed.case_id}#picture", status_code=_SEE_OTHER)


def _plain(parts: ConsoleParts, exhibit: Exhibit) -> bytes:
    """The exhibit's bytes in memory, proven to be the ones that were handed in."""
    plain = opened_bytes(exhibit, blobs=parts.blobs, unsealer=parts.unsealer)
    if hashlib.sha256(plain).hexdigest() != exhibit.sha256:
        raise Conflict(
            "The unsealed evidence is not what was handed in",
            why="its SHA-256 differs from the one in the custody record",
            remedy="Do not decide on it. Tell the operator.",
        )
    return plain


def _png(data: bytes) -> Response:
    """A picture that no cache keeps and no other page embeds."""
    return Response(data, media_type="image/png")


def _exhibit_of(text: str) -> ExhibitId:
    """The exhibit a path names."""
    try:
        return ExhibitId.parse(text)
    except BadInput:
        raise NotFound("There is no such exhibit") from None


def _viewing_of(text: str) -> ViewingId:
    """The view a path names."""
    try:
        return ViewingId.parse(text)
    except BadInput:
        raise NotFound("There is no such view") from None
