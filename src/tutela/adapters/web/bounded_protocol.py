"""HTTP/1.1 with bounds: uvicorn's protocol, which by itself has none for heads, bodies and time.

What is counted: the bytes of a head (and of trailers and chunk extensions), its fields, the
requests sent ahead of their answers. What is timed, by a look once a second: heads, bodies,
answers that nobody reads. A refusal says why where an answer is still possible, and the
connection ends.
"""

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from tutela.adapters.web.bounded_config import BoundedConfig
from tutela.adapters.web.bounds import Bounds
from tutela.adapters.web.slots import ConnectionSlots, Waiting

if TYPE_CHECKING:
    from uvicorn._types import (
        ASGI3Application,
        ASGIReceiveCallable,
        ASGISendCallable,
        ASGISendEvent,
        Scope,
    )

_FIELD_OVERHEAD: Final = 4  # ": " and the line's end
_REFUSAL_FIELDS: Final = (
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n"
    b"x-content-type-options: nosniff\r\n"
    b"cache-control: no-store\r\n"
    b"connection: close\r\n"
)


class _NotTaken(Exception):
    """Ends the parser's reading; the protocol knows the status."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Its server is made by `servers.server_of`."""

    def __init__(self, config: BoundedConfig, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 (uvicorn's own)
        super().__init__(config, *arguments, **named)
        self._bounds: Bounds = config.bounds
        self._slots: ConnectionSlots = config.slots
        self._trusts = config.trusts
        self.address = ""
        self._refused = False
        self._wrong = HTTPStatus.BAD_REQUEST  # what the parser's next failure is answered with
        self._running: RequestResponseCycle | None = None  # uvicorn's `cycle` is the newest one
        # Reading: between messages and in heads, or in a body
        self._in_body = False
        self._since = 0.0  # when this state began
        self._begun = False  # whether a byte of the awaited head has come
        self._head_bytes = 0  # of the fields that are whole, and of the target
        self._fields = 0
        self._passed = 0  # milestones: what the parser made of the bytes
        self._overhead = 0  # bytes since the last milestone
        # Speeds, as seconds that are left; both begin full
        self._body_credit = self._bounds.pause_seconds
        self._body_bytes = 0
        self._answer_credit = self._bounds.pause_seconds
        self._written = 0  # bytes of bodies of answers
        self._sent = 0  # of these, what had left for the network at the last look
        self._looked_at = 0.0
        self._look: asyncio.TimerHandle | None = None

    # A connection comes and goes

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or refuse it when no other one makes room."""
        super().connection_made(transport)
        self._since = self._looked_at = self.loop.time()
        remote = self.client[0] if self.client else ""
        self.address = "" if self._trusts(remote) else remote
        if not self._slots.admit(self):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
            transport.close()
        self._look = self.loop.call_later(self._bounds.check_seconds, self._look_at)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that is being answered, too."""
        self._slots.release(self)
        if self._look is not None:
            self._look.cancel()
        self._disconnect(self._running)
        self.pipeline.clear()
        super().connection_lost(exc)

    def waiting(self) -> tuple[Waiting, float]:
        """What this connection keeps its server waiting for."""
        running = self._running
        if running is None or running.response_complete or running.disconnected:
            return Waiting.HEAD, self._since
        theirs = self.flow.write_paused or (self._in_body and self._waits_for_body())
        return Waiting.BODY if theirs else Waiting.NOTHING, self._since

    def drop(self) -> None:
        """Make room for another connection."""
        self._disconnect(self._running)
        self.transport.abort()

    # What comes

    def data_received(self, data: bytes) -> None:
        """Hand bytes to the parser in pieces, so that none is larger than a head may be."""
        if self._refused:
            return  # whoever still sends may read why it was refused
        self._unset_keepalive_if_required()
        if not self._in_body:
            self._begin()
        whole, size = memoryview(data), self._bounds.head_bytes
        for start in range(0, len(data), size):
            self._parse(whole[start : start + size])
            if self._refused:
                return

    def _parse(self, piece: memoryview) -> None:
        before = self._passed
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            # A protocol that we do not speak is not switched to: what follows is HTTP/1.1.
            self.parser = httptools.HttpRequestParser(self)
            rest = piece[upgrade.args[0] :]
            if rest:
                self._parse(rest)
            return
        except httptools.HttpParserError:
            self._refuse(self._wrong)
            return
        self._overhead = self._overhead + len(piece) if self._passed == before else 0
        if self._overhead > self._bounds.head_bytes:
            self._refuse(self._too_large())

    def _begin(self) -> None:
        """The first byte towards a head has come."""
        if not self._begun:
            self._begun, self._since = True, self.loop.time()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._begin()
        self._passed += 1
        self._head_bytes = self._fields = 0

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        super().on_url(url)
        self._passed += 1
        if len(self.url) > self._bounds.target_bytes:
            self._not_taken(HTTPStatus.REQUEST_URI_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of a head or a trailer; trailers are counted and left out."""
        self._passed += 1
        self._fields += 1
        self._head_bytes += len(name) + len(value) + _FIELD_OVERHEAD
        too_large = self._head_bytes + len(self.url) > self._bounds.head_bytes
        if too_large or self._fields > self._bounds.fields:
            self._not_taken(self._too_large())
        if not self._in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A head is whole: begin its answer, or queue it."""
        self._passed += 1
        switching = self.parser.should_upgrade()
        if switching and (
            self.parser.get_method() == b"CONNECT" or self._get_upgrade() == b"websocket"
        ):
            self._not_taken(HTTPStatus.BAD_REQUEST)
        if len(self.pipeline) >= self._bounds.pipelined:
            self._not_taken(HTTPStatus.TOO_MANY_REQUESTS)
        self._in_body, self._since = True, self.loop.time()
        self._head_bytes = self._fields = 0  # for the trailers
        self._body_credit, self._body_bytes = self._bounds.pause_seconds, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._passed += 1
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._passed += 1
        self._in_body = self._begun = False
        self._since = self.loop.time()
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: "ASGI3Application") -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, self._counting(app))

    def _counting(self, app: "ASGI3Application") -> "ASGI3Application":
        """`app`, and how much it writes."""

        async def counted(
            scope: "Scope", receive: "ASGIReceiveCallable", send: "ASGISendCallable"
        ) -> None:
            async def sending(message: "ASGISendEvent") -> None:
                if message["type"] == "http.response.body":
                    self._written += len(message.get("body", b""))
                await send(message)

            await app(scope, receive, sending)

        return counted

    def on_response_complete(self) -> None:
        """An answer is whole; the rest of its body, or a head begun before, has its own time."""
        self._since = self.loop.time()
        super().on_response_complete()
        if self._begun or self._in_body:
            self._unset_keepalive_if_required()

    # Time

    def _look_at(self) -> None:
        """Close what is too slow. A server that was late itself counts no more than two looks."""
        now = self.loop.time()
        passed = min(now - self._looked_at, 2 * self._bounds.check_seconds)
        self._looked_at = now
        if self.transport.is_closing():
            if not self._is_read(passed):
                self.transport.abort()
        elif self._refused:
            self._end_lingering(now)
        elif not self._is_read(passed):
            self._disconnect(self._running)
            self.transport.abort()
        elif self._is_late(now, passed):
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        self._look = self.loop.call_later(self._bounds.check_seconds, self._look_at)

    def _is_late(self, now: float, passed: float) -> bool:
        """Whether the caller owes a head or a body for too long."""
        answered = self._running is None or self._running.response_complete
        if self._in_body and answered:
            return now - self._since > self._bounds.pause_seconds
        if self._in_body:
            return self._waits_for_body() and not self._body_moves(passed)
        if self._begun:
            return now - self._since > self._bounds.head_seconds and not self.flow.read_paused
        # Nothing has ever come; after an answer, uvicorn's own timer closes idle connections
        return self._running is None and now - self._since > self._bounds.head_seconds

    def _waits_for_body(self) -> bool:
        """Whether the next byte of the body is the caller's turn."""
        cycle = self.cycle
        return not (
            self.flow.read_paused or cycle is not self._running or cycle.waiting_for_100_continue
        )

    def _body_moves(self, passed: float) -> bool:
        came, self._body_bytes = self._body_bytes, 0
        self._body_credit = self._credit(self._body_credit, came, passed)
        return self._body_credit > 0

    def _is_read(self, passed: float) -> bool:
        """Whether an answer that has been written leaves at the least speed."""
        unsent = self.transport.get_write_buffer_size()
        before, self._sent = self._sent, self._written - unsent
        if unsent:
            moved = max(0, self._sent - before)
            self._answer_credit = self._credit(self._answer_credit, moved, passed)
        else:
            self._answer_credit = self._bounds.pause_seconds
        return self._answer_credit > 0

    def _credit(self, before: float, moved: int, passed: float) -> float:
        """Seconds that are left after `passed` more, in which `moved` bytes have moved."""
        gained = before + moved / self._bounds.bytes_per_second
        return min(self._bounds.pause_seconds, gained) - passed

    # Refusals

    def _too_large(self) -> HTTPStatus:
        """What is too large: a head, or what stands around the pieces of a body."""
        if self._in_body:
            return HTTPStatus.BAD_REQUEST
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE

    def _not_taken(self, status: HTTPStatus) -> None:
        """Stop the parser; `status` is the answer."""
        self._wrong = status
        raise _NotTaken

    def _refuse(self, status: HTTPStatus) -> None:
        """Read no more; answer `status` unless something else is being answered; then close."""
        self._refused, self._since = True, self.loop.time()
        self.pipeline.clear()
        self._unset_keepalive_if_required()
        running = self._running
        if running is not None and not running.response_complete:
            if not self._in_body or running is not self.cycle:
                running.keep_alive = False  # that request is whole: its answer is the last
                return
            self._disconnect(running)
            if running.response_started:
                self.transport.close()
                return
        elif running is not None and self._in_body:
            self.transport.close()  # that request has its answer
            return
        if self._begun or status is not HTTPStatus.REQUEST_TIMEOUT:
            self.transport.write(_answer(status))
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _end_lingering(self, now: float) -> None:
        """Close a refused connection, unless an earlier request is still being answered."""
        running = self._running
        if running is not None and not running.response_complete and not running.disconnected:
            return
        if now - self._since > self._bounds.linger_seconds:
            self.transport.abort()

    @staticmethod
    def _disconnect(cycle: RequestResponseCycle | None) -> None:
        """Tell a request that its caller is gone."""
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()


def _answer(status: HTTPStatus) -> bytes:
    text = f"{status.phrase}\n".encode()
    later = b"retry-after: 5\r\n" if status is HTTPStatus.SERVICE_UNAVAILABLE else b""
    return b"".join(
        (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode(),
            later,
            _REFUSAL_FIELDS,
            b"content-length: %d\r\n\r\n" % len(text),
            text,
        )
    )
