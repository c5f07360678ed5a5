"""`tutela serve`: the staff process, the public process, and processes that only look up."""

import gc
import os
import signal
import socket
import sys
import threading
from types import FrameType
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from tutela.cli.loading import loading
from tutela.cli.presenting import note
from tutela.primitives.errors import Unavailable
from tutela.wiring.logging import set_up_logging
from tutela.wiring.settings import load_settings

serve_app = typer.Typer(help="Run a process that answers browsers.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the sub-commands."""
    app.add_typer(serve_app, name="serve")


@serve_app.command("staff")
def staff() -> None:
    """Run the console and the API (TUTELA_STAFF_HOST, TUTELA_STAFF_PORT).

    With TUTELA_LOOKUP_WORKERS it also runs that many lookup processes.
    """
    with loading():
        from tutela.cli.faces import open_staff  # noqa: PLC0415 - a lookup process needs none of it

    settings = load_settings()
    set_up_logging(settings)
    with open_staff(settings) as app:
        _serve(app, settings.staff_host, settings.staff_port)


@serve_app.command("public")
def public() -> None:
    """Run the public form (TUTELA_PUBLIC_HOST, TUTELA_PUBLIC_PORT)."""
    with loading():
        from tutela.cli.faces import open_public  # noqa: PLC0415 - as above

    settings = load_settings()
    set_up_logging(settings)
    with open_public(settings) as app:
        _serve(app, settings.public_host, settings.public_port)


@serve_app.command("lookup")
def lookup(
    until_stdin_ends: Annotated[
        bool,
        typer.Option(
            "--until-stdin-ends", help="End when standard input does (for whoever starts it)."
        ),
    ] = False,
) -> None:
    """Run one process that looks up hashes (TUTELA_LOOKUP_HOST, TUTELA_LOOKUP_PORT).

    Any number of them may share the port; the staff process starts TUTELA_LOOKUP_WORKERS.
    """
    with loading():
        from tutela.cli.lookups import open_lookup  # noqa: PLC0415 - the other two need none of it

    settings = load_settings()
    set_up_logging(settings)
    if until_stdin_ends:
        threading.Thread(target=_end_with_stdin, name="parent", daemon=True).start()
    with open_lookup(settings) as app:
        _serve(app, settings.lookup_host, settings.lookup_port, shared=True)


def _serve(app: FastAPI, host: str, port: int, *, shared: bool = False) -> None:
    """Answer until SIGINT or SIGTERM; requests under way are finished first.

    A `shared` port may be listened on by several processes of this user at once.
    """
    signal.signal(signal.SIGTERM, _leave)  # uvicorn hands the signal on when it has finished
    note(f"listening on http://{host}:{port} (Ctrl-C ends)")
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,  # addresses and paths of people are nobody's log
            server_header=False,
            timeout_graceful_shutdown=10,
        )
    )
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


def _end_with_stdin() -> None:
    """End in order when whoever started us is gone."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """End in order, so that the database and the decoders are closed."""
    raise SystemExit(0)
