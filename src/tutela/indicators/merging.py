"""Bringing a file's entries into a list, by SQL from the temporary tables (`incoming.py`).

The steps of `merge`, each a statement:

 0. what rows that could not be read name is noted, and stays as it is in steps 6 and 7

 1. of a row that repeats in the file the last counts, or the newest where they are dated
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

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, text

from tutela.indicators import counting, store
from tutela.indicators.incoming import AHEAD, RECORD_UNREAD, Staged
from tutela.indicators.model import HashList
from tutela.indicators.unreadable import keep_named, refuse_partial

FEW_ROWS = 1_000
"""More changed rows than this are worth fresh statistics."""
MANY_ROWS = 10_000

# Of two rows of a file the newer holds where both are dated, otherwise the later.
_LATER_IN_FILE = (
    "CASE WHEN {this}.source_at = {other}.source_at OR {this}.source_at IS NULL "
    "OR {other}.source_at IS NULL THEN {this}.seq > {other}.seq "
    "ELSE {this}.source_at > {other}.source_at END"
)

# A stored date ahead of this import is none: a clock was wrong, here or at the source.
_NOT_OLDER = (
    "(e.source_at IS NULL OR {new}.source_at IS NULL OR {new}.source_at >= e.source_at "
    "OR e.source_at > :newest)"
)

_LAST_OF_REPEATED = """
DELETE FROM incoming i
USING (
    SELECT kind, value, external_id, CASE
        WHEN (array_agg(source_at ORDER BY seq DESC))[1] IS NULL THEN max(seq)
        ELSE (array_agg(seq ORDER BY source_at DESC NULLS LAST, seq DESC))[1] END AS seq
    FROM incoming JOIN (
        SELECT kind, value, external_id FROM incoming WHERE NOT tombstone
        GROUP BY kind, value, external_id HAVING count(*) > 1
    ) repeated USING (kind, value, external_id)
    WHERE NOT tombstone
    GROUP BY kind, value, external_id
) last
WHERE NOT i.tombstone AND i.seq <> last.seq
  AND (i.kind, i.value, i.external_id) = (last.kind, last.value, last.external_id)
"""

# Two statements, so that each is joined by hashing and not by looking at every pair.
_WITHDRAWN_LATER_IN_FILE = tuple(
    f"""
UPDATE incoming e SET status = w.status, source_at = COALESCE(w.source_at, e.source_at)
FROM incoming w
WHERE w.status <> 'active' AND e.status = 'active' AND NOT e.tombstone
  AND {_LATER_IN_FILE.format(this="w", other="e")}
  AND {reach}
"""  # noqa: S608 - two constants
    for reach in (
        "w.tombstone AND e.external_id = w.external_id",
        "NOT w.tombstone AND w.external_id = '' AND e.kind = w.kind AND e.value = w.value",
    )
)

_TOMBSTONE_OVERTAKEN_IN_FILE = f"""
DELETE FROM incoming t USING incoming e
WHERE t.tombstone AND NOT e.tombstone AND e.external_id = t.external_id
  AND {_LATER_IN_FILE.format(this="e", other="t")}
"""  # noqa: S608 - a constant

# Rows whose own entry changes too are counted there.
_WITHDRAW_SAME_HASH = f"""
WITH done AS (
    UPDATE list_entries e
    SET status = i.status, source_at = COALESCE(i.source_at, e.source_at), updated_at = :at
    FROM incoming i
    WHERE e.list_id = :list_id AND e.kind = i.kind AND e.value = i.value AND NOT i.tombstone
      AND i.status <> 'active' AND e.status = 'active' AND e.external_id <> i.external_id
      AND (i.external_id = '' OR e.external_id = '')
      AND {_NOT_OLDER.format(new="i")}
    RETURNING i.seq, i.kind, i.value, i.external_id
)
SELECT count(*) AS entries, count(DISTINCT d.seq) FILTER (WHERE own.id IS NULL) AS rows
FROM done d LEFT JOIN list_entries own
  ON own.list_id = :list_id AND own.kind = d.kind AND own.value = d.value
 AND own.external_id = d.external_id AND own.status = 'active'
"""  # noqa: S608 - a constant

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
_CHANGE = f"""
WITH wanted AS (
    SELECT e.id, e.status AS before,
        i.status = 'active' AS whole,
        CASE WHEN e.withdrawn_by IS NOT NULL OR e.status = 'set_aside' THEN e.status
             ELSE i.status END AS status,
        CASE WHEN i.category_unread THEN e.scheme ELSE i.scheme END AS scheme,
        CASE WHEN i.category_unread THEN e.scheme_version ELSE i.scheme_version END
            AS scheme_version,
        CASE WHEN i.category_unread THEN e.category_code ELSE i.category_code END
            AS category_code,
        CASE WHEN i.quality_unread THEN e.quality ELSE i.quality END AS quality,
        i.provenance,
        COALESCE(i.source_at, CASE WHEN e.source_at <= :newest THEN e.source_at END)
            AS source_at
    FROM incoming i JOIN list_entries e
      ON e.list_id = :list_id AND e.kind = i.kind AND e.value = i.value
     AND e.external_id = i.external_id
    WHERE NOT i.tombstone
      AND {_NOT_OLDER.format(new="i")}
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
"""  # noqa: S608 - a constant

# A hash whose record could not be read takes the name of a record that lists it later, and is not
# added beside one that has a name: the source's corrections would not reach it.
_NAMES_WANTED = f"""
SELECT EXISTS (SELECT FROM list_entries
               WHERE list_id = :list_id AND provenance ? '{RECORD_UNREAD}' AND external_id = '')
"""  # noqa: S608 - a constant
_NAME_FOUND = f"""
UPDATE list_entries e SET external_id = i.external_id, updated_at = :at
FROM (
    SELECT kind, value, min(external_id) AS external_id FROM incoming
    WHERE external_id <> '' AND NOT tombstone GROUP BY kind, value
) i
WHERE e.list_id = :list_id AND e.kind = i.kind AND e.value = i.value AND e.external_id = ''
  AND e.provenance ? '{RECORD_UNREAD}' AND NOT EXISTS (
    SELECT FROM list_entries own WHERE own.list_id = :list_id AND own.kind = i.kind
      AND own.value = i.value AND own.external_id <> '')
"""  # noqa: S608 - a constant
_NAME_KNOWN = """
DELETE FROM incoming i
WHERE i.record_unread AND EXISTS (
    SELECT FROM list_entries e WHERE e.list_id = :list_id AND e.kind = i.kind
      AND e.value = i.value AND e.external_id <> '')
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

_TOMBSTONES = f"""
WITH done AS (
    UPDATE list_entries e
    SET status = i.status, source_at = COALESCE(i.source_at, e.source_at), updated_at = :at
    FROM incoming i
    WHERE i.tombstone AND e.list_id = :list_id AND e.external_id = i.external_id
      AND e.external_id <> '' AND e.status = 'active'
      AND {_NOT_OLDER.format(new="i")}
    RETURNING i.seq
)
SELECT count(*) AS entries, count(DISTINCT seq) AS rows FROM done
"""  # noqa: S608 - a constant

_NO_LONGER_IN_RECORD = f"""
UPDATE list_entries e
SET status = 'withdrawn', source_at = COALESCE(r.source_at, e.source_at), updated_at = :at
FROM (
    SELECT external_id, max(source_at) AS source_at FROM incoming
    WHERE NOT tombstone AND external_id <> '' GROUP BY external_id
) r
WHERE e.list_id = :list_id AND e.external_id = r.external_id AND e.status = 'active'
  AND {_NOT_OLDER.format(new="r")}
  AND NOT EXISTS (SELECT FROM incoming i WHERE i.kind = e.kind AND i.value = e.value
                  AND i.external_id = e.external_id)
  AND NOT EXISTS (SELECT FROM kept k WHERE k.id = e.id)
"""  # noqa: S608 - a constant

_NO_LONGER_IN_FILE = """
UPDATE list_entries e SET status = 'withdrawn', updated_at = :at
WHERE e.list_id = :list_id AND e.status = 'active'
  AND NOT EXISTS (SELECT FROM incoming i WHERE i.kind = e.kind AND i.value = e.value
                  AND i.external_id = e.external_id)
  AND NOT EXISTS (SELECT FROM kept k WHERE k.id = e.id)
"""


@dataclass(kw_only=True, slots=True)
class Merged:
    """What a merge changed."""

    added: int = 0
    updated: int = 0
    withdrawn: int = 0
    unchanged: int = 0
    kept_unreadable: int = 0
    not_matched: Mapping[str, int] = field(default_factory=dict)


def _name_records(tx: Connection, staged: Staged, values: Mapping[str, object]) -> None:
    """Bring hashes whose record could not be read, now or before, together with its name."""
    if tx.execute(text(_NAMES_WANTED), values).scalar_one():
        tx.execute(text(_NAME_FOUND), values)
    if staged.records_unread:
        tx.execute(text(_NAME_KNOWN), values)


def merge(
    tx: Connection,
    *,
    hash_list: HashList,
    staged: Staged,
    whole_records: bool,
    complete: bool,
    at: datetime,
) -> Merged:
    """Bring the staged entries into the list, by the steps of this module's docstring.

    Raises `BadInput` when `complete` is asked for and the file may not be the full list.
    """
    done, list_id = Merged(), hash_list.id
    values = {"list_id": list_id, "at": at, "newest": at + AHEAD}
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
    done.kept_unreadable = keep_named(tx, list_id, staged)  # 0
    if complete:
        refuse_partial(tx, list_id, staged)
    _name_records(tx, staged, values)
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
    done.not_matched = counting.not_matched(tx, hash_list)
    changed(_KEEP_WITHDRAWN)  # 8
    changed(_KEEP_FRAMES)
    done.added, withdrawn = counted(_ADD)  # 9
    done.withdrawn += withdrawn
    effective += done.added + withdrawn
    done.unchanged = max(0, staged.entries - effective)
    if effective > FEW_ROWS:
        tx.execute(text("SELECT list_entries_know()"))
    return done
