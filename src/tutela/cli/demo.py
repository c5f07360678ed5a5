"""`tutela demo`: the main job on drawn pictures, on this machine alone."""

import signal
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.table import Table

from tutela.cli.presenting import OUT, AsJson, emit, note, progress
from tutela.wiring.demo import staging, story
from tutela.wiring.demo.story import Running


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Run the whole chain without a person, then end.")
    ] = False,
    go_on: Annotated[
        bool, typer.Option("--continue", help="Go on with the last demo instead of a clean one.")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Folder of the demo.")] = Path(".demo"),
    count: Annotated[int, typer.Option(min=80, help="How many uploads are drawn.")] = 300,
    as_json: AsJson = False,
) -> None:
    """Draw pictures, find the listed ones, open cases; a person (or --once) decides.

    Everything runs on loopback: PostgreSQL, worker, console, public form, and sandboxes in
    place of the authority and the platform. Ctrl-C ends all of it.
    """
    for asked_to_end in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(asked_to_end, _as_interrupt)
    try:
        _run(folder.resolve(), count, once=once, fresh=not go_on, as_json=as_json)
    except KeyboardInterrupt:
        note("Stopped. No process of the demo runs any more; --continue takes it up again.")
        raise typer.Exit(130 if once else 0) from None


def _run(folder: Path, count: int, *, once: bool, fresh: bool, as_json: bool) -> None:
    began = time.monotonic()
    note(f"Drawing {count} benign pictures and setting up {folder}")
    stage = staging.set_up(folder, count=count, fresh=fresh)
    note("Starting PostgreSQL, sandboxes, worker, console and public form")
    with story.running(stage) as run:
        story.prepare(run)
        with progress("Scanning", total=count) as bar:
            story.scan(run, progress=bar)
        if once:
            _decide(run)
            figures = story.summary(run, seconds=time.monotonic() - began)
            emit(figures, as_json=as_json, render=lambda: _figures(figures))
            return
        _invite(run, story.summary(run, seconds=time.monotonic() - began))
        while True:
            run.processes.still_running()
            time.sleep(0.5)


def _decide(run: Running) -> None:
    note("Deciding: a scripted reviewer stands in for the person")
    with progress("Deciding", total=None) as bar:
        decided = story.decide_all(run, progress=bar)
    with progress("Reporting, restricting, preserving", total=decided) as bar:
        story.wait_until_closed(run, progress=bar)


def _figures(figures: dict[str, object]) -> None:
    table = Table("kind of edit", "files", "matched", box=None, pad_edge=False)
    for edit, row in figures["by_edit"].items():  # type: ignore[attr-defined]
        table.add_row(edit, str(row["files"]), str(row["matched"]))
    OUT.print(table)
    binding = ", ".join(
        f"{place} {number}"
        for place, number in figures["duties_by_jurisdiction"].items()  # type: ignore[attr-defined]
    )
    rows = Table.grid(padding=(0, 2))
    rows.add_column()
    rows.add_column(overflow="fold")
    rows.add_row("files", str(figures["files"]))
    rows.add_row("matches", str(figures["matches"]))
    rows.add_row("cases", f"{figures['cases']}, closed {figures['closed']}")
    rows.add_row("duties that bind", f"{figures['duties']} ({binding or 'none assessed yet'})")
    unsettled = ", ".join(figures["jurisdictions_not_settled"])  # type: ignore[arg-type]
    rows.add_row("not settled in", f"{unsettled or 'no place'}: facts or checks are missing")
    rows.add_row("receipts", str(figures["receipts"]))
    verified = "verified" if figures["ledger_verified"] else "BROKEN"
    rows.add_row("ledger", f"{figures['ledger_lines']} lines, {verified}")
    rows.add_row("ledger head", str(figures["ledger_head"]))
    rows.add_row("seconds", str(figures["seconds"]))
    OUT.print(rows)
    OUT.print("The authority and the platform were sandboxes on this machine.")


def _invite(run: Running, figures: dict[str, object]) -> None:
    for name, port in (("staff", run.ports.staff), ("public", run.ports.public)):
        run.processes.wait_for_port(name, port)
    _figures(figures)
    OUT.rule("Open the console")
    OUT.print(f"  address   http://127.0.0.1:{run.ports.staff}/")
    OUT.print(f"  name      {staging.REVIEWER}")
    OUT.print(f"  password  {run.password}")
    OUT.print(f"  public form: http://127.0.0.1:{run.ports.public}/")
    OUT.print(
        "\n1. Sign in.  2. Open a case from the queue and claim it."
        "\n3. Look at what it met and at the duties.  4. Decide."
        "\n5. Reload after a moment: report, receipt, order and holds are there."
        "\n6. In another terminal, prove it:"
    )
    OUT.print(
        f"   TUTELA_HOME={run.stage.home} TUTELA_DEMO=1 .venv/bin/tutela ledger verify",
        soft_wrap=True,
    )
    OUT.print("Ctrl-C ends the demo and every process of it.")


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Being asked to end is the same as Ctrl-C: everything is stopped in order."""
    raise KeyboardInterrupt
