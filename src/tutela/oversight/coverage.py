"""Which duties a country's law puts on providers, with what clocks, and what nobody recorded."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from tutela.law.assessing import Assessor
from tutela.law.book import Lawbook, edition_on
from tutela.law.countries import Basis, Stance
from tutela.law.elements import ElementAnswer, Elements, Rests
from tutela.law.expressions import NO, UNKNOWN, YES, below
from tutela.law.instruments import Element
from tutela.law.model import Action, Beyond, Rule, Status, Truth

_DUTIES: tuple[tuple[str, tuple[Action, ...], str], ...] = (
    ("report", (Action.REPORT,), "provider_reporting"),
    ("preserve", (Action.PRESERVE,), "provider_preservation"),
    ("remove", (Action.REMOVE, Action.RESTRICT, Action.BLOCK), "provider_removal"),
    ("inform", (Action.INFORM_AUTHORITY,), ""),
    ("notify", (Action.NOTIFY_USER, Action.ACKNOWLEDGE_NOTICE), ""),
    ("transparency", (Action.PUBLISH_REPORT,), "provider_transparency"),
    ("detection", (Action.DETECT,), ""),
)
"""Key, the actions that answer to it, and the measure that says whether there is such a duty."""
DETECTION = "detection"


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One recorded entry on the day. `counts`: in force and checked well enough to be relied on."""

    kind: str
    entry: Any
    beyond: Beyond | None
    status: Status
    counts: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """One sort of duty: whether there is one, why, what it rests on, and every entry of the sort.

    `result` is unknown, never no, where nobody recorded anything.
    """

    key: str
    result: Truth
    why: str
    rests: tuple[Rests, ...]
    found: tuple[Found, ...]


def coverage(assessor: Assessor, code: str) -> tuple[Coverage, ...]:
    """Every sort of duty in one place, unions that it belongs to included."""
    book, on, floor = assessor.book, assessor.as_of, assessor.floor
    elements = Elements(book, as_of=on, floor=floor)
    return tuple(
        _coverage(book, elements, code, key=key, actions=actions, measure=measure)
        for key, actions, measure in _DUTIES
    )


def _coverage(
    book: Lawbook,
    elements: Elements,
    code: str,
    *,
    key: str,
    actions: tuple[Action, ...],
    measure: str,
) -> Coverage:
    on, floor = elements.as_of, elements.floor
    places = (code, *book.jurisdiction(code).member_of)
    found = [
        _found("rules", rule, _rule_status(rule), on=on, floor=floor)
        for place in places
        for rule in book.in_place(book.rules, place, on=on)
        if rule.action in actions
    ]
    if key == DETECTION:
        found += [
            _found("bases", basis, min(basis.status, basis.in_force.status), on=on, floor=floor)
            for place in places
            for basis in book.in_place(book.bases, place, on=on)
        ]
        return _detection(found)
    answer = _best([elements.answer(_duty(key, action), code) for action in actions])
    if answer.result is not YES and measure in book.terms:
        answer = _best([answer, elements.answer(Element(id=key, text="", measure=measure), code)])
    return Coverage(
        key=key, result=answer.result, why=answer.why, rests=answer.rests, found=tuple(found)
    )


def _duty(key: str, action: Action) -> Element:
    return Element(id=key, text="", duty=action)


def _best(answers: list[ElementAnswer]) -> ElementAnswer:
    """A yes first; then an unknown that rests on something, which a no would hide; then a no."""

    def order(answer: ElementAnswer) -> int:
        if answer.result is UNKNOWN:
            return 1 if answer.rests else 3
        return 0 if answer.result is YES else 2

    return min(answers, key=order)


def _detection(found: list[Found]) -> Coverage:
    """A basis that permits or requires detection is a yes; only forbidding ones are a no."""
    counted = [each for each in found if each.counts]
    allowing = [each for each in found if not _forbids(each.entry)]
    sure = [each for each in allowing if each.counts]
    perhaps = any(each.beyond is not Beyond.NOT_LAW for each in allowing)
    result = YES if sure else NO if counted and not perhaps else UNKNOWN
    chosen = sure[:1] if sure else counted[:1] if result is NO else []
    return Coverage(
        key=DETECTION,
        result=result,
        why="",
        rests=tuple(_rests(each) for each in chosen),
        found=tuple(found),
    )


def _forbids(entry: Rule | Basis) -> bool:
    return isinstance(entry, Basis) and entry.stance is Stance.FORBIDDEN


def _found(kind: str, entry: Rule | Basis, status: Status, *, on: date, floor: Status) -> Found:
    _, beyond = edition_on([entry], on=on)
    return Found(
        kind=kind,
        entry=entry,
        beyond=beyond,
        status=status,
        counts=beyond is None and not below(status, floor),
    )


def _rests(found: Found) -> Rests:
    cited = found.entry if isinstance(found.entry, Basis) else found.entry.legal_basis[0]
    return Rests(
        kind=found.kind,
        id=found.entry.id,
        cite=cited.cite,
        source=cited.source,
        status=found.status,
    )


def _rule_status(rule: Rule) -> Status:
    """How far it is checked that the duty exists at all: its basis and its dates."""
    return min([rule.in_force.status, *(each.status for each in rule.legal_basis)])
