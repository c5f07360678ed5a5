"""/v1/law: the four questions to the lawbook. Nothing that is asked is stored."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, ParamSpec, Protocol

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from tutela.accounts.model import Actor, Permission
from tutela.adapters.web.fair_places import fair_threads
from tutela.api import documenting
from tutela.api.bodies import Day
from tutela.api.calling import caller_with
from tutela.api.law_bodies import CompareBody, DraftBody, DutiesBody
from tutela.api.pacing import Pacing
from tutela.api.parts import ApiParts
from tutela.api.reading import Body, in_time, read_json
from tutela.law.comparing import compare
from tutela.law.drafting import draft
from tutela.law.duties import duties
from tutela.law.gaps import USUAL, gap
from tutela.law.model import Status

P = ParamSpec("P")
Floor = Literal["verified", "single_reviewer", "secondary", "recalled"]
BODIES = (DutiesBody, CompareBody, DraftBody)
LARGEST_BYTES = 128 * 1024
"""200 facts with the longest names and texts take about 80 KiB."""


class Answer(Protocol):
    """What a question to the lawbook gives."""

    def as_json(self) -> Mapping[str, Any]:
        """The same for a program."""
        ...


def router(parts: ApiParts, pacing: Pacing) -> APIRouter:
    """The four addresses. Whoever has a key may read the law."""
    routes = APIRouter(prefix="/v1/law", tags=["law"], responses=documenting.ERRORS)
    admitted = caller_with(Permission.LAW_READ, parts=parts, pacing=pacing)
    reader = Annotated[Actor, Depends(admitted)]
    # A question computes for half a second, and two at once would take three times as long each:
    # one at a time, in a thread of its own, each key in its turn.
    threads = fair_threads(threads=1, per_key=1)

    async def answered(
        by: Actor, question: Callable[P, Answer], *given: P.args, **named: P.kwargs
    ) -> Response:
        """The answer as JSON, written in the thread too: a long one would hold up everybody."""
        return await threads.run(by.id, lambda: JSONResponse(question(*given, **named).as_json()))

    def asked(kind: type[Body]) -> Callable[..., Awaitable[Body]]:
        """Reads a body of that kind, of whoever may ask: FastAPI would read it before and whole."""

        async def read(request: Request, _by: reader) -> Body:
            reading = read_json(request, kind, max_bytes=LARGEST_BYTES)
            return await in_time(reading, seconds=parts.body_seconds)

        return read

    @routes.post(
        "/duties",
        openapi_extra=documenting.json_body(DutiesBody),
        summary="What binds a provider for a case, with clocks and traces",
    )
    async def ask_duties(
        by: reader, body: Annotated[DutiesBody, Depends(asked(DutiesBody))]
    ) -> Response:
        return await answered(
            by,
            duties,
            parts.book,
            body.facts,
            body.as_of or parts.clock.now(),
            floor=Status(body.status),
            jurisdictions=body.jurisdictions or None,
        )

    @routes.get("/gap", summary="A country's law assessed against treaties")
    async def ask_gap(
        by: reader,
        jurisdiction: Annotated[str, Query(description="US, GB, DE ...")],
        against: Annotated[str, Query(description="Instruments, separated by commas")] = ",".join(
            USUAL
        ),
        as_of: Annotated[Day | None, Query(description="The day whose law counts")] = None,
        status: Annotated[Floor, Query(description="The weakest status that counts")] = "secondary",
    ) -> Response:
        return await answered(
            by,
            gap,
            parts.book,
            jurisdiction,
            against=[each for each in against.split(",") if each.strip()],
            as_of=as_of or parts.clock.now().date(),
            floor=Status(status),
        )

    @routes.post(
        "/compare",
        openapi_extra=documenting.json_body(CompareBody),
        summary="Whether two laws punish the same conduct",
    )
    async def ask_compare(
        by: reader, body: Annotated[CompareBody, Depends(asked(CompareBody))]
    ) -> Response:
        return await answered(
            by,
            compare,
            parts.book,
            body.requesting,
            body.requested,
            body.conduct,
            purpose=body.purpose,
            as_of=_day(body.as_of, parts),
            floor=Status(body.status),
        )

    @routes.post(
        "/draft",
        openapi_extra=documenting.json_body(DraftBody),
        summary="Model clauses and the assessments they would turn",
    )
    async def ask_draft(
        by: reader, body: Annotated[DraftBody, Depends(asked(DraftBody))]
    ) -> Response:
        return await answered(
            by,
            draft,
            parts.book,
            body.jurisdiction,
            body.requirements,
            option=body.option,
            as_of=_day(body.as_of, parts),
            floor=Status(body.status),
        )

    return routes


def _day(as_of: date | datetime | None, parts: ApiParts) -> date:
    return as_of or parts.clock.now().date()
