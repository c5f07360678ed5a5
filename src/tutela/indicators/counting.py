"""How many entries a list holds, and how many of them match: the others apart, by reason."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, literal, select, text

from tutela.indicators import store
from tutela.indicators.categories import NotMatched, why_not_matched
from tutela.indicators.model import EntryStatus, HashList, SignalKind, Uncategorised
from tutela.primitives.ids import ListId
from tutela.taxonomy.model import Category

_KINDS_NOT_MATCHED = frozenset({SignalKind.PHOTODNA, SignalKind.OTHER})
_INCOMING = text("""
SELECT kind, status, COALESCE(kind = 'pdq' AND quality < :least, false), scheme, scheme_version,
    category_code, count(*)
FROM incoming WHERE status = 'active' AND NOT tombstone
GROUP BY 1, 2, 3, 4, 5, 6
""")
_ENTRIES = store.ENTRIES.c


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How many entries a list holds.

    `by_kind` counts by kind and state: `active` are those that match, the others stand under the
    reason why they do not (`NotMatched`). `by_category` counts what is not withdrawn by category
    (`scheme/version/code`, without the code where the source gave none, "" without any), and
    `categories_not_matched` says which of those do not match and why.
    """

    by_kind: Mapping[str, Mapping[str, int]]
    by_category: Mapping[str, int]
    categories_not_matched: Mapping[str, str]

    @property
    def active(self) -> int:
        """Entries that match."""
        return sum(kind.get(EntryStatus.ACTIVE, 0) for kind in self.by_kind.values())

    @property
    def not_matched(self) -> Mapping[str, int]:
        """Entries that do not match, by reason."""
        found: dict[str, int] = {}
        for kind in self.by_kind.values():
            for state, number in kind.items():
                if state != EntryStatus.ACTIVE:
                    found[state] = found.get(state, 0) + number
        return dict(sorted(found.items()))


def counts(tx: Connection, list_id: ListId) -> Counts:
    """Count the entries of a list, by its policy as it is now."""
    hash_list = next(one for one in store.all_lists(tx) if one.id == list_id)
    low = (_ENTRIES.kind == SignalKind.PDQ) & (_ENTRIES.quality < hash_list.min_quality)
    columns = (
        _ENTRIES.kind,
        _ENTRIES.status,
        func.coalesce(low, literal(value=False)).label("low"),
        _ENTRIES.scheme,
        _ENTRIES.scheme_version,
        _ENTRIES.category_code,
    )
    grouped = (
        select(*columns, func.count())
        .where(_ENTRIES.list_id == list_id)
        .group_by(*columns)
        .order_by(*columns)
    )
    by_kind: dict[str, dict[str, int]] = {}
    by_category: dict[str, int] = {}
    categories_not_matched: dict[str, str] = {}
    for kind, status, is_low, *parts, number in tx.execute(grouped):
        category = store.category_of(*parts)
        state = state_of(kind, status, category, hash_list, is_low=is_low)
        states = by_kind.setdefault(kind, {})
        states[state] = states.get(state, 0) + number
        if status == EntryStatus.ACTIVE:
            written = category_text(category)
            by_category[written] = by_category.get(written, 0) + number
            if why := why_not_matched(category, hash_list):
                categories_not_matched[written] = why
    return Counts(
        by_kind=by_kind, by_category=by_category, categories_not_matched=categories_not_matched
    )


def not_matched(tx: Connection, hash_list: HashList) -> Mapping[str, int]:
    """The active entries of the file that is being imported that do not match, by reason."""
    found: dict[str, int] = {}
    values = {"least": hash_list.min_quality}
    for kind, status, is_low, *parts, number in tx.execute(_INCOMING, values):
        category = store.category_of(*parts)
        state = state_of(kind, status, category, hash_list, is_low=is_low)
        if state != EntryStatus.ACTIVE:
            found[state] = found.get(state, 0) + number
    return dict(sorted(found.items()))


def state_of(
    kind: str,
    status: str,
    category: Category | Uncategorised | None,
    hash_list: HashList,
    *,
    is_low: bool,
) -> str:
    """`active` for entries that match, otherwise the first reason why they do not."""
    if status != EntryStatus.ACTIVE:
        return status
    if kind in _KINDS_NOT_MATCHED:
        return NotMatched.KIND_NOT_MATCHED
    if why := why_not_matched(category, hash_list):
        return why
    return NotMatched.LOW_QUALITY if is_low else EntryStatus.ACTIVE


def category_text(category: Category | Uncategorised | None) -> str:
    """`scheme/version/code`; the code is empty where the source gave none."""
    if isinstance(category, Uncategorised):
        return f"{category.scheme}/{category.version}/"
    return str(category) if category is not None else ""
