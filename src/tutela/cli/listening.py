"""Listening: the web server around a face, until SIGINT or SIGTERM."""

import gc
import signal
import socket
from types import FrameType

from fastapi import FastAPI

from tutela.adapters.web.bounds import Bounds
from tutela.adapters.web.servers import make_room_for_descriptors, server_of
from tutela.cli.presenting import note
from tutela.primitives.errors import Unavailable
from tutela.wiring.settings import Settings


def serve(
    app: FastAPI, host: str, port: int, *, settings: Settings | None = None, shared: bool = False
) -> None:
    """Answer until SIGINT or SIGTERM; requests under way are finished first.

    `settings` say how many connections are held, and who is a proxy. A `shared` port may be
    listened on by several processes of this user at once.
    """
    note(f"listening on http://{host}:{port} (Ctrl-C ends)")
    settings = settings or Settings()
    bounds = Bounds(
        connections=settings.max_connections,
        connections_per_address=settings.max_connections_per_address,
    )
    make_room_for_descriptors(bounds)
    server = server_of(
        app,
        host=host,
        port=port,
        bounds=bounds,
        trusted_proxies=settings.trusted_proxies,
        lifespan=True,
    )

    def leave(_signal: int, _frame: FrameType | None) -> None:
        """End in order, so that the database and the decoders are closed."""
        if server.started:  # uvicorn hands the signal on when it has finished
            raise SystemExit(0)
        server.should_exit = True  # before it has begun to look at signals itself

    signal.signal(signal.SIGTERM, leave)
    sockets = [_shared_socket(host, port)] if shared else None
    gc.freeze()  # what there is by now stays: no answer waits for a search among it
    try:
        server.run(sockets=sockets)
    except SystemExit:
        if server.started:  # an orderly end
            raise
    if not server.started:
        raise _taken(host, port)


def _shared_socket(host: str, port: int) -> socket.socket:
    """A socket on a port that other processes listen on too; the kernel shares out connections."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP in full: only then does asyncio send small answers without waiting for more.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise _taken(host, port) from None
    return listening


def _taken(host: str, port: int) -> Unavailable:
    return Unavailable(
        f"Cannot listen on {host}:{port}",
        why="the address is in use or not ours",
        remedy="Choose another port in the settings.",
    )
