"""POST /v1/media: the platform hands in an item."""

from contextlib import AbstractAsyncContextManager
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from tutela.accounts.model import Actor, Permission
from tutela.adapters.web.fair_places import FairPlaces, FairThreads, fair_threads
from tutela.api import documenting
from tutela.api.answers import media_of
from tutela.api.bodies import ContextBody, MediaAnswer, MediaBody
from tutela.api.calling import caller_with
from tutela.api.faults import WrongBody
from tutela.api.pacing import Pacing
from tutela.api.parts import ApiParts
from tutela.api.reading import (
    FORM_OVERHEAD_BYTES,
    content_type,
    in_time,
    parsed,
    read_json,
    read_upload,
)
from tutela.intake.model import Admission, Context, Origin
from tutela.primitives.errors import BadInput

_MEDIA_JSON_BYTES = 128 * 1024
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
        admission = await desk.admitted(request, by)
        status = 201 if admission.case_id and not admission.already_known else 200
        return JSONResponse(
            media_of(admission).model_dump(mode="json", by_alias=True), status_code=status
        )

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

    async def admitted(self, request: Request, by: Actor) -> Admission:
        """Read the body by its kind, and hand it to intake."""
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

    async def _file(self, request: Request, by: Actor) -> Admission:
        reading = read_upload(request, max_file_bytes=self._parts.max_upload_bytes)
        upload = await in_time(reading, seconds=self._parts.body_seconds)
        described = parsed(upload.context_json, ContextBody)
        return await self._decoding.run(
            by.id,
            self._parts.intake.admit_file,
            upload.data,
            context=_checked(described.context(file_name=upload.file_name), self._parts),
            by=by.id,
            origin=Origin.API_FILE,
        )

    async def _hashes(self, request: Request, by: Actor) -> Admission:
        reading = read_json(request, MediaBody, max_bytes=_MEDIA_JSON_BYTES)
        body = await in_time(reading, seconds=self._parts.body_seconds)
        return await self._storing.run(
            by.id,
            self._parts.intake.admit_hashes,
            body.hashes.hashed(),
            context=_checked(body.context.context(), self._parts),
            by=by.id,
            origin=Origin.API_HASHES,
        )


def _checked(context: Context, parts: ApiParts) -> Context:
    """A country that the law does not know would stop the derivation of duties later."""
    known = parts.countries
    if known and context.uploader_location and context.uploader_location not in known:
        raise BadInput(
            "The uploader's country is not known",
            why="expected an ISO 3166-1 alpha-2 code in capitals",
            remedy="Leave it out when it is not known.",
        )
    return context
