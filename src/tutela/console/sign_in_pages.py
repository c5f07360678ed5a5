"""Signing in and out."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tutela.accounts import passwords, signing_in
from tutela.accounts.creating import normal_login
from tutela.accounts.model import Permission
from tutela.accounts.permissions import may
from tutela.adapters.web.networks import network_of
from tutela.console import protecting
from tutela.console.parts import ConsoleParts
from tutela.console.rendering import Renderer
from tutela.console.sign_in_queue import SignInQueue
from tutela.console.visiting import Form, Pages, Parts, SignInNeeded, Visitor, token_of, visit_of
from tutela.primitives.errors import Refused
from tutela.primitives.redacted import Redacted

router = APIRouter()
_SEE_OTHER = 303


@router.get("/")
def start(request: Request, parts: Parts) -> Response:
    """Send a person to the first page that their account may read."""
    try:
        visit = visit_of(request, parts)
    except SignInNeeded:
        return RedirectResponse("/sign-in", status_code=_SEE_OTHER)
    for permission, path in (
        (Permission.QUEUE_READ, "/queue"),
        (Permission.LISTS_READ, "/lists"),
        (Permission.LEDGER_READ, "/ledger"),
    ):
        if may(visit.session.actor, permission).allowed:
            return RedirectResponse(path, status_code=_SEE_OTHER)
    return RedirectResponse("/help", status_code=_SEE_OTHER)


@router.get("/sign-in")
def ask(request: Request, parts: Parts, pages: Pages) -> Response:
    """The form, tied to this browser by a cookie."""
    return _form(request, parts, pages, next_path=_local(request.query_params.get("next", "")))


@router.post("/sign-in")
async def sign_in(
    request: Request,
    parts: Parts,
    pages: Pages,
    fields: Annotated[Mapping[str, str], Depends(protecting.form_fields)],
) -> Response:
    """Open a session under a new token, or say that name or password is not right.

    What costs nothing is asked first: the form's token, and whether the name is refused anyway.
    """
    before = protecting.cookie_name(protecting.BEFORE, secure=parts.secure_cookies)
    protecting.require_token(fields, request.cookies.get(before, ""))
    login, password = fields.get("login", ""), Redacted(fields.get("password", ""))
    queue: SignInQueue = request.app.state.sign_ins
    standing = await run_in_threadpool(_standing, parts, login)
    if standing.refusal is not None:
        attempt = signing_in.Attempt(refusal=standing.refusal)
    else:
        attempt = await queue.attempt(
            login=normal_login(login),
            has_account=standing.has_account,
            network=network_of(
                request.client.host if request.client else None, proxies=parts.trusted_proxies
            ),
            check=lambda: _check(request, parts, login, password),
            same_work=lambda: passwords.matches(password, None),
        )
    return await run_in_threadpool(_answer, request, parts, pages, fields, attempt)


def _standing(parts: ConsoleParts, login: str) -> signing_in.Standing:
    with parts.database.begin() as tx:
        return signing_in.standing(
            tx, login=login, at=parts.clock.now(), attempts=parts.sign_in_attempts
        )


def _check(
    request: Request, parts: ConsoleParts, login: str, password: Redacted[str]
) -> signing_in.Attempt:
    """Check the password; one browser has one session."""
    now, old = parts.clock.now(), token_of(request, parts)
    with parts.database.begin() as tx:
        attempt = signing_in.sign_in(
            tx,
            login=login,
            password=password,
            at=now,
            hours=parts.session_hours,
            attempts=parts.sign_in_attempts,
        )
        if attempt.token is not None and old is not None:
            signing_in.sign_out(tx, old, now)
    return attempt


def _answer(
    request: Request,
    parts: ConsoleParts,
    pages: Renderer,
    fields: Mapping[str, str],
    attempt: signing_in.Attempt,
) -> Response:
    wanted = _local(fields.get("next", ""))
    try:
        token, _session = attempt.granted()
    except Refused as refusal:
        return _form(request, parts, pages, next_path=wanted, refusal=refusal)
    response = RedirectResponse(wanted or "/", status_code=_SEE_OTHER)
    protecting.set_cookie(response, protecting.SESSION, token.reveal(), secure=parts.secure_cookies)
    protecting.drop_cookie(response, protecting.BEFORE, secure=parts.secure_cookies)
    return response


@router.post("/sign-out")
def sign_out(parts: Parts, visit: Visitor, fields: Form) -> Response:
    """End this session."""
    del fields  # its token was checked
    with parts.database.begin() as tx:
        signing_in.sign_out(tx, visit.token, parts.clock.now())
    response = RedirectResponse("/sign-in", status_code=_SEE_OTHER)
    protecting.drop_cookie(response, protecting.SESSION, secure=parts.secure_cookies)
    return response


def _form(
    request: Request,
    parts: ConsoleParts,
    pages: Renderer,
    *,
    next_path: str,
    refusal: Refused | None = None,
) -> Response:
    """Draw the form with a fresh token in it and in the browser's cookie."""
    token = protecting.fresh_token()
    response = pages.page(
        request,
        "sign_in.html",
        status=refusal.http_status if refusal else 200,
        token=token,
        next_path=next_path,
        refusal=refusal,
    )
    protecting.set_cookie(response, protecting.BEFORE, token, secure=parts.secure_cookies)
    return response


def _local(path: str) -> str:
    """`path` when it leads to one of our own pages, else nothing: never to another host."""
    if path.startswith("/") and not path.startswith("//") and "\\" not in path:
        return path if path.isprintable() else ""
    return ""
