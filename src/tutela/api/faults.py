"""Every error has one shape: {"error": {"code", "what", "why", "remedy"}}. Nothing is echoed."""

from collections.abc import Mapping
from typing import ClassVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from tutela.adapters.web.fair_places import Crowded
from tutela.adapters.web.faults import note_fault
from tutela.primitives.errors import BadInput, TutelaError

_LOG = structlog.get_logger()
_RETRY_LATER_S = "5"


class NotSignedIn(TutelaError):
    """No key, or one that is unknown or revoked; which of them is not said."""

    code = "not_signed_in"
    exit_code = 4
    http_status = 401


class TooLarge(TutelaError):
    """The body is larger than the limit; nothing of it was kept."""

    code = "too_large"
    exit_code = 2
    http_status = 413


class TooMany(TutelaError):
    """The key asks too often; `retry_after_s` says when the next request is welcome."""

    code = "too_many_requests"
    exit_code = 6
    http_status = 429

    def __init__(self, *, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(
            "This key asks too often",
            why="its requests per minute are used up",
            remedy=f"Try again in {retry_after_s} s, or ask several hashes in one lookup.",
        )


class TooSlow(TutelaError):
    """The body did not arrive in time; nothing of it was kept."""

    code = "too_slow"
    exit_code = 6
    http_status = 408


class WrongBody(TutelaError):
    """The body is of a kind that this address does not take."""

    code = "unsupported_media_type"
    exit_code = 2
    http_status = 415


class _Elsewhere(TutelaError):
    """A path or method that the API does not have."""

    STATUSES: ClassVar[Mapping[int, tuple[str, str]]] = {
        404: ("not_found", "There is nothing at this address"),
        405: ("method_not_allowed", "This address does not take this method"),
    }


def install(app: FastAPI) -> None:
    """Give `app` the one shape for all errors, foreign ones too."""
    app.add_exception_handler(TutelaError, _told)
    app.add_exception_handler(RequestValidationError, _mistyped)
    app.add_exception_handler(HTTPException, _elsewhere)
    app.add_exception_handler(Exception, _broken)


def answer(request: Request, error: Exception) -> Response:
    """The answer to a request that ended in `error`; ours says what it is, others only that."""
    return _told(request, error)


def body_of(error: TutelaError, *, code: str | None = None) -> dict[str, dict[str, str]]:
    """The one shape."""
    return {
        "error": {
            "code": code or error.code,
            "what": error.what,
            "why": error.why,
            "remedy": error.remedy,
        }
    }


def refusal_of(error: ValidationError, *, names: frozenset[str]) -> BadInput:
    """What is wrong with a body: places and rules, never what was sent, which may be personal.

    Of a place only `names` and numbers are told: the sender may have put anything in a key.
    """
    faults = [
        f"{_place(fault['loc'], names)}: {fault['msg'][:200]}"
        for fault in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    more = f" (and {len(faults) - 5} more)" if len(faults) > 5 else ""  # noqa: PLR2004 - enough to begin with
    return BadInput(
        "The body is not what this address takes",
        why="; ".join(faults[:5]) + more,
        remedy="See docs/reference/api.md or /v1/openapi.json.",
    )


def _place(steps: tuple[int | str, ...], names: frozenset[str]) -> str:
    told = (str(step) if isinstance(step, int) or step in names else "(a key)" for step in steps)
    return ".".join(told) or "body"


def _told(_request: Request, error: Exception) -> Response:
    if not isinstance(error, TutelaError):
        return _broken(_request, error)
    headers = {}
    if isinstance(error, TooMany | Crowded):
        headers["Retry-After"] = str(error.retry_after_s)
    elif error.http_status == 503:  # noqa: PLR2004 - service unavailable
        headers["Retry-After"] = _RETRY_LATER_S
    if isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = "Bearer"
    if error.http_status >= 500:  # noqa: PLR2004 - ours, not the caller's
        _LOG.warning("api_request_failed", code=error.code)
    return JSONResponse(body_of(error), status_code=error.http_status, headers=headers)


def _mistyped(_request: Request, error: Exception) -> Response:
    """A path or query parameter of the wrong form; FastAPI's own answer would repeat it."""
    faults = error.errors() if isinstance(error, RequestValidationError) else ()
    told = BadInput(
        "The address or its parameters cannot be read",
        why="; ".join(
            f"{fault['loc'][1]} {'is missing' if fault['type'] == 'missing' else 'is not as asked'}"
            for fault in faults
            if len(fault["loc"]) > 1  # the name is ours: what a route declares
        ),
        remedy="See docs/reference/api.md or /v1/openapi.json.",
    )
    return JSONResponse(body_of(told), status_code=told.http_status)


def _elsewhere(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return _broken(_request, error)
    code, what = _Elsewhere.STATUSES.get(
        error.status_code, ("refused", "The request cannot be answered")
    )
    told = TutelaError(what, remedy="See /v1/openapi.json.")
    return JSONResponse(
        body_of(told, code=code), status_code=error.status_code, headers=error.headers
    )


def _broken(_request: Request, error: Exception) -> Response:
    """A fault of this program: the caller learns that, the log learns its kind and place."""
    note_fault(error, face="api")
    told = TutelaError(
        "Something broke on our side",
        remedy="The request was not completed. Try again; if it stays, tell the operator.",
    )
    return JSONResponse(body_of(told), status_code=told.http_status)
