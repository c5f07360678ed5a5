"""POST /v1/media: the platform hands in an item."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from tutela.accounts.model import Actor, Permission
from tutela.api import documenting
from tutela.api.answers import media_of
from tutela.api.bodies import ContextBody, MediaAnswer, MediaBody
from tutela.api.calling import caller_with
from tutela.api.faults import WrongBody
from tutela.api.pacing import Pacing
from tutela.api.parts import ApiParts
from tutela.api.reading import content_type, in_time, parsed, read_json, read_upload
from tutela.intake.model import Admission, Context, Origin
from tutela.primitives.errors import BadInput

_MEDIA_JSON_BYTES = 128 * 1024


def router(parts: ApiParts, pacing: Pacing) -> APIRouter:
    """The one address."""
    routes = APIRouter(prefix="/v1", tags=["media"], responses=documenting.ERRORS)
    submitter = caller_with(Permission.MEDIA_SUBMIT, parts=parts, pacing=pacing)
    places = asyncio.Semaphore(parts.uploads_at_once)

    @routes.post(
        "/media",
        response_model=MediaAnswer,
        responses={201: {"model": MediaAnswer, "description": "It matched; a case was opened"}},
        openapi_extra=documenting.MEDIA_BODY,
        summary="Hand in one item, as a file or as hashes",
    )
    async def media(request: Request, by: Annotated[Actor, Depends(submitter)]) -> JSONResponse:
        async with places:  # a waiting request is not read: the sender is held back
            admission = await _admitted(request, by, parts)
        status = 201 if admission.case_id and not admission.already_known else 200
        return JSONResponse(
            media_of(admission).model_dump(mode="json", by_alias=True), status_code=status
        )

    return routes


async def _admitted(request: Request, by: Actor, parts: ApiParts) -> Admission:
    """Read the body by its kind, and hand it to intake."""
    match content_type(request):
        case "multipart/form-data":
            reading = read_upload(request, max_file_bytes=parts.max_upload_bytes)
            upload = await in_time(reading, seconds=parts.body_seconds)
            described = parsed(upload.context_json, ContextBody)
            context = _checked(described.context(file_name=upload.file_name), parts)
            return await run_in_threadpool(
                parts.intake.admit_file,
                upload.data,
                context=context,
                by=by.id,
                origin=Origin.API_FILE,
            )
        case "application/json":
            given = read_json(request, MediaBody, max_bytes=_MEDIA_JSON_BYTES)
            body = await in_time(given, seconds=parts.body_seconds)
            return await run_in_threadpool(
                parts.intake.admit_hashes,
                body.hashes.hashed(),
                context=_checked(body.context.context(), parts),
                by=by.id,
                origin=Origin.API_HASHES,
            )
    raise WrongBody(
        "This address takes a form or JSON",
        remedy="Send multipart/form-data with `file` and `context`, or application/json with "
        "`hashes` and `context`.",
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
