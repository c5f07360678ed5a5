"""Dual criminality: whether the law of both places punishes a conduct, whatever its name.

By conduct, not label (UNCC 35(2)). For some purposes a treaty waives the test or asks for a
penalty floor; which treaty applies needs both places to be bound by it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum

from tutela.law.assessing import Bound, bound_by, membership_of
from tutela.law.book import Lawbook
from tutela.law.evaluating import MissingFact
from tutela.law.expressions import NO, UNKNOWN, YES, below, conjunction, disjunction
from tutela.law.model import Status, Truth
from tutela.law.punishing import Judged, Punished, punished
from tutela.law.serialising import as_plain
from tutela.law.vocabulary import Value

PENALTY_FLOOR_MONTHS = 12
"""Budapest 24(1): both laws punish with a maximum of at least one year."""
_LISTED_FOR_NATIONALS = frozenset(
    {"sexual_abuse", "exploit_prostitution", "produce", "recruit_performance", "coerce_performance"}
)
"""Lanzarote 25(4): offences of 18, 19, 20(1)(a), 21(1)(a) and (b)."""


class Purpose(Enum):
    """What the comparison is for."""

    EXTRADITION = "extradition"
    MLA = "mla"
    PRESERVATION = "preservation"
    PROSECUTION_OF_NATIONAL = "prosecution_of_national"


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiver:
    """A treaty rule that changes the test. `applies` is YES only when both places are bound."""

    requirement: str
    text: str
    applies: Truth


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The answer. `divergence` names the first element in which the two laws part.

    `required`: whether dual criminality is asked for at all; where a waiver takes it away,
    `outcome` is YES whatever the two laws say.
    """

    requesting: str
    requested: str
    purpose: Purpose
    as_of: date
    floor: Status
    conduct: Mapping[str, Value]
    sides: tuple[Punished, Punished]
    both: Truth
    divergence: str | None
    divergence_side: str | None
    penalty_floor: Truth | None
    waivers: tuple[Waiver, ...]
    outcome: Truth
    status: Status
    missing: tuple[MissingFact, ...]
    why: str

    def as_json(self) -> dict[str, object]:
        """Plain data."""
        plain = as_plain(self)
        if not isinstance(plain, dict):
            raise TypeError("a comparison is a mapping")
        return plain


def compare(
    book: Lawbook,
    requesting: str,
    requested: str,
    conduct: Mapping[str, object],
    *,
    purpose: Purpose,
    as_of: date,
    floor: Status = Status.SECONDARY,
) -> Comparison:
    """Hold one conduct against two laws; raise `BadInput` for a bad fact, `NotFound`."""
    facts = book.vocabulary.admit(conduct)
    first = punished(book, requesting, facts, as_of=as_of, floor=floor)
    second = punished(book, requested, facts, as_of=as_of, floor=floor)
    both = conjunction([first.outcome, second.outcome])
    side = _parting(first, second)
    waivers = tuple(
        _waivers(book, (requesting, requested), facts, purpose, as_of=as_of, floor=floor)
    )
    penalty = _penalty(first, second) if purpose is Purpose.EXTRADITION else None
    outcome = both if penalty is None else conjunction([both, penalty])
    if any(each.applies is YES for each in waivers):
        outcome = YES
    elif outcome is NO and any(each.applies is UNKNOWN for each in waivers):
        outcome = UNKNOWN
    return Comparison(
        requesting=requesting,
        requested=requested,
        purpose=purpose,
        as_of=as_of,
        floor=floor,
        conduct=facts,
        sides=(first, second),
        both=both,
        divergence=side.nearest.fails if side and side.nearest else None,
        divergence_side=side.jurisdiction if side else None,
        penalty_floor=penalty,
        waivers=waivers,
        outcome=outcome,
        status=min(first.status, second.status),
        missing=_missing((first, second)),
        why=_why(outcome, side, penalty, waivers),
    )


def _parting(first: Punished, second: Punished) -> Punished | None:
    """The side that does not punish; of two, the one that says no before the one that is unsure."""
    for wanted in (NO, UNKNOWN):
        for side in (second, first):
            if side.outcome is wanted:
                return side
    return None


def _penalty(first: Punished, second: Punished) -> Truth:
    """Whether both maxima reach a year; a penalty nobody recorded is unknown."""
    return conjunction([_reached(side) for side in (first, second)])


def _reached(side: Punished) -> Truth:
    """Whether any offence that holds reaches a year; no needs that none that may hold does."""
    if side.outcome is not YES:
        return UNKNOWN
    return disjunction(
        [conjunction([each.outcome, _long_enough(each, side)]) for each in side.offences]
    )


def _long_enough(judged: Judged, side: Punished) -> Truth:
    known = judged.penalty
    if known is None or known.max_months is None or below(known.status, side.floor):
        return UNKNOWN
    return YES if known.max_months >= PENALTY_FLOOR_MONTHS else NO


def _waivers(
    book: Lawbook,
    places: tuple[str, str],
    facts: Mapping[str, Value],
    purpose: Purpose,
    *,
    as_of: date,
    floor: Status,
) -> Iterable[Waiver]:
    if purpose is Purpose.PRESERVATION:
        yield Waiver(
            requirement="BUDAPEST-29-3",
            text="Preservation abroad does not depend on dual criminality.",
            applies=_both_bound(book, "BUDAPEST", places, as_of, floor),
        )
    if purpose is Purpose.PROSECUTION_OF_NATIONAL:
        act = facts.get("conduct.act")
        listed = UNKNOWN if act is None else YES if act in _LISTED_FOR_NATIONALS else NO
        yield Waiver(
            requirement="LANZAROTE-25-4",
            text="A state's own nationals are tried for the listed offences without the test.",
            applies=conjunction([listed, _bound(book, "LANZAROTE", places[0], as_of, floor)]),
        )


def _both_bound(
    book: Lawbook, instrument: str, places: tuple[str, str], as_of: date, floor: Status
) -> Truth:
    return conjunction([_bound(book, instrument, code, as_of, floor) for code in places])


def _bound(book: Lawbook, instrument: str, code: str, as_of: date, floor: Status) -> Truth:
    membership = membership_of(book, code, instrument)
    found = bound_by(book.instrument(instrument), code, membership, on=as_of, floor=floor)
    return {Bound.YES: YES, Bound.UNKNOWN: UNKNOWN}.get(found, NO)


def _missing(sides: Iterable[Punished]) -> tuple[MissingFact, ...]:
    counts: dict[str, int] = {}
    for side in sides:
        for each in side.missing:
            counts[each.fact] = counts.get(each.fact, 0) + each.decides
    order = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return tuple(MissingFact(fact=fact, decides=times) for fact, times in order)


def _why(
    outcome: Truth,
    side: Punished | None,
    penalty: Truth | None,
    waivers: Iterable[Waiver],
) -> str:
    waived = next((each for each in waivers if each.applies is YES), None)
    if waived is not None:
        return f"Waived: {waived.text} ({waived.requirement})"
    if side is not None:
        return f"{side.jurisdiction}: {side.why}"
    if outcome is YES:
        return "Both laws punish the conduct."
    if penalty is NO:
        return "Both laws punish it, but a maximum is below one year (Budapest 24)."
    return "Both laws punish it; that both maxima reach one year is not recorded or not checked."
