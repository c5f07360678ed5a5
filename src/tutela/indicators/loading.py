"""From the database's rows to the index: streamed, a bad row never stops the others.

The rows of an index leave PostgreSQL by binary COPY: a row of 64-bit number and 32-byte hash
takes exactly 50 bytes, so a million of them are read as one array.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from tutela.hashing.model import PDQ_BITS, PDQ_BYTES
from tutela.index.bits import Numbers, Words, pack
from tutela.indicators import store
from tutela.indicators.model import EntryStatus, SignalKind
from tutela.indicators.signals import OTHER_MAX_BYTES, SIZE_BYTES, flaw
from tutela.primitives.errors import Unavailable
from tutela.primitives.ids import ListId

ROWS_AT_ONCE = 4_000_000
"""As many as go into the index in one step, at 50 bytes each."""
_FEW_BITS = 31
_HEADER_BYTES = 19
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("id_bytes", ">i4"),
        ("id", ">i8"),
        ("value_bytes", ">i4"),
        ("value", np.uint8, PDQ_BYTES),
    ]
)
_COPY = """
COPY (SELECT id, value FROM list_entries
      WHERE list_id = %s AND change > %s AND change <= %s AND kind = 'pdq' AND status = 'active'
        AND octet_length(value) = 32)
TO STDOUT (FORMAT BINARY)
"""
_ENTRIES = store.ENTRIES.c
_UNIFORM = [
    bytes([bits]) * size for size in sorted({*SIZE_BYTES.values()}) for bits in (0x00, 0xFF)
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """The changes of one list after `since`, up to and with `until`."""

    list_id: ListId
    since: int
    until: int

    @property
    def rows(self) -> ColumnElement[bool]:
        """The entries that changed in this span, as a condition."""
        return and_(
            _ENTRIES.list_id == self.list_id,
            _ENTRIES.change > self.since,
            _ENTRIES.change <= self.until,
        )


@dataclass(kw_only=True, slots=True)
class Left:
    """Rows that do not belong in an index: who left, and who is malformed and why."""

    gone: list[int] = field(default_factory=list)
    malformed: dict[int, str] = field(default_factory=dict)


def living(tx: Connection, span: Span, left: Left) -> Iterator[tuple[Numbers, Words]]:
    """Numbers and hashes of the active PDQ entries, many at a time; the malformed go to `left`."""
    driver: psycopg.Connection[Any] = tx.connection.driver_connection  # type: ignore[assignment]
    try:
        with (
            driver.cursor() as cursor,
            cursor.copy(_COPY, (span.list_id, span.since, span.until)) as copy,
        ):
            rows = iter(copy)
            skip = _HEADER_BYTES
            while data := b"".join(islice(rows, ROWS_AT_ONCE)):
                count = (len(data) - skip) // _ROW.itemsize  # the trailer is shorter than a row
                if count > 0:
                    yield _sorted_out(np.frombuffer(data, _ROW, count=count, offset=skip), left)
                skip = 0
    except psycopg.OperationalError as error:
        raise Unavailable(
            "The database went away while a list was read",
            why=type(error).__name__,
            remedy="What was read before stays in use; the rest is read when it is back.",
        ) from error


def are_degenerate(words: Words) -> NDArray[np.bool_]:
    """Which rows carry no picture (`Pdq.degenerate`), bool[N]."""
    ones = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    degenerate: NDArray[np.bool_] = (ones <= _FEW_BITS) | (ones >= PDQ_BITS - _FEW_BITS)
    return degenerate


def _sorted_out(rows: NDArray[Any], left: Left) -> tuple[Numbers, Words]:
    """The rows that can be searched; the others, nearly all bits the same, go to `left`."""
    words = pack(np.ascontiguousarray(rows["value"]))
    ids = rows["id"].astype(np.int64)
    good = ~are_degenerate(words)
    if not good.all():
        for row in rows[~good]:
            left.malformed[int(row["id"])] = flaw(SignalKind.PDQ, row["value"].tobytes())
        ids, words = ids[good], words[good]
    return ids, words


def leave(tx: Connection, span: Span, left: Left) -> None:
    """Find the PDQ entries of the span that no longer count, and the malformed of any kind.

    At a first load (`since` 0) there is nobody in the index who could leave.
    """
    size = func.octet_length(_ENTRIES.value)
    odd = and_(_ENTRIES.status == EntryStatus.ACTIVE, size != PDQ_BYTES)
    other = or_(odd, _ENTRIES.status != EntryStatus.ACTIVE) if span.since else odd
    rows = select(_ENTRIES.id, _ENTRIES.value, _ENTRIES.status).where(
        span.rows, _ENTRIES.kind == SignalKind.PDQ, other
    )
    with tx.execute(rows, execution_options={"yield_per": 20_000}) as stream:
        for entry_id, value, status in stream:
            if status != EntryStatus.ACTIVE:
                left.gone.append(entry_id)
            else:
                left.malformed[entry_id] = flaw(SignalKind.PDQ, value)
    left.malformed |= _malformed_others(tx, span.rows)


def _malformed_others(tx: Connection, changed: ColumnElement[bool]) -> dict[int, str]:
    """Active rows of other kinds than PDQ that cannot be what they say."""
    size = func.octet_length(_ENTRIES.value)
    whole = [
        and_(_ENTRIES.kind == kind, size == length)
        for kind, length in SIZE_BYTES.items()
        if kind is not SignalKind.PDQ
    ]
    other = and_(_ENTRIES.kind == SignalKind.OTHER, size.between(1, OTHER_MAX_BYTES))
    rows = tx.execute(
        select(_ENTRIES.id, _ENTRIES.kind, _ENTRIES.value).where(
            changed,
            _ENTRIES.status == EntryStatus.ACTIVE,
            _ENTRIES.kind != SignalKind.PDQ,
            or_(~or_(*whole, other), _ENTRIES.value.in_(_UNIFORM)),
        )
    )
    return {entry_id: why for entry_id, kind, value in rows if (why := flaw(kind, value))}
