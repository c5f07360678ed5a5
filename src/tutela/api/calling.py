"""Who calls: the bearer key, its pace and its permission, before any body is read."""

from collections.abc import Awaitable, Callable

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from tutela.accounts.model import Actor, Permission
from tutela.accounts.permissions import require
from tutela.api.faults import NotSignedIn
from tutela.api.pacing import Pacing
from tutela.api.parts import ApiParts
from tutela.primitives.clock import Clock
from tutela.primitives.redacted import Redacted

_LONGEST_KEY = 200


def caller_with(
    permission: Permission, *, parts: ApiParts, pacing: Pacing
) -> Callable[[Request], Awaitable[Actor]]:
    """A dependency that yields the caller, or refuses: 401, 429, 403 in this order."""

    async def caller(request: Request) -> Actor:
        actor = await run_in_threadpool(parts.authenticate, key_of(request))
        return admitted(actor, permission, pacing=pacing, clock=parts.clock)

    return caller


def admitted(actor: Actor | None, permission: Permission, *, pacing: Pacing, clock: Clock) -> Actor:
    """The caller whom a key stands for, or a refusal: 401, 429, 403 in this order."""
    if actor is None:
        raise NotSignedIn(
            "This key is not accepted",
            why="it is unknown or revoked",
            remedy="Make one with `tutela keys create`.",
        )
    pacing.take(actor.id, at=clock.now())
    require(actor, permission)
    return actor


def key_of(request: Request) -> Redacted[str]:
    """The bearer key of a request; whether it is a good one is asked later."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not 0 < len(key) <= _LONGEST_KEY:
        raise NotSignedIn(
            "This address needs a key",
            why="the Authorization header is missing or not of the form “Bearer KEY”",
            remedy="Make a key with `tutela keys create`.",
        )
    return Redacted(key)
