"""All duties of a case together: whom to tell, by when to remove, how long to keep, and clashes.

1. Reports: every recipient of a duty that is owed, once, with the duties that ask for it.
2. Removal: the earliest moment of any duty to restrict, remove or block.
3. Preservation: the longest mandatory keeping; while it runs or is open, nothing is destroyed.
4. A clash (destroy and preserve; tell the user and tell nobody) is never decided here: access
   is disabled, a copy sealed, and counsel asked, with both rules named.
5. A duty that may be owed is pending: its missing facts are asked, and until they are known
   the careful step is taken.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product

from tutela.law.answers import (
    Clash,
    ClashKind,
    Duty,
    Pending,
    Preservation,
    Removal,
    Reporting,
    Resolution,
    State,
    Step,
    Told,
)
from tutela.law.clocks import Kept
from tutela.law.expressions import NO, UNKNOWN, YES
from tutela.law.model import REFERENCE_ONLY, Action, Afterwards, Truth

_TELLING = (Action.REPORT, Action.INFORM_AUTHORITY)
_REMOVING = (Action.RESTRICT, Action.REMOVE, Action.BLOCK)
_DELETING = (Action.REMOVE, Action.DESTROY)
_BINDING = (State.OWED, State.UNKNOWN)
_CLASHING = (
    (ClashKind.DELETE_OR_PRESERVE, _DELETING, (Action.PRESERVE,)),
    (ClashKind.TELL_OR_SILENCE, (Action.NOTIFY_USER,), (Action.DO_NOT_TELL,)),
)
_SAFE: Mapping[ClashKind, tuple[Step, ...]] = {
    ClashKind.DELETE_OR_PRESERVE: (Step.RESTRICT_ACCESS, Step.SEAL_A_COPY, Step.ASK_COUNSEL),
    ClashKind.TELL_OR_SILENCE: (
        Step.RESTRICT_ACCESS,
        Step.SEAL_A_COPY,
        Step.TELL_NOBODY_YET,
        Step.ASK_COUNSEL,
    ),
}
_CAREFUL: Mapping[Action, tuple[Step, ...]] = {
    Action.REPORT: (Step.PREPARE_THE_REPORT,),
    Action.INFORM_AUTHORITY: (Step.PREPARE_THE_REPORT,),
    Action.PRESERVE: (Step.DESTROY_NOTHING,),
    Action.RESTRICT: (Step.RESTRICT_ACCESS,),
    Action.REMOVE: (Step.RESTRICT_ACCESS, Step.SEAL_A_COPY),
    Action.BLOCK: (Step.RESTRICT_ACCESS,),
    Action.DESTROY: (Step.RESTRICT_ACCESS, Step.SEAL_A_COPY),
    Action.NOTIFY_USER: (Step.TELL_NOBODY_YET,),
    Action.DO_NOT_TELL: (Step.TELL_NOBODY_YET,),
}


def resolve(
    found: Sequence[Duty], preservation: Preservation, *, now: datetime | None = None
) -> Resolution:
    """What all duties ask for together; the same for every order of `found`.

    Only with `now` can it be said that a keeping is over.
    """
    ordered = sorted(found, key=lambda duty: duty.rule_id)
    clashes = tuple(_clashes(ordered))
    return Resolution(
        reports=_reports(ordered),
        removal=_removal(ordered),
        may_destroy=_may_destroy(preservation, clashes, now),
        clashes=clashes,
        pending=tuple(_pending(ordered)),
    )


def preservation_of(found: Iterable[Duty]) -> Preservation:
    """The longest mandatory keeping of the content over all duties to preserve.

    A period for the report's reference alone does not hold back the content.
    """
    required, undetermined, ends, is_open = [], [], list[datetime](), False
    for duty in found:
        if duty.action is not Action.PRESERVE:
            continue
        if duty.state is State.UNKNOWN:
            undetermined.append(duty.rule_id)
        if duty.state is State.OWED:
            required.append(duty.rule_id)
            for each in _of_content(duty):
                if each.until is None:
                    is_open = True
                else:
                    ends.append(each.until)
    latest = max(ends, default=None)
    return Preservation(
        required=YES if required else UNKNOWN if undetermined else NO,
        until=None if is_open or undetermined else latest,
        at_least=latest,
        required_by=tuple(required),
        undetermined=tuple(undetermined),
    )


def _of_content(duty: Duty) -> Iterator[Kept]:
    """The periods that hold back more than the report's reference."""
    return (each for each in duty.keep if set(each.what) != {REFERENCE_ONLY})


def _reports(found: Sequence[Duty]) -> tuple[Reporting, ...]:
    """Each recipient once, certain ones first; a duty that is discharged asks for nothing."""
    together: dict[tuple[str, str | None], list[tuple[Duty, Told]]] = {}
    for duty in found:
        if duty.action in _TELLING and duty.state is State.OWED:
            for told in duty.recipients:
                if told.result is not NO:
                    together.setdefault((told.body, told.channel), []).append((duty, told))
    reports = [_reporting(body, channel, asked) for (body, channel), asked in together.items()]
    return tuple(
        sorted(reports, key=lambda one: (one.result is not YES, one.body, one.channel or ""))
    )


def _reporting(body: str, channel: str | None, asked: Sequence[tuple[Duty, Told]]) -> Reporting:
    """One recipient: allowed is what every list allows, forbidden what any forbids."""
    lists = [set(told.payload_allowed) for _, told in asked if told.payload_allowed]
    forbidden = {each for _, told in asked for each in told.payload_forbidden}
    allowed = set.intersection(*lists) - forbidden if lists else set[str]()
    certain = any(told.result is YES for _, told in asked)
    return Reporting(
        body=body,
        channel=channel,
        result=YES if certain else UNKNOWN,
        rules=tuple(duty.rule_id for duty, _ in asked),
        by=_earliest(duty for duty, _ in asked),
        words=_words(duty for duty, _ in asked),
        limited=bool(lists),
        payload_allowed=tuple(sorted(allowed)),
        payload_forbidden=tuple(sorted(forbidden)),
    )


def _removal(found: Sequence[Duty]) -> Removal:
    """Disabling access: who asks, who may, and the earliest moment that is fixed."""
    asked = [duty for duty in found if duty.action in _REMOVING and duty.state is State.OWED]
    perhaps = [duty for duty in found if duty.action in _REMOVING and duty.state is State.UNKNOWN]
    return Removal(
        required=YES if asked else UNKNOWN if perhaps else NO,
        by=_earliest(asked),
        words=_words(asked),
        required_by=tuple(duty.rule_id for duty in asked),
        undetermined=tuple(duty.rule_id for duty in perhaps),
    )


def _earliest(asked: Iterable[Duty]) -> datetime | None:
    return min((duty.due.due_at for duty in asked if duty.due and duty.due.due_at), default=None)


def _words(asked: Iterable[Duty]) -> tuple[str, ...]:
    """The law's own words for how soon; no moment is made of them."""
    said = (duty.due.legal_text for duty in asked if duty.due and not duty.due.unchecked)
    return tuple(sorted({words for words in said if words}))


def _may_destroy(
    preservation: Preservation, clashes: Sequence[Clash], now: datetime | None
) -> Truth:
    """Whether the law recorded leaves destroying open: NO while any keeping binds.

    YES says only that no recorded duty holds the content back; it orders nothing.
    """
    until = preservation.until
    over = until is not None and now is not None and now >= until
    if clashes or (preservation.required is YES and not over):
        return NO
    return UNKNOWN if preservation.required is UNKNOWN else YES


def _clashes(found: Sequence[Duty]) -> Iterator[Clash]:
    """Two duties that cannot both be done: one is owed, the other owed too, or pending."""
    binding = [duty for duty in found if duty.state in _BINDING]
    for kind, some, others in _CLASHING:
        one = [duty for duty in binding if duty.action in some]
        two = [duty for duty in binding if duty.action in others]
        for first, second in product(one, two):
            if State.OWED in (first.state, second.state):
                yield _clash(kind, first, second)
    keeping = [duty for duty in binding if duty.action is Action.PRESERVE]
    for first, second in product(keeping, keeping):
        if first is second or State.OWED not in (first.state, second.state):
            continue
        if _outlives(second, first):
            yield _clash(ClashKind.DELETE_OR_PRESERVE, first, second)


def _outlives(longer: Duty, shorter: Duty) -> bool:
    """Whether one keeping goes on when the other asks for destruction at its end."""
    ends = [
        each.until
        for each in _of_content(shorter)
        if each.then == Afterwards.DESTROY.value and each.until is not None
    ]
    if not ends:
        return False
    return any(each.until is None or each.until > min(ends) for each in _of_content(longer))


def _clash(kind: ClashKind, first: Duty, second: Duty) -> Clash:
    certain = first.state is State.OWED and second.state is State.OWED
    return Clash(
        kind=kind,
        result=YES if certain else UNKNOWN,
        rules=(first.rule_id, second.rule_id),
        versions=(first.rule_version, second.rule_version),
        steps=_SAFE[kind],
    )


def _pending(found: Iterable[Duty]) -> Iterator[Pending]:
    """Every duty that may be owed, with what is open in it and the careful step meanwhile."""
    for duty in found:
        if duty.state is not State.UNKNOWN:
            continue
        parts = duty.evaluation.trace.parts if duty.evaluation else ()
        yield Pending(
            rule_id=duty.rule_id,
            action=duty.action,
            open_parts=tuple(part.path for part in parts if part.result is UNKNOWN),
            asks=tuple(each.fact for each in duty.questions if each.decides_outcome),
            unchecked=bool(duty.unchecked),
            steps=(*_CAREFUL.get(duty.action, ()), Step.ASK_COUNSEL)
            if duty.unchecked or duty.conflict or not duty.questions
            else _CAREFUL.get(duty.action, ()),
        )
