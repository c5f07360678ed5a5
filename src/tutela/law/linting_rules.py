"""What a rule, a provider's duty, must be beside being cited and dated."""

from collections.abc import Iterator, Mapping

from tutela.law.model import KEPT, PAYLOAD, Action, ClockKind, Rule, Timing, Unit
from tutela.law.vocabulary import FactKind, Vocabulary

_TIMING_KEYS: Mapping[ClockKind, frozenset[str]] = {
    ClockKind.FIXED: frozenset({"n", "unit"}),
    ClockKind.QUALITATIVE: frozenset({"standard", "legal_text"}),
    ClockKind.DELEGATED: frozenset({"delegated_to"}),
    ClockKind.NONE: frozenset(),
}
_LONGEST: Mapping[Unit, int] = {
    Unit.HOURS: 200 * 366 * 24,
    Unit.DAYS: 200 * 366,
    Unit.MONTHS: 200 * 12,
    Unit.YEARS: 200,
}
"""No law recorded asks for more; beyond some thousand years no calendar has a day for the end."""


def rule_faults(rule: Rule, vocabulary: Vocabulary) -> Iterator[str]:
    """Every fault in the shape of a rule: clock, retention, recipients, doubled ids."""
    if not rule.legal_basis:
        yield "no legal basis is cited"
    yield from _clock_faults(rule, vocabulary)
    yield from _shape_faults(rule, vocabulary)
    yield from _period_faults(rule)


def _period_faults(rule: Rule) -> Iterator[str]:
    clock = rule.clock
    periods = [(each.n, each.unit) for each in (clock, *clock.levels)]
    periods += [(each.n, each.unit) for each in clock.extends]
    periods += [(each.n, each.unit) for each in rule.retention]
    for n, unit in periods:
        if n is not None and unit is not None and n > _LONGEST[unit]:
            yield f"a period of {n} {unit.value} is longer than 200 years"


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
    yield from _bending_faults(rule, vocabulary)


def _bending_faults(rule: Rule, vocabulary: Vocabulary) -> Iterator[str]:
    """What stops a clock or makes it longer."""
    clock = rule.clock
    for pause in clock.pauses:
        for fact in (pause.from_, pause.until):
            yield from _moment_fault(f"clock.pauses {pause.id}", fact, vocabulary)
    if any(longer.n <= 0 for longer in clock.extends):
        yield "clock.extends needs a positive n"
    if clock.extends and ClockKind.FIXED not in {each.kind for each in (clock, *clock.levels)}:
        yield "clock.extends needs a fixed clock"


def _shape_faults(rule: Rule, vocabulary: Vocabulary) -> Iterator[str]:
    for keep in rule.retention:
        yield from _moment_fault(f"retention {keep.id}.from", keep.from_, vocabulary)
        period = (keep.n is None) == (keep.unit is None) and (keep.n is None or keep.n > 0)
        if not period or not keep.what or set(keep.what) - set(KEPT):
            yield (
                f"retention {keep.id} needs a positive n with its unit, or neither, "
                f"and what from {', '.join(KEPT)}"
            )
    if (rule.action is Action.PRESERVE) != bool(rule.retention):
        yield "a preserve rule has retention, and only such a rule"
    if rule.action in {Action.REPORT, Action.INFORM_AUTHORITY} and not rule.recipients:
        yield "nobody is named to be told"
    for told in rule.recipients:
        if {*told.payload_allowed, *told.payload_forbidden} - set(PAYLOAD):
            yield f"recipient {told.id}: a payload is made of {', '.join(PAYLOAD)}"
        if set(told.payload_allowed) & set(told.payload_forbidden):
            yield f"recipient {told.id}: a payload is allowed and forbidden"
    clock = rule.clock
    named = {
        "unless": [each.id for each in rule.unless],
        "recipients": [each.id for each in rule.recipients],
        "preconditions": [each.id for each in rule.preconditions],
        "retention": [each.id for each in rule.retention],
        "discharged_by": [each.id for each in rule.discharged_by],
        "clock.levels": [each.id for each in clock.levels],
        "clock.preconditions": [each.id for each in clock.preconditions],
        "clock.pauses": [each.id for each in clock.pauses],
        "clock.extends": [each.id for each in clock.extends],
    }
    for name, ids in named.items():
        if len(ids) != len(set(ids)):
            yield f"{name} uses an id twice"


def _moment_fault(path: str, fact: str, vocabulary: Vocabulary) -> Iterator[str]:
    known = vocabulary.facts.get(fact)
    if known is None:
        yield f"{path} names the fact {fact}, which is not in facts.yaml"
    elif known.kind is not FactKind.MOMENT:
        yield f"{path} needs a moment, {fact} is {known.kind.value}"
