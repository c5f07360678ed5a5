"""The few S3 calls that the blob store makes, answered from memory on loopback."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


class BucketForTests(BaseHTTPRequestHandler):
    """One bucket; `If-None-Match: *` is honoured under a lock, as S3 documents it."""

    protocol_version = "HTTP/1.1"
    objects: ClassVar[dict[str, tuple[bytes, datetime]]] = {}
    parts: ClassVar[dict[int, bytes]] = {}
    lock: ClassVar[threading.Lock] = threading.Lock()

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        query = parse_qs(urlsplit(self.path).query)
        if "partNumber" in query:
            self.parts[int(query["partNumber"][0])] = data
            self._answer(HTTPStatus.OK, ETag='"part"')
            return
        with self.lock:
            if self.headers.get("If-None-Match") == "*" and self._key() in self.objects:
                self._answer(HTTPStatus.PRECONDITION_FAILED)
                return
            self.objects[self._key()] = (data, datetime.now(UTC))
        self._answer(HTTPStatus.OK, ETag=f'"{hashlib.md5(data).hexdigest()}"')  # noqa: S324 - S3's own

    def do_GET(self) -> None:
        if "list-type" in parse_qs(urlsplit(self.path).query):
            self._list()
            return
        found = self.objects.get(self._key())
        if found is None:
            self._answer(HTTPStatus.NOT_FOUND)
            return
        data, modified = found
        self._answer(
            HTTPStatus.OK,
            data,
            ETag='"x"',
            **{"Last-Modified": format_datetime(modified, usegmt=True)},
        )

    do_HEAD = do_GET  # noqa: N815 - the base class' name

    def do_DELETE(self) -> None:
        self.objects.pop(self._key(), None)
        self._answer(HTTPStatus.NO_CONTENT)

    def do_POST(self) -> None:
        """The bulk delete (keys stand in an XML body), and an upload in parts."""
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        if "uploads" in query:
            self.parts.clear()
            self._xml("InitiateMultipartUploadResult", "<UploadId>1</UploadId>")
            return
        if "uploadId" in query:
            self.rfile.read(int(self.headers["Content-Length"]))
            whole = b"".join(data for _, data in sorted(self.parts.items()))
            self.objects[self._key()] = (whole, datetime.now(UTC))
            self._xml("CompleteMultipartUploadResult", '<ETag>"x"</ETag>')
            return
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        keys = [part.split("</Key>")[0] for part in body.split("<Key>")[1:]]
        for key in keys:
            self.objects.pop("/evidence/" + key, None)
        rows = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        self._xml("DeleteResult", rows)

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path)

    def _list(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        prefix = query.get("prefix", [""])[0]
        rows = "".join(
            f"<Contents><Key>{escape(key.removeprefix('/evidence/'))}</Key>"
            f"<LastModified>{modified.isoformat().replace('+00:00', 'Z')}</LastModified>"
            f'<ETag>"x"</ETag><Size>{len(data)}</Size></Contents>'
            for key, (data, modified) in sorted(self.objects.items())
            if key.removeprefix("/evidence/").startswith(prefix)
        )
        self._xml("ListBucketResult", f"<IsTruncated>false</IsTruncated>{rows}")

    def _xml(self, name: str, content: str) -> None:
        self._answer(HTTPStatus.OK, f'<?xml version="1.0"?><{name}>{content}</{name}>'.encode())

    def _answer(self, status: HTTPStatus, data: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status is not HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
        """Say nothing."""


@contextmanager
def serving(handler: type[BucketForTests]) -> Iterator[ThreadingHTTPServer]:
    """The server, with an empty bucket, until the end of the block."""
    handler.objects.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
