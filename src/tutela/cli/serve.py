"""`tutela serve`: the staff process and the public process."""

import signal
from types import FrameType

import typer
import uvicorn

from tutela.cli.presenting import note
from tutela.primitives.errors import Unavailable
from tutela.wiring.logging import set_up_logging
from tutela.wiring.public import public_app
from tutela.wiring.settings import load_settings
from tutela.wiring.staff import staff_app

serve_app = typer.Typer(help="Run a process that answers browsers.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the sub-commands."""
    app.add_typer(serve_app, name="serve")


@serve_app.command("staff")
def staff() -> None:
    """Run the console and the API (TUTELA_STAFF_HOST, TUTELA_STAFF_PORT)."""
    settings = load_settings()
    set_up_logging(settings)
    with staff_app(settings) as app:
        _serve(app, settings.staff_host, settings.staff_port)


@serve_app.command("public")
def public() -> None:
    """Run the public form (TUTELA_PUBLIC_HOST, TUTELA_PUBLIC_PORT)."""
    settings = load_settings()
    set_up_logging(settings)
    with public_app(settings) as app:
        _serve(app, settings.public_host, settings.public_port)


def _serve(app: object, host: str, port: int) -> None:
    """Answer until SIGINT or SIGTERM; requests under way are finished first."""
    signal.signal(signal.SIGTERM, _leave)  # uvicorn hands the signal on when it has finished
    note(f"listening on http://{host}:{port} (Ctrl-C ends)")
    server = uvicorn.Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type]
            host=host,
            port=port,
            log_config=None,
            access_log=False,  # addresses and paths of people are nobody's log
            server_header=False,
            timeout_graceful_shutdown=10,
        )
    )
    server.run()
    if not server.started:
        raise Unavailable(
            f"Cannot listen on {host}:{port}",
            why="the address is in use or not ours",
            remedy="Choose another port in the settings.",
        )


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """End in order, so that the database and the decoders are closed."""
    raise SystemExit(0)
