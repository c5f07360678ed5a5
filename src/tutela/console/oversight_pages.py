"""Lists, ledger and help: pages to read."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from tutela.accounts.model import Permission
from tutela.accounts.permissions import require
from tutela.console.visiting import Form, Pages, Parts, Visitor
from tutela.indicators import listing
from tutela.ledger import chain
from tutela.ledger import store as ledger
from tutela.ledger.model import Verification

router = APIRouter()
_SHOWN_LINES = 100


@router.get("/lists")
def lists(request: Request, parts: Parts, pages: Pages, visit: Visitor) -> Response:
    """The hash lists with their provenance, policy and counts; nothing of their content."""
    require(visit.session.actor, Permission.LISTS_READ)
    with parts.database.begin() as tx:
        found = [(one, listing.counts(tx, one.id)) for one in listing.lists(tx)]
    return pages.page(request, "lists.html", visit=visit, lists=found)


@router.get("/ledger")
def show_ledger(request: Request, parts: Parts, pages: Pages, visit: Visitor) -> Response:
    """The latest lines."""
    return _ledger(request, parts, pages, visit, verification=None)


@router.post("/ledger/verify")
def verify(request: Request, parts: Parts, pages: Pages, visit: Visitor, fields: Form) -> Response:
    """Read the whole chain and say whether it holds."""
    del fields  # its token was checked
    require(visit.session.actor, Permission.LEDGER_READ)
    with parts.database.begin() as tx:
        verification = chain.verify(ledger.lines(tx))
    return _ledger(request, parts, pages, visit, verification=verification)


def _ledger(
    request: Request,
    parts: Parts,
    pages: Pages,
    visit: Visitor,
    *,
    verification: Verification | None,
) -> Response:
    """The ledger's page, newest line first."""
    require(visit.session.actor, Permission.LEDGER_READ)
    with parts.database.begin() as tx:
        head = ledger.head(tx)
        since = max(0, head.seq - _SHOWN_LINES) if head else 0
        lines = list(ledger.lines(tx, since=since))
    return pages.page(
        request,
        "ledger.html",
        visit=visit,
        lines=lines[::-1],
        head=head,
        verification=verification,
    )


@router.get("/help")
def show_help(request: Request, pages: Pages, visit: Visitor) -> Response:
    """Keys and advice for people who look at hard things."""
    return pages.page(request, "help.html", visit=visit)
