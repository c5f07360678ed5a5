"""Bringing a file's entries into a list: copied to a temporary table, then merged by SQL.

Nothing is held in memory but one row at a time. The steps of `merge`, each a statement:

 1. of a row that repeats in the file the last counts
 2. a withdrawal in the file reaches the entries of the file that stand before it
 3. a withdrawal reaches the stored entries of the same hash that it does not name itself
 4. stored entries that differ are changed, unless the source's copy is the older one
 5. a tombstone reaches all stored entries of its record
 6. where records are whole, what a record no longer lists is withdrawn
 7. where the file is the full list, what it does not list is withdrawn
 8. what a person withdrew here stays withdrawn, under a new record too
 9. the frames of videos are kept, and new entries added, last: the planner knows nothing yet
    about rows this new

Whoever calls holds the list's lock (`store.lock_entries`).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from sqlalchemy import Connection, text

from tutela.indicators import store
from tutela.indicators.model import ListEntry, Refusal
from tutela.primitives.errors import Unavailable
from tutela.primitives.ids import ListId

KEPT_REFUSALS = 10_000
FEW_ROWS = 1_000
"""More changed rows than this are worth fresh statistics."""
MANY_ROWS = 10_000

_COLUMNS = (
    "seq, kind, value, external_id, scheme, scheme_version, category_code, status, quality, "
    "provenance, source_at, tombstone, frames"
)
_CREATE = """
CREATE TEMPORARY TABLE incoming (
    seq bigint, kind text, value bytea, external_id text, scheme text, scheme_version text,
    category_code text, status text, quality integer, provenance jsonb, source_at timestamptz,
    tombstone boolean, frames bytea, withdrawn_by text
) ON COMMIT DROP
"""

_LAST_OF_REPEATED = """
DELETE FROM incoming i
USING (
    SELECT kind, value, external_id, max(seq) AS seq
    FROM incoming WHERE NOT tombstone
    GROUP BY kind, value, external_id HAVING count(*) > 1
) last
WHERE NOT i.tombstone AND i.seq < last.seq
  AND (i.kind, i.value, i.external_id) = (last.kind, last.value, last.external_id)
"""

# Two statements, so that each is joined by hashing and not by looking at every pair.
_WITHDRAWN_LATER_IN_FILE = tuple(
    f"""
UPDATE incoming e SET status = w.status, source_at = COALESCE(w.source_at, e.source_at)
FROM incoming w
WHERE w.status <> 'active' AND e.status = 'active' AND NOT e.tombstone
  AND (COALESCE(w.source_at, '-infinity'), w.seq) > (COALESCE(e.source_at, '-infinity'), e.seq)
  AND {reach}
"""  # noqa: S608 - two constants
    for reach in (
        "w.tombstone AND e.external_id = w.external_id",
        "NOT w.tombstone AND w.external_id = '' AND e.kind = w.kind AND e.value = w.value",
    )
)

_TOMBSTONE_OVERTAKEN_IN_FILE = """
DELETE FROM incoming t USING incoming e
WHERE t.tombstone AND NOT e.tombstone AND e.external_id = t.external_id
  AND (COALESCE(e.source_at, '-infinity'), e.seq) > (COALESCE(t.source_at, '-infinity'), t.seq)
"""

# Rows whose own entry changes too are counted there.
_WITHDRAW_SAME_HASH = """
WITH done AS (
    UPDATE list_entries e
    SET status = i.status, source_at = COALESCE(i.source_at, e.source_at), updated_at = :at
    FROM incoming i
    WHERE e.list_id = :list_id AND e.kind = i.kind AND e.value = i.value AND NOT i.tombstone
      AND i.status <> 'active' AND e.status = 'active' AND e.external_id <> i.external_id
      AND (i.external_id = '' OR e.external_id = '')
      AND (e.source_at IS NULL OR i.source_at IS NULL OR i.source_at >= e.source_at)
    RETURNING i.seq, i.kind, i.value, i.external_id
)
SELECT count(*) AS entries, count(DISTINCT d.seq) FILTER (WHERE own.id IS NULL) AS rows
FROM done d LEFT JOIN list_entries own
  ON own.list_id = :list_id AND own.kind = d.kind AND own.value = d.value
 AND own.external_id = d.external_id AND own.status = 'active'
"""

# A withdrawal that reaches the entries of the same hash needs no entry of its own.
_NO_NEED_OF_OWN_ENTRY = """
DELETE FROM incoming i
WHERE i.status <> 'active' AND NOT i.tombstone
  AND EXISTS (SELECT FROM list_entries e WHERE e.list_id = :list_id AND e.kind = i.kind
              AND e.value = i.value AND e.external_id <> i.external_id
              AND (e.external_id = '' OR i.external_id = ''))
  AND NOT EXISTS (SELECT FROM list_entries e WHERE e.list_id = :list_id AND e.kind = i.kind
                  AND e.value = i.value AND e.external_id = i.external_id)
"""

# A withdrawal changes the status and keeps what the entry said; anything else replaces all.
_CHANGE = """
WITH wanted AS (
    SELECT e.id, e.status AS before,
        i.status = 'active' AS whole,
        CASE WHEN e.withdrawn_by IS NOT NULL OR e.status = 'set_aside' THEN e.status
             ELSE i.status END AS status,
        i.scheme, i.scheme_version, i.category_code, i.quality, i.provenance,
        COALESCE(i.source_at, e.source_at) AS source_at
    FROM incoming i JOIN list_entries e
      ON e.list_id = :list_id AND e.kind = i.kind AND e.value = i.value
     AND e.external_id = i.external_id
    WHERE NOT i.tombstone
      AND (e.source_at IS NULL OR i.source_at IS NULL OR i.source_at >= e.source_at)
), done AS (
    UPDATE list_entries e SET
        status = w.status,
        scheme = CASE WHEN w.whole THEN w.scheme ELSE e.scheme END,
        scheme_version = CASE WHEN w.whole THEN w.scheme_version ELSE e.scheme_version END,
        category_code = CASE WHEN w.whole THEN w.category_code ELSE e.category_code END,
        quality = CASE WHEN w.whole THEN w.quality ELSE e.quality END,
        provenance = CASE WHEN w.whole THEN w.provenance ELSE e.provenance END,
        source_at = w.source_at,
        updated_at = :at
    FROM wanted w
    WHERE e.id = w.id
      AND ((e.status, e.source_at) IS DISTINCT FROM (w.status, w.source_at)
        OR (w.whole AND (e.scheme, e.scheme_version, e.category_code, e.quality, e.provenance)
            IS DISTINCT FROM
            (w.scheme, w.scheme_version, w.category_code, w.quality, w.provenance)))
    RETURNING w.before = 'active' AND e.status <> 'active' AS withdrawn
)
SELECT count(*) FILTER (WHERE withdrawn) AS withdrawn,
       count(*) FILTER (WHERE NOT withdrawn) AS updated FROM done
"""

_KEEP_WITHDRAWN = """
UPDATE incoming i SET status = 'withdrawn', withdrawn_by = w.withdrawn_by
FROM list_entries w
WHERE w.list_id = :list_id AND w.withdrawn_by IS NOT NULL
  AND i.kind = w.kind AND i.value = w.value AND NOT i.tombstone
"""

_KEEP_FRAMES = """
INSERT INTO list_videos (value, frames)
SELECT DISTINCT ON (value) value, frames FROM incoming WHERE frames IS NOT NULL
ON CONFLICT (value) DO NOTHING
"""

_ADD = """
WITH done AS (
    INSERT INTO list_entries (
        list_id, kind, value, external_id, scheme, scheme_version, category_code, status,
        quality, provenance, source_at, withdrawn_by, first_seen, updated_at)
    SELECT :list_id, i.kind, i.value, i.external_id, i.scheme, i.scheme_version,
        i.category_code, i.status, i.quality, i.provenance, i.source_at, i.withdrawn_by, :at, :at
    FROM incoming i
    WHERE NOT i.tombstone AND NOT EXISTS (
        SELECT FROM list_entries e WHERE e.list_id = :list_id AND e.kind = i.kind
          AND e.value = i.value AND e.external_id = i.external_id)
    ORDER BY i.seq
    RETURNING status
)
SELECT count(*) FILTER (WHERE status = 'active') AS added,
       count(*) FILTER (WHERE status <> 'active') AS withdrawn FROM done
"""

_TOMBSTONES = """
WITH done AS (
    UPDATE list_entries e
    SET status = i.status, source_at = COALESCE(i.source_at, e.source_at), updated_at = :at
    FROM incoming i
    WHERE i.tombstone AND e.list_id = :list_id AND e.external_id = i.external_id
      AND e.external_id <> '' AND e.status = 'active'
      AND (e.source_at IS NULL OR i.source_at IS NULL OR i.source_at >= e.source_at)
    RETURNING i.seq
)
SELECT count(*) AS entries, count(DISTINCT seq) AS rows FROM done
"""

_NO_LONGER_IN_RECORD = """
UPDATE list_entries e
SET status = 'withdrawn', source_at = COALESCE(r.source_at, e.source_at), updated_at = :at
FROM (
    SELECT external_id, max(source_at) AS source_at FROM incoming
    WHERE NOT tombstone AND external_id <> '' GROUP BY external_id
) r
WHERE e.list_id = :list_id AND e.external_id = r.external_id AND e.status = 'active'
  AND (e.source_at IS NULL OR r.source_at IS NULL OR r.source_at >= e.source_at)
  AND NOT EXISTS (SELECT FROM incoming i WHERE i.kind = e.kind AND i.value = e.value
                  AND i.external_id = e.external_id)
"""

_NO_LONGER_IN_FILE = """
UPDATE list_entries e SET status = 'withdrawn', updated_at = :at
WHERE e.list_id = :list_id AND e.status = 'active'
  AND NOT EXISTS (SELECT FROM incoming i WHERE i.kind = e.kind AND i.value = e.value
                  AND i.external_id = e.external_id)
"""


@dataclass(kw_only=True, slots=True)
class Staged:
    """What was read from a file: how many entries, and which rows were refused."""

    entries: int = 0
    refused: list[Refusal] = field(default_factory=list)
    refused_total: int = 0


@dataclass(kw_only=True, slots=True)
class Merged:
    """What a merge changed."""

    added: int = 0
    updated: int = 0
    withdrawn: int = 0
    unchanged: int = 0


def stage(tx: Connection, rows: Iterable[ListEntry | Refusal]) -> Staged:
    """Copy entries into the temporary table; keep the first 10,000 refusals and count all."""
    staged = Staged()
    tx.execute(text(_CREATE))
    driver = tx.connection.driver_connection
    if driver is None:  # pragma: no cover - a transaction always has one
        raise Unavailable("The database did not answer")
    try:
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY incoming ({_COLUMNS}) FROM STDIN") as copy,
        ):
            for row in rows:
                if isinstance(row, Refusal):
                    staged.refused_total += 1
                    if len(staged.refused) < KEPT_REFUSALS:
                        staged.refused.append(row)
                else:
                    staged.entries += 1
                    copy.write_row(_fields(staged.entries, row))
    except psycopg.OperationalError as error:
        raise Unavailable(
            "The database went away while the list was read",
            why=type(error).__name__,
            remedy="Nothing was imported. Run the same command again when it is back",
        ) from error
    tx.execute(text("ANALYZE incoming"))
    return staged


def merge(
    tx: Connection,
    *,
    list_id: ListId,
    staged: Staged,
    whole_records: bool,
    complete: bool,
    at: datetime,
) -> Merged:
    """Bring the staged entries into the list, by the steps of this module's docstring."""
    done = Merged()
    values = {"list_id": list_id, "at": at}
    effective = 0  # staged rows that changed something

    def changed(statement: str) -> int:
        return tx.execute(text(statement), values).rowcount

    def counted(statement: str) -> tuple[int, int]:
        row = tx.execute(text(statement), values).one()
        return row[0], row[1]

    tx.execute(text("SET LOCAL work_mem = '64MB'"))
    if staged.entries > MANY_ROWS:  # so many are joined by hashing, whatever the planner guesses
        tx.execute(text("SET LOCAL enable_nestloop = off"))
    store.lock_entries(tx, list_id)
    changed(_LAST_OF_REPEATED)  # 1
    for statement in _WITHDRAWN_LATER_IN_FILE:  # 2
        changed(statement)
    changed(_TOMBSTONE_OVERTAKEN_IN_FILE)
    entries, rows = counted(_WITHDRAW_SAME_HASH)  # 3
    done.withdrawn += entries
    effective += rows
    changed(_NO_NEED_OF_OWN_ENTRY)
    withdrawn, done.updated = counted(_CHANGE)  # 4
    done.withdrawn += withdrawn
    effective += withdrawn + done.updated
    entries, rows = counted(_TOMBSTONES)  # 5
    done.withdrawn += entries
    effective += rows
    if whole_records:
        done.withdrawn += changed(_NO_LONGER_IN_RECORD)  # 6
    if complete:
        done.withdrawn += changed(_NO_LONGER_IN_FILE)  # 7
    changed(_KEEP_WITHDRAWN)  # 8
    changed(_KEEP_FRAMES)
    done.added, withdrawn = counted(_ADD)  # 9
    done.withdrawn += withdrawn
    effective += done.added + withdrawn
    done.unchanged = max(0, staged.entries - effective)
    if effective > FEW_ROWS:
        tx.execute(text("SELECT list_entries_know()"))
    return done


def _fields(number: int, entry: ListEntry) -> tuple[object, ...]:
    """One row of the temporary table, in the order of `_COLUMNS`."""
    category = entry.category
    return (
        number,
        entry.kind.value,
        entry.value,
        entry.external_id,
        category.scheme if category else None,
        category.version if category else None,
        category.code if category else None,
        entry.status.value,
        entry.quality,
        json.dumps(dict(entry.provenance), ensure_ascii=False) if entry.provenance else "{}",
        entry.provenance.get("timestamp"),
        not entry.value,
        entry.video.packed() if entry.video is not None else None,
    )
