"""`tutela serve`: the staff process (console and API) and the public process (the form)."""

import signal
from types import FrameType
from urllib.parse import urlsplit

import typer
import uvicorn
from fastapi import FastAPI

from tutela.api.app import build as build_api
from tutela.api.parts import ApiParts
from tutela.cli.presenting import note
from tutela.console.app import build as build_console
from tutela.console.parts import ConsoleParts
from tutela.hotline.app import HotlineParts
from tutela.hotline.app import build as build_hotline
from tutela.primitives.clock import SystemClock
from tutela.primitives.errors import Unavailable
from tutela.reporting.reports import CYBERTIP
from tutela.wiring.building import Parts, provider_facts
from tutela.wiring.logging import set_up_logging
from tutela.wiring.public import public_parts
from tutela.wiring.settings import Settings, load_settings
from tutela.wiring.staff import authenticated, staff_parts

serve_app = typer.Typer(help="Run a process that answers browsers.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the sub-commands."""
    app.add_typer(serve_app, name="serve")


@serve_app.command("staff")
def staff() -> None:
    """Run the console and the API (TUTELA_STAFF_HOST, TUTELA_STAFF_PORT)."""
    settings = load_settings()
    set_up_logging(settings)
    with staff_parts(settings) as parts:
        app = build_api(_api(parts))
        app.mount("/", build_console(_console(parts)), name="console")
        _serve(app, settings.staff_host, settings.staff_port)


@serve_app.command("public")
def public() -> None:
    """Run the public form (TUTELA_PUBLIC_HOST, TUTELA_PUBLIC_PORT)."""
    settings = load_settings()
    set_up_logging(settings)
    with public_parts(settings) as parts:
        app = build_hotline(
            HotlineParts(
                database=parts.database,
                seal=parts.seal,
                clock=SystemClock(),
                service_name=settings.provider_name,
            )
        )
        _serve(app, settings.public_host, settings.public_port)


def _api(parts: Parts) -> ApiParts:
    return ApiParts(
        intake=parts.intake,
        database=parts.database,
        clock=parts.clock,
        authenticate=lambda key: authenticated(parts, key),
        index_state=parts.matcher.state,
        max_upload_bytes=parts.settings.max_upload_bytes,
        requests_per_minute=parts.settings.api_requests_per_minute,
        countries=parts.book.vocabulary.countries,
    )


def _console(parts: Parts) -> ConsoleParts:
    settings = parts.settings
    return ConsoleParts(
        database=parts.database,
        blobs=parts.blobs,
        unsealer=parts.unsealer,
        media=parts.jail,
        clock=parts.clock,
        book=parts.book,
        session_hours=settings.session_hours,
        sign_in_attempts=settings.sign_in_attempts,
        secure_cookies=settings.secure_cookies,
        demo=settings.demo,
        provider=provider_facts(settings, parts.book),
        authority_name=CYBERTIP if settings.cybertip_url else "",
        authority_is_sandbox=_is_sandbox(settings),
    )


def _is_sandbox(settings: Settings) -> bool:
    """A loopback authority can only be the sandbox."""
    host = urlsplit(settings.cybertip_url or "").hostname
    return host in {"127.0.0.1", "::1", "localhost"}


def _serve(app: FastAPI, host: str, port: int) -> None:
    """Answer until SIGINT or SIGTERM; requests under way are finished first."""
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
    try:
        server.run()
    except SystemExit:
        if server.started:  # an orderly end
            raise
    if not server.started:
        raise Unavailable(
            f"Cannot listen on {host}:{port}",
            why="the address is in use or not ours",
            remedy="Choose another port in the settings.",
        )


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """End in order, so that the database and the decoders are closed."""
    raise SystemExit(0)
