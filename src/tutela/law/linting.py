"""What a lawbook must be before anyone may lean on it; every fault is found, not the first."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import pairwise
from typing import Any, cast

from tutela.law.book import Lawbook
from tutela.law.linting_entries import entry_faults
from tutela.law.linting_rules import rule_faults
from tutela.law.model import Cited, InForce, LegalStatus, Rule, Source, SourceKind, Status

_ID = re.compile(r"^[a-z]{2}(\.[A-Za-z0-9_-]+)+$")
_NOT_YET = {LegalStatus.BILL, LegalStatus.AGREED_NOT_ADOPTED, LegalStatus.ENACTED_NOT_COMMENCED}
_ENDED = {LegalStatus.LAPSED, LegalStatus.REPEALED, LegalStatus.SUSPENDED}
_CAP: Mapping[SourceKind, Status] = {
    SourceKind.SECONDARY: Status.SECONDARY,
    SourceKind.RECALLED: Status.RECALLED,
}
_REVIEWERS: Mapping[Status, int] = {Status.VERIFIED: 2, Status.SINGLE_REVIEWER: 1}
_FACT_KEYS = {"fact", "starts", "from_", "until"}
_FOR_READING = {"sanction", "permits", "not_required", "notes"}


def cited_parts(thing: object, path: str) -> Iterator[tuple[str, Cited]]:
    """Every cited statement inside `thing`, conditions included, with its path."""
    if isinstance(thing, Cited):
        yield path, thing
    if isinstance(thing, tuple):
        for n, each in enumerate(thing):
            yield from cited_parts(each, f"{path}[{n}]")
    for name in _field_names(thing):
        value = getattr(thing, name)
        if isinstance(value, tuple) or _field_names(value):
            yield from cited_parts(value, f"{path}.{name.rstrip('_')}")


def driving_parts(rule: Rule) -> Iterator[tuple[str, Cited]]:
    """The cited statements that drive an answer, a date, a recipient or a keeping."""
    for each in fields(rule):
        if each.name not in _FOR_READING:
            yield from cited_parts(getattr(rule, each.name), each.name.rstrip("_"))


def facts_asked(thing: object) -> frozenset[str]:
    """The names of all facts that `thing` (a rule, a condition) looks at."""
    names: set[str] = set()
    if isinstance(thing, tuple):
        names.update(*(facts_asked(each) for each in thing))
    for name in _field_names(thing):
        value = getattr(thing, name)
        if name in _FACT_KEYS and (isinstance(value, str) or name != "from_"):
            names.update({value} if isinstance(value, str) else ())
        elif isinstance(value, tuple) or _field_names(value):
            names |= facts_asked(value)
    return frozenset(names)


def _field_names(thing: object) -> tuple[str, ...]:
    """The fields of a dataclass's instance; none of anything else."""
    return _names_of(cast("Any", type(thing)))


@cache
def _names_of(kind: type[Any]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind)) if is_dataclass(kind) else ()


def faults(book: Lawbook) -> tuple[str, ...]:
    """Every fault of the book, as sentences that begin with the place; none means sound."""
    found = [] if book.rules else ["the book holds no rule: empty means no"]
    for source in book.sources.values():
        found += [f"source {source.id}: {why}" for why in _source_faults(source)]
    for kind in _ENTRIES:
        for entry in getattr(book, kind):
            name = _name(entry)
            found += [f"{name}: {why}" for why in _common_faults(entry, book.sources)]
            if isinstance(entry, Rule):
                found += [f"{name}: {why}" for why in _status_faults(entry)]
                found += [f"{name}: {why}" for why in rule_faults(entry, book.vocabulary)]
        found += _edition_faults(getattr(book, kind))
    return (*found, *entry_faults(book))


_ENTRIES = (
    "rules",
    "offences",
    "measures",
    "bases",
    "contacts",
    "memberships",
    "jurisdiction_entries",
    "instruments",
    "requirements",
    "clauses",
)


def _name(entry: Any) -> str:  # noqa: ANN401 - any entry of the book
    for key in ("id", "code"):
        if hasattr(entry, key):
            return str(getattr(entry, key))
    return f"{entry.jurisdiction} {entry.instrument}"


def _source_faults(source: Source) -> Iterator[str]:
    if source.status > _CAP.get(source.kind, Status.VERIFIED):
        yield f"a {source.kind.value} source cannot be {source.status.value}"
    if len(set(source.reviewers)) < _REVIEWERS.get(source.status, 0):
        yield f"{source.status.value} needs {_REVIEWERS[source.status]} reviewers"
    if source.status is Status.VERIFIED and source.text_sha256 is None:
        yield "verified needs text_sha256, the digest of the text that was read"
    if source.text_sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", source.text_sha256):
        yield "text_sha256 is not 64 hexadecimal digits"


def _common_faults(entry: Any, sources: Mapping[str, Source]) -> Iterator[str]:  # noqa: ANN401
    """Id, sources and dates: what holds for every sort of entry."""
    if hasattr(entry, "id") and hasattr(entry, "jurisdiction"):
        code = entry.jurisdiction.lower()
        if not _ID.match(entry.id) or entry.id[:2] != code:
            yield "the id must be the jurisdiction in small letters, a dot and a name"
    for path, part in cited_parts(entry, "entry"):
        source = sources.get(part.source)
        if source is None:
            yield f"{path} names the source {part.source}, which is not in the book"
        elif part.status > source.status:
            yield f"{path} is {part.status.value}, its source only {source.status.value}"
    if hasattr(entry, "in_force"):
        yield from _date_faults(entry.in_force, entry.legal_status)


def _status_faults(rule: Rule) -> Iterator[str]:
    weakest = min(part.status for _, part in driving_parts(rule))
    if rule.status > weakest:
        yield f"it claims {rule.status.value}, its weakest part is {weakest.value}"
    if len(set(rule.reviewers)) < _REVIEWERS.get(rule.status, 0):
        yield f"{rule.status.value} needs {_REVIEWERS[rule.status]} reviewers"


def _date_faults(span: InForce, legal_status: LegalStatus) -> Iterator[str]:
    if (span.from_ is None) != (legal_status in _NOT_YET):
        wanted = "null until it commences" if legal_status in _NOT_YET else "a day"
        yield f"in_force.from does not fit legal_status {legal_status.value}: it is {wanted}"
    if (span.to is None) != (span.after is None):
        yield "in_force.to and in_force.after stand together"
    if legal_status in _ENDED and span.to is None:
        yield f"legal_status {legal_status.value} needs in_force.to"
    if span.to is not None and (span.from_ is None or span.from_ >= span.to):
        yield "in_force.from must lie before in_force.to"


def _edition_faults(entries: Iterable[Any]) -> list[str]:
    """Entries of one id: dated editions of the same thing, never two on one day."""
    found = []
    by_id: dict[str, list[Any]] = {}
    for entry in entries:
        by_id.setdefault(_name(entry), []).append(entry)
    for name, editions in by_id.items():
        if len(editions) == 1:
            continue
        if not all(hasattr(each, "in_force") for each in editions):
            found.append(f"{name}: the id is reused")
            continue
        kept_same = {
            tuple(getattr(each, key, None) for key in ("jurisdiction", "action", "measure", "tier"))
            for each in editions
        }
        if len(kept_same) > 1:
            found.append(f"{name}: the id is reused for another duty or thing")
        dated = [each for each in editions if each.in_force.from_ is not None]
        if len(dated) < len(editions):
            found.append(f"{name}: an edition without a date stands beside others")
        dated.sort(key=lambda each: each.in_force.from_)
        for earlier, later in pairwise(dated):
            end = earlier.in_force.to
            if end is None or later.in_force.from_ < end:
                found.append(f"{name}: two editions overlap")
    return found
