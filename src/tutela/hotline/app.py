"""The public's pages: report without an account, come back with a code. Works without scripts.

This process holds only the sealing key: it can store a tip, never read one.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from tutela.adapters.web.faults import note_fault
from tutela.adapters.web.networks import LOOPBACK, network_of
from tutela.hotline.pace import Pace
from tutela.hotline.rendering import Renderer
from tutela.intake.form import QUESTIONS
from tutela.intake.tips import Sealing, Tip, answers_of, by_receipt, hand_in, require_code
from tutela.primitives.clock import Clock
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, NotFound, TutelaError

_HERE = Path(__file__).parent
_LONGEST = sum(question.max_length for question in QUESTIONS)
_MAX_BODY_BYTES = 2 * 12 * _LONGEST + 4096
"""Twice every answer at its longest, so that one that is too long can be given back: a character
has up to four bytes, and each of them is three in a form."""
_MOST_FIELDS = 20
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class HotlineParts:
    """What the pages need; there is no key here that could unseal."""

    database: Database
    seal: Sealing
    clock: Clock
    service_name: str
    reports_per_minute: int = 600  # whole ones, of everybody; of one network a twelfth
    locales: tuple[Path, ...] = ()  # folders with further catalogues, searched after our own
    trusted_proxies: tuple[str, ...] = LOOPBACK
    disk: Callable[[], str] = lambda: "ok"  # or why nothing more can be stored


def build(parts: HotlineParts) -> FastAPI:
    """The application of the public process."""
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # the address of such an answer would repeat the Host header
    )
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    page = Renderer(service_name=parts.service_name, locales=parts.locales).page

    @app.middleware("http")
    async def _headers(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        response.headers.update(_HEADERS)
        return response

    @app.exception_handler(TutelaError)
    async def _fault(request: Request, error: TutelaError) -> Response:
        if isinstance(error, _ConnectionEnded):
            return Response(status_code=error.http_status)  # no page is drawn for nobody
        return page(request, "problem.html", error.http_status, error=error)

    @app.exception_handler(HTTPException)
    async def _not_here(request: Request, error: HTTPException) -> Response:
        told = NotFound("There is no such page", remedy="The way back to the form is below.")
        return page(request, "problem.html", error.status_code, error=told)

    @app.exception_handler(Exception)
    async def _broken(request: Request, error: Exception) -> Response:
        note_fault(error, face="public")
        told = TutelaError(
            "Something broke on our side", remedy="Please try again. If it stays, come back later."
        )
        response = page(request, "problem.html", told.http_status, error=told)
        response.headers.update(_HEADERS)  # this answer passes outside the middleware
        return response

    @app.get("/healthz")
    def _health() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz")
    def _ready() -> JSONResponse:
        database = "ok" if parts.database.answers() else "The database did not answer"
        checks = {"database": database, "disk": parts.disk()}
        good = all(state == "ok" for state in checks.values())
        return JSONResponse({"ready": good, "checks": checks}, status_code=200 if good else 503)

    # A pace for each: whoever only asks, however often, takes no report's place.
    app.include_router(_reporting(parts, Pace(per_minute=parts.reports_per_minute), page))
    app.include_router(_asking(parts, Pace(per_minute=parts.reports_per_minute), page))
    return app


def _reporting(parts: HotlineParts, pace: Pace, page: Callable[..., Response]) -> APIRouter:
    """The form, and taking it in."""
    router = APIRouter()

    @router.get("/")
    def _form(request: Request) -> Response:
        return page(request, "form.html", questions=QUESTIONS, given={}, error=None)

    @router.post("/")
    async def _hand_in(request: Request) -> Response:
        given = await _fields(request)

        def store() -> str:
            with parts.database.begin() as tx:
                return hand_in(tx, answers=answers, seal=parts.seal, at=parts.clock.now())

        try:
            answers = answers_of(given)
            pace.take(parts.clock.now(), _network(request, parts))  # a refusal takes no place
            code = await run_in_threadpool(store)
        except TutelaError as error:  # whatever refuses it: the text is given back
            status = error.http_status
            return page(request, "form.html", status, questions=QUESTIONS, given=given, error=error)
        return page(request, "receipt.html", 201, code=code)

    return router


def _asking(parts: HotlineParts, pace: Pace, page: Callable[..., Response]) -> APIRouter:
    """Coming back with a code."""
    router = APIRouter()

    @router.get("/status")
    def _ask(request: Request) -> Response:
        return page(request, "status.html", tip=None)

    @router.post("/status")
    async def _status(request: Request) -> Response:
        code = (await _fields(request)).get("code", "")[:64]
        require_code(code)
        pace.take(parts.clock.now(), _network(request, parts))

        def find() -> Tip:
            with parts.database.begin() as tx:
                return by_receipt(tx, code)

        return page(request, "status.html", tip=await run_in_threadpool(find))

    return router


def _network(request: Request, parts: HotlineParts) -> str:
    host = request.client.host if request.client else None
    return network_of(host, proxies=parts.trusted_proxies)


class _ConnectionEnded(BadInput):
    """Whoever sent a form went away within it; nobody reads an answer."""


async def _fields(request: Request) -> dict[str, str]:
    """The form's fields, read in memory with a limit (nothing is spooled to disk)."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_BODY_BYTES:
                raise BadInput("The report is too long", why=f"more than {_MAX_BODY_BYTES} bytes")
    except ClientDisconnect as error:  # whoever goes away is no fault of ours, and no traceback
        raise _ConnectionEnded("The connection ended before the form did") from error
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise BadInput("The report is too long", why=f"more than {_MOST_FIELDS} fields") from error
    # A line ends with one character, as the page counted it; browsers send two.
    return {name: values[0].replace("\r\n", "\n") for name, values in fields.items()}
