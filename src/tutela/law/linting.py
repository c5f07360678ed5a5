"""What a lawbook must be before anyone may lean on it; every fault is found, not the first."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import pairwise

from tutela.law.model import (
    KEPT,
    Action,
    Cited,
    ClockKind,
    LegalStatus,
    Rule,
    Source,
    SourceKind,
    Status,
    Timing,
)
from tutela.law.vocabulary import FactKind, Vocabulary

_RULE_ID = re.compile(r"^[a-z]{2}(\.[A-Za-z0-9-]+)+$")
_NOT_YET = {LegalStatus.BILL, LegalStatus.AGREED_NOT_ADOPTED, LegalStatus.ENACTED_NOT_COMMENCED}
_ENDED = {LegalStatus.LAPSED, LegalStatus.REPEALED}
_CAP: Mapping[SourceKind, Status] = {
    SourceKind.SECONDARY: Status.SECONDARY,
    SourceKind.RECALLED: Status.RECALLED,
}
_REVIEWERS: Mapping[Status, int] = {Status.VERIFIED: 2, Status.SINGLE_REVIEWER: 1}
_FOR_READING = {"sanction", "permits", "not_required", "notes"}
_TIMING_KEYS: Mapping[ClockKind, frozenset[str]] = {
    ClockKind.FIXED: frozenset({"n", "unit"}),
    ClockKind.QUALITATIVE: frozenset({"standard", "legal_text"}),
    ClockKind.DELEGATED: frozenset({"delegated_to"}),
    ClockKind.NONE: frozenset(),
}


def cited_parts(thing: object, path: str) -> Iterator[tuple[str, Cited]]:
    """Every cited statement inside `thing`, conditions included, with its path."""
    if isinstance(thing, Cited):
        yield path, thing
    if isinstance(thing, tuple):
        for n, each in enumerate(thing):
            yield from cited_parts(each, f"{path}[{n}]")
    elif is_dataclass(thing) and not isinstance(thing, type):
        for each in fields(thing):
            yield from cited_parts(getattr(thing, each.name), f"{path}.{each.name.rstrip('_')}")


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
    elif is_dataclass(thing) and not isinstance(thing, type):
        for each in fields(thing):
            value = getattr(thing, each.name)
            if each.name in {"fact", "starts"} or (each.name == "from_" and isinstance(value, str)):
                names.update({value} if isinstance(value, str) else ())
            else:
                names |= facts_asked(value)
    return frozenset(names)


def faults(
    rules: Sequence[Rule], sources: Mapping[str, Source], vocabulary: Vocabulary
) -> tuple[str, ...]:
    """Every fault of the book, as sentences that begin with the place; none means sound."""
    found: list[str] = []
    for source in sources.values():
        found += [f"source {source.id}: {why}" for why in _source_faults(source)]
    for rule in rules:
        found += [f"{rule.id}: {why}" for why in _rule_faults(rule, sources, vocabulary)]
    found += _edition_faults(rules)
    return tuple(found)


def _source_faults(source: Source) -> Iterator[str]:
    if source.status > _CAP.get(source.kind, Status.VERIFIED):
        yield f"a {source.kind.value} source cannot be {source.status.value}"
    if len(set(source.reviewers)) < _REVIEWERS.get(source.status, 0):
        yield f"{source.status.value} needs {_REVIEWERS[source.status]} reviewers"
    if source.status is Status.VERIFIED and source.text_sha256 is None:
        yield "verified needs text_sha256, the digest of the text that was read"
    if source.text_sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", source.text_sha256):
        yield "text_sha256 is not 64 hexadecimal digits"


def _rule_faults(
    rule: Rule, sources: Mapping[str, Source], vocabulary: Vocabulary
) -> Iterator[str]:
    if not _RULE_ID.match(rule.id) or rule.id[:2] != rule.jurisdiction.lower():
        yield "the id must be the jurisdiction in small letters, a dot and a name"
    if not rule.legal_basis:
        yield "no legal basis is cited"
    for path, part in cited_parts(rule, "rule"):
        source = sources.get(part.source)
        if source is None:
            yield f"{path} names the source {part.source}, which is not in the book"
        elif part.status > source.status:
            yield f"{path} is {part.status.value}, its source only {source.status.value}"
    weakest = min(part.status for _, part in driving_parts(rule))
    if rule.status > weakest:
        yield f"it claims {rule.status.value}, its weakest part is {weakest.value}"
    if len(set(rule.reviewers)) < _REVIEWERS.get(rule.status, 0):
        yield f"{rule.status.value} needs {_REVIEWERS[rule.status]} reviewers"
    yield from _date_faults(rule)
    yield from _clock_faults(rule, vocabulary)
    yield from _shape_faults(rule, vocabulary)


def _date_faults(rule: Rule) -> Iterator[str]:
    span = rule.in_force
    if (span.from_ is None) != (rule.legal_status in _NOT_YET):
        yield f"in_force.from does not fit legal_status {rule.legal_status.value}"
    if (span.to is None) != (span.after is None):
        yield "in_force.to and in_force.after stand together"
    if rule.legal_status in _ENDED and span.to is None:
        yield f"legal_status {rule.legal_status.value} needs in_force.to"
    if span.to is not None and (span.from_ is None or span.from_ >= span.to):
        yield "in_force.from must lie before in_force.to"


def _clock_faults(rule: Rule, vocabulary: Vocabulary) -> Iterator[str]:
    timings: list[tuple[str, Timing]] = [("clock", rule.clock)]
    timings += [(f"clock.levels {level.id}", level) for level in rule.clock.levels]
    for path, timing in timings:
        given = {
            key
            for key in ("n", "unit", "standard", "legal_text", "delegated_to")
            if getattr(timing, key) is not None
        }
        if given != _TIMING_KEYS[timing.kind]:
            wanted = sorted(_TIMING_KEYS[timing.kind])
            yield f"{path} is {timing.kind.value}: it takes exactly {wanted}"
        if timing.n is not None and timing.n <= 0:
            yield f"{path}.n must be positive"
        if timing.kind is not ClockKind.NONE and rule.clock.starts is None:
            yield f"{path} runs, but clock.starts is missing"
    if rule.clock.starts is not None:
        yield from _moment_fault("clock.starts", rule.clock.starts, vocabulary)


def _shape_faults(rule: Rule, vocabulary: Vocabulary) -> Iterator[str]:
    for keep in rule.retention:
        yield from _moment_fault(f"retention {keep.id}.from", keep.from_, vocabulary)
        if keep.n <= 0 or not keep.what or set(keep.what) - set(KEPT):
            yield f"retention {keep.id} needs a positive n and what from {', '.join(KEPT)}"
    if (rule.action is Action.PRESERVE) != bool(rule.retention):
        yield "a preserve rule has retention, and only such a rule"
    if rule.action in {Action.REPORT, Action.INFORM_AUTHORITY} and not rule.recipients:
        yield "nobody is named to be told"
    for name in ("unless", "recipients", "preconditions", "retention", "discharged_by"):
        ids = [each.id for each in getattr(rule, name)]
        if len(ids) != len(set(ids)):
            yield f"{name} uses an id twice"


def _moment_fault(path: str, fact: str, vocabulary: Vocabulary) -> Iterator[str]:
    known = vocabulary.facts.get(fact)
    if known is None:
        yield f"{path} names the fact {fact}, which is not in facts.yaml"
    elif known.kind is not FactKind.MOMENT:
        yield f"{path} needs a moment, {fact} is {known.kind.value}"


def _edition_faults(rules: Sequence[Rule]) -> list[str]:
    """Editions of one id: the same duty, never two on one day."""
    found = []
    by_id: dict[str, list[Rule]] = {}
    for rule in rules:
        by_id.setdefault(rule.id, []).append(rule)
    for rule_id, editions in by_id.items():
        if len({(each.jurisdiction, each.action) for each in editions}) > 1:
            found.append(f"{rule_id}: the id is reused for another duty")
        dated = [each for each in editions if each.in_force.from_ is not None]
        if len(dated) < len(editions) and len(editions) > 1:
            found.append(f"{rule_id}: an edition without a date stands beside others")
        dated.sort(key=lambda each: str(each.in_force.from_))
        for earlier, later in pairwise(dated):
            end, start = earlier.in_force.to, later.in_force.from_
            if end is None or (start is not None and start < end):
                found.append(f"{rule_id}: two editions overlap")
    return found
