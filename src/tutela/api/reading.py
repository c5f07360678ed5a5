"""Reading a body: never more than its limit, and never a plain byte on a disk (`api.forms`)."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from tutela.api.bodies import NAMES
from tutela.api.faults import TooLarge, TooSlow, WrongBody, refusal_of
from tutela.api.forms import CONTEXT_BYTES, Form, read_form
from tutela.primitives.errors import BadInput

FORM_OVERHEAD_BYTES = CONTEXT_BYTES + 256 * 1024
"""What a form may hold beside its file: the context, boundaries, part headers, other parts."""

Body = TypeVar("Body", bound=BaseModel)
Read = TypeVar("Read")


def content_type(request: Request) -> str:
    """The body's kind without its parameters, in lower case."""
    return _kind_of(request.headers.get("content-type", ""))


def _kind_of(given: str) -> str:
    return given.partition(";")[0].strip().lower()


async def read_upload(request: Request, *, max_file_bytes: int) -> Form:
    """The form's `file` (required) and `context` (JSON text, may be absent)."""
    chunks = _limited(request, limit=max_file_bytes + FORM_OVERHEAD_BYTES)
    form = await read_form(request.headers.get("content-type", ""), chunks)
    if len(form.data) > max_file_bytes:
        raise _too_large(max_file_bytes)
    return form


async def in_time(reading: Awaitable[Read], *, seconds: float) -> Read:
    """What `reading` gives, or `TooSlow`: a place for uploads must not be held for ever."""
    try:
        async with asyncio.timeout(seconds):  # no task of its own, as `wait_for` would make
            return await reading
    except TimeoutError as error:
        raise TooSlow(
            "The body did not arrive in time",
            why=f"the limit is {seconds:.0f} s",
            remedy="Nothing of it was kept. Send it again.",
        ) from error


async def read_json(request: Request, kind: type[Body], *, max_bytes: int) -> Body:
    """A JSON body of the given type."""
    require_json(request.headers.get("content-type", ""))
    return parsed(await read_limited(request, max_bytes=max_bytes), kind)


async def read_limited(request: Request, *, max_bytes: int) -> bytes:
    """The whole body, whatever it is."""
    return b"".join([chunk async for chunk in _limited(request, limit=max_bytes)])


def require_json(given: str) -> None:
    """Refuse a body whose `Content-Type` says that it is something else."""
    if _kind_of(given) != "application/json":
        raise WrongBody("This address takes application/json")


def parsed(data: bytes, kind: type[Body]) -> Body:
    """JSON bytes as `kind`; a refusal names places and rules, never values."""
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        raise refusal_of(error, names=NAMES.union(kind.model_fields)) from None


async def _limited(request: Request, *, limit: int) -> AsyncGenerator[bytes, None]:
    """The body's chunks until the limit; a declared length over it is refused unread."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    taken = 0
    try:
        async for chunk in request.stream():
            taken += len(chunk)
            if taken > limit:
                raise _too_large(limit)
            yield chunk
    except ClientDisconnect as error:
        raise BadInput("The connection ended before the body did") from error


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        "The body is larger than this service takes",
        why=f"the limit is {limit} bytes",
        remedy="Nothing of it was kept. Send its hashes instead, or ask the operator for a "
        "higher TUTELA_MAX_UPLOAD_BYTES.",
    )
