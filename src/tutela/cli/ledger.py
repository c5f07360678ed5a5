"""`tutela ledger`: read the log of what was done, and prove that nobody changed it."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from sqlalchemy import Connection

from tutela.cli.presenting import NOTES, OUT, AsJson, emit, note, progress
from tutela.cli.reconciling import reconcile
from tutela.cli.terminal import write_line
from tutela.ledger import anchoring, chain, store
from tutela.ledger.model import Anchor, Line, Verification
from tutela.ledger.noted_head import NotedHead
from tutela.ledger.outward import Standing
from tutela.primitives.clock import SystemClock, iso
from tutela.primitives.errors import BadInput, NotFound
from tutela.wiring.opening import head_file, open_database, outward_gate
from tutela.wiring.settings import load_settings

BROKEN = 1
_NOTED_EVERY = 1000


def register(app: typer.Typer) -> None:
    """Add the sub-commands."""
    ledger = typer.Typer(help="The log of what was done.", no_args_is_help=True)
    ledger.command("verify")(verify)
    ledger.command("show")(show)
    ledger.command("head")(head)
    ledger.command("reconcile")(reconcile)
    app.add_typer(ledger, name="ledger")


def verify(
    anchor_file: Annotated[
        Path | None,
        typer.Option(
            "--anchor",
            metavar="FILE",
            help="What `tutela ledger head --json` or `--sign` said earlier, kept elsewhere: "
            "also finds a tail cut off or written anew. Without it the head that the worker "
            "noted in TUTELA_HOME/ledger-anchor.json, if there is one.",
        ),
    ] = None,
    anchor_key: Annotated[
        Path | None,
        typer.Option(
            "--anchor-key", metavar="FILE", help="Ed25519 public key (PEM) of a signed anchor."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read every line and check the chain. Exit code 0: unbroken; 1: broken, names the line."""
    settings = load_settings()
    anchor = _anchor(anchor_file, anchor_key)
    with open_database(settings) as database:
        standing = outward_gate(settings, database, SystemClock()).standing()
        with database.begin() as tx:
            found = chain.verify(_watched(tx), anchor=anchor)
    emit(
        {
            "ok": found.ok,
            "checked": found.checked,
            "head_seq": found.head_seq,
            "head_digest": found.head_digest,
            "bad_seq": found.bad_seq,
            "why": found.why,
            "anchored_seq": anchor.seq if anchor else None,
            "outward_acts_wait": standing.why or None,
        },
        as_json=as_json,
        render=lambda: _tell(found, anchor, standing),
    )
    if not found.ok:
        raise typer.Exit(BROKEN)


def show(
    subject: Annotated[str | None, typer.Option(help="Only lines about this identifier.")] = None,
    action: Annotated[str | None, typer.Option(help="Only lines of this action.")] = None,
    since: Annotated[int, typer.Option(min=0, help="Only lines after this number.")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many lines.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the ledger's lines in their order, from the beginning."""
    with open_database() as database, database.begin() as tx:
        line = None
        for line in store.lines(tx, subject=subject, action=action, since=since, limit=limit):
            emit(chain.as_json(line), as_json=as_json, render=partial(_print, line))
    if line is None and not as_json:
        note("There is no such line in the ledger.")


def head(
    signing_key: Annotated[
        Path | None,
        typer.Option(
            "--sign",
            metavar="FILE",
            help="Sign it with this Ed25519 private key (PEM) and print the signed anchor.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the last line's number and digest. Keep it elsewhere: it anchors all before it."""
    key = anchoring.private_key(_bytes(signing_key)) if signing_key else None
    with open_database() as database, database.begin() as tx:
        last = store.head(tx)
    if last is None:
        raise NotFound(
            "The ledger has no line yet", remedy="It begins with the first thing that is done."
        )
    if key:
        write_line(anchoring.sign(last, SystemClock().now(), key).decode().removesuffix("\n"))
        return
    emit(
        {"seq": last.seq, "digest": last.digest},
        as_json=as_json,
        render=lambda: OUT.print(f"line {last.seq}  {last.digest}", soft_wrap=True),
    )


def _watched(tx: Connection) -> Iterator[Line]:
    """All lines, with a bar for the person who waits."""
    last = store.head(tx)
    with progress("Verifying", total=last.seq if last else 0) as done:
        for number, line in enumerate(store.lines(tx), start=1):
            if number % _NOTED_EVERY == 0:
                done(number)
            yield line
        done(last.seq if last else 0)


def _anchor(anchor_file: Path | None, anchor_key: Path | None) -> Anchor | None:
    if anchor_file is None:
        if anchor_key is not None:
            raise BadInput("There is no anchor to check", remedy="Name its file with --anchor.")
        noted = NotedHead(head_file(load_settings())).read()
        return noted.anchor if noted else None
    data = _bytes(anchor_file)
    if anchor_key is None:
        return anchoring.read_unsigned(data)
    return anchoring.read(data, anchoring.public_key(_bytes(anchor_key)))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"This file cannot be read: {path}", why=error.strerror or "no reason given"
        ) from None


def _tell(found: Verification, anchor: Anchor | None, standing: Standing) -> None:
    if not found.ok:
        OUT.print(f"BROKEN at line {found.bad_seq}: {found.why}.", soft_wrap=True)
        OUT.print(f"The {found.checked} lines before it are in order.")
    if not standing.open:
        told = f"Outward acts wait: {standing.why}. {standing.remedy}."
        OUT.print(Text(told), soft_wrap=True)
    if not found.ok:
        return
    held = f", anchored at line {anchor.seq}" if anchor else ""
    OUT.print(f"Unbroken: {found.checked} lines{held}. Head: {found.head_digest}", soft_wrap=True)
    if anchor is None:
        NOTES.print("Without --anchor a tail that was cut off cannot be noticed.")


def _print(line: Line) -> None:
    row = f"{line.seq:>8}  {iso(line.at)}  {line.actor}  {line.action}  {line.subject}"
    OUT.print(Text(f"{row}  {json.dumps(line.detail, ensure_ascii=False)}"), soft_wrap=True)
