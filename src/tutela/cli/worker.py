"""`tutela worker`: the process that files reports, sends orders and keeps evidence."""

import os
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from tutela.cli.presenting import NOTES, AsJson, emit
from tutela.wiring.logging import set_up_logging
from tutela.wiring.settings import load_settings
from tutela.wiring.worker import Worked, run_worker


def register(app: typer.Typer) -> None:
    """Add `tutela worker` to the command line."""
    app.command("worker")(worker)


def worker(
    once: Annotated[
        bool, typer.Option("--once", help="Do what can be done now, then end.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take follow-up jobs until Ctrl-C: reports, orders to the platform, preservation.

    Ending or killing it loses nothing: the next start goes on where it was.
    """
    settings = load_settings()
    set_up_logging(settings)
    worked = run_worker(settings, once=once)
    emit(asdict(worked), as_json=as_json, render=lambda: _show(worked))
    if worked.stuck:  # a step waits inside a library that cannot be woken
        sys.stdout.flush()
        os._exit(0)


def _show(worked: Worked) -> None:
    NOTES.print(f"Done: {worked.jobs} jobs handed over.")
    if worked.waiting:
        NOTES.print(
            f"{worked.waiting} wait for an authority or a platform that is away; they go on "
            "at the next start."
        )
