"""A row that cannot be read is not a row that is gone: which stored entries it keeps.

What a refused row names stays as it was (`Refusal.names`): a hash wherever it stands; a record,
all of it or its hashes of one kind. Where the row's record could not be read, the records of the
hashes it names stay too, because what else stood in the row belongs to them; and where a record is
not known, the entries that name no record stay, because the entry may have been stored before it
had a name.
"""

from sqlalchemy import Connection, text

from tutela.indicators.incoming import Staged
from tutela.primitives.errors import BadInput
from tutela.primitives.ids import ListId

_KEPT = """
CREATE TEMPORARY TABLE kept ON COMMIT DROP AS
WITH
hashes AS MATERIALIZED (
    SELECT e.id, e.external_id, n.whole_record, n.row_no
    FROM refused_names n JOIN list_entries e
      ON e.list_id = :list_id AND e.kind = n.kind AND e.value = n.value
    WHERE n.value <> ''
),
records AS MATERIALIZED (
    SELECT e.id, n.row_no
    FROM refused_names n JOIN list_entries e
      ON e.list_id = :list_id AND e.external_id = n.external_id
     AND (n.kind IS NULL OR e.kind = n.kind)
    WHERE n.value = '' AND n.external_id <> ''
),
unknown AS MATERIALIZED (
    SELECT bool_or(n.kind IS NULL) AS any_kind, array_agg(DISTINCT n.kind) AS kinds
    FROM refused_names n
    WHERE n.value = '' AND n.external_id <> '' AND NOT EXISTS (
        SELECT FROM list_entries e WHERE e.list_id = :list_id AND e.external_id = n.external_id)
)
SELECT id, row_no FROM hashes
UNION
SELECT id, row_no FROM records
UNION
SELECT e.id, h.row_no
FROM hashes h JOIN list_entries e ON e.list_id = :list_id AND e.external_id = h.external_id
WHERE h.whole_record AND h.external_id <> ''
UNION
SELECT e.id, NULL
FROM list_entries e, unknown u
WHERE e.list_id = :list_id AND e.external_id = '' AND e.status = 'active'
  AND (u.any_kind OR e.kind = ANY (u.kinds))
"""

_FIRST_UNLOCATED = """
SELECT min(n.row_no) FROM refused_names n
WHERE NOT n.certain AND NOT EXISTS (SELECT FROM kept k WHERE k.row_no = n.row_no)
"""

_SOME_WOULD_GO = """
SELECT EXISTS (
    SELECT FROM list_entries e WHERE e.list_id = :list_id AND e.status = 'active'
      AND NOT EXISTS (SELECT FROM incoming i WHERE i.kind = e.kind AND i.value = e.value
                      AND i.external_id = e.external_id)
      AND NOT EXISTS (SELECT FROM kept k WHERE k.id = e.id))
"""

_COUNT = """
SELECT count(DISTINCT k.id) FROM kept k JOIN list_entries e ON e.id = k.id
WHERE e.status = 'active' AND NOT EXISTS (
    SELECT FROM incoming i
    WHERE i.kind = e.kind AND i.value = e.value AND i.external_id = e.external_id)
"""


def keep_named(tx: Connection, list_id: ListId, staged: Staged) -> int:
    """Note which entries refused rows may name; returns how many active ones the file lacks.

    They are in the temporary table `kept` until the end of `tx`, which is empty without refusals.
    """
    if not staged.named:
        tx.execute(text("CREATE TEMPORARY TABLE kept (id bigint, row_no bigint) ON COMMIT DROP"))
        return 0
    tx.execute(text(_KEPT), {"list_id": list_id})
    tx.execute(text("ANALYZE kept"))
    return int(tx.execute(text(_COUNT)).scalar_one())


def refuse_partial(tx: Connection, list_id: ListId, staged: Staged) -> None:
    """Refuse a file as the full list unless it surely is; `keep_named` comes before.

    Raises `BadInput` when the file is empty or mostly unreadable, shows that it is not whole, or
    lacks an entry that a row nobody could read may have named.
    """
    if staged.entries == 0 or staged.refused_total > staged.entries:
        raise _not_complete(
            f"{staged.entries} of its rows can be taken and {staged.refused_total} cannot, "
            "so nearly everything would be withdrawn"
        )
    if staged.partial:
        raise _not_complete(staged.partial)
    row = staged.anonymous
    if not row and staged.named:
        row = tx.execute(text(_FIRST_UNLOCATED)).scalar_one() or 0
    if row and tx.execute(text(_SOME_WOULD_GO), {"list_id": list_id}).scalar_one():
        raise _not_complete(
            f"row {row} cannot be read, so it could name an entry that the other rows lack "
            "and that would be withdrawn"
        )


def _not_complete(why: str) -> BadInput:
    return BadInput(
        "This file cannot be the complete list",
        why=why,
        remedy="Nothing was changed. Import it without --complete, or correct the file",
    )
