"""Holding a country's recorded law against one requirement: met, partly, not met, or unknown.

Every element is a yes, a no or an unknown, and says what it rests on. A no that the instrument
itself permits is a variation, never a gap. What nobody recorded is unknown, never "not met".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum

from tutela.law.book import Lawbook, edition_on
from tutela.law.countries import Membership, PartyState
from tutela.law.elements import ElementAnswer, Elements
from tutela.law.expressions import NO, UNKNOWN, YES, below
from tutela.law.instruments import (
    Addressee,
    Instrument,
    InstrumentKind,
    Requirement,
    WhoMay,
)
from tutela.law.model import Beyond, Status, Truth


class Met(Enum):
    """How far a requirement is met on paper."""

    MET = "met"
    MET_WITH_VARIATION = "met_with_variation"
    PARTLY = "partly"
    NOT_MET = "not_met"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"

    @property
    def good(self) -> bool:
        """Whether the requirement is met, with a permitted variation or without."""
        return self in {Met.MET, Met.MET_WITH_VARIATION}


class Bound(Enum):
    """Whether the instrument binds the state on that day."""

    YES = "yes"
    SIGNED_ONLY = "signed_only"
    NO = "no"
    NOT_IN_FORCE = "not_in_force"
    NOT_BINDING = "not_binding"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """One requirement and one place, as of a day, read at a floor.

    `gap`: YES when an element fails without excuse, whatever else is unknown. A gap is a
    breach only where `bound` is yes and `reservation_covers` is not. `status` is that of the
    weakest statement used; `None` when nothing was recorded.
    """

    requirement: str
    instrument: str
    locator: str
    title: str
    jurisdiction: str
    as_of: date
    floor: Status
    outcome: Met
    gap: Truth
    elements: tuple[ElementAnswer, ...]
    variations_used: tuple[str, ...]
    bound: Bound
    reservation_covers: Truth
    status: Status | None

    def failing(self) -> ElementAnswer | None:
        """The first element that fails without excuse, else the first unknown one."""
        for wanted in (NO, UNKNOWN):
            for each in self.elements:
                if each.result is wanted and not each.excused_by:
                    return each
        return None


class Assessor:
    """Assesses many requirements on one day at one floor; what was judged once is remembered."""

    def __init__(self, book: Lawbook, *, as_of: date, floor: Status = Status.SECONDARY) -> None:
        self.book = book
        self.as_of = as_of
        self.floor = floor
        self._elements = Elements(book, as_of=as_of, floor=floor)
        self._done: dict[tuple[str, str], Assessment] = {}

    def assess(self, requirement: Requirement, code: str) -> Assessment:
        """The answer for one requirement and one place; raise `NotFound` for a strange place."""
        key = requirement.id, code
        if key not in self._done:
            self.book.jurisdiction(code)
            self._done[key] = self._assess(requirement, code)
        return self._done[key]

    def precedents(self, requirement: Requirement, *, but: str) -> tuple[str, ...]:
        """The other places whose recorded law meets the requirement, sorted."""
        return tuple(
            code
            for code in self.book.countries
            if code != but and self.assess(requirement, code).outcome.good
        )

    def _assess(self, requirement: Requirement, code: str) -> Assessment:
        instrument = self.book.instrument(requirement.instrument)
        membership = membership_of(self.book, code, instrument.id)
        answers = tuple(
            self._excused(self._elements.answer(element, code), requirement, membership)
            for element in requirement.elements
        )
        outcome, gap = _outcome(answers)
        if requirement.addressee is Addressee.IGO:
            outcome, gap = Met.NOT_APPLICABLE, NO
        used = [each.status for each in answers if each.status is not None]
        return Assessment(
            requirement=requirement.id,
            instrument=instrument.id,
            locator=requirement.locator,
            title=requirement.title,
            jurisdiction=code,
            as_of=self.as_of,
            floor=self.floor,
            outcome=outcome,
            gap=gap,
            elements=answers,
            variations_used=tuple(each.excused_by for each in answers if each.excused_by),
            bound=bound_by(instrument, code, membership, on=self.as_of, floor=self.floor),
            reservation_covers=self._reserved(answers, requirement, membership),
            status=min([*used, requirement.status]) if used else None,
        )

    def _excused(
        self, answer: ElementAnswer, requirement: Requirement, membership: Membership | None
    ) -> ElementAnswer:
        """A no is excused by a variation at the state's choice, or one that it reserved."""
        if answer.result is not NO:
            return answer
        for name in answer.variations:
            who = _who_may(self.book, requirement.instrument, name)
            if who is WhoMay.STATE_CHOICE or name in self._reservations(membership):
                return answer.excuse(name)
        return answer

    def _reservations(self, membership: Membership | None) -> set[str]:
        if membership is None:
            return set()
        return {
            each.variation
            for each in membership.reservations
            if not below(each.status, self.floor)
            and (each.from_ is None or each.from_ <= self.as_of)
        }

    def _reserved(
        self,
        answers: Iterable[ElementAnswer],
        requirement: Requirement,
        membership: Membership | None,
    ) -> Truth:
        """Whether a reservation covers what fails; nobody's record of one is unknown."""
        reserved = self._reservations(membership)
        failing = [
            each
            for each in answers
            if each.result is NO and (each.excused_by is None or each.excused_by in reserved)
        ]
        if not failing:
            return NO
        if all(set(each.variations) & reserved for each in failing):
            return YES
        coverable = all(
            any(
                _who_may(self.book, requirement.instrument, name) is not WhoMay.STATE_CHOICE
                for name in each.variations
            )
            for each in failing
        )
        return UNKNOWN if coverable else NO


_BOUND = {
    PartyState.PARTY: Bound.YES,
    PartyState.SIGNED_ONLY: Bound.SIGNED_ONLY,
    PartyState.NOT_PARTY: Bound.NO,
    PartyState.UNKNOWN: Bound.UNKNOWN,
}


def bound_by(  # noqa: PLR0911 - one line a case
    instrument: Instrument, code: str, membership: Membership | None, *, on: date, floor: Status
) -> Bound:
    """Whether an instrument binds a place on a day, as far as the records reach."""
    if instrument.kind not in {InstrumentKind.TREATY, InstrumentKind.UNION_ACT}:
        return Bound.NOT_BINDING
    _, beyond = edition_on([instrument], on=on)
    if beyond is Beyond.UNRECORDED:
        return Bound.UNKNOWN
    if beyond is Beyond.NOT_LAW:
        if membership is not None and _signed_by(membership, on):
            return Bound.SIGNED_ONLY
        return Bound.NOT_IN_FORCE
    if instrument.binds is not None:
        if below(instrument.binds.status, floor):
            return Bound.UNKNOWN
        return Bound.YES if code in instrument.binds.states else Bound.NO
    if membership is None or below(membership.status, floor):
        return Bound.UNKNOWN
    if membership.state is PartyState.PARTY and membership.since and membership.since > on:
        return Bound.NO
    if membership.state is PartyState.SIGNED_ONLY and not _signed_by(membership, on):
        return Bound.NO
    return _BOUND[membership.state]


def _signed_by(membership: Membership, day: date) -> bool:
    """Whether a state that only signed had done so; without a recorded day it is shown as is."""
    signed = membership.state is PartyState.SIGNED_ONLY
    return signed and (membership.signed is None or membership.signed <= day)


def membership_of(book: Lawbook, code: str, instrument: str) -> Membership | None:
    """What is recorded of a state and an instrument, if anything."""
    for each in book.memberships:
        if each.jurisdiction == code and each.instrument == instrument:
            return each
    return None


def _who_may(book: Lawbook, instrument: str, variation: str) -> WhoMay | None:
    for requirement in book.requirements_of(instrument):
        for each in requirement.variations:
            if each.id == variation:
                return each.who_may
    return None


def _outcome(answers: Iterable[ElementAnswer]) -> tuple[Met, Truth]:
    """From the elements to the whole; a no beside unknowns is a sure gap of unknown extent."""
    results = [YES if each.excused_by else each.result for each in answers]
    excused = any(each.excused_by for each in answers)
    if all(result is YES for result in results):
        return (Met.MET_WITH_VARIATION if excused else Met.MET), NO
    if NO not in results:
        return Met.UNKNOWN, UNKNOWN
    if YES in results:
        return Met.PARTLY, YES
    return (Met.NOT_MET if UNKNOWN not in results else Met.UNKNOWN), YES
