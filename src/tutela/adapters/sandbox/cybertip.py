"""The CyberTipline sandbox: a loopback server that follows the documented behaviour.

It is named a sandbox everywhere: each answer carries `X-Tutela-Sandbox: 1`. What it is
given reaches nobody. Serve it with `serve`; it refuses any address but loopback.
"""

import asyncio
import base64
import binascii
import ipaddress
import secrets
import socket
import uuid
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlunsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from tutela.adapters.sandbox.desk import Answer, Desk, refusal
from tutela.adapters.sandbox.faults import Fault, FaultKind, FaultPlan
from tutela.adapters.sandbox.forms import ReceivedForm, read_form
from tutela.adapters.sandbox.reports import SandboxReports
from tutela.adapters.web.bounded_protocol import BoundedProtocol
from tutela.adapters.web.servers import server_of
from tutela.primitives.errors import Refused, Unavailable
from tutela.primitives.redacted import Redacted
from tutela.reporting.model import Call

_DROP: Final = "tutela.drop"
_MAX_XML_BYTES: Final = 16 * 1024 * 1024
_XML_TYPES: Final = frozenset({"text/xml", "application/xml"})
_SANDBOX_HEADERS: Final = {"X-Tutela-Sandbox": "1", "Cache-Control": "no-store"}
_Handler = Callable[[Request], Awaitable[Answer]]


class CyberTipSandbox:
    """The web side of the sandbox: signing in, forms, faults; the answers are the desk's."""

    def __init__(
        self,
        *,
        username: str,
        password: Redacted[str],
        reports: SandboxReports,
        xsd: bytes | None = None,
        faults: FaultPlan | None = None,
    ) -> None:
        """Answer calls of `username`; each planned fault hits once it is its turn."""
        self._credentials = f"{username}:{password.reveal()}".encode()
        self._username = username
        self._reports = reports
        self._desk = Desk(reports, xsd=xsd)
        self._faults = faults or FaultPlan()

    def app(self) -> Starlette:
        """The application, for a server or a test client."""
        return Starlette(
            routes=[
                self._route(Call.STATUS, "GET", self._status),
                self._route(Call.SCHEMA, "GET", self._schema),
                self._route(Call.SUBMIT, "POST", self._submit),
                self._route(Call.UPLOAD, "POST", self._upload),
                self._route(Call.FILE_DETAILS, "POST", self._file_details),
                self._route(Call.FINISH, "POST", self._finish),
                self._route(Call.RETRACT, "POST", self._retract),
                Route("/sandbox/reports", self._listing, methods=["GET"]),
            ]
        )

    def _route(self, call: Call, method: str, handler: _Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            # 1. signing in  2. a planned fault before the work  3. the work  4. one after it
            if not self._signed_in(request):
                return _sent(refusal(2000))
            fault = self._faults.next(call)
            if fault is not None and fault.kind is FaultKind.DROP:
                await _answered(handler, request)
                return await _cut(request)
            if fault is not None:
                return await _failed(fault, request)
            return _sent(await _answered(handler, request))

        return Route(f"/{call.value}", endpoint, methods=[method])

    def _signed_in(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError):
            return False
        return scheme.lower() == "basic" and secrets.compare_digest(given, self._credentials)

    async def _listing(self, request: Request) -> Response:
        """What the sandbox holds, for tests and the demo; no authority offers this."""
        if not self._signed_in(request):
            return _sent(refusal(2000))
        return JSONResponse(self._reports.as_json(), headers=_headers())

    async def _status(self, request: Request) -> Answer:
        ip = request.client.host if request.client else "unknown"
        return self._desk.status(user=self._username, ip=ip)

    async def _schema(self, request: Request) -> Answer:
        del request
        return self._desk.schema()

    async def _submit(self, request: Request) -> Answer:
        body = await _xml_body(request)
        return self._desk.submit(body) if body is not None else _no_xml()

    async def _file_details(self, request: Request) -> Answer:
        body = await _xml_body(request)
        return self._desk.file_details(body) if body is not None else _no_xml()

    async def _upload(self, request: Request) -> Answer:
        form = await _form(request)
        file = form.files.get("file")
        if form.problem or file is None:
            return refusal(4200, detail=form.problem or "the file is missing")
        report_id = form.fields.get("id", "")
        return self._desk.upload(report_id, size_bytes=file.size_bytes, md5=file.md5)

    async def _finish(self, request: Request) -> Answer:
        form = await _form(request)
        if form.problem or "id" not in form.fields:
            return refusal(4000, detail=form.problem or "the id is missing")
        return self._desk.finish(form.fields["id"])

    async def _retract(self, request: Request) -> Answer:
        form = await _form(request)
        if form.problem or "id" not in form.fields:
            return refusal(4000, detail=form.problem or "the id is missing")
        return self._desk.retract(form.fields["id"])


async def _answered(handler: _Handler, request: Request) -> Answer:
    """The handler's answer; trouble with the sandbox's own disk is a server error."""
    try:
        return await handler(request)
    except Unavailable as error:
        return refusal(1000, detail=error.why, http_status=500)
    except ClientDisconnect:
        return refusal(4200, detail="the caller went away")


async def _failed(fault: Fault, request: Request) -> Response:
    """A fault that strikes before anything is processed."""
    async for _ in request.stream():
        pass  # the caller gets to send its body, as with a real server's failure
    if fault.kind is FaultKind.CUT:
        return await _cut(request)
    if fault.kind is FaultKind.CODE:
        return _sent(refusal(fault.number, detail="sandbox fault"))
    status = fault.number if fault.kind is FaultKind.HTTP else 200
    return Response("<html>sandbox fault", status, media_type="text/html", headers=_headers())


async def _cut(request: Request) -> Response:
    """Cut the connection without a byte of answer."""
    drop = request.scope.get("extensions", {}).get(_DROP)
    if drop is None:
        raise Refused("The sandbox can cut a connection only when it serves one")
    drop["cut"]()
    await asyncio.sleep(0.01)  # let the server notice before this returns
    return Response(status_code=204)


async def _xml_body(request: Request) -> bytes | None:
    """The body when it is declared as XML and of a sane size."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip() not in _XML_TYPES:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_XML_BYTES:
            return None
    return bytes(body)


async def _form(request: Request) -> ReceivedForm:
    return await read_form(request.headers.get("Content-Type", ""), request.stream())


def _no_xml() -> Answer:
    return refusal(4000, detail="the body is not declared as XML")


def _headers() -> dict[str, str]:
    return {**_SANDBOX_HEADERS, "Request-ID": f"sandbox-{uuid.uuid4().hex}"}


def _sent(answer: Answer) -> Response:
    headers = _headers()
    headers["Content-Type"] = f"text/xml;charset={answer.charset.upper()}"
    if answer.http_status == 401:  # noqa: PLR2004 (HTTP)
        headers["WWW-Authenticate"] = 'Basic realm="Tutela sandbox"'
    return Response(answer.body, answer.http_status, headers=headers)


class _DroppableProtocol(BoundedProtocol):
    """HTTP/1.1 that lets a route cut its own connection."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        cycle.scope["extensions"] = {_DROP: {"cut": self.transport.abort}}
        super()._start_asgi_task(cycle, app)


def loopback_socket(host: str, port: int) -> socket.socket:
    """A listening socket on a loopback address; `Refused` for any other."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise Refused(
            "The sandbox listens on a loopback address only",
            reasons=("what it is given must not look like a report to anybody outside",),
            remedy="Use 127.0.0.1 or ::1.",
        )
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET  # noqa: PLR2004 (IP)
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(64)
    except OSError as error:
        listening.close()
        raise Unavailable(
            "The sandbox cannot listen there",
            why=error.strerror or "the address is taken",
            remedy="Choose another --port, or 0 for a free one.",
        ) from error
    return listening


def address_of(listening: socket.socket) -> str:
    """The base address of a sandbox on that socket."""
    host, port = listening.getsockname()[:2]
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return urlunsplit(("http", place, "", "", ""))


def server(sandbox: CyberTipSandbox) -> uvicorn.Server:
    """A server for the sandbox; run it with `run(sockets=[loopback_socket(…)])`."""
    return server_of(sandbox.app(), protocol=_DroppableProtocol)
