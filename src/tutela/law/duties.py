"""Every duty of the lawbook on one case's facts, as of one day: what, to whom, by when.

Code here knows duties, never countries. What cannot be said is unknown, with the question
that would settle it; it is never shown as no duty.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime

from tutela.law.answers import Duties
from tutela.law.asking import merged
from tutela.law.clocks import OperatorTarget
from tutela.law.deriving import Reading, derive
from tutela.law.evaluating import day_of
from tutela.law.loading import Lawbook
from tutela.law.model import Rule, Status
from tutela.law.resolving import preservation_of, resolve
from tutela.law.vocabulary import FactKind, Value
from tutela.primitives.errors import NotFound


def duties(
    book: Lawbook,
    facts: Mapping[str, object],
    as_of: date | datetime,
    *,
    floor: Status = Status.SECONDARY,
    accepted: Collection[str] = (),
    jurisdictions: Iterable[str] | None = None,
    targets: Iterable[OperatorTarget] = (),
) -> Duties:
    """Derive every duty from a case's facts; a fact that is not known is left out.

    `as_of` chooses the law; a moment also says which fixed clocks have run out. Statements
    below `floor` leave the answer unknown, with the weaker answer beside it; a rule whose
    version is in `accepted` is read from `recalled` on. `targets` are the operator's own aims,
    shown as policy. Raises `BadInput` for a fact that is not in the vocabulary or of the wrong
    type, `NotFound` for a jurisdiction without rules.
    """
    chosen = _chosen(book, jurisdictions)
    known = book.vocabulary.admit(facts)
    reading = Reading(
        vocabulary=book.vocabulary,
        facts=known,
        day=day_of(as_of),
        now=as_of if isinstance(as_of, datetime) else None,
        floor=floor,
        accepted=accepted,
        targets={target.rule_id: target for target in targets},
    )
    editions: dict[str, list[Rule]] = {}
    for rule in book.rules:
        if rule.jurisdiction in chosen:
            editions.setdefault(rule.id, []).append(rule)
    found = tuple(derive(editions[each], reading) for each in sorted(editions))
    preservation = preservation_of(found)
    return Duties(
        as_of=as_of,
        floor=floor,
        book_digest=book.digest,
        jurisdictions=chosen,
        uncovered=_uncovered(book, known),
        duties=found,
        preservation=preservation,
        resolution=resolve(found, preservation, now=reading.now),
        questions=merged(found),
    )


def _chosen(book: Lawbook, jurisdictions: Iterable[str] | None) -> tuple[str, ...]:
    if jurisdictions is None:
        return book.jurisdictions
    chosen = tuple(sorted(set(jurisdictions)))
    absent = [each for each in chosen if each not in book.jurisdictions]
    if absent or not chosen:
        raise NotFound(
            f"The lawbook has no rule for {', '.join(absent)[:80] or 'an empty choice'}",
            why="that a law is not recorded does not mean that there is no duty",
            remedy=f"Add it to the lawbook, or choose from {', '.join(book.jurisdictions)}",
        )
    return chosen


def _uncovered(book: Lawbook, facts: Mapping[str, Value]) -> tuple[str, ...]:
    """The countries in the facts that have no rule of their own in the book."""
    named: set[str] = set()
    for name, value in facts.items():
        kind = book.vocabulary.facts[name].kind
        if kind is FactKind.COUNTRY and isinstance(value, str):
            named.add(value)
        if kind is FactKind.COUNTRIES and isinstance(value, tuple):
            named.update(str(each) for each in value)
    return tuple(sorted(named - set(book.jurisdictions)))
