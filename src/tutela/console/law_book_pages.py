"""What the lawbook holds, page by page: places, instruments, requirements, entries, sources."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tutela.console.law_reading import FLOORS, Read
from tutela.console.visiting import LAW_TURN, Pages, Parts, Visitor
from tutela.law.assessing import Assessor
from tutela.oversight import law_pages as shown
from tutela.oversight.timeline import of_instrument, of_place

router = APIRouter(dependencies=[LAW_TURN])


def frame(read: Read) -> dict[str, Any]:
    """What every page of the law needs beside its own facts."""
    return {"layout": "layout.html", "reading": read, "link": read.link, "floors": FLOORS}


@router.get("/law")
def hub(request: Request, parts: Parts, pages: Pages, visit: Visitor, read: Read) -> Response:
    """The way in: search, the four questions, places and instruments."""
    return pages.page(
        request,
        "law.html",
        visit=visit,
        places=parts.book.jurisdiction_entries,
        instruments=parts.book.instruments,
        digest=parts.book.digest,
        **frame(read),
    )


@router.get("/law/search")
def search(
    request: Request,
    parts: Parts,
    pages: Pages,
    visit: Visitor,
    read: Read,
    q: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Entries that hold every word asked for."""
    found = shown.search(parts.book, q)
    return pages.page(
        request,
        "law_search.html",
        visit=visit,
        query=q,
        found=found,
        most=shown.MOST_FOUND,
        **frame(read),
    )


@router.get("/law/places/{code}")
def place(
    request: Request, parts: Parts, pages: Pages, visit: Visitor, read: Read, code: str
) -> Response:
    """Everything recorded of one jurisdiction, on a day."""
    found = shown.place(parts.book, code, on=read.as_of)
    line = of_place(parts.book, code, day=read.as_of)
    return pages.page(
        request, "law_place_page.html", visit=visit, place=found, line=line, **frame(read)
    )


@router.get("/law/instruments/{name}")
def instrument(
    request: Request, parts: Parts, pages: Pages, visit: Visitor, read: Read, name: str
) -> Response:
    """One instrument and its requirements."""
    found = parts.book.instrument(name)
    return pages.page(
        request,
        "law_instrument_page.html",
        visit=visit,
        instrument=found,
        requirements=parts.book.requirements_of(found.id),
        line=of_instrument(parts.book, found, day=read.as_of),
        **frame(read),
    )


@router.get("/law/requirements/{name}")
def requirement(
    request: Request, parts: Parts, pages: Pages, visit: Visitor, read: Read, name: str
) -> Response:
    """One requirement, and every state's law beside its elements."""
    found = parts.book.requirement(name)
    assessor = Assessor(parts.book, as_of=read.as_of, floor=read.floor)
    return pages.page(
        request,
        "law_requirement_page.html",
        visit=visit,
        requirement=found,
        rows=shown.matrix(assessor, found),
        **frame(read),
    )


@router.get("/law/entries/{kind}/{name}")
def entry(
    request: Request,
    parts: Parts,
    pages: Pages,
    visit: Visitor,
    read: Read,
    kind: str,
    name: str,
) -> Response:
    """One entry in all its editions, statement by statement."""
    editions = shown.editions(parts.book, kind, name)
    return pages.page(
        request,
        "law_entry_page.html",
        visit=visit,
        kind=kind,
        name=name,
        editions=editions,
        origin=parts.book.origins.get(f"{kind} {name}"),
        **frame(read),
    )


@router.get("/law/sources/{name}")
def source(
    request: Request, parts: Parts, pages: Pages, visit: Visitor, read: Read, name: str
) -> Response:
    """One source and what rests on it."""
    found, citing = shown.resting_on(parts.book, name)
    return pages.page(
        request, "law_source_page.html", visit=visit, source=found, citing=citing, **frame(read)
    )
