"""What stands around every page: headers, cookies, and the token each form must bring back.

Content-Security-Policy as in the design: nothing but our own files, nothing inline. The one
page that must say goodbye (the full view, by a beacon) may also connect to ourselves.
"""

import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from tutela.primitives.errors import BadInput, Refused

POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
POLICY_WITH_BEACON = f"{POLICY}; connect-src 'self'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), display-capture=()",
    "Cache-Control": "no-store",
}
_LONGEST_FORM_BYTES = 64 * 1024
_MOST_FIELDS = 200
SESSION = "tutela_session"
BEFORE = "tutela_before"  # ties the sign-in form to the browser that asked for it
LANGUAGE = "tutela_language"
_LANGUAGE_SECONDS = 365 * 24 * 3600


def cookie_name(plain: str, *, secure: bool) -> str:
    """With TLS the browser itself is told that the cookie belongs to this host alone."""
    return f"__Host-{plain}" if secure else plain


def set_cookie(
    response: Response, name: str, value: str, *, secure: bool, seconds: int | None = None
) -> None:
    """A cookie that scripts cannot read and other sites cannot send."""
    response.set_cookie(
        cookie_name(name, secure=secure),
        value,
        max_age=seconds,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def drop_cookie(response: Response, name: str, *, secure: bool) -> None:
    """Forget a cookie."""
    response.delete_cookie(
        cookie_name(name, secure=secure), path="/", secure=secure, httponly=True, samesite="strict"
    )


def remember_language(response: Response, code: str, *, secure: bool) -> None:
    """Keep the chosen language for a year; it says nothing about the person's work."""
    set_cookie(response, LANGUAGE, code, secure=secure, seconds=_LANGUAGE_SECONDS)


def fresh_token() -> str:
    """256 random bits for a form."""
    return secrets.token_urlsafe(32)


class ConnectionEnded(BadInput):
    """Whoever sent a form went away within it; nobody reads an answer."""


async def form_fields(request: Request) -> Mapping[str, str]:
    """The fields of a submitted form (urlencoded, up to 64 KiB; the last of a name wins).

    A line ends with one character, as the page counted it; browsers send two.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise BadInput("The form came in a way this page does not read")
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > _LONGEST_FORM_BYTES:
                raise BadInput("The form is too long", why=f"at most {_LONGEST_FORM_BYTES} bytes")
    except ClientDisconnect as error:  # whoever goes away is no fault of ours, and no traceback
        raise ConnectionEnded("The connection ended before the form did") from error
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise BadInput("The form cannot be read") from error
    if any("\x00" in name or "\x00" in value for name, value in pairs):
        raise BadInput("The form cannot be read", why="the database can hold no NUL character")
    return {name: value.replace("\r\n", "\n") for name, value in pairs}


def require_token(fields: Mapping[str, str], expected: str) -> None:
    """Refuse a form that does not bring the token back; compared in constant time."""
    brought = fields.get("csrf", "")
    if not expected or not hmac.compare_digest(brought.encode(), expected.encode()):
        raise Refused(
            "This form did not come from this page",
            why="its token is missing or belongs to an earlier session",
            remedy="Nothing was changed. Load the page again and repeat the step.",
        )
