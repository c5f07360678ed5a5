"""One rule's answer on one case's facts: state, recipients, clock, keeping and questions."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime

from tutela.law.answers import Checked, Duty, MattersTo, Question, State, Told
from tutela.law.clocks import Due, OperatorTarget, due, kept
from tutela.law.evaluating import Evaluation, judge
from tutela.law.expressions import NO, UNKNOWN, YES, Trace, disjunction, evaluate
from tutela.law.loading import Lawbook
from tutela.law.model import Beyond, Discharge, Precondition, Provision, Recipient, Rule, Truth
from tutela.law.vocabulary import Value, Vocabulary
from tutela.primitives.errors import Conflict

Open = tuple[str, MattersTo]
"""A missing fact and what it would settle."""


def derive(
    book: Lawbook,
    rule_id: str,
    facts: Mapping[str, Value],
    *,
    day: date,
    now: datetime | None,
    target: OperatorTarget | None,
) -> Duty:
    """The answer of the rule's edition for `day`; outside its dates it says so, never silently."""
    rule, beyond = book.edition(rule_id, on=day)
    if beyond is Beyond.NOT_LAW:
        return _bare(rule, day, State.NOT_IN_FORCE, NO, why=_not_in_force(rule, day))
    if beyond is Beyond.UNRECORDED:
        why = f"Cannot say: the law on {day.isoformat()} is not in this lawbook; ask counsel."
        return _bare(rule, day, State.UNKNOWN, UNKNOWN, why=why)
    try:
        evaluation = judge(rule, facts, as_of=day)
    except Conflict as conflict:
        why = "Cannot say: the rule contradicts itself on these facts; a lawyer must decide."
        bare = _bare(rule, day, State.UNKNOWN, UNKNOWN, why=why)
        return replace(bare, conflict=str(conflict))
    if evaluation.outcome is NO:
        bare = _bare(rule, day, State.NOT_OWED, NO, why=_lifted_or_not(evaluation))
        return replace(bare, status=evaluation.status, evaluation=evaluation)
    return _applying(book.vocabulary, rule, evaluation, facts, now=now, target=target)


def _applying(
    vocabulary: Vocabulary,
    rule: Rule,
    evaluation: Evaluation,
    facts: Mapping[str, Value],
    *,
    now: datetime | None,
    target: OperatorTarget | None,
) -> Duty:
    """A rule that applies or may apply: who, by when, what is kept, what is still asked."""
    told = tuple(_told(each, facts) for each in rule.recipients)
    discharged = tuple(_discharge(each, facts) for each in rule.discharged_by)
    before = tuple(_precondition(each, facts) for each in rule.preconditions)
    discharge = disjunction([each.result for each in discharged]) if discharged else NO
    state = _state(evaluation.outcome, discharge)
    clock = due(rule.clock, facts, now=now, met=state is State.DISCHARGED, target=target)
    keep = tuple(kept(each, facts) for each in rule.retention)
    asked = list(
        _open(
            evaluation,
            clock,
            told=told,
            discharged=discharged,
            discharge=discharge,
            before=before,
        )
    )
    asked += [(each.from_, MattersTo.KEEPING) for each in rule.retention]
    if state is State.DISCHARGED:
        asked = [each for each in asked if each[1] is MattersTo.KEEPING]
    open_facts = [(fact, matter) for fact, matter in asked if fact not in facts]
    questions = questions_of(vocabulary, rule.id, open_facts)
    bare = _bare(
        rule, evaluation.as_of, state, evaluation.outcome, why=_why(state, discharged, questions)
    )
    return replace(
        bare,
        status=min(
            [
                evaluation.status,
                clock.status,
                *(each.status for each in keep),
                *(each.status for each in told if each.result is not NO),
                *(each.status for each in discharged if each.result is not NO),
            ]
        ),
        recipients=told,
        due=clock,
        keep=keep,
        discharge=discharge,
        discharged_by=discharged,
        preconditions=before,
        questions=questions,
        evaluation=evaluation,
    )


def _open(
    evaluation: Evaluation,
    clock: Due,
    *,
    told: Iterable[Told],
    discharged: Iterable[Checked],
    discharge: Truth,
    before: Iterable[Checked],
) -> Iterator[Open]:
    """Every missing fact that could still change something, once for each place it decides."""
    for missing in evaluation.missing:
        yield from [(missing.fact, MattersTo.OUTCOME)] * missing.decides
    if discharge is UNKNOWN:
        yield from _leaves((each.trace for each in discharged), MattersTo.DISCHARGE)
    yield from _leaves((each.trace for each in told if each.trace), MattersTo.RECIPIENT)
    yield from _leaves(clock.levels if clock.candidates else (), MattersTo.CLOCK)
    if clock.starts is not None:
        yield clock.starts, MattersTo.CLOCK
    yield from _leaves((each.trace for each in before), MattersTo.PRECONDITION)


def _leaves(traces: Iterable[Trace], matter: MattersTo) -> Iterator[Open]:
    for trace in traces:
        for leaf in trace.open_leaves():
            if leaf.fact is not None:
                yield leaf.fact, matter


def questions_of(
    vocabulary: Vocabulary, rule_id: str, opened: Iterable[Open]
) -> tuple[Question, ...]:
    """Missing facts as questions, the one that settles most places first."""
    matters: dict[str, list[MattersTo]] = {}
    for fact, matter in opened:
        matters.setdefault(fact, []).append(matter)
    order = sorted(matters, key=lambda fact: (-len(matters[fact]), fact))
    return tuple(
        Question(
            fact=fact,
            question=vocabulary.facts[fact].question,
            asked=vocabulary.facts[fact].asked.value,
            decides=len(matters[fact]),
            matters_to=tuple(each for each in MattersTo if each in matters[fact]),
            rules=(rule_id,),
        )
        for fact in order
    )


def _told(recipient: Recipient, facts: Mapping[str, Value]) -> Told:
    trace = None
    if recipient.when is not None:
        trace = evaluate(recipient.when, facts, path=f"recipients.{recipient.id}")
    return Told(
        id=recipient.id,
        body=recipient.body,
        channel=recipient.channel,
        result=trace.result if trace else YES,
        trace=trace,
        cite=recipient.cite,
        source=recipient.source,
        status=recipient.status,
    )


def _discharge(one: Discharge, facts: Mapping[str, Value]) -> Checked:
    trace = evaluate(one.when, facts, path=f"discharged_by.{one.id}")
    return _checked(one, one.id, one.by, trace)


def _precondition(one: Precondition, facts: Mapping[str, Value]) -> Checked:
    trace = evaluate(one.met_when, facts, path=f"preconditions.{one.id}")
    return _checked(one, one.id, one.text, trace)


def _checked(one: Discharge | Precondition, name: str, text: str, trace: Trace) -> Checked:
    return Checked(
        id=name,
        text=text,
        result=trace.result,
        trace=trace,
        cite=one.cite,
        source=one.source,
        status=one.status,
    )


def _state(outcome: Truth, discharge: Truth) -> State:
    """A duty that may not even exist is not called discharged: it stays UNKNOWN."""
    if outcome is not YES:
        return State.UNKNOWN
    return State.DISCHARGED if discharge is YES else State.OWED


def _why(state: State, discharged: Iterable[Checked], questions: tuple[Question, ...]) -> str:
    if state is State.DISCHARGED:
        return "Discharged: " + "; ".join(each.text for each in discharged if each.result is YES)
    if state is State.UNKNOWN:
        needed = [each.fact for each in questions if MattersTo.OUTCOME in each.matters_to]
        return "Cannot say; needed: " + ", ".join(needed)
    unsure = [each.text for each in discharged if each.result is UNKNOWN]
    return "Owed" + (f", unless {' or '.join(unsure)} (not known)" if unsure else "")


def _lifted_or_not(evaluation: Evaluation) -> str:
    """Why the answer is no: an exception, or the parts of the rule that do not hold."""
    lifted = [
        each.reason
        for each in evaluation.exceptions
        if each.lifts and each.trace.result is YES and evaluation.trace.result is not NO
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


def _bare(rule: Rule, day: date, state: State, outcome: Truth, *, why: str) -> Duty:
    """What is true of the rule on any facts; statements that begin after `day` are left out."""
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
        status=rule.in_force.status,
        safeguards=_begun(rule.safeguards, day),
        prohibits=_begun(rule.prohibits, day),
        permits=_begun(rule.permits, day),
        not_required=_begun(rule.not_required, day),
        sanction=_begun(rule.sanction, day),
        notes=_begun(rule.notes, day),
    )


def _begun(provisions: tuple[Provision, ...], day: date) -> tuple[Provision, ...]:
    return tuple(each for each in provisions if each.since is None or each.since <= day)
