"""The way out to the CyberTipline over HTTPS: exact bytes out, exact bytes in, one host.

The address is the operator's setting; there is none in here. Plain HTTP is accepted to the
machine's own loopback address only, for the sandbox. Redirects are not followed, proxies and
`.netrc` from the environment are not used, bodies and credentials are never logged.
"""

import hashlib
import ipaddress
import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from typing import BinaryIO, Final, Self
from urllib.parse import urlsplit

import httpx

from tutela.ledger.outward import Clears
from tutela.primitives.clock import Clock
from tutela.primitives.errors import BadInput, Misconfigured
from tutela.primitives.redacted import Redacted
from tutela.reporting.model import Call, Exchange
from tutela.reporting.ports import NoReply

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 60.0
"""The longest silence; `ANSWER_SECONDS` is for all of an answer's body, however it drips."""
ANSWER_SECONDS: Final = 300.0
MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
_CHUNK_BYTES: Final = 64 * 1024
_XML: Final = "text/xml; charset=utf-8"
_NEVER_ARRIVED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)


class CyberTiplineChannel:
    """Fills `reporting.ports.Authority` over HTTP. Close it, or use it as a context.

    Raises `Misconfigured` when the address is not `https` (or loopback `http`) or carries
    anything but host, port and path. Calls raise `NoReply`; arguments that cannot be
    sent raise `BadInput` before anything leaves. What changes something at the authority
    raises `OutwardWaits` instead of leaving while `outward` says so.
    """

    def __init__(
        self,
        *,
        base_url: str,
        username: str,
        password: Redacted[str],
        clock: Clock,
        outward: Clears,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        """Connect lazily to `base_url`, signing in with HTTP Basic on each call."""
        self._base = _checked(base_url)
        self._host = urlsplit(base_url).hostname or ""
        self._clock = clock
        self._outward = outward
        self._client = httpx.Client(
            auth=httpx.BasicAuth(username, password.reveal()),
            timeout=httpx.Timeout(read_seconds, connect=connect_seconds),
            follow_redirects=False,
            verify=True,
            trust_env=False,
            headers={"Accept": "text/xml, application/xml", "Accept-Encoding": "identity"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def status(self) -> Exchange:
        """`GET /status`."""
        return self._ask(Call.STATUS)

    def schema(self) -> Exchange:
        """`GET /xsd`."""
        return self._ask(Call.SCHEMA)

    def submit(self, xml: bytes) -> Exchange:
        """`POST /submit`."""
        return self._tell(Call.SUBMIT, xml, _XML)

    def file_details(self, xml: bytes) -> Exchange:
        """`POST /fileinfo`."""
        return self._tell(Call.FILE_DETAILS, xml, _XML)

    def finish(self, report_id: str) -> Exchange:
        """`POST /finish`, the identifier as multipart as documented."""
        return self._tell(Call.FINISH, *_only_id(report_id))

    def retract(self, report_id: str) -> Exchange:
        """`POST /retract`, the identifier as multipart as documented."""
        return self._tell(Call.RETRACT, *_only_id(report_id))

    def upload(self, report_id: str, file_name: str, content: bytes | BinaryIO) -> Exchange:
        """`POST /upload`; a stream is read twice, once for its digests and once to be sent.

        The stream is read from its start. It never touches a disk here.
        """
        size_bytes, sha256, md5 = _measure(content)
        boundary = secrets.token_hex(16)
        head = (
            _part(boundary, "id") + _number(report_id) + b"\r\n" + _file_part(boundary, file_name)
        )
        tail = f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(head) + size_bytes + len(tail)),
        }
        request = self._client.build_request(
            "POST",
            self._url(Call.UPLOAD),
            content=_framed(head, content, tail),
            headers=headers,
        )
        begun = Exchange(
            call=Call.UPLOAD,
            method="POST",
            request_digest_sha256=sha256,
            request_bytes=None,
            request_note=f"multipart/form-data: id {report_id}, one file of {size_bytes} bytes",
            sent_at=self._clock.now(),
            file_digest_md5=md5,
        )
        return self._send(request, begun)

    def _ask(self, call: Call) -> Exchange:
        request = self._client.build_request("GET", self._url(call))
        return self._send(request, self._begin(call, "GET", b"", "no body"))

    def _tell(self, call: Call, body: bytes, content_type: str) -> Exchange:
        request = self._client.build_request(
            "POST", self._url(call), content=body, headers={"Content-Type": content_type}
        )
        return self._send(request, self._begin(call, "POST", body, content_type))

    def _begin(self, call: Call, method: str, body: bytes, note: str) -> Exchange:
        return Exchange(
            call=call,
            method=method,
            request_digest_sha256=hashlib.sha256(body).hexdigest(),
            request_bytes=body,
            request_note=note,
            sent_at=self._clock.now(),
        )

    def _url(self, call: Call) -> httpx.URL:
        return self._base.copy_with(path=f"{self._base.path.rstrip('/')}/{call.value}")

    def _send(self, request: httpx.Request, begun: Exchange) -> Exchange:
        if request.method != "GET":  # asking for the schema or the state changes nothing there
            self._outward.clear()
        if (request.url.host, request.url.port) != (self._base.host, self._base.port):
            raise Misconfigured("A call would leave the configured host", why=begun.call.value)
        try:
            response = self._client.send(request, stream=True)
            try:
                body = _read(response, begun)
            finally:
                response.close()
        except httpx.HTTPError as error:
            raise NoReply(
                "The authority did not answer",
                exchange=begun,
                may_have_arrived=not isinstance(error, _NEVER_ARRIVED),
                why=f"{type(error).__name__} on {begun.call.value} at {self._host}",
            ) from None
        return replace(
            begun,
            http_status=response.status_code,
            response_bytes=body,
            request_id=response.headers.get("Request-ID"),
            received_at=self._clock.now(),
            sandbox=response.headers.get("X-Tutela-Sandbox") == "1",
        )


def _checked(base_url: str) -> httpx.URL:
    """The operator's address, or `Misconfigured` with the reason."""
    what = "The authority's address cannot be used"
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        raise Misconfigured(what, why="it is not a URL") from None
    if not url.host or url.userinfo or url.query or url.fragment:
        raise Misconfigured(
            what,
            why="it must hold a host, and no user, query or fragment",
            remedy="Give name and password in their own settings.",
        )
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.host)):
        raise Misconfigured(
            what,
            why="reports travel over https; plain http is for a sandbox on this machine only",
        )
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(response: httpx.Response, begun: Exchange) -> bytes:
    """The answer as it came over the wire, up to 16 MiB and for so long."""
    body = bytearray()
    until = time.monotonic() + ANSWER_SECONDS
    for chunk in response.iter_raw():
        body += chunk
        if time.monotonic() > until:
            raise NoReply(
                "The authority's answer was not waited for",
                exchange=replace(begun, http_status=response.status_code),
                may_have_arrived=True,
                why=f"it had not come whole after {ANSWER_SECONDS:g} seconds",
            )
        if len(body) > MAX_ANSWER_BYTES:
            raise NoReply(
                "The authority's answer was not kept",
                exchange=replace(begun, http_status=response.status_code),
                may_have_arrived=True,
                why=f"it is longer than {MAX_ANSWER_BYTES} bytes",
            )
    return bytes(body)


def _measure(content: bytes | BinaryIO) -> tuple[int, str, str]:
    """Size in bytes, SHA-256 and MD5; the MD5 is what the authority answers with."""
    sha256 = hashlib.sha256()
    md5 = hashlib.md5(usedforsecurity=False)
    size_bytes = 0
    for chunk in _chunks(content):
        sha256.update(chunk)
        md5.update(chunk)
        size_bytes += len(chunk)
    return size_bytes, sha256.hexdigest(), md5.hexdigest()


def _chunks(content: bytes | BinaryIO) -> Iterator[bytes]:
    if isinstance(content, bytes):
        for start in range(0, len(content), _CHUNK_BYTES):
            yield content[start : start + _CHUNK_BYTES]
        return
    if not content.seekable():
        raise BadInput(
            "This file cannot be sent",
            why="the stream cannot be rewound",
            remedy="Hand over the bytes or a seekable stream.",
        )
    content.seek(0)
    while chunk := content.read(_CHUNK_BYTES):
        yield chunk


def _framed(head: bytes, content: bytes | BinaryIO, tail: bytes) -> Iterator[bytes]:
    yield head
    yield from _chunks(content)
    yield tail


def _part(boundary: str, name: str) -> bytes:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()


def _file_part(boundary: str, file_name: str) -> bytes:
    """The head of the file's part; quotes and line ends are escaped as browsers do."""
    quoted = file_name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    return (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{quoted}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode("utf-8", "replace")


def _number(report_id: str) -> bytes:
    """The report's number as sent; it came from an answer and must not shape the body."""
    if not (report_id.isascii() and report_id.isdigit()):
        raise BadInput("This is not a report number of the authority")
    return report_id.encode()


def _only_id(report_id: str) -> tuple[bytes, str]:
    boundary = secrets.token_hex(16)
    body = _part(boundary, "id") + _number(report_id) + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"
