"""One rule's answer on one case's facts: state, recipients, clock, keeping and questions."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from tutela.law.answers import Duty, MattersTo, Question, State, Told, Weaker
from tutela.law.asking import Open, open_in, open_in_clock, open_in_outcome, questions_of
from tutela.law.book import edition_on
from tutela.law.clocks import OperatorTarget, due, kept
from tutela.law.evaluating import (
    Checked,
    Evaluation,
    Unchecked,
    check,
    judge,
    unchecked_in,
    unchecked_of,
    weakest,
)
from tutela.law.expressions import NO, UNKNOWN, YES, below, disjunction, evaluate
from tutela.law.model import Beyond, Cited, Provision, Recipient, Rule, Status, Truth
from tutela.law.vocabulary import Value, Vocabulary
from tutela.primitives.errors import Conflict

_CITED_IN_A_SENTENCE = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How the book is read: which facts, which day, and from which review status on.

    A rule whose version is in `accepted` is read from `recalled` on: counsel has accepted
    exactly that text. `now` is set when a moment was given, and says which clocks have run out.
    """

    vocabulary: Vocabulary
    facts: Mapping[str, Value]
    day: date
    now: datetime | None
    floor: Status
    accepted: Collection[str] = ()
    targets: Mapping[str, OperatorTarget]

    def floor_for(self, rule: Rule) -> Status:
        """The status from which on this rule's statements count."""
        return Status.RECALLED if rule.version and rule.version in self.accepted else self.floor


def derive(editions: Sequence[Rule], reading: Reading) -> Duty:
    """The answer of a rule's edition for the day; outside its dates it says so, never silently.

    Where something unchecked stands in the way, the answer at a lower status goes with it.
    """
    rule, beyond = edition_on(editions, on=reading.day)
    floor = reading.floor_for(rule)
    answer = _read(rule, beyond, reading, floor)
    if not answer.unchecked:
        return answer
    statuses = [each.status for each in answer.unchecked]
    evaluation = None
    for lower in (each for each in floor.weaker if each in statuses):
        state, evaluation = _settled(rule, beyond, reading, lower)
        if state is not State.UNKNOWN and state is not answer.state:
            return replace(answer, weaker=Weaker(floor=lower, state=state))
    return _asking_more(answer, rule, evaluation, reading)


def _settled(
    rule: Rule, beyond: Beyond | None, reading: Reading, floor: Status
) -> tuple[State, Evaluation | None]:
    """Only the state of the rule's answer at one floor, and how it was judged."""
    if beyond is Beyond.NOT_LAW:
        unsaid = below(rule.in_force.status, floor)
        return State.UNKNOWN if unsaid else State.NOT_IN_FORCE, None
    try:
        evaluation = judge(rule, reading.facts, as_of=reading.day, floor=floor)
    except Conflict:
        return State.UNKNOWN, None
    if evaluation.outcome is not YES:
        return State.NOT_OWED if evaluation.outcome is NO else State.UNKNOWN, evaluation
    done = [each.result for each in _discharged(rule, reading.facts, floor)]
    return _state(YES, disjunction(done) if done else NO), evaluation


def _asking_more(answer: Duty, rule: Rule, evaluation: Evaluation | None, reading: Reading) -> Duty:
    """The answer with the facts that even the weaker reading lacks."""
    if evaluation is None or answer.state is not State.UNKNOWN:
        return answer
    opened = open_in_outcome(evaluation)
    more = questions_of(reading.vocabulary, rule, opened, reading.facts)
    mine = {each.fact for each in answer.questions}
    asked = (*answer.questions, *(each for each in more if each.fact not in mine))
    if len(asked) == len(mine):
        return answer
    needed = [each.fact for each in asked if each.decides_outcome]
    why = _cannot_say(answer.floor, answer.unchecked, needed)
    return replace(answer, questions=asked, why=why)


def _read(rule: Rule, beyond: Beyond | None, reading: Reading, floor: Status) -> Duty:
    """The rule's answer at one floor."""
    day = reading.day
    if beyond is Beyond.UNRECORDED:
        why = f"Cannot say: the law on {day.isoformat()} is not in this lawbook; ask counsel."
        return _duty(rule, day, State.UNKNOWN, UNKNOWN, why=why, floor=floor)
    if beyond is Beyond.NOT_LAW:
        if below(rule.in_force.status, floor):
            unchecked = (unchecked_of(rule.in_force, path="in_force"),)
            why = _cannot_say(floor, unchecked, ())
            return _duty(
                rule, day, State.UNKNOWN, UNKNOWN, why=why, floor=floor, unchecked=unchecked
            )
        why = _not_in_force(rule, day)
        return _duty(rule, day, State.NOT_IN_FORCE, NO, why=why, floor=floor)
    try:
        evaluation = judge(rule, reading.facts, as_of=day, floor=floor)
    except Conflict as conflict:
        why = "Cannot say: the rule contradicts itself on these facts; a lawyer must decide."
        said = str(conflict)
        return _duty(rule, day, State.UNKNOWN, UNKNOWN, why=why, floor=floor, conflict=said)
    if evaluation.outcome is NO:
        why = _lifted_or_not(evaluation)
        return _duty(
            rule,
            day,
            State.NOT_OWED,
            NO,
            why=why,
            floor=floor,
            status=evaluation.status,
            evaluation=evaluation,
        )
    return _applying(rule, evaluation, reading)


def _applying(rule: Rule, evaluation: Evaluation, reading: Reading) -> Duty:
    """A rule that applies or may apply: who, by when, what is kept, what is still asked."""
    facts, floor = reading.facts, evaluation.floor
    told = tuple(_told(each, facts, floor) for each in rule.recipients)
    discharged = _discharged(rule, facts, floor)
    before = tuple(
        check(each, each.met_when, facts, among="preconditions", text=each.text, floor=floor)
        for each in rule.preconditions
    )
    discharge = disjunction([each.result for each in discharged]) if discharged else NO
    state = _state(evaluation.outcome, discharge)
    clock = due(
        rule.clock,
        facts,
        now=reading.now,
        met=state is State.DISCHARGED,
        target=reading.targets.get(rule.id),
        floor=floor,
    )
    keep = tuple(kept(each, facts, floor=floor) for each in rule.retention)
    asked: list[Open] = []
    if state is not State.DISCHARGED:
        asked += open_in_outcome(evaluation)
        if discharge is UNKNOWN:
            asked += open_in((each.trace for each in discharged), MattersTo.DISCHARGE)
        asked += open_in((each.trace for each in told if each.trace), MattersTo.RECIPIENT)
        asked += open_in_clock(clock)
        asked += open_in((each.trace for each in before), MattersTo.PRECONDITION)
    asked += [(each.from_, MattersTo.KEEPING) for each in rule.retention]
    questions = questions_of(reading.vocabulary, rule, asked, facts)
    unchecked = (*evaluation.unchecked, *_unchecked_discharge(discharge, discharged))
    statuses = [evaluation.status, clock.status]
    statuses += [each.status for each in keep]
    statuses += [each.status for each in told if each.result is not NO]
    statuses += [each.status for each in discharged if each.result is not NO]
    return _duty(
        rule,
        evaluation.as_of,
        state,
        evaluation.outcome,
        why=_why(state, floor, discharged, evaluation.unchecked, questions),
        floor=floor,
        status=weakest(statuses),
        unchecked=unchecked,
        recipients=told,
        due=clock,
        keep=keep,
        discharge=discharge,
        discharged_by=discharged,
        preconditions=before,
        questions=questions,
        evaluation=evaluation,
    )


def _discharged(rule: Rule, facts: Mapping[str, Value], floor: Status) -> tuple[Checked, ...]:
    return tuple(
        check(each, each.when, facts, among="discharged_by", text=each.by, floor=floor)
        for each in rule.discharged_by
    )


def _told(recipient: Recipient, facts: Mapping[str, Value], floor: Status) -> Told:
    trace, result = None, YES
    if recipient.when is not None:
        path = f"recipients.{recipient.id}"
        trace = evaluate(recipient.when, facts, path=path, floor=floor)
        result = trace.result
    unchecked = result is YES and below(recipient.status, floor)
    return Told(
        id=recipient.id,
        body=recipient.body,
        channel=recipient.channel,
        result=UNKNOWN if unchecked else result,
        unchecked=unchecked,
        payload_allowed=recipient.payload_allowed,
        payload_forbidden=recipient.payload_forbidden,
        trace=trace,
        cite=recipient.cite,
        source=recipient.source,
        status=recipient.status,
    )


def _unchecked_discharge(discharge: Truth, discharged: Iterable[Checked]) -> Iterator[Unchecked]:
    """What is below the floor and could discharge the duty."""
    if discharge is not UNKNOWN:
        return
    for each in discharged:
        if each.unchecked:
            yield unchecked_of(each, path=f"discharged_by.{each.id}")
        else:
            yield from unchecked_in(each.trace)


def _state(outcome: Truth, discharge: Truth) -> State:
    """A duty that may not even exist is not called discharged: it stays UNKNOWN."""
    if outcome is not YES:
        return State.UNKNOWN
    return State.DISCHARGED if discharge is YES else State.OWED


def _why(
    state: State,
    floor: Status,
    discharged: Iterable[Checked],
    unchecked: Sequence[Unchecked],
    questions: tuple[Question, ...],
) -> str:
    if state is State.DISCHARGED:
        return "Discharged: " + "; ".join(each.text for each in discharged if each.result is YES)
    if state is State.UNKNOWN:
        needed = [each.fact for each in questions if MattersTo.OUTCOME in each.matters_to]
        return _cannot_say(floor, unchecked, needed)
    unsure = [
        f"{each.text} ({_unsure(each, floor)})" for each in discharged if each.result is UNKNOWN
    ]
    return "Owed" + (f", unless {' or '.join(unsure)}" if unsure else "")


def _unsure(one: Checked, floor: Status) -> str:
    missing = next(one.trace.open_leaves(), None)
    return "not known" if missing else f"not checked at status {floor.value}"


def _cannot_say(floor: Status, unchecked: Sequence[Cited], needed: Sequence[str]) -> str:
    """Why there is no answer: its text is not checked enough, facts are missing, or both."""
    facts = "needed: " + ", ".join(needed)
    if not unchecked:
        return f"Cannot say; {facts}"
    weakest = min(each.status for each in unchecked).value
    cites = list(dict.fromkeys(each.cite for each in unchecked))
    shown = "; ".join(cites[:_CITED_IN_A_SENTENCE])
    more = len(cites) - _CITED_IN_A_SENTENCE
    shown += f"; and {more} more" if more > 0 else ""
    text = f"Cannot say at status {floor.value}: rests on {weakest} text ({shown})"
    return f"{text}; {facts}" if needed else text


def _lifted_or_not(evaluation: Evaluation) -> str:
    """Why the answer is no: an exception, or the parts of the rule that do not hold."""
    lifted = [
        each.reason
        for each in evaluation.exceptions
        if each.lifts and each.result is YES and evaluation.trace.result is not NO
    ]
    if lifted:
        return "Does not apply: " + " ".join(lifted)
    failing = [part.path for part in evaluation.trace.parts if part.result is NO]
    return "Does not apply on these facts: not fulfilled: " + ", ".join(failing)


def _not_in_force(rule: Rule, day: date) -> str:
    span = rule.in_force
    text = f"Not in force on {day.isoformat()} ({rule.legal_status.value}"
    text += f"; from {span.from_.isoformat()}" if span.from_ else ""
    return text + (f" to {span.to.isoformat()}" if span.to else "") + ")"


def _duty(
    rule: Rule,
    day: date,
    state: State,
    outcome: Truth,
    *,
    why: str,
    floor: Status,
    status: Status | None = None,
    **found: Any,  # noqa: ANN401 - the fields of a Duty
) -> Duty:
    """The answer with what is true of the rule on any facts, but what begins after `day`."""
    return Duty(
        rule_id=rule.id,
        rule_version=rule.version,
        jurisdiction=rule.jurisdiction,
        title=rule.title,
        summary=rule.summary,
        action=rule.action,
        state=state,
        outcome=outcome,
        why=why,
        legal_status=rule.legal_status,
        legal_basis=rule.legal_basis,
        in_force_from=rule.in_force.from_,
        in_force_to=rule.in_force.to,
        rule_status=rule.status,
        status=rule.in_force.status if status is None else status,
        floor=floor,
        safeguards=_begun(rule.safeguards, day),
        prohibits=_begun(rule.prohibits, day),
        permits=_begun(rule.permits, day),
        not_required=_begun(rule.not_required, day),
        sanction=_begun(rule.sanction, day),
        notes=_begun(rule.notes, day),
        **found,
    )


def _begun(provisions: tuple[Provision, ...], day: date) -> tuple[Provision, ...]:
    if all(each.since is None for each in provisions):
        return provisions
    return tuple(each for each in provisions if each.since is None or each.since <= day)
