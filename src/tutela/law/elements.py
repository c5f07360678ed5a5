"""Answering one element of a requirement from a country's record, in one of four ways."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from tutela.law.book import Lawbook, edition_on
from tutela.law.countries import Measure, PartyState
from tutela.law.expressions import NO, UNKNOWN, YES, below
from tutela.law.instruments import Element
from tutela.law.model import Action, Beyond, Cited, Rule, Status, Truth
from tutela.law.offences import Conducts
from tutela.law.punishing import Punished, punished
from tutela.law.vocabulary import Value

_SAME_DUTY = {
    Action.REMOVE: frozenset({Action.REMOVE, Action.RESTRICT}),
    Action.RESTRICT: frozenset({Action.REMOVE, Action.RESTRICT}),
}
"""Duties that answer for each other: a treaty's "remove" is met by disabling access, too."""
_MEASURE_OF = {
    Action.REPORT: "provider_reporting",
    Action.PRESERVE: "provider_preservation",
    Action.REMOVE: "provider_removal",
    Action.RESTRICT: "provider_removal",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rests(Cited):
    """What an answer rests on: an entry of the book by kind and id."""

    kind: str
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ElementAnswer:
    """One element, answered. `part` names what fails (an age, a medium ...) in `conduct`."""

    id: str
    text: str
    result: Truth
    why: str
    rests: tuple[Rests, ...]
    variations: tuple[str, ...]
    status: Status | None
    part: str | None = None
    conduct: tuple[tuple[str, Value], ...] = ()
    excused_by: str | None = None

    def excuse(self, variation: str) -> "ElementAnswer":
        """The same, with the variation that permits it."""
        return replace(self, excused_by=variation)


class Elements:
    """Answers elements on one day at one floor; a conduct is judged once a place."""

    def __init__(self, book: Lawbook, *, as_of: date, floor: Status) -> None:
        self.book = book
        self.as_of = as_of
        self.floor = floor
        self._given = {each.fact: each.value for each in book.ordinary}
        self._judged: dict[tuple[str, tuple[tuple[str, Value], ...]], Punished] = {}
        self._on_day: dict[tuple[str, str], tuple[Any, ...]] = {}

    def answer(self, element: Element, code: str) -> ElementAnswer:
        """The element's answer for one place."""
        if element.conduct is not None:
            return self._conduct(element, element.conduct, code)
        if element.measure is not None:
            return self._measure(element, element.measure, code)
        if element.duty is not None:
            return self._duty(element, element.duty, code)
        if element.party is not None:
            return self._party(element, element.party, code)
        raise TypeError(f"the element {element.id} tests nothing")

    def _conduct(self, element: Element, family: Conducts, code: str) -> ElementAnswer:
        """YES when every conduct is punished; else the first no, or else the first unknown."""
        worst: tuple[Punished, dict[str, Value]] | None = None
        held: dict[str, Rests] = {}
        statuses = []
        for conduct in family.each():
            facts: dict[str, Value] = {**conduct}
            found = self._punished(code, self._given | facts)
            statuses.append(found.status)
            if found.outcome is YES and found.nearest is not None:
                held[found.nearest.offence_id] = _rests_on(found)
            elif worst is None or (found.outcome is NO and worst[0].outcome is UNKNOWN):
                worst = found, facts
        if worst is None:
            return _answer(
                element, YES, "Punished in every case asked for.", held.values(), min(statuses)
            )
        found, facts = worst
        nearest = found.nearest
        return replace(
            _answer(
                element,
                found.outcome,
                found.why,
                [_rests_on(found)] if nearest else [],
                found.status if nearest else None,
            ),
            part=nearest.fails if nearest else None,
            conduct=tuple(facts.items()),
        )

    def _punished(self, code: str, facts: dict[str, Value]) -> Punished:
        key = code, tuple(sorted(facts.items(), key=lambda each: each[0]))
        if key not in self._judged:
            self._judged[key] = punished(self.book, code, facts, as_of=self.as_of, floor=self.floor)
        return self._judged[key]

    def _places(self, code: str) -> tuple[str, ...]:
        """The place itself and the unions whose acts hold there."""
        return code, *self.book.jurisdiction(code).member_of

    def _entries(self, kind: str, place: str) -> tuple[Any, ...]:
        """The entries of a place, each in its edition of the day; looked up once."""
        if (kind, place) not in self._on_day:
            listed = getattr(self.book, kind)
            self._on_day[kind, place] = self.book.in_place(listed, place, on=self.as_of)
        return self._on_day[kind, place]

    def _measure(self, element: Element, name: str, code: str) -> ElementAnswer:
        found = [
            measure
            for place in self._places(code)
            for measure in self._entries("measures", place)
            if measure.measure == name
        ]
        judged = [(self._holds(each), each) for each in found]
        for wanted in (YES, UNKNOWN, NO):  # one is enough, and no needs all of them
            for result, each in judged:
                if result is wanted:
                    return _answer(
                        element, result, each.text, [_rests("measures", each.id, each)], each.status
                    )
        question = self.book.terms[name].question
        return _answer(element, UNKNOWN, f"Not recorded: {question}", [], None)

    def _holds(self, measure: Measure) -> Truth:
        _, beyond = edition_on([measure], on=self.as_of)
        if below(measure.status, self.floor) or below(measure.in_force.status, self.floor):
            return UNKNOWN
        if beyond is Beyond.UNRECORDED:
            return UNKNOWN
        return YES if measure.holds and beyond is None else NO

    def _duty(self, element: Element, action: Action, code: str) -> ElementAnswer:
        wanted = _SAME_DUTY.get(action, frozenset({action}))
        recalled: Rule | None = None
        for place in self._places(code):
            for rule in self._entries("rules", place):
                if rule.action not in wanted or not rule.in_force.covers(self.as_of):
                    continue
                if below(_basis_status(rule), self.floor):
                    recalled = rule
                    continue
                return _answer(
                    element,
                    YES,
                    rule.title,
                    [_rests("rules", rule.id, rule.legal_basis[0])],
                    _basis_status(rule),
                )
        if recalled is not None:
            why = f"Recorded, but only {_basis_status(recalled).value}: {recalled.title}"
            return _answer(
                element, UNKNOWN, why, [_rests("rules", recalled.id, recalled.legal_basis[0])], None
            )
        if action in _MEASURE_OF and _MEASURE_OF[action] in self.book.terms:
            return self._measure(element, _MEASURE_OF[action], code)
        return _answer(element, UNKNOWN, "No such duty is recorded.", [], None)

    def _party(self, element: Element, instrument: str, code: str) -> ElementAnswer:
        for each in self.book.memberships:
            if each.jurisdiction != code or each.instrument != instrument:
                continue
            rests = [_rests("memberships", f"{code} {instrument}", each)]
            result = {PartyState.PARTY: YES, PartyState.UNKNOWN: UNKNOWN}.get(each.state, NO)
            if below(each.status, self.floor):
                result = UNKNOWN
            if result is YES and each.since is not None and each.since > self.as_of:
                result = NO
            if result is YES and each.since is None and self.as_of < self._collected(code):
                result = UNKNOWN
            said = f"{instrument}: {each.state.value}" + (
                f" since {each.since}" if each.since else ""
            )
            return _answer(element, result, said, rests, each.status)
        return _answer(element, UNKNOWN, f"Not recorded: {code} and {instrument}.", [], None)

    def _collected(self, code: str) -> date:
        """The day for which an undated statement on a state was written down."""
        return self.book.jurisdiction(code).read_on


def _basis_status(rule: Rule) -> Status:
    """How far it is checked that the duty exists at all: its basis and its dates."""
    return min([rule.in_force.status, *(each.status for each in rule.legal_basis)])


def _rests_on(found: Punished) -> Rests:
    nearest = found.nearest
    if nearest is None:
        raise TypeError("nothing was judged")
    failing = nearest.failing()
    leaf = failing if failing is not None and failing.cite else nearest.trace.parts[-1]
    return Rests(
        kind="offences",
        id=nearest.offence_id,
        cite=nearest.cite,
        source=leaf.source or "memory",
        status=leaf.status or found.status,
    )


def _rests(kind: str, name: str, stated: Cited) -> Rests:
    return Rests(kind=kind, id=name, cite=stated.cite, source=stated.source, status=stated.status)


def _answer(
    element: Element, result: Truth, why: str, rests: Iterable[Rests], status: Status | None
) -> ElementAnswer:
    return ElementAnswer(
        id=element.id,
        text=element.text,
        result=result,
        why=why,
        rests=tuple(rests),
        variations=element.variations,
        status=status,
    )
