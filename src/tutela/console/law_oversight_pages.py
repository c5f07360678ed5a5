"""One country's law for its parliament as a page: the parts that `tutela oversight pack` writes."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tutela.console.law_book_pages import frame
from tutela.console.law_reading import Read
from tutela.console.visiting import LAW_TURN, Pages, Parts, Visitor
from tutela.law.assessing import Assessor, Met
from tutela.oversight.pack import overview

router = APIRouter(dependencies=[LAW_TURN])


@router.get("/law/oversight")
def oversight_page(
    request: Request,
    parts: Parts,
    pages: Pages,
    visit: Visitor,
    read: Read,
    jurisdiction: Annotated[str, Query(max_length=10)],
) -> Response:
    """Ratification, gaps in figures, provider duties, questions and what is unknown."""
    assessor = Assessor(parts.book, as_of=read.as_of, floor=read.floor)
    language = pages.language(request).code
    seen = overview(parts.book, jurisdiction, assessor=assessor, language=language)

    def gaps_at(instrument: str) -> str:
        """The gaps of one instrument, read the same way."""
        asked = {
            "jurisdiction": jurisdiction,
            "against": instrument,
            "as_of": read.as_of.isoformat(),
            "status": read.floor.value,
        }
        return f"/law/gap?{urlencode(asked)}"

    return pages.page(
        request,
        "law_oversight_page.html",
        visit=visit,
        seen=seen,
        code=jurisdiction,
        outcomes=tuple(Met),
        places=parts.book.jurisdiction_entries,
        gaps_at=gaps_at,
        **frame(read),
    )
