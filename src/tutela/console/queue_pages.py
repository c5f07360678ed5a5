"""The queue: what waits for a person."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tutela.console.visiting import Pages, Parts, Visitor
from tutela.review import viewing
from tutela.review.queueing import Shelf, queue

router = APIRouter()


@router.get("/queue")
def show_queue(request: Request, parts: Parts, pages: Pages, visit: Visitor) -> Response:
    """One shelf of the queue; forgotten views are ended on the way."""
    shelf = _shelf(request.query_params.get("shelf", ""))
    wanted = request.query_params.get("page", "1")
    page = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 7 else 1  # noqa: PLR2004 - digits
    with parts.database.begin() as tx:
        found = queue(tx, visit.session.actor, shelf=shelf, page=page)
        viewing.close_expired(tx, at=parts.clock.now())
    return pages.page(request, "queue.html", visit=visit, queue=found, shelves=list(Shelf))


def _shelf(name: str) -> Shelf:
    """The shelf of that name; what is open unless another is asked for."""
    try:
        return Shelf(name)
    except ValueError:
        return Shelf.OPEN
