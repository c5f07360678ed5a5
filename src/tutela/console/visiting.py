"""Who is on the page: dependencies that every route asks before it does anything."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated

from fastapi import Depends, Request

from tutela.accounts.model import Actor, Permission
from tutela.accounts.permissions import may
from tutela.accounts.signing_in import session_of
from tutela.adapters.web.fair_places import FairPlaces
from tutela.console import protecting
from tutela.console.parts import ConsoleParts
from tutela.console.rendering import Renderer, Visit
from tutela.primitives.redacted import Redacted
from tutela.review import viewing
from tutela.review.model import Exposure


class SignInNeeded(Exception):
    """Nobody is signed in, or the session has ended."""


def parts_of(request: Request) -> ConsoleParts:
    """What this console was built from."""
    parts: ConsoleParts = request.app.state.parts
    return parts


def renderer_of(request: Request) -> Renderer:
    """What draws this console's pages."""
    renderer: Renderer = request.app.state.renderer
    return renderer


Parts = Annotated[ConsoleParts, Depends(parts_of)]
Pages = Annotated[Renderer, Depends(renderer_of)]


def token_of(request: Request, parts: ConsoleParts) -> Redacted[str] | None:
    """The session token in the browser's cookie."""
    name = protecting.cookie_name(protecting.SESSION, secure=parts.secure_cookies)
    value = request.cookies.get(name)
    return Redacted(value) if value else None


def visit_of(request: Request, parts: Parts) -> Visit:
    """The signed-in person; raises `SignInNeeded` without a live session."""
    token = token_of(request, parts)
    if token is None:
        raise SignInNeeded
    now = parts.clock.now()
    with parts.database.begin() as tx:
        session = session_of(tx, token, now)
        if session is None:
            raise SignInNeeded
        exposure = (
            viewing.exposure_today(tx, session.actor, now)
            if may(session.actor, Permission.EXHIBIT_VIEW).allowed
            else Exposure(views=0, seconds=0)
        )
    visit = Visit(session=session, token=token, exposure=exposure)
    request.state.visit = visit  # so that an error page keeps its navigation
    return visit


Visitor = Annotated[Visit, Depends(visit_of)]


def actor_of(visit: Visitor) -> Actor:
    """The person of this visit."""
    return visit.session.actor


Person = Annotated[Actor, Depends(actor_of)]


async def form_of(request: Request, visit: Visitor) -> Mapping[str, str]:
    """The submitted fields, once the form has proven to come from this session's page."""
    fields = await protecting.form_fields(request)
    protecting.require_token(fields, visit.session.csrf)
    return fields


Form = Annotated[Mapping[str, str], Depends(form_of)]


async def law_turn(request: Request, visit: Visitor) -> AsyncIterator[None]:
    """A turn for a page that computes for long: one at a time of one person, two in all."""
    places: FairPlaces = request.app.state.law_pages
    async with places.place(visit.session.actor.id):
        yield


LAW_TURN = Depends(law_turn, scope="function")
