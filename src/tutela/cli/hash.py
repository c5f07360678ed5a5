"""`tutela hash`: digests and PDQ of files and folders."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tutela.adapters.media.jail import Jail
from tutela.adapters.media.model import Refusal
from tutela.adapters.media.pipeline import POLICY, pipeline_id
from tutela.cli.presenting import OUT, AsJson, emit, plain, progress
from tutela.hashing.model import DIHEDRAL, Hashed
from tutela.primitives.errors import BadInput, NotFound
from tutela.scan.naming import spelled
from tutela.wiring.limits import limits_of
from tutela.wiring.settings import load_settings

SOME_REFUSED = 2
"""Exit code when at least one file gave no picture; the others are hashed all the same."""

_AHEAD = 2  # files waiting for each child, so that reading and decoding overlap

Row = dict[str, object]


def hash_command(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files, or folders (all files below).")
    ] = None,
    as_json: AsJson = False,
    dihedral: Annotated[
        bool, typer.Option("--dihedral", help="Also the eight hashes of the turned picture.")
    ] = False,
    pipeline: Annotated[
        bool, typer.Option("--pipeline", help="Say which decoder and policy hashes come from.")
    ] = False,
) -> None:
    """Hash files: PDQ with quality, MD5, SHA-1, SHA-256. Stores nothing.

    Exit code 0: every file gave a picture; 2: some did not (each says why, with the
    digests where it could be read), or the arguments are wrong.
    """
    if pipeline:
        _show_pipeline(as_json=as_json)
        return
    if not paths:
        raise BadInput("There is nothing to hash", remedy="Give files or folders")
    files = files_below(paths)
    rows: list[Row] = []
    refused = 0
    with _jail() as jail, progress("Hashing", total=len(files)) as show:
        for done, row in enumerate(_hashed(jail, files, dihedral=dihedral), start=1):
            refused += "error" in row
            if as_json:
                emit(row, as_json=True, render=lambda: None)
            else:
                rows.append(row)
            show(done)
    if not as_json:
        OUT.print(_table(rows))
        OUT.print(f"{len(files) - refused} hashed, {refused} refused, pipeline {pipeline_id()}")
    if refused:
        raise typer.Exit(SOME_REFUSED)


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("hash")(hash_command)


def _jail() -> Jail:
    """Decoders with the limits of the settings, so that this command refuses what scans refuse."""
    settings = load_settings()
    return Jail(limits_of(settings), workers=settings.decoders)


def files_below(paths: Iterable[Path]) -> list[Path]:
    """The files named and all files below the folders named, in order; links to folders
    are not followed. Raises `NotFound` for a path that does not exist."""  # noqa: D205, D209 - one promise
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += _files_in(path)
        elif path.exists():
            files.append(path)
        else:
            raise NotFound("There is no such file or folder", why=str(path))
    return files


def _files_in(path: Path) -> list[Path]:
    """All files below; a folder that may not be read stands for itself and becomes a refusal."""
    files: list[Path] = []
    closed: list[Path] = []
    for folder, folders, names in os.walk(
        path, onerror=lambda error: closed.append(Path(error.filename))
    ):
        folders.sort()
        files += [Path(folder, name) for name in sorted(names)]
    return files + closed


def _hashed(jail: Jail, files: list[Path], *, dihedral: bool) -> Iterator[Row]:
    """Rows in the order of the files; only a few files are in memory at a time."""
    waiting: deque[tuple[Path, Future[Hashed | Refusal]]] = deque()
    with ThreadPoolExecutor(max_workers=jail.workers) as pool:
        for path in files:
            waiting.append((path, pool.submit(jail.hash, path, dihedral=dihedral)))
            if len(waiting) >= _AHEAD * jail.workers:
                first, answer = waiting.popleft()
                yield _row(first, answer.result())
        for first, answer in waiting:
            yield _row(first, answer.result())


def _row(path: Path, answer: Hashed | Refusal) -> Row:
    """One object: the hashes, or `error` (with the digests where the file could be read)."""
    # A name that is no UTF-8 is shown with its odd bytes spelled out.
    row: Row = {"path": spelled(path)}
    if isinstance(answer, Refusal):
        return row | {"error": str(answer), "reason": answer.reason.value}
    if answer.pdq is None:
        row |= {"error": answer.why, "reason": answer.unmatchable}
    else:
        row |= {"pdq": answer.pdq.hex, "quality": answer.pdq.quality}
    row |= {
        "md5": answer.digests.md5.hex(),
        "sha1": answer.digests.sha1.hex(),
        "sha256": answer.digests.sha256.hex(),
        "size_bytes": answer.digests.size_bytes,
        "pipeline": answer.pipeline,
    }
    if answer.pdq is not None and answer.unmatchable:
        row |= {"unmatchable": answer.unmatchable, "why": answer.why}
    if answer.dihedral:
        turned = zip(DIHEDRAL, answer.dihedral, strict=True)
        row["dihedral"] = {name: pdq.hex for name, pdq in turned}
    return row


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


def _show_pipeline(*, as_json: bool) -> None:
    def render() -> None:
        table = Table("policy", "what it is", title=pipeline_id())
        for name, text in POLICY.items():
            table.add_row(name.replace("_", " "), text)
        OUT.print(table)

    emit({"pipeline": pipeline_id(), "policy": POLICY}, as_json=as_json, render=render)
