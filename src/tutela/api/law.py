"""/v1/law: the four questions to the lawbook. Nothing that is asked is stored."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from tutela.accounts.model import Actor, Permission
from tutela.api import documenting
from tutela.api.calling import caller_with
from tutela.api.law_bodies import CompareBody, DraftBody, DutiesBody
from tutela.api.pacing import Pacing
from tutela.api.parts import ApiParts
from tutela.law.comparing import compare
from tutela.law.drafting import draft
from tutela.law.duties import duties
from tutela.law.gaps import USUAL, gap
from tutela.law.model import Status

Floor = Literal["verified", "single_reviewer", "secondary", "recalled"]


def router(parts: ApiParts, pacing: Pacing) -> APIRouter:
    """The four addresses. Whoever has a key may read the law."""
    routes = APIRouter(prefix="/v1/law", tags=["law"], responses=documenting.ERRORS)
    reader = Annotated[Actor, Depends(caller_with(Permission.LAW_READ, parts=parts, pacing=pacing))]

    @routes.post("/duties", summary="What binds a provider for a case, with clocks and traces")
    def ask_duties(body: DutiesBody, _by: reader) -> JSONResponse:
        answer = duties(
            parts.book,
            body.facts,
            body.as_of or parts.clock.now(),
            floor=Status(body.status),
            jurisdictions=body.jurisdictions or None,
        )
        return JSONResponse(answer.as_json())

    @routes.get("/gap", summary="A country's law assessed against treaties")
    def ask_gap(
        _by: reader,
        jurisdiction: Annotated[str, Query(description="US, GB, DE ...")],
        against: Annotated[str, Query(description="Instruments, separated by commas")] = ",".join(
            USUAL
        ),
        as_of: Annotated[date | None, Query(description="The day whose law counts")] = None,
        status: Annotated[Floor, Query(description="The weakest status that counts")] = "secondary",
    ) -> JSONResponse:
        answer = gap(
            parts.book,
            jurisdiction,
            against=[each for each in against.split(",") if each.strip()],
            as_of=as_of or parts.clock.now().date(),
            floor=Status(status),
        )
        return JSONResponse(answer.as_json())

    @routes.post("/compare", summary="Whether two laws punish the same conduct")
    def ask_compare(body: CompareBody, _by: reader) -> JSONResponse:
        answer = compare(
            parts.book,
            body.requesting,
            body.requested,
            body.conduct,
            purpose=body.purpose,
            as_of=_day(body.as_of, parts),
            floor=Status(body.status),
        )
        return JSONResponse(answer.as_json())

    @routes.post("/draft", summary="Model clauses and the assessments they would turn")
    def ask_draft(body: DraftBody, _by: reader) -> JSONResponse:
        answer = draft(
            parts.book,
            body.jurisdiction,
            body.requirements,
            option=body.option,
            as_of=_day(body.as_of, parts),
            floor=Status(body.status),
        )
        return JSONResponse(answer.as_json())

    return routes


def _day(as_of: date | datetime | None, parts: ApiParts) -> date:
    return as_of or parts.clock.now().date()
