"""The platform sandbox: takes signed orders to disable access, and remembers them.

It stands in for an operator's own service in the demo and in tests. Each order is taken
once: a repeated key is answered like the first time and changes nothing.
"""

import json
from pathlib import Path
from threading import Lock

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tutela.adapters.webhook import verify
from tutela.primitives.clock import Clock
from tutela.primitives.errors import TutelaError
from tutela.primitives.redacted import Redacted

ORDERS_PATH = "/orders"
"""Where orders are taken: part of the address that is printed."""
DECISIONS_PATH = "/decisions"
"""Where word of decisions is taken."""

_HEADERS = {"X-Tutela-Sandbox": "1", "Cache-Control": "no-store"}


class PlatformSandbox:
    """Orders by key; kept in `state` (a JSON file) so that a restart forgets none."""

    def __init__(self, *, secret: Redacted[str], clock: Clock, state: Path | None = None) -> None:
        """Take orders signed with `secret`."""
        self._secret = secret
        self._clock = clock
        self._state = state
        self._lock = Lock()
        self._orders: dict[str, dict[str, object]] = {}
        self._decisions: dict[str, dict[str, object]] = {}
        if state is not None and state.exists():
            self._orders = json.loads(state.read_text("utf-8-sig"))

    @property
    def heard(self) -> tuple[dict[str, object], ...]:
        """Word of decisions, in the order in which it came first."""
        return tuple(self._decisions.values())

    def app(self) -> Starlette:
        """The application, for a server or a test client."""
        return Starlette(
            routes=[
                Route(ORDERS_PATH, self._take, methods=["POST"]),
                Route("/sandbox/orders", self._listing, methods=["GET"]),
                Route(DECISIONS_PATH, self._hear, methods=["POST"]),
                Route("/sandbox/decisions", self._heard, methods=["GET"]),
            ]
        )

    async def _take(self, request: Request) -> Response:
        order = await self._verified(request)
        if isinstance(order, Response):
            return order
        with self._lock:
            self._orders.setdefault(str(order["id"]), order)
            self._keep()
        return JSONResponse({"disabled": True}, headers=_HEADERS)

    async def _hear(self, request: Request) -> Response:
        """Word of a decision; kept until the process ends."""
        notice = await self._verified(request)
        if isinstance(notice, Response):
            return notice
        with self._lock:
            self._decisions.setdefault(str(notice["id"]), notice)
        return JSONResponse({"heard": True}, headers=_HEADERS)

    async def _verified(self, request: Request) -> dict[str, object] | Response:
        body = await request.body()
        try:
            return verify(self._secret, request.headers, body, now=self._clock.now())
        except TutelaError as error:
            return JSONResponse({"error": str(error)}, status_code=403, headers=_HEADERS)

    async def _heard(self, request: Request) -> Response:
        del request
        return JSONResponse(self.heard, headers=_HEADERS)

    async def _listing(self, request: Request) -> Response:
        del request
        return JSONResponse(list(self._orders.values()), headers=_HEADERS)

    def _keep(self) -> None:
        if self._state is None:
            return
        fresh = self._state.with_suffix(".new")
        fresh.write_text(json.dumps(self._orders), "utf-8")
        fresh.replace(self._state)
