"""`tutela sandbox`: loopback stand-ins for authorities, for trying and testing."""

import json
import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from tutela.adapters.sandbox.cybertip import (
    CyberTipSandbox,
    address_of,
    loopback_socket,
    server,
)
from tutela.adapters.sandbox.faults import FaultPlan
from tutela.adapters.sandbox.platform import ORDERS_PATH, PlatformSandbox
from tutela.adapters.sandbox.reports import SandboxReports
from tutela.adapters.web.servers import server_of
from tutela.cli.presenting import AsJson, note
from tutela.cli.terminal import write_line
from tutela.primitives.clock import SystemClock
from tutela.primitives.errors import BadInput
from tutela.primitives.redacted import Redacted

sandbox_app = typer.Typer(
    help="Stand-ins for authorities on this machine. Nothing sent to them reaches anybody.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the command group."""
    app.add_typer(sandbox_app, name="sandbox")


@sandbox_app.command("cybertip")
def cybertip(
    user: Annotated[str, typer.Option(help="The name that callers sign in with.")],
    password: Annotated[
        str,
        typer.Option(
            envvar="TUTELA_SANDBOX_PASSWORD",
            help="The password; better given in the environment than on the command line.",
        ),
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free port.")] = 0,
    host: Annotated[str, typer.Option(help="A loopback address.")] = "127.0.0.1",
    xsd: Annotated[
        Path | None, typer.Option(help="The authority's schema; documents are checked with it.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Keep the reports' states in this JSON file.")
    ] = None,
    fail: Annotated[
        list[str] | None,
        typer.Option(help="Plan a fault, such as submit:500:2 or finish:drop. Repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a CyberTipline sandbox until Ctrl-C. The first line printed is its address."""
    listening = loopback_socket(host, port)
    sandbox = CyberTipSandbox(
        username=user,
        password=Redacted(password),
        reports=SandboxReports(clock=SystemClock(), state_file=state),
        xsd=_read(xsd),
        faults=FaultPlan(fail or ()),
    )
    _announce("cybertip", listening, as_json=as_json)
    server(sandbox).run(sockets=[listening])


@sandbox_app.command("platform")
def platform(
    secret: Annotated[
        str,
        typer.Option(
            envvar="TUTELA_SANDBOX_PASSWORD",
            help="The webhook's key; better given in the environment than on the command line.",
        ),
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free port.")] = 0,
    host: Annotated[str, typer.Option(help="A loopback address.")] = "127.0.0.1",
    state: Annotated[Path | None, typer.Option(help="Keep the orders in this JSON file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a stand-in for your own service: it takes signed orders to disable access.

    The first line printed is its address, as TUTELA_PLATFORM_WEBHOOK_URL takes it.
    """
    listening = loopback_socket(host, port)
    sandbox = PlatformSandbox(secret=Redacted(secret), clock=SystemClock(), state=state)
    _announce("platform", listening, as_json=as_json, path=ORDERS_PATH)
    server_of(sandbox.app()).run(sockets=[listening])


def _announce(name: str, listening: socket.socket, *, as_json: bool, path: str = "") -> None:
    """The first line on stdout is the address, as the setting for it takes it."""
    address = address_of(listening) + path
    if as_json:
        first = {"sandbox": name, "url": address, "port": listening.getsockname()[1]}
        write_line(json.dumps({**first, "pid": os.getpid()}))
        return
    write_line(address)
    note("This is a sandbox: what it accepts reaches nobody. Ctrl-C ends it.")


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput("The schema cannot be read", why=error.strerror or "") from error
