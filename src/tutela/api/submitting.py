"""POST /v1/media: the platform hands in an item."""

from contextlib import AbstractAsyncContextManager
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from tutela.accounts.model import Actor, Permission
from tutela.adapters.web.fair_places import FairPlaces, FairThreads, fair_threads
from tutela.api import documenting
from tutela.api.answers import media_of
from tutela.api.bodies import MediaAnswer
from tutela.api.calling import caller_with
from tutela.api.faults import WrongBody
from tutela.api.forms import CONTEXT_BYTES
from tutela.api.item_bodies import context_of, item_of
from tutela.api.pacing import Pacing
from tutela.api.parts import ApiParts
from tutela.api.reading import (
    FORM_OVERHEAD_BYTES,
    content_type,
    in_time,
    read_limited,
    read_upload,
)
from tutela.intake.context_fields import ReadContext, bounded, read_context
from tutela.intake.model import Admission, Ignored, Origin

_MEDIA_JSON_BYTES = CONTEXT_BYTES + 32 * 1024
Admitted = tuple[Admission, tuple[Ignored, ...]]
_MOST_BODIES = 256
"""A body takes at least this part of the memory, so that tiny ones are not without number."""


def router(parts: ApiParts, pacing: Pacing) -> APIRouter:
    """The one address."""
    routes = APIRouter(prefix="/v1", tags=["media"], responses=documenting.ERRORS)
    submitter = caller_with(Permission.MEDIA_SUBMIT, parts=parts, pacing=pacing)
    desk = _Desk(parts)

    @routes.post(
        "/media",
        response_model=MediaAnswer,
        responses={201: {"model": MediaAnswer, "description": "It matched; a case was opened"}},
        openapi_extra=documenting.MEDIA_BODY,
        summary="Hand in one item, as a file or as hashes",
    )
    async def media(request: Request, by: Annotated[Actor, Depends(submitter)]) -> JSONResponse:
        admission, ignored = await desk.admitted(request, by)
        status = 201 if admission.case_id and not admission.already_known else 200
        answer = media_of(admission, ignored).model_dump(mode="json", by_alias=True)
        return JSONResponse(answer, status_code=status)

    return routes


class _Desk:
    """Bodies and work of each key in places of their own, so that no key waits for another's.

    A body has its place in memory before it is read, and a decoder only once it is whole: who
    sends slowly holds up nobody else.
    """

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self._body_limit = parts.max_upload_bytes + FORM_OVERHEAD_BYTES
        memory = parts.uploads_at_once * self._body_limit
        self._smallest = memory // _MOST_BODIES
        self._bodies = FairPlaces(total=memory, per_key=max(memory // 4, self._body_limit))
        decoders = max(2, parts.decoders)
        self._decoding: FairThreads = fair_threads(threads=decoders, per_key=decoders - 1)
        self._storing: FairThreads = fair_threads(threads=4, per_key=2)

    async def admitted(self, request: Request, by: Actor) -> Admitted:
        """Read the body by its kind, hand it to intake, and say what beside it was left out."""
        match content_type(request):
            case "multipart/form-data":
                async with self._room(request, by, limit=self._body_limit):
                    return await self._file(request, by)
            case "application/json":
                async with self._room(request, by, limit=_MEDIA_JSON_BYTES):
                    return await self._hashes(request, by)
        raise WrongBody(
            "This address takes a form or JSON",
            remedy="Send multipart/form-data with `file` and `context`, or application/json with "
            "`hashes` and `context`.",
        )

    def _room(
        self, request: Request, by: Actor, *, limit: int
    ) -> AbstractAsyncContextManager[None]:
        """Memory for the body; a waiting request is not read: the sender is held back."""
        declared = request.headers.get("content-length", "")
        wanted = min(int(declared), limit) if declared.isdecimal() else limit
        return self._bodies.place(by.id, max(wanted, self._smallest))

    async def _file(self, request: Request, by: Actor) -> Admitted:
        reading = read_upload(request, max_file_bytes=self._parts.max_upload_bytes)
        form = await in_time(reading, seconds=self._parts.body_seconds)
        given, broken = context_of(form.context_json)
        read = self._read(given, file_name=form.file_name)
        admission = await self._decoding.run(
            by.id,
            self._parts.intake.admit_file,
            form.data,
            context=read.context,
            by=by.id,
            origin=Origin.API_FILE,
        )
        return admission, bounded((*form.ignored, *broken, *read.ignored))

    async def _hashes(self, request: Request, by: Actor) -> Admitted:
        reading = read_limited(request, max_bytes=_MEDIA_JSON_BYTES)
        item = item_of(await in_time(reading, seconds=self._parts.body_seconds))
        read = self._read(item.context)
        admission = await self._storing.run(
            by.id,
            self._parts.intake.admit_hashes,
            item.hashed,
            context=read.context,
            by=by.id,
            origin=Origin.API_HASHES,
        )
        return admission, bounded((*item.ignored, *read.ignored))

    def _read(self, given: object, *, file_name: str | None = None) -> ReadContext:
        return read_context(
            given,
            now=self._parts.clock.now(),
            countries=self._parts.countries,
            file_name=file_name,
        )
