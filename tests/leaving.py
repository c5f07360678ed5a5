"""Senders who go away, for the faces that read forms."""

from starlette.types import ASGIApp, Message, Scope


async def left_within_a_form(app: ASGIApp, path: str) -> None:
    """A form whose sender goes away in the middle of it."""
    received: list[Message] = [
        {"type": "http.request", "body": b"csrf=x", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return received.pop(0) if len(received) > 1 else received[0]

    async def send(_message: Message) -> None:
        """Nobody is there any more."""

    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 4711),
    }
    await app(scope, receive, send)
