"""Reading a body: never more than its limit, and never a plain byte on a disk.

Starlette's form parser moves files over 1 MiB to a temporary file on disk. Uploads here may
be evidence that must be sealed before it rests, so the parser's threshold is lifted out of
reach and the body's own limit keeps the memory bounded.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from tutela.api.bodies import NAMES
from tutela.api.faults import TooLarge, TooSlow, WrongBody, refusal_of
from tutela.primitives.errors import BadInput

FORM_OVERHEAD_BYTES = 64 * 1024
"""What a form may hold beside its file: boundaries, part headers, the context."""

Body = TypeVar("Body", bound=BaseModel)
Read = TypeVar("Read")


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """One file of a form and its context field, both in memory."""

    data: bytes
    file_name: str | None
    context_json: bytes


class _InMemory(MultiPartParser):
    """Starlette's parser; no file ever grows large enough to be moved to the disk."""

    spool_max_size = sys.maxsize

    def close(self) -> None:
        """Let go of every file, also of one whose part never ended."""
        for file in self._files_to_close_on_error:
            file.close()


def content_type(request: Request) -> str:
    """The body's kind without its parameters, in lower case."""
    return _kind_of(request.headers.get("content-type", ""))


def _kind_of(given: str) -> str:
    return given.partition(";")[0].strip().lower()


async def read_upload(request: Request, *, max_file_bytes: int) -> Upload:
    """The form's `file` (required) and `context` (JSON text, may be absent)."""
    limit = max_file_bytes + FORM_OVERHEAD_BYTES
    parser = _InMemory(
        request.headers,
        _limited(request, limit=limit),
        max_files=1,
        max_fields=1,
        max_part_size=FORM_OVERHEAD_BYTES,
    )
    try:
        form = await parser.parse()
        return await _upload(form.multi_items(), max_file_bytes=max_file_bytes)
    except (MultiPartException, UnicodeError) as error:  # the form may name a charset of its own
        raise _misshapen() from error
    finally:
        parser.close()


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


async def _upload(items: list[tuple[str, UploadFile | str]], *, max_file_bytes: int) -> Upload:
    parts = dict(items)
    file, context = parts.pop("file", None), parts.pop("context", "{}")
    if not isinstance(file, UploadFile) or not isinstance(context, str) or parts:
        raise _misshapen()
    if file.size is None or file.size > max_file_bytes:
        raise _too_large(max_file_bytes)
    name = (file.filename or "").encode().decode()  # lone surrogates end here
    return Upload(data=await file.read(), file_name=name or None, context_json=context.encode())


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


def _misshapen() -> BadInput:
    return BadInput(
        "The form cannot be read",
        why="it must hold one whole part `file` with a file name, and at most one part `context`",
    )


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        "The body is larger than this service takes",
        why=f"the limit is {limit} bytes",
        remedy="Nothing of it was kept. Send its hashes instead, or ask the operator for a "
        "higher TUTELA_MAX_UPLOAD_BYTES.",
    )
