"""`tutela law detection`: which detector may run where, until when, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from tutela.cli.law_asking import AsOf, StatusFloor, day, text_of, the_floor, the_lawbook
from tutela.cli.presenting import OUT, AsJson, emit
from tutela.law.book import Lawbook
from tutela.law.countries import Channel, Tier
from tutela.law.detecting import DetectionAnswer, may_detect
from tutela.law.model import Status, Truth
from tutela.law.parsing import read_facts
from tutela.primitives.errors import Conflict

_MAY = {Truth.YES: "may run", Truth.NO: "may not run", Truth.UNKNOWN: "cannot say: off"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """One place, detector and channel; `answer` is `None` where the book contradicts itself."""

    jurisdiction: str
    tier: Tier
    channel: Channel
    answer: DetectionAnswer | None
    conflict: str = ""


def add_to(law_app: typer.Typer) -> None:
    """Add the command to `tutela law`."""
    law_app.command("detection")(detection_command)


def detection_command(
    jurisdiction: Annotated[
        list[str] | None, typer.Option(help="Only this one (US, EU); may be repeated.")
    ] = None,
    as_of: AsOf = "",
    tier: Annotated[Tier | None, typer.Option(help="Only this detector.")] = None,
    channel: Annotated[Channel | None, typer.Option(help="Only this kind of traffic.")] = None,
    facts: Annotated[
        Path | None, typer.Option(help="Facts about provider and service: a JSON or YAML file.")
    ] = None,
    status: StatusFloor = "secondary",
    as_json: AsJson = False,
) -> None:
    """Show what the law says of each detector on each channel: may it run, until when, why.

    This reads the lawbook alone; what your counsel has accepted here, `tutela check` shows.
    """
    book, on = the_lawbook(), day(as_of)
    known = read_facts(text_of(facts, "the facts"), where=facts.name) if facts is not None else {}
    rows = list(
        _rows(
            book,
            [each.upper() for each in jurisdiction] if jurisdiction else _speaking(book),
            tiers=[tier] if tier else list(Tier),
            channels=[channel] if channel else list(Channel),
            all_of_them=bool(tier and channel),
            facts=known,
            on=on,
            floor=the_floor(status),
        )
    )
    data = {"as_of": on.isoformat(), "status": status, "rows": [_plain(row) for row in rows]}
    emit(data, as_json=as_json, render=lambda: _show(rows, on))


def _speaking(book: Lawbook) -> list[str]:
    """The jurisdictions that have a basis of their own."""
    return sorted({each.jurisdiction for each in book.bases})


def _rows(
    book: Lawbook,
    codes: list[str],
    *,
    tiers: list[Tier],
    channels: list[Channel],
    all_of_them: bool,
    facts: dict[str, object],
    on: date,
    floor: Status,
) -> Iterator[_Row]:
    """What is recorded; where tier and channel are named, also that nothing is."""
    for code in codes:
        book.jurisdiction(code)
        for tier in tiers:
            for channel in channels:
                try:
                    answer = may_detect(
                        book,
                        jurisdictions=[code],
                        tier=tier,
                        channel=channel,
                        facts=facts,
                        as_of=on,
                        floor=floor,
                    )
                except Conflict as conflict:
                    yield _Row(
                        jurisdiction=code,
                        tier=tier,
                        channel=channel,
                        answer=None,
                        conflict=str(conflict),
                    )
                    continue
                if all_of_them or answer.places[0].bases:
                    yield _Row(jurisdiction=code, tier=tier, channel=channel, answer=answer)


def _plain(row: _Row) -> dict[str, object]:
    data: dict[str, object] = {
        "jurisdiction": row.jurisdiction,
        "tier": row.tier.value,
        "channel": row.channel.value,
    }
    if row.answer is None:
        return data | {"outcome": Truth.UNKNOWN.value, "conflict": row.conflict}
    return data | row.answer.as_json()


def _show(rows: list[_Row], on: date) -> None:
    table = Table(show_lines=True, title=f"Detection as of {on.isoformat()}")
    for heading in ("Place", "Detector", "Channel", "Answer", "Last day", "Why"):
        table.add_column(heading, overflow="fold")
    grouped: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        key = (row.jurisdiction, row.tier.value, *_said(row))
        grouped.setdefault(key, []).append(row.channel.value)
    for (place, tier, *said), channels in grouped.items():
        cells = (place, tier, "\n".join(channels), *said)
        table.add_row(*(Text(cell) for cell in cells))
    OUT.print(table)
    OUT.print(
        Text(
            "What is not listed is not recorded, so it stays off. To act, a basis must be verified "
            "or accepted by your counsel: `tutela law accept BASIS --by … --note …`."
        )
    )


def _said(row: _Row) -> tuple[str, str, str]:
    """The answer, the last day and the reason, in words."""
    answer = row.answer
    if answer is None:
        return _MAY[Truth.UNKNOWN], "", row.conflict
    last = ""
    if answer.expires is not None:
        last = (answer.expires - timedelta(days=1)).isoformat()
        last += f"\n{answer.days_left} days left" if answer.warn else ""
    stance = f" ({answer.stance.value})" if answer.stance else ""
    return _MAY[answer.outcome] + stance, last, answer.places[0].why
