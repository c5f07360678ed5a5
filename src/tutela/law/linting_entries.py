"""References between the entries of a lawbook: nothing may hang in the air or say nothing."""

import difflib
import re
from collections.abc import Iterable, Iterator

from tutela.law.book import Lawbook
from tutela.law.clauses import PLACEHOLDER, Clause
from tutela.law.countries import Basis, Measure
from tutela.law.instruments import Element, Requirement
from tutela.law.model import Rule
from tutela.law.offences import Dimension, Offence, ScopeRow

_WORDS = {
    Dimension.MEDIUM: "material.medium",
    Dimension.DEPICTION: "material.depiction",
    Dimension.CONTENT: "material.content",
    Dimension.ACT: "conduct.act",
}
_BRACKET = re.compile(r"\[\[([a-z0-9_-]+)\]\]")


def entry_faults(book: Lawbook) -> Iterator[str]:
    """Every dangling reference and every word that is in no vocabulary."""
    yield from _place_faults(book)
    for offence in book.offences:
        yield from (f"{offence.id}: {why}" for why in offence_faults(offence, book))
    yield from _measure_faults(book)
    for requirement in book.requirements:
        yield from (f"{requirement.id}: {why}" for why in _requirement_faults(requirement, book))
    for clause in book.clauses:
        yield from (f"{clause.id}: {why}" for why in _clause_faults(clause, book))
    for assumption in book.ordinary:
        if assumption.fact not in book.vocabulary.facts:
            yield f"ordinary: there is no fact {assumption.fact}"


def _place_faults(book: Lawbook) -> Iterator[str]:
    places = {each.code for each in book.jurisdiction_entries}
    for kind in ("rules", "offences", "measures", "bases", "contacts", "memberships"):
        for entry in getattr(book, kind):
            if places and entry.jurisdiction not in places:
                yield f"{entry.jurisdiction}: {kind} without an entry under jurisdictions"
    for membership in book.memberships:
        if membership.instrument not in {each.id for each in book.instruments}:
            where = f"{membership.jurisdiction} {membership.instrument}"
            yield f"{where}: there is no such instrument"


def offence_faults(offence: Offence, book: Lawbook) -> Iterator[str]:
    """Scope rows that say nothing or use unknown words, and dimensions nobody speaks of."""
    for dimension in offence.about.dimensions:
        if not offence.rows(dimension):
            yield f"no scope row speaks of {dimension.value}"
    for row in offence.scope:
        yield from _row_faults(row, book)


def _row_faults(row: ScopeRow, book: Lawbook) -> Iterator[str]:
    if row.of is Dimension.AGE:
        if row.below is None or row.covers or row.excludes or not (row.from_ or 0) < row.below:
            yield "an age row takes below, and from where it is not 0"
        return
    if row.below is not None or row.from_ is not None or not (row.covers or row.excludes):
        yield f"a row of {row.of.value} takes covers, excludes or both"
    fact = book.vocabulary.facts.get(_WORDS[row.of])
    allowed = fact.allowed if fact else ()
    for word in (*row.covers, *row.excludes):
        if word not in allowed:
            yield f"{word} is no word of {_WORDS[row.of]}{_meant(word, allowed)}"
    if set(row.covers) & set(row.excludes):
        yield f"a row of {row.of.value} covers and excludes the same word"


def _meant(word: str, known: Iterable[str]) -> str:
    """The nearest words; `tutela law words` lists them all."""
    near = difflib.get_close_matches(word, list(known), n=3)
    return f" (did you mean {' or '.join(near)}?)" if near else " (`tutela law words` lists them)"


def _measure_faults(book: Lawbook) -> Iterator[str]:
    for measure in book.measures:
        if measure.measure not in book.terms:
            meant = _meant(measure.measure, book.terms)
            yield f"{measure.id}: {measure.measure} is not in measures.yaml{meant}"


def _requirement_faults(requirement: Requirement, book: Lawbook) -> Iterator[str]:
    if requirement.instrument not in {each.id for each in book.instruments}:
        yield f"there is no instrument {requirement.instrument}"
    if not requirement.id.startswith(f"{requirement.instrument}-"):
        yield "the id must begin with the instrument's"
    yield from _number_faults(requirement)
    if not requirement.elements:
        yield "it has no element: empty means no"
    ids = [each.id for each in requirement.elements]
    if len(ids) != len(set(ids)):
        yield "two elements have one id"
    permitted = {
        each.id
        for other in book.requirements
        if other.instrument == requirement.instrument
        for each in other.variations
    }
    for element in requirement.elements:
        yield from (f"element {element.id}: {why}" for why in _element_faults(element, book))
        for name in set(element.variations) - permitted:
            yield f"element {element.id}: the instrument permits no variation {name}"
    everyone = {each.id for each in book.requirements}
    for name in (*requirement.prevails_over, *requirement.yields_to):
        if name not in everyone:
            yield f"there is no requirement {name}"


def _number_faults(requirement: Requirement) -> Iterator[str]:
    """The first number of the locator stands in the id, too: numbering off by one is caught."""
    locator = re.search(r"\d+", requirement.locator)
    tail = requirement.id.removeprefix(f"{requirement.instrument}-")
    numbered = re.match(r"\d+", tail)
    if locator and numbered and locator.group() != numbered.group():
        yield f"the locator {requirement.locator} is not that of the id"


def _element_faults(element: Element, book: Lawbook) -> Iterator[str]:
    tests = [element.conduct, element.measure, element.duty, element.party]
    if sum(each is not None for each in tests) != 1:
        yield "it takes exactly one of conduct, measure, duty, party"
    if element.measure is not None and element.measure not in book.terms:
        yield f"{element.measure} is not in measures.yaml"
    if element.party is not None and element.party not in {each.id for each in book.instruments}:
        yield f"there is no instrument {element.party}"


def _clause_faults(clause: Clause, book: Lawbook) -> Iterator[str]:
    known = {each.id for each in book.requirements}
    for name in clause.for_:
        if name not in known:
            yield f"there is no requirement {name}"
    if not clause.options or not clause.for_:
        yield "it has no option or is for nothing"
    for option in clause.options:
        named, given = set(_BRACKET.findall(option.text)), {each.id for each in option.brackets}
        if named != given:
            yield f"{option.id.value}: brackets {sorted(named ^ given)} stand only on one side"
        made = option.made
        entries: tuple[Offence | Measure | Rule | Basis, ...] = (
            *made.offences,
            *made.measures,
            *made.rules,
            *made.bases,
        )
        for entry in entries:
            if entry.jurisdiction != PLACEHOLDER:
                yield f"{option.id.value}: {entry.id} is not of {PLACEHOLDER}"
        for offence in made.offences:
            yield from offence_faults(offence, book)
