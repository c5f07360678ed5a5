"""Importing a file into a hash list: one transaction, so a crash leaves nothing half done."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from tutela.indicators import listing, store
from tutela.indicators.incoming import Staged, stage
from tutela.indicators.merging import Merged, merge
from tutela.indicators.model import HashList, Imported
from tutela.indicators.sources import (
    FORMATS,
    RECORDS_ARE_WHOLE,
    Progress,
    SourceFile,
    format_of,
)
from tutela.ledger.actions import LedgerAction
from tutela.ledger.store import append
from tutela.primitives.database import Database
from tutela.primitives.errors import Conflict
from tutela.primitives.ids import ImportId


def import_list(
    database: Database,
    *,
    path: Path,
    name: str,
    by: str,
    at: datetime,
    format: str | None = None,  # noqa: A002 - the word the command line and the contract use
    provenance: str | None = None,
    threshold_bits: int | None = None,
    min_quality: int | None = None,
    second_person: bool | None = None,
    dihedral: bool | None = None,
    complete: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Bring a file into the list `name`, which is made when it does not exist.

    Streams: memory does not grow with the file. Everything happens in one transaction: when
    it fails or the process dies nothing has changed, and running it again is safe; importing
    the same file twice leaves every entry as it was. `format` None looks at the file. Policy
    arguments that are None leave the list's policy (or the defaults) alone. `complete` says
    that the file is the full list: entries it lacks are withdrawn. Entries that a person
    withdrew here, and entries whose stored copy is newer by the source's own clock, stay.

    Raises `BadInput` for a file that cannot be read to its end, with nothing imported.
    """
    chosen = format_of(path, format)
    policy = {
        "provenance": provenance,
        "threshold_bits": threshold_bits,
        "min_quality": min_quality,
        "second_person": second_person,
        "dihedral": dihedral,
    }
    given: dict[str, Any] = {key: value for key, value in policy.items() if value is not None}
    listing.check(name=name, policy=given)
    import_id = ImportId.new()
    with SourceFile(path, progress) as source, database.begin() as tx:
        reading = source.buffered()  # held until the end: a dropped reader closes its file
        staged = stage(tx, FORMATS[chosen](reading), at=at)
        file_sha256 = source.finish()
        hash_list, is_new = _ensured(tx, name=name, policy=given, at=at)
        merged = merge(
            tx,
            hash_list=hash_list,
            staged=staged,
            whole_records=chosen in RECORDS_ARE_WHOLE,
            complete=complete,
            at=at,
        )
        imported = _imported(import_id, hash_list, staged, merged)
        tx.execute(
            insert(store.IMPORTS).values(
                id=import_id,
                list_id=hash_list.id,
                at=at,
                by_actor=by,
                format=chosen,
                file_sha256=file_sha256,
                complete=complete,
                **_figures(imported),
            )
        )
        store.keep_refusals(tx, import_id, imported)
        # The ledger last: its lock is everybody's, and a long import must not hold it.
        if is_new:
            listing.tell_created(tx, hash_list, by=by, at=at)
        elif given:
            listing.configure(tx, name=name, by=by, at=at, **given)
        append(
            tx,
            at=at,
            actor=by,
            action=LedgerAction.LIST_IMPORTED,
            subject=hash_list.id,
            detail={
                "import": str(import_id),
                "format": chosen,
                "file_sha256": file_sha256,
                "complete": complete,
                **_figures(imported),
                "not_matched": dict(imported.not_matched),
            },
        )
    return imported


def _ensured(
    tx: Connection, *, name: str, policy: Mapping[str, Any], at: datetime
) -> tuple[HashList, bool]:
    """The list of this name and whether it is new."""
    known = store.list_named(tx, name)
    if known is not None:
        return known, False
    try:
        return listing.insert_list(tx, name=name, at=at, policy=policy), True
    except IntegrityError:
        raise Conflict(
            "Another import has just made a list of this name",
            remedy="Nothing was imported. Run the same command again",
        ) from None


def _imported(import_id: ImportId, hash_list: HashList, staged: Staged, merged: Merged) -> Imported:
    """What the import changed."""
    return Imported(
        id=import_id,
        list_id=hash_list.id,
        added=merged.added,
        updated=merged.updated,
        withdrawn=merged.withdrawn,
        unchanged=merged.unchanged,
        refused=tuple(staged.refused),
        refused_total=staged.refused_total,
        kept_unreadable=merged.kept_unreadable,
        ignored=tuple(staged.ignored),
        ignored_total=staged.ignored_total,
        not_matched=merged.not_matched,
    )


def _figures(imported: Imported) -> dict[str, int]:
    """The counts, as stored and as told to the ledger."""
    return {
        "added": imported.added,
        "updated": imported.updated,
        "withdrawn": imported.withdrawn,
        "unchanged": imported.unchanged,
        "refused_total": imported.refused_total,
        "kept_unreadable": imported.kept_unreadable,
        "ignored_total": imported.ignored_total,
    }
