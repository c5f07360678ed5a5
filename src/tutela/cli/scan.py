"""`tutela scan`: look at every file in a folder."""

import hashlib
import os
from collections import Counter
from collections.abc import Generator
from contextlib import closing, nullcontext
from pathlib import Path, PurePath
from typing import Annotated

import typer
from rich.table import Table

from tutela.cli.acting import machine_user
from tutela.cli.following import follow_video
from tutela.cli.presenting import OUT, AsJson, emit, marked, note, progress
from tutela.hashing.model import Mode
from tutela.indicators.model import Finding
from tutela.indicators.reasons import in_short, nearness
from tutela.intake.model import Admission, Context, Origin
from tutela.primitives.redacted import Redacted
from tutela.scan.journal import Journal
from tutela.scan.model import Scanned, Tally
from tutela.scan.naming import spelled
from tutela.scan.opening import Folder
from tutela.scan.planning import UNREADABLE, Plan
from tutela.scan.running import run
from tutela.wiring.building import Parts, open_parts

_SHOWN_REASONS = 5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scan")(scan)


def scan(
    folder: Annotated[Path, typer.Argument(help="Folder (or one file) to look at.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Match only; store nothing, open no case.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew instead of resuming a broken-off scan.")
    ] = False,
    mode: Annotated[
        Mode | None,
        typer.Option(
            help="Every pixel, or large JPEGs at a smaller scale first and exactly whatever comes "
            "near a list; TUTELA_HASH_MODE if not given."
        ),
    ] = None,
    service: Annotated[str, typer.Option(help="Name of the service the files come from.")] = "",
    uploader: Annotated[
        str, typer.Option(help="The service's reference of the uploader, kept for matches only.")
    ] = "",
    follow: Annotated[
        bool,
        typer.Option(
            "--follow",
            help="PATH is one video that is still written (a growing file or a named pipe): "
            "tell matches as its frames come.",
        ),
    ] = False,
    idle: Annotated[
        float,
        typer.Option(min=0.1, help="With --follow: seconds without a new byte that end a file."),
    ] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Hash and match every file; a match is sealed and opens a case, others leave nothing.

    Nothing is looked at without a basis in law that says yes today: exit code 4 says what to do.
    Exit code 0 when every file was looked at, 2 when some could not be read.
    """
    if follow:
        _follow(
            folder,
            dry_run=dry_run,
            service=service,
            uploader=uploader,
            idle_seconds=idle,
            as_json=as_json,
        )
        return
    plan = Plan(folder)
    tally, not_compared = Tally(), Counter[str]()
    with (
        open_parts() as parts,
        nullcontext(None)
        if dry_run
        else _journal(parts, folder, mode or parts.settings.hash_mode, restart=restart) as journal,
        progress("Scanning", total=plan.count) as bar,
        closing(
            _results(
                parts,
                plan,
                journal,
                mode=mode,
                dry_run=dry_run,
                service=service,
                uploader=uploader,
            )
        ) as results,
    ):
        parts.detecting.require()
        for scanned in results:
            tally.count(scanned)
            if scanned.finding is Finding.CANNOT_BE_MATCHED:
                not_compared[scanned.why] += 1
            tally.resumed = 0 if journal is None else journal.passed
            bar(tally.files + tally.resumed)
            _tell(scanned, as_json=as_json)
        if journal is not None:
            journal.remove()
    for reason, count in plan.skipped.items():
        note(f"skipped: {count} ({reason})")
    for reason, count in not_compared.most_common(_SHOWN_REASONS):
        note(f"cannot be matched: {count} ({reason})")
    if not as_json:
        _summary(tally, dry_run=dry_run)
    if tally.errors or plan.skipped.get(UNREADABLE):
        raise typer.Exit(2)


def _follow(
    path: Path, *, dry_run: bool, service: str, uploader: str, idle_seconds: float, as_json: bool
) -> None:
    """One video while it is written; the last line is what came of the whole."""
    with open_parts() as parts:
        parts.detecting.require()
        context = Context(
            item_reference=spelled(PurePath(path.name)),
            uploader_reference=uploader,
            service=service or parts.settings.provider_name,
            file_name=Redacted(spelled(PurePath(path.name))),
        )
        scanned = follow_video(
            parts, path, context=context, idle_seconds=idle_seconds, dry_run=dry_run,
            as_json=as_json,
        )  # fmt: skip
    tally = Tally()
    tally.count(scanned)
    _tell(scanned, as_json=as_json)
    if not as_json:
        _summary(tally, dry_run=dry_run)


def _results(
    parts: Parts,
    plan: Plan,
    journal: Journal | None,
    *,
    mode: Mode | None,
    dry_run: bool,
    service: str,
    uploader: str,
) -> Generator[Scanned, None, None]:
    def context(path: Path) -> Context:
        return Context(
            item_reference=spelled(path.relative_to(plan.root)),
            uploader_reference=uploader,
            service=service or parts.settings.provider_name,
            file_name=Redacted(spelled(PurePath(path.name))),
        )

    def admit(path: Path) -> Admission:
        with folder.opened(path, follow=path == plan.named_file) as file:
            if dry_run:
                return parts.intake.examine_file(file, mode=mode)
            return parts.intake.admit_file(
                file, context=context(path), by=machine_user().id, origin=Origin.SCAN, mode=mode
            )

    threads = parts.settings.decoders
    with Folder(plan.root) as folder:
        yield from run(plan, admit, threads=threads, journal=journal, stop=parts.jail.close)


def _journal(parts: Parts, folder: Path, mode: Mode, *, restart: bool) -> Journal:
    """Of this folder in this mode: what was sifted only is not finished for an exact scan."""
    what = os.fsencode(folder.resolve()) + (b"" if mode is Mode.EXACT else b"\0" + mode.encode())
    name = hashlib.sha256(what).hexdigest()[:32]
    journal = Journal(parts.settings.folder / "scans" / name, restart=restart)
    if len(journal):
        note(f"resuming: {len(journal)} files were finished by an earlier run")
    return journal


def _tell(scanned: Scanned, *, as_json: bool) -> None:
    def show() -> None:
        if scanned.error:
            text = f"{spelled(scanned.path)}: {scanned.error}"
            OUT.print(marked("refused", text, style="red"), soft_wrap=True)
        elif scanned.matches:
            best = min(scanned.matches, key=nearness)
            place = f"{best.list_name}, {in_short(best)}"
            text = f"{spelled(scanned.path)}: {place} {scanned.case_id or ''}"
            OUT.print(marked("matched", text, style="bold"), soft_wrap=True)

    if as_json or scanned.error or scanned.matches:
        emit(scanned.as_json(), as_json=as_json, render=show)


def _summary(tally: Tally, *, dry_run: bool) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("files looked at", str(tally.files))
    table.add_row("matched", str(tally.matched))
    table.add_row("no known match", str(tally.no_known_match))
    table.add_row("cannot be matched", str(tally.cannot_be_matched))
    table.add_row("could not be read", str(tally.errors))
    table.add_row("cases opened", "none, this was a dry run" if dry_run else str(tally.cases))
    OUT.print(table)
    OUT.print("“No known match” means that no list has it, not that it is harmless.")
