"""/healthz and /readyz: whether this process lives, and whether it can work."""

from collections.abc import Mapping
from datetime import datetime
from threading import Lock

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from tutela.api.parts import LookupParts
from tutela.primitives.errors import Unavailable


def router(parts: LookupParts) -> APIRouter:
    """Whether this process lives, and whether it can work."""
    routes = APIRouter()
    index = _IndexAge(parts)

    @routes.get("/healthz", tags=["state"], summary="Whether the process lives")
    def health() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz", tags=["state"], summary="Whether it can take items now")
    def ready() -> JSONResponse:
        checks = {"database": "ok", "index": "ok"}
        attention: Mapping[str, str] = {}
        try:
            checks["index"] = index.look(at=parts.clock.now())
            attention = parts.attention()
        except Unavailable as error:
            checks = {"database": error.what, "index": "not known while the database is away"}
        if parts.disk is not None:
            checks["disk"] = parts.disk()
        good = all(state == "ok" for state in checks.values())
        found = {"ready": good, "checks": checks, "attention": dict(attention)}
        return JSONResponse(found, status_code=200 if good else 503)

    return routes


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
