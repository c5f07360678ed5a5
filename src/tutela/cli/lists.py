"""`tutela lists`: import, look at, configure and correct hash lists."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tutela.accounts.model import Permission
from tutela.cli import comparing
from tutela.cli.acting import MaybeBy, acting
from tutela.cli.import_page import (
    SHOWN_REFUSALS,
    figures,
    ignored_json,
    refusal_json,
    show_ignored,
    show_imported,
    show_refusals,
)
from tutela.cli.list_page import list_json, policy_words, show_list, show_lists
from tutela.cli.presenting import OUT, AsJson, emit, emit_each, note, progress
from tutela.indicators import listing, store
from tutela.indicators.importing import import_list
from tutela.indicators.model import SignalKind
from tutela.indicators.signals import NotAHash, value_of
from tutela.indicators.sources import FORMATS
from tutela.primitives.clock import SystemClock, iso
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, NotFound
from tutela.primitives.ids import ImportId
from tutela.wiring.opening import open_database

app = typer.Typer(
    help="Hash lists: import, list, show, withdraw, configure, compare.", no_args_is_help=True
)
app.command()(comparing.overlap)
app.command()(comparing.clusters)

Name = Annotated[str, typer.Argument(help="Name of the list.")]
Kind = Annotated[SignalKind | None, typer.Option("--kind", help="Kind of the hash, with --value.")]
Value = Annotated[str | None, typer.Option("--value", help="The hash, as in a list.")]
ExternalId = Annotated[
    str | None, typer.Option("--external-id", help="The source's own name of the record.")
]
Provenance = Annotated[
    str | None, typer.Option("--provenance", help="Where the list comes from, in a few words.")
]
Threshold = Annotated[
    int | None,
    typer.Option(
        "--threshold-bits",
        help=f"Largest PDQ distance that matches, 0 to {listing.MAX_THRESHOLD_BITS} "
        "(31 for a new list).",
    ),
]
MinQuality = Annotated[
    int | None,
    typer.Option("--min-quality", help="Lowest PDQ quality that is compared (50 for a new list)."),
]
SecondPerson = Annotated[
    bool | None,
    typer.Option("--second-person/--one-person", help="Whether a decision needs a second person."),
]
Dihedral = Annotated[
    bool | None,
    typer.Option(
        "--dihedral/--no-dihedral", help="Whether turned and mirrored pictures match too."
    ),
]


def register(root: typer.Typer) -> None:
    """Add `tutela lists` to the command line."""
    root.add_typer(app, name="lists")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The list as a file.", show_default=False)],
    name: Annotated[str, typer.Option("--name", help="List to bring it into; made if new.")],
    format_: Annotated[
        str | None,
        typer.Option("--format", help=f"{', '.join(sorted(FORMATS))}; found out when not given."),
    ] = None,
    provenance: Provenance = None,
    threshold_bits: Threshold = None,
    min_quality: MinQuality = None,
    second_person: SecondPerson = None,
    dihedral: Dihedral = None,
    complete: Annotated[
        bool,
        typer.Option("--complete", help="The file is the full list: withdraw what it lacks."),
    ] = False,
    by: MaybeBy = "",
    as_json: AsJson = False,
) -> None:
    """Bring a file into a hash list. Importing the same file twice changes nothing.

    Rows that cannot be taken are refused and listed with their reason; the others go in.
    """
    size = file.stat().st_size if file.is_file() else 0
    with (
        _opened(by) as (database, actor),
        progress(f"Importing {file.name}", total=size) as advance,
    ):

        def tell(done: int, total: int) -> None:
            advance(done)
            if done == total and not as_json:
                note("Read to the end; merging into the list …")

        imported = import_list(
            database,
            path=file,
            name=name,
            format=format_,
            by=actor,
            at=_now(),
            provenance=provenance,
            threshold_bits=threshold_bits,
            min_quality=min_quality,
            second_person=second_person,
            dihedral=dihedral,
            complete=complete,
            progress=tell,
        )
    emit(
        {
            "import": imported.id,
            "list": name,
            "list_id": imported.list_id,
            **figures(imported),
            "not_matched": imported.not_matched,
            "refused": [refusal_json(refusal) for refusal in imported.refused],
            "ignored": [ignored_json(one) for one in imported.ignored],
        },
        as_json=as_json,
        render=lambda: show_imported(name, imported),
    )


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """All hash lists with their policy and how many entries match."""
    with open_database() as database, database.begin() as tx:
        found = [(one, listing.counts(tx, one.id)) for one in listing.lists(tx)]
    emit_each(
        [
            list_json(one) | {"active": counted.active, "not_matched": counted.not_matched}
            for one, counted in found
        ],
        as_json=as_json,
        render=lambda: show_lists(found),
    )


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """One list: policy, entries by kind, status and category, latest imports and refusals."""
    with open_database() as database, database.begin() as tx:
        hash_list = store.required(tx, name)
        counted = listing.counts(tx, hash_list.id)
        imports = store.imports_of(tx, hash_list.id, limit=5)
        refused = store.refusals_of(tx, imports[0].id, limit=SHOWN_REFUSALS) if imports else []
    data = list_json(hash_list) | {
        "entries": counted.by_kind,
        "categories": counted.by_category,
        "categories_not_matched": counted.categories_not_matched,
        "active": counted.active,
        "not_matched": counted.not_matched,
        "imports": [
            {
                "import": one.id,
                "at": iso(one.at),
                "by": one.by,
                "format": one.format,
                "file_sha256": one.file_sha256,
                "complete": one.complete,
                **figures(one),
            }
            for one in imports
        ],
        "last_refusals": [refusal_json(refusal) for refusal in refused],
    }
    emit(data, as_json=as_json, render=lambda: show_list(data))


@app.command()
def refusals(
    name: Name,
    import_id: Annotated[
        str | None, typer.Option("--import", help="Which import; the latest when not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The rows an import refused and the fields it left out, each with the reason.

    Of each the first 10,000 are kept.
    """
    with open_database() as database, database.begin() as tx:
        hash_list = store.required(tx, name)
        imports = store.imports_of(tx, hash_list.id, limit=1_000)
        wanted = ImportId.parse(import_id) if import_id else None
        chosen = next((one for one in imports if wanted in (None, one.id)), None)
        if chosen is None:
            raise NotFound("This list has no such import", remedy="See `tutela lists show NAME`")
        rows = store.refusals_of(tx, chosen.id)
        ignored = store.ignored_of(tx, chosen.id)
    if as_json:
        for one in [*map(refusal_json, rows), *map(ignored_json, ignored)]:
            emit(one, as_json=True, render=lambda: None)
        return
    show_refusals(rows, total=chosen.refused_total)
    show_ignored(ignored, total=chosen.ignored_total)


@app.command()
def withdraw(
    name: Name,
    kind: Kind = None,
    value: Value = None,
    external_id: ExternalId = None,
    by: MaybeBy = "",
    as_json: AsJson = False,
) -> None:
    """Take an entry out for good: it stops matching at once, and no import brings it back."""
    _correct(listing.withdraw, "withdrawn", name, kind, value, external_id, by, as_json=as_json)


@app.command()
def restore(
    name: Name,
    kind: Kind = None,
    value: Value = None,
    external_id: ExternalId = None,
    by: MaybeBy = "",
    as_json: AsJson = False,
) -> None:
    """Undo `withdraw`."""
    _correct(listing.restore, "restored", name, kind, value, external_id, by, as_json=as_json)


@app.command()
def configure(
    name: Name,
    provenance: Provenance = None,
    threshold_bits: Threshold = None,
    min_quality: MinQuality = None,
    second_person: SecondPerson = None,
    dihedral: Dihedral = None,
    enabled: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Whether the list matches at all.")
    ] = None,
    video_query_percent: Annotated[
        int | None,
        typer.Option(help="Videos: percent of the upload's frames that must be in a known one."),
    ] = None,
    video_bank_percent: Annotated[
        int | None,
        typer.Option(help="Videos: or percent of a known one's frames that must be in it."),
    ] = None,
    video_seconds: Annotated[
        int | None,
        typer.Option(help="Videos: or seconds that must run along with a known one; 0 is off."),
    ] = None,
    match_uncategorised: Annotated[
        bool | None,
        typer.Option(
            "--match-uncategorised/--hold-uncategorised",
            help="Whether entries match that their source has not categorised.",
        ),
    ] = None,
    match_unknown_codes: Annotated[
        bool | None,
        typer.Option(
            "--match-unknown-codes/--hold-unknown-codes",
            help="Whether entries match whose category code nobody defines.",
        ),
    ] = None,
    by: MaybeBy = "",
    as_json: AsJson = False,
) -> None:
    """Change a list's policy; what is not given stays. It counts from the next match on."""
    with _opened(by) as (database, actor), database.begin() as tx:
        hash_list = listing.configure(
            tx,
            name=name,
            by=actor,
            at=_now(),
            provenance=provenance,
            threshold_bits=threshold_bits,
            min_quality=min_quality,
            second_person=second_person,
            dihedral=dihedral,
            enabled=enabled,
            video_query_percent=video_query_percent,
            video_bank_percent=video_bank_percent,
            video_seconds=video_seconds,
            match_uncategorised=match_uncategorised,
            match_unknown_codes=match_unknown_codes,
        )
    emit(
        list_json(hash_list),
        as_json=as_json,
        render=lambda: OUT.print(f"{name}: {policy_words(hash_list)}"),
    )


@app.command("map-category")
def map_category(
    name: Name,
    code: Annotated[
        str, typer.Argument(help="The unknown code, or scheme/version/code.", show_default=False)
    ],
    category: Annotated[
        str | None,
        typer.Argument(help="What it counts as: a code of its scheme, or scheme/version/code."),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the mapping back.")] = False,
    by: MaybeBy = "",
    as_json: AsJson = False,
) -> None:
    """Say what an unknown category code counts as; it counts for stored entries too.

    Until then entries with that code are kept and not matched.
    """
    if (category is None) != remove:
        raise BadInput("Give a CATEGORY or --remove", why="one of the two is needed")
    with _opened(by) as (database, actor), database.begin() as tx:
        hash_list = listing.map_category(
            tx, name=name, code=code, category=category, by=actor, at=_now()
        )
        counted = listing.counts(tx, hash_list.id)
    emit(
        list_json(hash_list) | {"active": counted.active, "not_matched": counted.not_matched},
        as_json=as_json,
        render=lambda: OUT.print(f"{name}: {counted.active:,} entries match now"),
    )


def _correct(
    act: Any,  # noqa: ANN401 - withdraw or restore
    done: str,
    name: str,
    kind: SignalKind | None,
    value: str | None,
    external_id: str | None,
    by: str,
    *,
    as_json: bool,
) -> None:
    """Withdraw or restore the entries that the options name."""
    if (kind is None) != (value is None):
        raise BadInput("--kind and --value belong together", why="one of them is missing")
    try:
        raw = value_of(kind, value) if kind is not None and value is not None else None
    except NotAHash as error:
        raise BadInput("The --value is no hash of this --kind", why=str(error)) from None
    with _opened(by) as (database, actor), database.begin() as tx:
        hash_list = store.required(tx, name)
        entries = act(
            tx,
            list_id=hash_list.id,
            kind=kind,
            value=raw,
            external_id=external_id,
            by=actor,
            at=_now(),
        )
    emit(
        {"list": name, done: entries},
        as_json=as_json,
        render=lambda: OUT.print(f"{name}: {entries} entries {done}"),
    )


@contextmanager
def _opened(by: str) -> Iterator[tuple[Database, str]]:
    """The database, and who changes a list in it, for the ledger."""
    with open_database() as database:
        yield database, acting(database, by, Permission.LISTS_WRITE).id


def _now() -> datetime:
    return SystemClock().now()
