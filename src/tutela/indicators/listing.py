"""Hash lists as the operator sees and governs them: create, configure, withdraw, restore."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update

from tutela.indicators import counting, store
from tutela.indicators.categories import check_mapping
from tutela.indicators.formats.texts import is_name
from tutela.indicators.model import EntryStatus, HashList, SignalKind
from tutela.ledger.actions import LedgerAction
from tutela.ledger.store import append
from tutela.primitives.errors import BadInput, NotFound
from tutela.primitives.ids import ListId
from tutela.taxonomy.model import Category

MAX_VIDEO_SECONDS = (1 << 31) - 1
MAX_THRESHOLD_BITS = 63
"""Above a quarter of the 256 bits, unrelated pictures begin to meet."""
MAX_QUALITY = 100
MAX_NAME_CHARACTERS = 100
MAX_PROVENANCE_CHARACTERS = 500

POLICY = (
    "provenance",
    "threshold_bits",
    "min_quality",
    "second_person",
    "dihedral",
    "enabled",
    "video_query_percent",
    "video_bank_percent",
    "video_seconds",
    "match_uncategorised",
    "match_unknown_codes",
)

_ENTRIES = store.ENTRIES.c


def lists(tx: Connection) -> Sequence[HashList]:
    """Every list, by name."""
    return store.all_lists(tx)


def counts(tx: Connection, list_id: ListId) -> counting.Counts:
    """Entries of a list that match, and the others by reason; by kind and by category."""
    return counting.counts(tx, list_id)


def create(tx: Connection, *, name: str, by: str, at: datetime, **policy: Any) -> HashList:  # noqa: ANN401 - HashList's fields
    """Make an empty list; its name must be new. Ledger: list_created.

    `policy` may hold provenance, threshold_bits, min_quality, second_person, dihedral, enabled.
    """
    hash_list = insert_list(tx, name=name, at=at, policy=policy)
    tell_created(tx, hash_list, by=by, at=at)
    return hash_list


def insert_list(tx: Connection, *, name: str, at: datetime, policy: Mapping[str, Any]) -> HashList:
    """Store a new list without telling the ledger, so that a long import can do so last."""
    check(name=name, policy=policy)
    hash_list = HashList(
        id=ListId.new(), name=name, created_at=at, **({"provenance": ""} | dict(policy))
    )
    tx.execute(
        insert(store.HASH_LISTS).values(
            {column.name: getattr(hash_list, column.name) for column in store.HASH_LISTS.c}
        )
    )
    return hash_list


def tell_created(tx: Connection, hash_list: HashList, *, by: str, at: datetime) -> None:
    """The ledger line of a new list."""
    append(
        tx,
        at=at,
        actor=by,
        action=LedgerAction.LIST_CREATED,
        subject=hash_list.id,
        detail=_told({key: getattr(hash_list, key) for key in POLICY}),
    )


def configure(
    tx: Connection,
    *,
    name: str,
    by: str,
    at: datetime,
    provenance: str | None = None,
    threshold_bits: int | None = None,
    min_quality: int | None = None,
    second_person: bool | None = None,
    dihedral: bool | None = None,
    enabled: bool | None = None,
    video_query_percent: int | None = None,
    video_bank_percent: int | None = None,
    video_seconds: int | None = None,
    match_uncategorised: bool | None = None,
    match_unknown_codes: bool | None = None,
) -> HashList:
    """Change a list's policy; None leaves a setting alone. It counts from the next match on.

    Ledger: list_configured, only when something changed.
    """
    wanted = {
        "provenance": provenance,
        "threshold_bits": threshold_bits,
        "min_quality": min_quality,
        "second_person": second_person,
        "dihedral": dihedral,
        "enabled": enabled,
        "video_query_percent": video_query_percent,
        "video_bank_percent": video_bank_percent,
        "video_seconds": video_seconds,
        "match_uncategorised": match_uncategorised,
        "match_unknown_codes": match_unknown_codes,
    }
    hash_list = store.required(tx, name)
    changes = {
        key: value
        for key, value in wanted.items()
        if value is not None and value != getattr(hash_list, key)
    }
    if not changes:
        return hash_list
    check(name=name, policy=changes)
    tx.execute(
        update(store.HASH_LISTS).where(store.HASH_LISTS.c.id == hash_list.id).values(**changes)
    )
    append(
        tx,
        at=at,
        actor=by,
        action=LedgerAction.LIST_CONFIGURED,
        subject=hash_list.id,
        detail=_told(changes),
    )
    return store.required(tx, name)


def map_category(
    tx: Connection, *, name: str, code: str, category: str | None, by: str, at: datetime
) -> HashList:
    """Say what an unknown code counts as in this list; None takes that back.

    `code` is a code, or a code with its scheme and version (`vics-us/1.2/8`); `category` likewise,
    a bare code being one of the same scheme. It counts for stored entries too, from the next
    match on. Raises `BadInput` for a code that its scheme defines, or a category that nobody
    does. Ledger: list_category_mapped, only when something changed.
    """
    hash_list = store.required(tx, name)
    changed = {key: value for key, value in hash_list.category_map.items() if key != code}
    if category is not None:
        check_mapping(code, category, stored=_coded(tx, hash_list.id, code))
        changed[code] = category
    elif code not in hash_list.category_map:
        raise NotFound("This list maps no such code", remedy="See `tutela lists show NAME`")
    if changed == dict(hash_list.category_map):
        return hash_list
    lists = store.HASH_LISTS
    tx.execute(update(lists).where(lists.c.id == hash_list.id).values(category_map=changed))
    append(
        tx,
        at=at,
        actor=by,
        action=LedgerAction.LIST_CATEGORY_MAPPED,
        subject=hash_list.id,
        detail={"code": code, "category": category or ""},
    )
    return store.required(tx, name)


def _coded(tx: Connection, list_id: ListId, code: str) -> list[Category]:
    """The categories of the list's entries that this code names."""
    columns = (_ENTRIES.scheme, _ENTRIES.scheme_version, _ENTRIES.category_code)
    rows = tx.execute(
        select(*columns)
        .where(_ENTRIES.list_id == list_id, _ENTRIES.category_code.is_not(None))
        .distinct()
    )
    found = [store.category_of(*row) for row in rows]
    return [one for one in found if isinstance(one, Category) and code in (one.code, str(one))]


def withdraw(
    tx: Connection,
    *,
    list_id: ListId,
    by: str,
    at: datetime,
    kind: SignalKind | None = None,
    value: bytes | None = None,
    external_id: str | None = None,
) -> int:
    """Take a hash, or a whole record, out of a list; returns how many entries left.

    Named by `kind` and `value`, by `external_id`, or by all three. Matching stops with the
    commit, and no later import of this list brings it back: only `restore` does.
    Ledger: list_entry_withdrawn.
    """
    store.lock_entries(tx, list_id)
    meant = _meant(kind=kind, value=value, external_id=external_id)
    ids = _changed(
        tx,
        list_id,
        meant,
        or_(_ENTRIES.status == EntryStatus.ACTIVE, _ENTRIES.withdrawn_by.is_(None)),
        {"status": EntryStatus.WITHDRAWN, "withdrawn_by": by, "updated_at": at},
    )
    if ids:
        _tell(tx, action=LedgerAction.LIST_ENTRY_WITHDRAWN, list_id=list_id, ids=ids, by=by, at=at)
    return len(ids)


def restore(
    tx: Connection,
    *,
    list_id: ListId,
    by: str,
    at: datetime,
    kind: SignalKind | None = None,
    value: bytes | None = None,
    external_id: str | None = None,
) -> int:
    """Undo `withdraw`: entries a person withdrew match again. Ledger: list_entry_restored."""
    store.lock_entries(tx, list_id)
    meant = _meant(kind=kind, value=value, external_id=external_id)
    ids = _changed(
        tx,
        list_id,
        meant,
        _ENTRIES.withdrawn_by.is_not(None),
        {"status": EntryStatus.ACTIVE, "withdrawn_by": None, "updated_at": at},
    )
    if ids:
        _tell(tx, action=LedgerAction.LIST_ENTRY_RESTORED, list_id=list_id, ids=ids, by=by, at=at)
    return len(ids)


def _meant(
    *, kind: SignalKind | None, value: bytes | None, external_id: str | None
) -> list[ColumnElement[bool]]:
    """Which entries are meant; naming none refuses (house style 7)."""
    conditions: list[ColumnElement[bool]] = []
    if (kind is None) != (value is None):
        raise BadInput("A hash is named by its kind and its value", why="one of them is missing")
    if kind is not None:
        conditions += [_ENTRIES.kind == kind, _ENTRIES.value == value]
    if external_id:
        conditions.append(_ENTRIES.external_id == external_id)
    if not conditions:
        raise BadInput(
            "No entry is named",
            why="neither kind and value nor external_id is given",
            remedy="Give --kind and --value, or --external-id",
        )
    return conditions


def _changed(
    tx: Connection,
    list_id: ListId,
    meant: list[ColumnElement[bool]],
    only: ColumnElement[bool],
    values: Mapping[str, object],
) -> list[int]:
    """Change the entries that are meant; `NotFound` when the list never held them."""
    known = tx.execute(
        select(_ENTRIES.id).where(_ENTRIES.list_id == list_id, *meant).limit(1)
    ).first()
    if known is None:
        raise NotFound("The list holds no such entry")
    rows = tx.execute(
        update(store.ENTRIES)
        .where(_ENTRIES.list_id == list_id, *meant)
        .where(only, _ENTRIES.status != EntryStatus.SET_ASIDE)
        .values(**values)
        .returning(_ENTRIES.id)
    )
    return sorted(row.id for row in rows)


def _tell(
    tx: Connection, *, action: LedgerAction, list_id: ListId, ids: list[int], by: str, at: datetime
) -> None:
    """Notification and ledger line; entries by their number, never by their hash."""
    append(
        tx,
        at=at,
        actor=by,
        action=action,
        subject=list_id,
        detail={"entries": len(ids), "entry_ids": ids[:100]},
    )


def check(*, name: str, policy: Mapping[str, Any]) -> None:
    """Refuse a name or a policy that makes no sense."""
    if not name.strip() or not is_name(name, most=MAX_NAME_CHARACTERS):
        raise BadInput(
            "A list cannot have this name",
            why=f"a name is 1 to {MAX_NAME_CHARACTERS} printable characters",
        )
    threshold = policy.get("threshold_bits", 0)
    if not 0 <= threshold <= MAX_THRESHOLD_BITS:
        raise BadInput(
            "This threshold cannot be used",
            why=f"{threshold} is not between 0 and {MAX_THRESHOLD_BITS} bits; further apart, "
            "unrelated pictures meet",
        )
    quality = policy.get("min_quality", 0)
    if not 0 <= quality <= MAX_QUALITY:
        raise BadInput(
            "This lowest quality cannot be used", why=f"{quality} is not between 0 and 100"
        )
    for share in ("video_query_percent", "video_bank_percent"):
        if not 1 <= policy.get(share, 1) <= 100:  # noqa: PLR2004 - percent
            raise BadInput("This share of frames cannot be used", why="it is not 1 to 100 percent")
    if not 0 <= policy.get("video_seconds", 0) <= MAX_VIDEO_SECONDS:
        raise BadInput(
            "This number of seconds cannot be used", why=f"it is not 0 to {MAX_VIDEO_SECONDS:,}"
        )
    if not is_name(policy.get("provenance", ""), most=MAX_PROVENANCE_CHARACTERS):
        raise BadInput(
            "This provenance cannot be stored",
            why=f"it is longer than {MAX_PROVENANCE_CHARACTERS} characters or not printable",
        )


def _told(policy: Mapping[str, Any]) -> dict[str, object]:
    """A policy as the ledger tells it: figures and flags; a text only as changed."""
    return {key: value if key != "provenance" else bool(value) for key, value in policy.items()}
