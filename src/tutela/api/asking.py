"""GET /v1/cases/{id}, /healthz and /readyz: how things stand."""

from datetime import datetime
from threading import Lock
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from tutela.accounts.model import Actor, Permission
from tutela.api import documenting
from tutela.api.answers import case_of
from tutela.api.bodies import CaseAnswer
from tutela.api.calling import caller_with
from tutela.api.pacing import Pacing
from tutela.api.parts import ApiParts, LookupParts
from tutela.cases import store as cases
from tutela.evidence import store as evidence
from tutela.primitives.errors import NotFound, Unavailable
from tutela.primitives.ids import CaseId


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
            answer = _own_case(tx, wanted, by)
        return JSONResponse(answer.model_dump(mode="json"))

    return routes


def state_router(parts: LookupParts) -> APIRouter:
    """Whether this process lives, and whether it can work."""
    routes = APIRouter()
    index = _IndexAge(parts)

    @routes.get("/healthz", tags=["state"], summary="Whether the process lives")
    def health() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz", tags=["state"], summary="Whether it can take items now")
    def ready() -> JSONResponse:
        checks = {"database": "ok", "index": "ok"}
        try:
            checks["index"] = index.look(at=parts.clock.now())
        except Unavailable as error:
            checks = {"database": error.what, "index": "not known while the database is away"}
        good = all(state == "ok" for state in checks.values())
        return JSONResponse({"ready": good, "checks": checks}, status_code=200 if good else 503)

    return routes


def _own_case(tx: Connection, case_id: CaseId, by: Actor) -> CaseAnswer:
    """A case that somebody else handed in is as unknown as one that does not exist."""
    found = cases.case(tx, case_id)
    submission = evidence.submission_of(tx, case_id)
    if submission.actor != by.id:
        raise NotFound("There is no such case")
    return case_of(found, item_reference=submission.item_reference)


class _IndexAge:
    """Remembers since when the index lags behind the database; a short lag is normal."""

    def __init__(self, parts: LookupParts) -> None:
        self._parts = parts
        self._behind_since: datetime | None = None
        self._lock = Lock()

    def look(self, *, at: datetime) -> str:
        """`ok`, or why not; raises `Unavailable` when the database is away."""
        state = self._parts.index_state()
        with self._lock:
            if state.change >= state.database_change:
                self._behind_since = None
                return "ok"
            self._behind_since = self._behind_since or at
            lag_s = (at - self._behind_since).total_seconds()
        if lag_s <= self._parts.index_lag_s:
            return "ok"
        return f"the index is {lag_s:.0f} s behind the lists"
