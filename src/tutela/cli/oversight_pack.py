"""`tutela oversight pack`: a folder of pages and a PDF about one country's law, for parliament."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from tutela import console
from tutela.adapters.languages import Language, load_languages
from tutela.adapters.typst import TypesetterMissing, to_pdf
from tutela.cli.law_asking import (
    AsOf,
    Jurisdiction,
    StatusFloor,
    day,
    percent,
    the_floor,
    the_lawbook,
)
from tutela.cli.presenting import OUT, AsJson, emit, note
from tutela.law.gaps import USUAL
from tutela.ledger.store import lines
from tutela.oversight import changing
from tutela.oversight.maturity import Maturity, read_maturity
from tutela.oversight.measuring import measure
from tutela.oversight.model import Figures
from tutela.oversight.open_points import as_csv
from tutela.oversight.pack import Pack, make_pack
from tutela.oversight.pack_pages import pages
from tutela.oversight.pack_pdf import document
from tutela.primitives.errors import BadInput, NotFound, Refused
from tutela.wiring.opening import open_database

MANIFEST = "pack.json"
_FILES = "files"
_STYLE = Path(console.__file__).resolve().parent / "static" / "console.css"


def add_to(oversight_app: typer.Typer) -> None:
    """Add the command to `tutela oversight`."""
    oversight_app.command("pack")(pack_command)


def pack_command(
    jurisdiction: Jurisdiction,
    out: Annotated[Path, typer.Option(help="The folder to write; made when it is not there.")],
    as_of: AsOf = "",
    status: StatusFloor = "secondary",
    against: Annotated[
        str, typer.Option(help="Instruments, separated by commas (uncc,opsc,lanzarote ...).")
    ] = ",".join(USUAL).lower(),
    maturity: Annotated[
        Path | None, typer.Option(help="YAML with the levels of the capabilities, 0 to 4.")
    ] = None,
    previous: Annotated[
        Path | None, typer.Option(help="The folder of an earlier pack: changes are listed.")
    ] = None,
    with_figures: Annotated[
        bool, typer.Option("--with-figures", help="Count from this installation's ledger, too.")
    ] = False,
    lang: Annotated[str, typer.Option(help="The pages' language: en, de ...")] = "en",
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder that holds other files.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write what parliament needs of one country's law: gaps, duties, questions, unknowns."""
    book, on, code = the_lawbook(), day(as_of), jurisdiction.upper()
    language = _language(lang)
    _refuse_strangers(out, force=force)
    levels: Maturity | None = None
    if maturity is not None:
        levels = read_maturity(_text(maturity), book=book, where=maturity.name)
    before = None
    if previous is not None:
        before = changing.read_snapshot(_text(previous / MANIFEST), jurisdiction=code)
    pack = make_pack(
        book,
        code,
        as_of=on,
        floor=the_floor(status),
        against=[each for each in against.split(",") if each.strip()],
        maturity=levels,
        figures=_figures(on) if with_figures else None,
        language=language.code,
    )
    kept = changing.snapshot(pack, book)
    digest = kept["digest"]
    changes = None if before is None else changing.changes(before, kept)
    pdf, missing = _pdf(document(pack, language=language, digest=digest, changes=changes), on)
    files: dict[str, bytes] = {
        path: text.encode()
        for path, text in pages(
            pack,
            book,
            language=language,
            digest=digest,
            changes=changes,
            with_pdf=pdf is not None,
        ).items()
    }
    files["pack.css"] = _STYLE.read_bytes()
    files["unknowns.csv"] = as_csv(pack.overview.open_points).encode("utf-8-sig")
    if pdf is not None:
        files["pack.pdf"] = pdf
    _write(out, files, kept)
    data = _told(pack, out, digest, files=len(files) + 1, missing=missing)
    emit(data, as_json=as_json, render=lambda: _show(pack, data))
    if missing and not as_json:
        note(missing)


def _language(code: str) -> Language:
    languages = load_languages("console")
    if code not in languages:
        raise BadInput(
            "The pages do not speak this language", remedy=f"Choose from {', '.join(languages)}"
        )
    return languages[code]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise NotFound(f"{path} cannot be read", why=error.strerror or "") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no UTF-8 text") from error


def _figures(on: date) -> Figures:
    """What the ledger counts in the year of the day, up to and including that day."""
    with open_database() as database, database.begin() as tx:
        return measure(lines(tx), since=date(on.year, 1, 1), until=on + timedelta(days=1))


def _pdf(source: str, on: date) -> tuple[bytes | None, str]:
    """The PDF, or why there is none: the pages are written all the same."""
    try:
        return to_pdf(source, day=on), ""
    except TypesetterMissing as error:
        return None, str(error)


def _refuse_strangers(out: Path, *, force: bool) -> None:
    """A folder that holds something else than an older pack is not written into unasked."""
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out} is no folder", remedy="Name a folder for the pack.")
    if force or not out.exists() or not any(out.iterdir()) or _older(out) is not None:
        return
    raise Refused(
        f"{out} is not empty and holds no pack",
        reasons=("its files could be mixed up with those of the pack",),
        remedy="Name another folder, or say --force.",
    )


def _older(out: Path) -> Mapping[str, object] | None:
    """The manifest of the pack that the folder holds, if it does."""
    try:
        data = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if isinstance(data, dict) and data.get("format") == changing.FORMAT:
        return data
    return None


def _write(out: Path, files: Mapping[str, bytes], kept: Mapping[str, object]) -> None:
    """Every file, the manifest last; files of an older pack that are no more are removed."""
    older = _older(out) or {}
    listed = older.get(_FILES)
    root = out.resolve()
    for name in listed if isinstance(listed, list) else ():
        gone = (out / str(name)).resolve()
        if name not in files and gone.is_relative_to(root) and gone.is_file():
            gone.unlink()
    for name, content in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    manifest = changing.written({**kept, _FILES: sorted(files)})
    (out / MANIFEST).write_text(manifest, encoding="utf-8")


def _told(pack: Pack, out: Path, digest: str, *, files: int, missing: str) -> dict[str, object]:
    seen = pack.overview
    whole = seen.tally()
    return {
        "jurisdiction": seen.jurisdiction.code,
        "as_of": seen.as_of.isoformat(),
        "status": seen.floor.value,
        "out": str(out),
        "index": str(out / "index.html"),
        "pdf": None if missing else str(out / "pack.pdf"),
        "pdf_missing": missing or None,
        "files": files,
        "digest": digest,
        "requirements": whole.applicable,
        "unknown_share": round(whole.unknown_share, 4),
        "open_points": len(seen.open_points),
    }


def _show(pack: Pack, data: Mapping[str, object]) -> None:
    whole = pack.overview.tally()
    OUT.print(f"{data['index']} ({data['files']} files)", soft_wrap=True)
    if data["pdf"]:
        OUT.print(str(data["pdf"]), soft_wrap=True)
    OUT.print(
        f"Cannot be said: {percent(whole.unknown_share)} of {whole.applicable} requirements; "
        f"{data['open_points']} open points stand in unknowns.html and unknowns.csv.",
        soft_wrap=True,
    )
    OUT.print(f"Digest {data['digest']}", soft_wrap=True)
