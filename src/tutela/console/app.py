"""The reviewer's pages as one ASGI application."""

from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tutela.adapters.shield import Shield
from tutela.adapters.web.fair_places import Crowded, FairPlaces
from tutela.adapters.web.faults import note_fault
from tutela.console import (
    case_pages,
    exhibit_pages,
    law_book_pages,
    law_oversight_pages,
    law_pages,
    law_question_pages,
    oversight_pages,
    protecting,
    queue_pages,
    sign_in_pages,
)
from tutela.console.parts import ConsoleParts
from tutela.console.rendering import Renderer
from tutela.console.sign_in_queue import SignInQueue
from tutela.console.visiting import SignInNeeded
from tutela.primitives.errors import NotFound, TutelaError

_STATIC = Path(__file__).resolve().parent / "static"
_SEE_OTHER = 303
_METHOD_NOT_ALLOWED = 405


def build(parts: ConsoleParts) -> FastAPI:
    """The console on `parts`. Mount it at the root of its host: its paths are absolute."""
    app = FastAPI(
        title="Tutela console",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # the address of such an answer would repeat the Host header
    )
    app.state.parts = parts
    app.state.renderer = Renderer(parts)
    app.state.sign_ins = SignInQueue()
    app.state.law_pages = FairPlaces(total=2, per_key=1)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    for room in (
        sign_in_pages,
        queue_pages,
        case_pages,
        exhibit_pages,
        oversight_pages,
        law_pages,
        law_question_pages,
        law_oversight_pages,
        law_book_pages,
    ):
        app.include_router(room.router)
    app.add_exception_handler(SignInNeeded, _to_sign_in)
    app.add_exception_handler(TutelaError, _told)
    app.add_exception_handler(RequestValidationError, _not_here)
    app.add_exception_handler(HTTPException, _not_here)
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(Shield, headers=protecting.HEADERS)
    return app


def _to_sign_in(request: Request, _error: Exception) -> Response:
    """Ask for a sign-in and come back to the page that was wanted."""
    wanted = request.url.path if request.method == "GET" else ""
    target = "/sign-in" + (f"?next={quote(wanted)}" if wanted not in {"", "/"} else "")
    return RedirectResponse(target, status_code=_SEE_OTHER)


def _told(request: Request, error: Exception) -> Response:
    """One of our errors: what, why and what to do."""
    if not isinstance(error, TutelaError):
        return _broken(request, error)
    if isinstance(error, protecting.ConnectionEnded):
        return Response(status_code=error.http_status)  # no page is drawn for nobody
    response = _error_page(request, error, status=error.http_status)
    if isinstance(error, Crowded):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _not_here(request: Request, error: Exception) -> Response:
    """A path, method or parameter that no page has."""
    status = error.status_code if isinstance(error, HTTPException) else NotFound.http_status
    if status == _METHOD_NOT_ALLOWED:
        told = TutelaError(
            "This page cannot be opened that way", remedy="Use the links and buttons of the pages."
        )
        return _error_page(request, told, status=status)
    return _error_page(
        request,
        NotFound("There is no such page", remedy="Go back to the queue."),
        status=status,
    )


def _broken(request: Request, error: Exception) -> Response:
    """A fault of this program: nothing of it is shown, the log has kind and place."""
    note_fault(error, face="console")
    told = TutelaError(
        "Something broke on our side",
        remedy="Nothing more was stored. Try again; if it stays, tell the operator the time.",
    )
    response = _error_page(request, told, status=TutelaError.http_status)
    for name, value in protecting.HEADERS.items():  # this answer passes outside the shield
        response.headers.setdefault(name, value)
    return response


def _error_page(request: Request, error: TutelaError, *, status: int) -> Response:
    """The page for any error, with the navigation where somebody is signed in."""
    renderer: Renderer = request.app.state.renderer
    return renderer.page(
        request,
        "error.html",
        visit=getattr(request.state, "visit", None),
        status=status,
        error=error,
        reasons=getattr(error, "reasons", ()),
    )
