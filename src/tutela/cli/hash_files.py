"""What `tutela hash` does, and how it tells it."""

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from rich.table import Table

from tutela.adapters.media.pipeline import POLICY, pipeline_id
from tutela.adapters.media.video.jail import pipeline_of
from tutela.cli.presenting import (
    OUT,
    emit,
    marked,
    note,
    plain,
    print_lines,
    progress_of_files,
)
from tutela.hashing.model import Mode
from tutela.scan.keeping import Rows
from tutela.scan.walking import count, walk
from tutela.wiring.hashing import Batch, Order, Row, cores, hash_files
from tutela.wiring.limits import limits_of
from tutela.wiring.patience import load_kernels, patience
from tutela.wiring.settings import load_settings

_ROWS_OF_A_TABLE = 500
_LOOKED_UP_AT_ONCE = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What was asked for; `workers` None is all cores, `out` None is standard output."""

    mode: Mode
    dihedral: bool
    workers: int | None
    out: Path | None
    as_json: bool


def hash_and_tell(paths: Sequence[Path], wish: Wish, *, ahead: Popen[bytes] | None) -> int:
    """Hash, and print or write the rows; returns how many gave no picture.

    `ahead` is a decoder that loads already (see `Jail`).
    """
    order = Order(limits=limits_of(load_settings()), mode=wish.mode, dihedral=wish.dihedral)
    tally = _Tally(as_json=wish.as_json, mode=wish.mode)
    workers = wish.workers or cores()
    with _rows(wish.out, order) as rows:
        files = walk(paths) if rows is None else _unfinished(paths, rows, tally)
        try:
            with (
                progress_of_files("Hashing", total=lambda: count(paths)) as show,
                patience() as started,
                closing(hash_files(files, order, workers=workers, ahead=ahead)) as batches,
            ):
                for batch in batches:
                    started()
                    tally.tell(batch, rows)
                    show(tally.files + tally.earlier, tally.size_bytes)
        except KeyboardInterrupt:
            if rows is not None:
                note("stopped; the same command goes on from here")
            raise
    tally.conclude(wish.out)
    return tally.refused


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
    pipelines = frozenset({pipeline_id(Mode.EXACT), pipeline_id(order.mode), pipeline_of()})
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


def show_pipeline(mode: Mode, *, as_json: bool) -> None:
    """Which decoders and policy hashes come from."""

    def render() -> None:
        table = Table("policy", "what it is", title=pipeline_id(mode))
        for name, text in POLICY.items():
            table.add_row(name.replace("_", " "), text)
        OUT.print(table)

    emit({"pipeline": pipeline_id(mode), "policy": POLICY}, as_json=as_json, render=render)


def prove(*, as_json: bool) -> int:
    """Hash drawn pictures by the compiled code and in plain numpy; returns how many differ."""
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
            "PyPI's pdqhash 0.2.8."
        )
        for failure in failures:
            OUT.print(marked("differs", failure, style="bold red"), soft_wrap=True)
        if failures:
            OUT.print("Do not use these hashes", style="bold red")
        else:
            OUT.print("No bit differs.")

    emit(said, as_json=as_json, render=render)
    return len(failures)
