"""`tutela hash`: digests and PDQ of files and folders."""

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tutela.adapters.media.pipeline import POLICY, pipeline_id
from tutela.cli.hash_video import FrameWish, write_frames
from tutela.cli.presenting import (
    OUT,
    AsJson,
    emit,
    note,
    plain,
    print_lines,
    progress_of_files,
)
from tutela.hashing.model import Mode
from tutela.primitives.errors import BadInput
from tutela.scan.keeping import Rows
from tutela.scan.walking import count, walk
from tutela.wiring.hashing import Batch, Order, Row, cores, hash_files
from tutela.wiring.limits import limits_of
from tutela.wiring.patience import load_kernels, patience
from tutela.wiring.settings import load_settings

SOME_REFUSED = 2
"""Exit code when at least one file gave no picture; the others are hashed all the same."""

_ROWS_OF_A_TABLE = 500
_LOOKED_UP_AT_ONCE = 256


def hash_command(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files, or folders (all files below).")
    ] = None,
    as_json: AsJson = False,
    mode: Annotated[
        Mode,
        typer.Option(help="Every pixel (for lists), or large JPEGs at a smaller scale (to scan)."),
    ] = Mode.EXACT,
    dihedral: Annotated[
        bool, typer.Option("--dihedral", help="Also the eight hashes of the turned picture.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=1024, help="Processes that hash; all cores if not given."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Append rows (JSON lines) to this file; the same command again goes on there.",
        ),
    ] = None,
    vpdq: Annotated[
        Path | None,
        typer.Option("--vpdq", help="Write the frames of videos to this file as vPDQ's text."),
    ] = None,
    every: Annotated[
        float, typer.Option(min=0, help="With --vpdq: seconds between frames; 0 is every frame.")
    ] = 1.0,
    key_frames: Annotated[
        bool, typer.Option("--key-frames", help="With --vpdq: key frames only.")
    ] = False,
    pipeline: Annotated[
        bool, typer.Option("--pipeline", help="Say which decoder and policy hashes come from.")
    ] = False,
    self_test: Annotated[
        bool,
        typer.Option(
            "--self-test", help="Prove the code compiled for this processor; exit 1 if not."
        ),
    ] = False,
) -> None:
    """Hash files: PDQ with quality, MD5, SHA-1, SHA-256. Stores nothing but what `--out` names.

    Exit code 0: every file gave a picture; 2: some did not (each says why, with the
    digests where it could be read), or the arguments are wrong.
    """
    if pipeline:
        _show_pipeline(mode, as_json=as_json)
        return
    if self_test:
        _prove(as_json=as_json)
        return
    if not paths:
        raise BadInput("There is nothing to hash", remedy="Give files or folders")
    if vpdq is not None:
        wish = FrameWish(every_s=every, key_frames=key_frames)
        if write_frames(paths, vpdq, wish, as_json=as_json):
            raise typer.Exit(SOME_REFUSED)
        return
    order = Order(limits=limits_of(load_settings()), mode=mode, dihedral=dihedral)
    tally = _Tally(as_json=as_json, mode=mode)
    with _rows(out, order) as rows:
        files = walk(paths) if rows is None else _unfinished(paths, rows, tally)
        try:
            with (
                progress_of_files("Hashing", total=lambda: count(paths)) as show,
                patience() as started,
                closing(hash_files(files, order, workers=workers or cores())) as batches,
            ):
                for batch in batches:
                    started()
                    tally.tell(batch, rows)
                    show(tally.files + tally.earlier, tally.size_bytes)
        except KeyboardInterrupt:
            if rows is not None:
                note("stopped; the same command goes on from here")
            raise
    tally.conclude(out)
    if tally.refused:
        raise typer.Exit(SOME_REFUSED)


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("hash")(hash_command)


@dataclass(kw_only=True)
class _Tally:
    """What came of the run so far; `earlier` files had their rows in the file already."""

    as_json: bool
    mode: Mode
    files: int = 0
    refused: int = 0
    size_bytes: int = 0
    earlier: int = 0
    waiting: list[Row] = field(default_factory=list)

    def tell(self, batch: Batch, rows: Rows | None) -> None:
        """Count a batch, and hand its rows on: to the file, to a program, or to a person."""
        self.files += batch.files
        self.refused += batch.refused
        self.size_bytes += batch.size_bytes
        if rows is not None:
            rows.append(batch.lines)
        elif self.as_json:
            print_lines(batch.lines)
        else:
            self.waiting += map(json.loads, batch.lines.split("\n")[:-1])
            if len(self.waiting) >= _ROWS_OF_A_TABLE:
                self.show_table()

    def show_table(self) -> None:
        """Show the rows that wait; a long run is several tables."""
        if self.waiting:
            OUT.print(_table(self.waiting))
            self.waiting.clear()

    def conclude(self, out: Path | None) -> None:
        """The last word."""
        if out is None and self.as_json:
            return
        self.show_table()
        hashed = self.files - self.refused

        def render() -> None:
            taken_up = f", {self.earlier} were in the file already" if self.earlier else ""
            OUT.print(f"{hashed} hashed, {self.refused} refused{taken_up}")
            OUT.print(f"pipeline {pipeline_id(self.mode)}")

        said = {"out": str(out), "hashed": hashed, "refused": self.refused, "earlier": self.earlier}
        emit(said, as_json=self.as_json, render=render)


def _rows(out: Path | None, order: Order) -> AbstractContextManager[Rows | None]:
    """The file the rows go to, or none."""
    if out is None:
        return nullcontext(None)
    pipelines = frozenset({pipeline_id(Mode.EXACT), pipeline_id(order.mode)})
    return Rows(out, mode=order.mode, dihedral=order.dihedral, pipelines=pipelines)


def _unfinished(paths: Sequence[Path], rows: Rows, tally: _Tally) -> Iterator[Path]:
    """The files that have no row yet; the others are counted."""
    files = walk(paths)
    while some := list(itertools.islice(files, _LOOKED_UP_AT_ONCE)):
        others, earlier = rows.unfinished(some)
        tally.earlier += earlier
        yield from others


def _table(rows: list[Row]) -> Table:
    """For a person: the digests are shortened, `--json` has them whole."""
    table = Table("file", "PDQ", "quality", "SHA-256", "note")
    for row in rows:
        table.add_row(
            plain(Path(str(row["path"])).name),
            str(row.get("pdq", ""))[:16],
            str(row.get("quality", "")),
            str(row.get("sha256", ""))[:16],
            str(row.get("error", row.get("why", ""))).split(". ")[0],
        )
    return table


def _show_pipeline(mode: Mode, *, as_json: bool) -> None:
    def render() -> None:
        table = Table("policy", "what it is", title=pipeline_id(mode))
        for name, text in POLICY.items():
            table.add_row(name.replace("_", " "), text)
        OUT.print(table)

    emit({"pipeline": pipeline_id(mode), "policy": POLICY}, as_json=as_json, render=render)


def _prove(*, as_json: bool) -> None:
    """Hash drawn pictures by the compiled code and in plain numpy, and compare."""
    # The compiler is loaded for this alone: no other use of the command needs it here.
    from tutela.hashing import selftest  # noqa: PLC0415

    load_kernels()
    failures = selftest.run()
    said = {
        "pictures": selftest.PICTURES,
        "references": selftest.REFERENCES,
        "failures": failures,
    }

    def render() -> None:
        OUT.print(
            f"{selftest.PICTURES} drawn pictures were hashed by the code compiled for this "
            "processor and again in plain numpy: as they are, in all eight turns, in one channel, "
            f"and from the 64 x 64 step on. {selftest.REFERENCES} of them were also compared with "
            "the reference."
        )
        for failure in failures:
            OUT.print("[bold red]differs[/] ", plain(failure), soft_wrap=True)
        OUT.print("[bold red]Do not use these hashes[/]" if failures else "No bit differs.")

    emit(said, as_json=as_json, render=render)
    if failures:
        raise typer.Exit(1)
