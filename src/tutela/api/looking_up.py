"""POST /v1/lookup: up to 10,000 hashes a call, answered fast; nothing is stored.

Small bodies, the many single questions, go through one lane: a thread that takes all that wait
at once, so that the database is asked once for all of them, each key in its turn. A large body
is answered in a thread of its own, after its caller is known, and only so many at a time, of one
key half of them.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from tutela.accounts.model import Actor, Permission
from tutela.adapters.web.fair_places import FairPlaces, fair_threads
from tutela.api import documenting
from tutela.api.bodies import LookupAnswer
from tutela.api.calling import admitted, key_of
from tutela.api.hashes import findings_json, read_lookup
from tutela.api.lane import Lane, Question
from tutela.api.pacing import Pacing
from tutela.api.parts import LookupParts
from tutela.api.reading import in_time, read_limited, require_json
from tutela.primitives.errors import TutelaError

LARGEST_BYTES = 8 * 1024 * 1024
"""10,000 hashes with every field take about 5 MiB."""
SMALL_BYTES = 16 * 1024
"""A body of at most this declared size is read before its caller is known."""


class ByHand(APIRoute):
    """A route that reads its request by itself; FastAPI only describes it (`app.build`)."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint as it is."""
        return self.endpoint


def router(parts: LookupParts, pacing: Pacing) -> APIRouter:
    """The one address."""
    routes = APIRouter(
        prefix="/v1", tags=["media"], responses=documenting.ERRORS, route_class=ByHand
    )
    desk = _Desk(parts, pacing)
    lane = Lane(desk.answer_all)
    bodies = FairPlaces(total=parts.bodies_at_once, per_key=max(1, parts.bodies_at_once // 2))
    searching = fair_threads(threads=4, per_key=2)

    @routes.post(
        "/lookup",
        response_model=LookupAnswer,
        openapi_extra=documenting.LOOKUP_BODY,
        summary="Ask about up to 10,000 hashes; nothing is stored",
    )
    async def lookup(request: Request) -> Response:
        key = key_of(request)
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) <= SMALL_BYTES:
            reading = read_limited(request, max_bytes=SMALL_BYTES)
            body = await in_time(reading, seconds=parts.body_seconds)
            kind = request.headers.get("content-type", "")
            content = await lane.answer(key=key, content_type=kind, body=body)
        else:
            by = await run_in_threadpool(lambda: desk.admitted(parts.authenticate(key)))
            async with bodies.place(by.id):  # who waits is not read: the sender is held back
                require_json(request.headers.get("content-type", ""))
                reading = read_limited(request, max_bytes=LARGEST_BYTES)
                body = await in_time(reading, seconds=parts.body_seconds)
                content = await searching.run(by.id, desk.answer, body)
        return Response(content, media_type="application/json")

    return routes


class _Desk:
    """Who may ask, what is asked, and the answer as JSON."""

    def __init__(self, parts: LookupParts, pacing: Pacing) -> None:
        self._parts = parts
        self._pacing = pacing

    def admitted(self, actor: Actor | None) -> Actor:
        """The caller; refuse whoever may not ask, or asks too often."""
        return admitted(actor, Permission.HASH_LOOKUP, pacing=self._pacing, clock=self._parts.clock)

    def answer(self, body: bytes) -> bytes:
        """One body's answer."""
        hashes, ignored = read_lookup(body)
        return findings_json(self._parts.look_up(hashes), ignored)

    def answer_all(self, questions: list[Question]) -> None:
        """Answer many small questions with one search; each is refused or answered for itself."""
        actors = {key: self._actor(key, questions) for key in {one.key for one in questions}}
        asked = []
        for question in questions:
            try:
                actor = actors[question.key]
                if isinstance(actor, TutelaError):
                    question.refuse(actor)
                    continue
                self.admitted(actor)
                require_json(question.content_type)
                asked.append((question, *read_lookup(question.body)))
            except TutelaError as error:
                question.refuse(error)
        if not asked:
            return
        try:
            results = self._parts.look_up([one for _, hashes, _ in asked for one in hashes])
        except Exception as error:  # noqa: BLE001 - told to each who waits; handlers know its kind
            for question, _, _ in asked:
                question.refuse(error)
            return
        first = 0
        for question, hashes, ignored in asked:
            question.answer(findings_json(results[first : first + len(hashes)], ignored))
            first += len(hashes)

    def _actor(self, key: str, questions: list[Question]) -> Actor | TutelaError | None:
        """Whose key it is; one short statement for all questions with this key."""
        given = next(one.given for one in questions if one.key == key)
        try:
            return self._parts.authenticate(given)
        except TutelaError as error:
            return error
