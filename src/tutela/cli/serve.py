"""`tutela serve`: the staff process, the public process, and processes that only look up."""

import os
import signal
import sys
import threading
from typing import Annotated

import typer

from tutela.cli.loading import loading
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
        from tutela.cli.listening import serve  # noqa: PLC0415

    settings = load_settings()
    set_up_logging(settings)
    with open_staff(settings) as app:
        serve(app, settings.staff_host, settings.staff_port, settings=settings)


@serve_app.command("public")
def public() -> None:
    """Run the public form (TUTELA_PUBLIC_HOST, TUTELA_PUBLIC_PORT).

    It seals and never opens, so it makes no key: it waits until `tutela init` has made one.
    """
    with loading():
        from tutela.cli.faces import open_public  # noqa: PLC0415 - as above
        from tutela.cli.listening import serve  # noqa: PLC0415
        from tutela.wiring.public import wait_for_sealing_key  # noqa: PLC0415

    settings = load_settings()
    set_up_logging(settings)
    wait_for_sealing_key(settings)
    with open_public(settings) as app:
        serve(app, settings.public_host, settings.public_port, settings=settings)


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
        from tutela.cli.lookups import serve_lookups  # noqa: PLC0415 - the others need none of it

    settings = load_settings()
    set_up_logging(settings)
    if until_stdin_ends:
        threading.Thread(target=_end_with_stdin, name="parent", daemon=True).start()
    serve_lookups(settings)


def _end_with_stdin() -> None:
    """End in order when whoever started us is gone."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
