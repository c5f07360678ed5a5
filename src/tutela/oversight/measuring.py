"""Counting what was done, from the ledger alone.

Every figure names its unit (cases, exhibits, reports, views) so that no two are mixed, and
a figure below `smallest` is withheld (law.md PRV-14).
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, time

from tutela.ledger.actions import LedgerAction
from tutela.ledger.model import Line
from tutela.oversight.model import Figure, Figures
from tutela.primitives.errors import BadInput

SMALLEST = 10

_COUNTED: tuple[tuple[str, str, str, LedgerAction], ...] = (
    ("cases_opened", "Cases opened after a match", "cases", LedgerAction.CASE_OPENED),
    ("exhibits_sealed", "Items sealed as evidence", "exhibits", LedgerAction.EXHIBIT_SEALED),
    ("decisions", "Decisions by reviewers", "decisions", LedgerAction.DECISION_MADE),
    ("second_opinions", "Second opinions", "decisions", LedgerAction.SECOND_OPINION_GIVEN),
    (
        "full_views",
        "Full views of a picture by a person",
        "views",
        LedgerAction.EXHIBIT_VIEW_OPENED,
    ),
    (
        "reports_finished",
        "Reports an authority has confirmed",
        "reports",
        LedgerAction.REPORT_FINISHED,
    ),
    ("reports_refused", "Reports an authority has refused", "reports", LedgerAction.REPORT_REFUSED),
    ("reports_held", "Reports held for a person to look at", "reports", LedgerAction.REPORT_HELD),
    (
        "restrictions",
        "Items the platform was told to disable",
        "orders",
        LedgerAction.RESTRICTION_DELIVERED,
    ),
    ("holds", "Preservation holds placed", "holds", LedgerAction.HOLD_PLACED),
    (
        "destroyed",
        "Items destroyed after every hold had ended",
        "exhibits",
        LedgerAction.EXHIBIT_DESTROYED,
    ),
    ("tips", "Reports by the public form", "tips", LedgerAction.TIP_RECEIVED),
    ("imports", "Imports into hash lists", "imports", LedgerAction.LIST_IMPORTED),
)


def measure(
    lines: Iterable[Line], *, since: date, until: date, smallest: int = SMALLEST
) -> Figures:
    """Count the ledger's lines from `since` (00:00 UTC) up to, not including, `until`."""
    if until <= since:
        raise BadInput("The period is empty", why="its end is not after its beginning")
    begin = datetime.combine(since, time(), tzinfo=UTC)
    end = datetime.combine(until, time(), tzinfo=UTC)
    counts: Counter[str] = Counter()
    total, head = 0, ""
    for line in lines:
        head = line.digest
        if begin <= line.at < end:
            total += 1
            counts[line.action] += 1
    return Figures(
        since=since,
        until=until,
        smallest=smallest,
        figures=tuple(
            Figure(
                key=key,
                meaning=meaning,
                unit=unit,
                count=_shown(counts[action], smallest),
                source=action,
            )
            for key, meaning, unit, action in _COUNTED
        ),
        ledger_lines=total,
        head=head,
    )


def _shown(count: int, smallest: int) -> int | None:
    return None if 0 < count < smallest else count
