"""What cannot be said, as a work list: who has to look at what, and what it would decide."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from tutela.law.assessing import Assessment, Met
from tutela.law.book import Lawbook
from tutela.law.elements import ElementAnswer, Rests
from tutela.law.expressions import UNKNOWN, below
from tutela.law.model import Status
from tutela.oversight.law_pages import DATED, entries

_NEEDS_A_FACT = {"condition", "exception"}
COLUMNS = ("who", "what", "entry", "citation", "source", "status", "decides")


class Who(Enum):
    """Whose work an open point is."""

    LEGAL_STAFF = "legal_staff"
    TWO_REVIEWERS = "two_reviewers"
    FACT = "fact"


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenPoint:
    """One thing to look up, check or find out, and the requirements that wait for it."""

    who: Who
    what: str
    rests: tuple[Rests, ...]
    decides: tuple[str, ...]


def open_points(book: Lawbook, assessments: Iterable[Assessment]) -> tuple[OpenPoint, ...]:
    """Every unknown element of what applies, each point once, grouped by who can answer it.

    Within a group what decides most stands first: that is where an hour of work goes furthest.
    """
    gathered: dict[tuple[Who, str], tuple[ElementAnswer, dict[str, None]]] = {}
    for each in assessments:
        if each.outcome is Met.NOT_APPLICABLE:
            continue
        for element in each.elements:
            if element.result is UNKNOWN and not element.excused_by:
                key = who_answers(book, element, floor=each.floor), element.why
                gathered.setdefault(key, (element, {}))[1][each.requirement] = None
    order = tuple(Who)
    return tuple(
        OpenPoint(who=who, what=what, rests=element.rests, decides=tuple(decided))
        for (who, what), (element, decided) in sorted(
            gathered.items(),
            key=lambda one: (order.index(one[0][0]), -len(one[1][1]), one[0][1]),
        )
    )


def who_answers(book: Lawbook, element: ElementAnswer, *, floor: Status) -> Who:
    """Unrecorded: legal staff write it down; unchecked: two people review it; else a fact."""
    if any(below(_checked(book, each), floor) for each in element.rests):
        return Who.TWO_REVIEWERS
    if element.rests and element.part and element.part.split(".")[0] in _NEEDS_A_FACT:
        return Who.FACT
    return Who.LEGAL_STAFF


def _checked(book: Lawbook, rests: Rests) -> Status:
    """How far the statement is checked, or its dates where those are checked less."""
    if rests.kind not in DATED:
        return rests.status
    dates: list[Status] = [each.in_force.status for each in entries(book, rests.kind, rests.id)]
    return min([rests.status, *dates])


def as_csv(points: Iterable[OpenPoint]) -> str:
    """The work list for a spreadsheet; a cell never begins as a formula would."""
    out = io.StringIO()
    sheet = csv.writer(out, lineterminator="\r\n")
    sheet.writerow(COLUMNS)
    for each in points:
        first = each.rests[0] if each.rests else None
        row = (
            each.who.value,
            each.what,
            f"{first.kind} {first.id}" if first else "",
            first.cite if first else "",
            first.source if first else "",
            first.status.value if first else "",
            " ".join(each.decides),
        )
        sheet.writerow(f"'{cell}" if cell[:1] in {"=", "+", "-", "@"} else cell for cell in row)
    return out.getvalue()
