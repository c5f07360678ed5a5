"""When what was in force, as bars on a line of years: geometry only, drawn by a template.

Lengths are in units of the drawing, 720 wide. A beginning or end that nobody recorded is never
drawn as one: a bar fades there into a hatched piece of fixed length.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import MAXYEAR, date
from typing import Any

from tutela.law.book import Lawbook
from tutela.law.countries import Membership, PartyState
from tutela.law.instruments import Instrument
from tutela.law.model import Beyond, InForce, Status

WIDTH = 720.0
ROW = 34.0
TOP = 26.0
_HATCH = 22.0
_THIN = 2.0
_YEARS_AFTER = 2
_MOST_TICKS = 12
_LONGEST_LABEL = 88
_DATED = ("rules", "bases", "offences", "measures")
_OF_UNIONS = ("rules", "bases")


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Part of a bar. `sure` false: law of that time is not recorded (hatched)."""

    x: float
    width: float
    sure: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """One edition in time. `[begins, ends)`; `None` where nothing is recorded."""

    begins: date
    ends: date | None
    opens_unrecorded: bool = False
    closes_unrecorded: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One entry: what it is called, its spans, and the bars for them at height `y`."""

    kind: str
    id: str
    label: str
    place: str
    status: Status
    spans: tuple[Span, ...]
    pieces: tuple[Piece, ...] = ()
    y: float = 0.0

    @property
    def short(self) -> str:
        """The label as it fits over a bar."""
        cut = len(self.label) > _LONGEST_LABEL
        return self.label[: _LONGEST_LABEL - 1].rstrip() + "…" if cut else self.label


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """A year's beginning."""

    x: float
    year: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """Lines under an axis, with the day at `day_x`. `undated`: entries without a beginning."""

    lines: tuple[Line, ...]
    ticks: tuple[Tick, ...]
    day: date
    day_x: float
    height: float
    undated: int

    @property
    def width(self) -> float:
        """The same for every drawing."""
        return WIDTH


def of_place(book: Lawbook, code: str, *, day: date) -> Timeline:
    """Duties, detection, offences, measures and treaties; of unions only what is for providers."""
    jurisdiction = book.jurisdiction(code)
    found: dict[tuple[str, str], list[Any]] = {}
    for place in (code, *jurisdiction.member_of):
        for kind in _DATED if place == code else _OF_UNIONS:
            for entry in getattr(book, kind):
                if entry.jurisdiction == place:
                    found.setdefault((kind, entry.id), []).append(entry)
    read_on = {each.code: each.read_on for each in book.jurisdiction_entries}
    lines, undated = [], 0
    for (kind, name), editions in found.items():
        collected = read_on[editions[0].jurisdiction]
        spans = tuple(
            span
            for each in editions
            if (span := _span(each.in_force, collected=collected)) is not None
        )
        if not spans:
            undated += 1
            continue
        lines.append(
            Line(
                kind=kind,
                id=name,
                label=_called(editions[-1]),
                place=editions[0].jurisdiction,
                status=min(each.in_force.status for each in editions),
                spans=spans,
            )
        )
    own = [each for each in book.memberships if each.jurisdiction == code]
    lines += [_joined(each) for each in own if _day(each)]
    return _laid_out(sorted(lines, key=_order), day=day, undated=undated)


def of_instrument(book: Lawbook, instrument: Instrument, *, day: date) -> Timeline:
    """An instrument's own life and the days on which the states of the book joined it."""
    lines: list[Line] = []
    collected = min((each.read_on for each in book.jurisdiction_entries), default=None)
    span = _span(instrument.in_force, collected=collected)
    if span is not None:
        lines.append(
            Line(
                kind="instruments",
                id=instrument.id,
                label=instrument.short,
                place="",
                status=instrument.in_force.status,
                spans=(span,),
            )
        )
    joined = [
        each
        for each in book.memberships
        if each.instrument == instrument.id and each.state is PartyState.PARTY
    ]
    dated = [_joined(each) for each in joined if _day(each)]
    dated.sort(key=lambda each: (each.spans[0].begins, each.place))
    return _laid_out([*lines, *dated], day=day, undated=len(joined) - len(dated))


def _order(line: Line) -> tuple[int, str, date, str]:
    kinds = (*_DATED, "memberships")
    return kinds.index(line.kind), line.place, line.spans[0].begins, line.id


def _called(entry: Any) -> str:  # noqa: ANN401 - any dated entry
    for name in ("title", "text"):
        if said := getattr(entry, name, None):
            return str(said)
    return str(entry.id)


def _span(dates: InForce, *, collected: date | None) -> Span | None:
    """The span, or `None` where the day is only that on which the law was collected."""
    if dates.from_ is None:
        return None
    unknown = dates.before is Beyond.UNRECORDED
    if unknown and collected is not None and dates.from_ >= collected:
        return None
    return Span(
        begins=dates.from_,
        ends=dates.to,
        opens_unrecorded=unknown,
        closes_unrecorded=dates.to is not None and dates.after is Beyond.UNRECORDED,
    )


def _day(membership: Membership) -> date | None:
    """Since when a party; who only signed has not joined, and nothing is in force there."""
    return membership.since if membership.state is PartyState.PARTY else None


def _joined(membership: Membership) -> Line:
    day = _day(membership)
    if day is None:
        raise TypeError("a membership without a day has no place on a line")
    return Line(
        kind="memberships",
        id=f"{membership.jurisdiction} {membership.instrument}",
        label=membership.instrument,
        place=membership.jurisdiction,
        status=membership.status,
        spans=(Span(begins=day, ends=None),),
    )


def _laid_out(lines: list[Line], *, day: date, undated: int) -> Timeline:
    begins = min([day, *(span.begins for each in lines for span in each.spans)])
    last = date(min(day.year + _YEARS_AFTER + 1, MAXYEAR), 1, 1)
    first = date(begins.year, 1, 1)
    length = max((last - first).days, 1)

    def at(when: date) -> float:
        return round(min(max((when - first).days / length, 0.0), 1.0) * WIDTH, 1)

    placed = tuple(
        replace(
            each,
            pieces=tuple(piece for span in each.spans for piece in _pieces(span, at)),
            y=TOP + number * ROW,
        )
        for number, each in enumerate(lines)
    )
    step = next(
        each
        for each in (1, 2, 5, 10, 25, 100, 1000)
        if (last.year - first.year) / each <= _MOST_TICKS
    )
    years = range(first.year + -first.year % step, last.year, step)
    return Timeline(
        lines=placed,
        ticks=tuple(Tick(x=at(date(year, 1, 1)), year=year) for year in years),
        day=day,
        day_x=at(day),
        height=TOP + len(lines) * ROW + 6,
        undated=undated,
    )


def _pieces(span: Span, at: Callable[[date], float]) -> Iterable[Piece]:
    left, right = at(span.begins), at(span.ends) if span.ends else WIDTH
    if right > left or left < WIDTH:
        yield Piece(x=left, width=max(right - left, _THIN), sure=True)
    if span.opens_unrecorded:
        yield Piece(x=max(left - _HATCH, 0.0), width=min(_HATCH, left), sure=False)
    if span.closes_unrecorded and right < WIDTH:
        yield Piece(x=right, width=min(_HATCH, WIDTH - right), sure=False)
