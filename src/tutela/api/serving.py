"""What every face of the API is built on: the shield, the direct way, and the lookup face.

Processes that only look up hashes load this and no more of the API.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from tutela.adapters.shield import Shield
from tutela.api import documenting, faults, looking_up, state
from tutela.api.pacing import Pacing
from tutela.api.parts import LookupParts

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_KNOWN = re.compile(r"media|lookup|cases/[^/]+|law/(duties|gap|compare|draft)")
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class _Direct:
    """Hands a request to a route that reads it by itself, past the framework.

    Finding, wrapping and guarding such a route costs the framework more than its answer costs.
    """

    def __init__(self, app: ASGIApp, routes: "_Routes") -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._routes.get((scope.get("method"), scope.get("path")))
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await endpoint(request)
        except Exception as error:  # noqa: BLE001 - each becomes the one shape of errors
            response = faults.answer(request, error)
        response.raw_headers.extend(_RAW_HEADERS)
        await response(scope, receive, send)


_Routes = Mapping[tuple[object, object], Callable[[Request], Awaitable[Response]]]
"""What answers a method and a path."""


class Api(FastAPI):
    """FastAPI with the shield outside of everything, so that a broken answer has it too.

    Other faces may be mounted below it: what they set themselves stays.
    """

    direct: _Routes = MappingProxyType({})
    by_hand: Iterable[type[BaseModel]] = documenting.READ_BY_HAND

    def build_middleware_stack(self) -> ASGIApp:
        """The usual stack, inside the shield, and the direct way past both."""
        return _Direct(Shield(super().build_middleware_stack(), HEADERS), self.direct)

    def openapi(self) -> dict[str, Any]:
        """The description, with the bodies that are read by hand."""
        return documenting.completed(super().openapi(), self.by_hand)


def build_lookup(parts: LookupParts) -> Api:
    """Only the looking up of hashes, and the process's state: for processes that do nothing else.

    Asked for anything else it answers 404, and its description names what it has.
    """
    app = Api(
        title="Tutela lookup API",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    faults.install(app)
    include_direct(app, looking_up.router(parts, Pacing(per_minute=parts.requests_per_minute)))
    app.include_router(state.router(parts))
    close_off(app)
    return app


def include_direct(app: Api, router: APIRouter) -> None:
    """Describe the routes of `router`, and let them answer directly."""
    app.include_router(router)
    app.direct = {
        (method, route.path): route.endpoint
        for route in router.routes
        if isinstance(route, looking_up.ByHand)
        for method in route.methods or ()
    }


def close_off(app: FastAPI) -> None:
    """What is below /v1 and not known has our own error."""

    @app.api_route("/v1/{rest:path}", methods=_METHODS, include_in_schema=False)
    def nowhere(rest: str) -> None:
        raise HTTPException(405 if _KNOWN.fullmatch(rest) else 404)
