"""GET /v1/cases/{id}: how a case stands."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from tutela.accounts.model import Actor, Permission
from tutela.api import documenting
from tutela.api.answers import case_of
from tutela.api.bodies import CaseAnswer
from tutela.api.calling import caller_with
from tutela.api.pacing import Pacing
from tutela.api.parts import ApiParts
from tutela.cases import store as cases
from tutela.evidence import store as evidence
from tutela.evidence.ports import Opens
from tutela.primitives.errors import Misconfigured, NotFound
from tutela.primitives.ids import CaseId

_LOG = structlog.get_logger()


def router(parts: ApiParts, pacing: Pacing) -> APIRouter:
    """The addresses that only read."""
    routes = APIRouter()
    submitter = caller_with(Permission.MEDIA_SUBMIT, parts=parts, pacing=pacing)

    @routes.get(
        "/v1/cases/{case_id}",
        response_model=CaseAnswer,
        responses=documenting.ERRORS,
        tags=["cases"],
        summary="How far a case has come that this key handed in",
    )
    def case(case_id: str, by: Annotated[Actor, Depends(submitter)]) -> JSONResponse:
        wanted = CaseId.parse(case_id)
        with parts.database.begin() as tx:
            answer = _own_case(tx, wanted, by, parts.unsealer)
        return JSONResponse(answer.model_dump(mode="json"))

    return routes


def _own_case(tx: Connection, case_id: CaseId, by: Actor, unsealer: Opens) -> CaseAnswer:
    """A case that somebody else handed in is as unknown as one that does not exist."""
    found = cases.case(tx, case_id)
    submission = evidence.submission_of(tx, case_id)
    if submission.actor != by.id:
        raise NotFound("There is no such case")
    return case_of(
        found,
        item_reference=_reference(tx, case_id, unsealer),
        final=cases.final_decision(tx, case_id),
    )


def _reference(tx: Connection, case_id: CaseId, unsealer: Opens) -> str | None:
    """The service's name for the item; None when it was sealed to another key than this one's."""
    try:
        return cases.item_reference_of(tx, case_id, unsealer)
    except Misconfigured:
        _LOG.warning("item_reference_stays_sealed", case=case_id)
        return None
