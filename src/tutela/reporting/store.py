"""The reporting room's own queries.

Reports, their files and the orders change through their acts; the exchanges and the
authority's schemas are only ever added to. Every function takes an open transaction.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from tutela.primitives.errors import NotFound
from tutela.primitives.events import FOLLOW_UPS
from tutela.primitives.ids import CaseId, ExhibitId, ReportId, RestrictionId
from tutela.reporting.exchange import Exchange
from tutela.reporting.reports import (
    HeldBecause,
    KeptExchange,
    Report,
    ReportFile,
    ReportState,
    Restriction,
    RestrictionState,
)
from tutela.reporting.tables import EXCHANGES, FILES, REPORTS, RESTRICTIONS, SCHEMAS

_NOT_TAKEN_UP = range(300, 500)  # HTTP: sent elsewhere, or the caller's own fault


def report(tx: Connection, report_id: str) -> Report:
    """The report of that identifier; raise `NotFound`."""
    row = tx.execute(select(REPORTS).where(REPORTS.c.id == report_id)).first()
    if row is None:
        raise NotFound("There is no such report")
    return _report(row)


def reports_of(tx: Connection, case_id: str) -> Sequence[Report]:
    """Every report about a case, the oldest first; refused ones stay."""
    rows = tx.execute(select(REPORTS).where(REPORTS.c.case_id == case_id).order_by(REPORTS.c.id))
    return [_report(row) for row in rows]


def alive(tx: Connection, case_id: str, channel: str) -> Report | None:
    """The one report on this channel that has not been refused, locked for this transaction."""
    row = tx.execute(
        select(REPORTS)
        .where(
            REPORTS.c.case_id == case_id,
            REPORTS.c.channel == channel,
            REPORTS.c.state != ReportState.REFUSED,
        )
        .with_for_update()
    ).first()
    return None if row is None else _report(row)


def in_state(
    tx: Connection, *states: ReportState, limit: int = 1000, offset: int = 0
) -> Sequence[Report]:
    """Reports in any of `states` (every state when none is named), the oldest first."""
    query = select(REPORTS).order_by(REPORTS.c.id).limit(limit).offset(offset)
    if states:
        query = query.where(REPORTS.c.state.in_(states))
    return [_report(row) for row in tx.execute(query)]


def held(tx: Connection, because: Collection[HeldBecause]) -> Sequence[Report]:
    """Every report that is held for one of these reasons, the oldest first."""
    rows = tx.execute(
        select(REPORTS).where(REPORTS.c.held_because.in_(because)).order_by(REPORTS.c.id)
    )
    return [_report(row) for row in rows]


def start(tx: Connection, *, case_id: str, channel: str, at: datetime) -> Report:
    """The case's report on `channel`, made (held until the gate opens) when there is none."""
    fresh = ReportId.new()
    tx.execute(
        upsert(REPORTS)
        .values(
            id=fresh,
            case_id=case_id,
            channel=channel,
            state=ReportState.HELD,
            held_because=HeldBecause.LAW,
            why="The law has not been asked yet.",
            created_at=at,
        )
        .on_conflict_do_nothing(
            index_elements=["case_id", "channel"],
            index_where=REPORTS.c.state != text("'refused'"),
        )
    )
    found = alive(tx, case_id, channel)
    if found is None:  # the index guarantees one; kept for the reader and the type checker
        raise NotFound("There is no such report")
    return found


def change(tx: Connection, report_id: str, **values: object) -> None:
    """Set columns of one report; leaving the held state clears its reason."""
    if values.get("state", ReportState.HELD) != ReportState.HELD:
        values = {"held_because": None, "why": "", **values}
    tx.execute(update(REPORTS).where(REPORTS.c.id == report_id).values(**values))


def record_attempt(tx: Connection, report_id: str, failure: str) -> None:
    """Keep how the last call about a report failed; an empty `failure` is a call that worked."""
    attempts = REPORTS.c.attempts + 1 if failure else 0
    tx.execute(
        update(REPORTS)
        .where(REPORTS.c.id == report_id)
        .values(attempts=attempts, last_error=failure, next_try_at=None)
    )


def files_of(tx: Connection, report_id: str) -> Sequence[ReportFile]:
    """The report's files in their order."""
    rows = tx.execute(
        select(FILES).where(FILES.c.report_id == report_id).order_by(FILES.c.position)
    )
    return [
        ReportFile(
            report_id=ReportId(row.report_id),
            exhibit_id=ExhibitId(row.exhibit_id),
            position=row.position,
            file_id=row.file_id,
            details_xml=row.details_xml,
            uploaded_at=row.uploaded_at,
            described_at=row.described_at,
        )
        for row in rows
    ]


def list_files(tx: Connection, report_id: str, exhibits: Sequence[str]) -> None:
    """Name the exhibits that go with a report; those already named keep what they reached."""
    for position, exhibit_id in enumerate(exhibits):
        tx.execute(
            upsert(FILES)
            .values(report_id=report_id, exhibit_id=exhibit_id, position=position)
            .on_conflict_do_nothing(index_elements=["report_id", "exhibit_id"])
        )


def change_file(tx: Connection, report_id: str, exhibit_id: str, **values: object) -> None:
    """Set columns of one file."""
    tx.execute(
        update(FILES)
        .where(FILES.c.report_id == report_id, FILES.c.exhibit_id == exhibit_id)
        .values(**values)
    )


def forget_uploads(tx: Connection, report_id: str) -> None:
    """Every file starts again: the authority's number they went to is abandoned."""
    tx.execute(
        update(FILES)
        .where(FILES.c.report_id == report_id)
        .values(file_id=None, details_xml=None, uploaded_at=None, described_at=None)
    )


def note_intent(
    tx: Connection,
    report_id: str,
    *,
    call: str,
    method: str,
    sent: bytes | None,
    exhibit: str | None = None,
    at: datetime,
) -> int:
    """Write down that a call is about to be made; returns the line's number."""
    number: int = tx.execute(
        insert(EXCHANGES)
        .values(
            report_id=report_id,
            call=call,
            method=method,
            sent=sent,
            sent_note="intent: written before the call",
            exhibit_id=exhibit,
            sent_at=at,
        )
        .returning(EXCHANGES.c.id)
    ).scalar_one()
    return number


def note_answer(
    tx: Connection,
    report_id: str,
    *,
    intent: int,
    exchange: Exchange,
    code: int | None,
    left: bool = True,
) -> None:
    """Write down what came of a call: exact bytes both ways, or that no answer came.

    `left` false: the connection was never made, so nothing was sent.
    """
    tx.execute(
        insert(EXCHANGES).values(
            report_id=report_id,
            answers=intent,
            call=exchange.call,
            method=exchange.method,
            sent=exchange.request_bytes if left else None,
            sent_sha256=exchange.request_digest_sha256 if left else None,
            sent_note=exchange.request_note if left else "nothing was sent",
            received=exchange.response_bytes,
            http_status=exchange.http_status,
            reply_code=code,
            request_id=exchange.request_id,
            sandbox=exchange.sandbox,
            sent_at=exchange.sent_at,
            received_at=exchange.received_at,
        )
    )


def is_answered(tx: Connection, intent: int) -> bool:
    """Whether what came of a call is stored."""
    found = tx.execute(select(EXCHANGES.c.id).where(EXCHANGES.c.answers == intent).limit(1))
    return found.first() is not None


def exchanges_of(tx: Connection, report_id: str) -> Sequence[KeptExchange]:
    """Every intent and every answer, in the order in which they were written."""
    rows = tx.execute(
        select(EXCHANGES).where(EXCHANGES.c.report_id == report_id).order_by(EXCHANGES.c.id)
    )
    return [KeptExchange(**_named(row)) for row in rows]


def fate_unknown(line: KeptExchange, lines: Sequence[KeptExchange]) -> bool:
    """Whether this intent may have reached the authority without an answer that we have.

    True when no line answers it (the process died), when the answer is that none came although
    the connection stood, or when what came is not the authority's own word (a gateway's page):
    only an HTTP status of 300 to 499 then says that the call was not taken up.
    """
    answer = next((each for each in lines if each.answers == line.id), None)
    if answer is None:
        return True
    if answer.sent_sha256 is None or answer.reply_code is not None:
        return False
    return answer.http_status not in _NOT_TAKEN_UP


def schemas_of(tx: Connection, channel: str) -> Sequence[tuple[str, datetime]]:
    """Digest and moment of every schema the authority has shown, the first one first."""
    rows = tx.execute(
        select(SCHEMAS.c.sha256, SCHEMAS.c.fetched_at)
        .where(SCHEMAS.c.channel == channel)
        .order_by(SCHEMAS.c.fetched_at)
    )
    return [(row.sha256, row.fetched_at) for row in rows]


def keep_schema(tx: Connection, *, sha256: str, channel: str, xsd: bytes, at: datetime) -> None:
    """Keep a schema as it was shown; one already kept stays as it is."""
    tx.execute(
        upsert(SCHEMAS)
        .values(sha256=sha256, channel=channel, fetched_at=at, xsd=xsd)
        .on_conflict_do_nothing(index_elements=["sha256"])
    )


def schema(tx: Connection, sha256: str) -> bytes:
    """The bytes of a kept schema; raise `NotFound`."""
    xsd: bytes | None = tx.execute(
        select(SCHEMAS.c.xsd).where(SCHEMAS.c.sha256 == sha256)
    ).scalar_one_or_none()
    if xsd is None:
        raise NotFound("There is no such schema")
    return xsd


def order(tx: Connection, *, case_id: str, names_item: bool, at: datetime) -> Restriction:
    """The order for this case's item, made when there is none; locked."""
    tx.execute(
        upsert(RESTRICTIONS)
        .values(
            id=RestrictionId.new(),
            case_id=case_id,
            names_item=names_item,
            state=RestrictionState.ORDERED,
            ordered_at=at,
        )
        .on_conflict_do_nothing(index_elements=["case_id"])
    )
    row = tx.execute(
        select(RESTRICTIONS).where(RESTRICTIONS.c.case_id == case_id).with_for_update()
    ).one()
    return _restriction(row)


def restriction(tx: Connection, restriction_id: str) -> Restriction:
    """One order, locked for this transaction; raise `NotFound`."""
    row = tx.execute(
        select(RESTRICTIONS).where(RESTRICTIONS.c.id == restriction_id).with_for_update()
    ).first()
    if row is None:
        raise NotFound("There is no such order")
    return _restriction(row)


def case_of_restriction(tx: Connection, restriction_id: str) -> CaseId:
    """The case of one order, without locking the order; raise `NotFound`."""
    row = tx.execute(
        select(RESTRICTIONS.c.case_id).where(RESTRICTIONS.c.id == restriction_id)
    ).first()
    if row is None:
        raise NotFound("There is no such order")
    return CaseId(row.case_id)


def restrictions_of(tx: Connection, case_id: str) -> Sequence[Restriction]:
    """Every order about a case, the oldest first."""
    rows = tx.execute(
        select(RESTRICTIONS).where(RESTRICTIONS.c.case_id == case_id).order_by(RESTRICTIONS.c.id)
    )
    return [_restriction(row) for row in rows]


def change_restriction(tx: Connection, restriction_id: str, **values: object) -> None:
    """Set columns of one order."""
    tx.execute(update(RESTRICTIONS).where(RESTRICTIONS.c.id == restriction_id).values(**values))


def jobs_waiting(tx: Connection) -> Sequence[tuple[str, str]]:
    """Kind and subject of every follow-up job that no story has taken up yet."""
    rows = tx.execute(
        select(FOLLOW_UPS.c.kind, FOLLOW_UPS.c.subject).where(FOLLOW_UPS.c.relayed_at.is_(None))
    )
    return [(row.kind, row.subject) for row in rows]


def _named(row: Row[Any]) -> dict[str, Any]:
    return dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name for it


def _report(row: Row[Any]) -> Report:
    values = _named(row)
    values.update(
        id=ReportId(row.id),
        case_id=CaseId(row.case_id),
        state=ReportState(row.state),
        abandoned_ids=tuple(row.abandoned_ids),
        held_because=None if row.held_because is None else HeldBecause(row.held_because),
    )
    return Report(**values)


def _restriction(row: Row[Any]) -> Restriction:
    values = _named(row)
    values.update(
        id=RestrictionId(row.id),
        case_id=CaseId(row.case_id),
        state=RestrictionState(row.state),
    )
    return Restriction(**values)
