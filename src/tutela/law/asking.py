"""What is still to be asked: every missing fact that could change something, ranked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from tutela.law.answers import Duty, MattersTo, Question
from tutela.law.clocks import Due
from tutela.law.evaluating import Evaluation
from tutela.law.expressions import Trace
from tutela.law.model import Rule
from tutela.law.vocabulary import Value, Vocabulary

Open = tuple[str, MattersTo]
"""A missing fact and what it would settle, once for each place it decides."""


def open_in(traces: Iterable[Trace], matter: MattersTo) -> Iterator[Open]:
    """The missing facts of traces that are not settled."""
    for trace in traces:
        for leaf in trace.open_leaves():
            if leaf.fact is not None:
                yield leaf.fact, matter


def open_in_outcome(evaluation: Evaluation) -> Iterator[Open]:
    """The missing facts that keep the outcome unknown."""
    for missing in evaluation.missing:
        yield from [(missing.fact, MattersTo.OUTCOME)] * missing.decides


def open_in_clock(clock: Due) -> Iterator[Open]:
    """The missing facts of a clock: its level, its start and what bends it."""
    yield from open_in(clock.levels if clock.candidates else (), MattersTo.CLOCK)
    if clock.starts is not None:
        yield clock.starts, MattersTo.CLOCK
    yield from open_in((each.trace for each in clock.preconditions), MattersTo.CLOCK)
    yield from open_in((each.trace for each in clock.extends), MattersTo.CLOCK)
    for pause in clock.pauses:
        yield from ((fact, MattersTo.CLOCK) for fact in pause.missing)


def questions_of(
    vocabulary: Vocabulary, rule: Rule, opened: Iterable[Open], facts: Mapping[str, Value]
) -> tuple[Question, ...]:
    """Missing facts as questions, the one that settles most places first."""
    matters: dict[str, list[MattersTo]] = {}
    for fact, matter in opened:
        if fact not in facts:
            matters.setdefault(fact, []).append(matter)
    order = sorted(matters, key=lambda fact: (-len(matters[fact]), fact))
    return tuple(
        Question(
            fact=fact,
            question=vocabulary.facts[fact].question,
            asked=vocabulary.facts[fact].asked.value,
            decides=len(matters[fact]),
            matters_to=tuple(each for each in MattersTo if each in matters[fact]),
            rules=(rule.id,),
        )
        for fact in order
    )


def merged(found: Iterable[Duty]) -> tuple[Question, ...]:
    """The questions of all duties, each fact once, the one that settles most places first."""
    together: dict[str, Question] = {}
    for question in (each for duty in found for each in duty.questions):
        first = together.get(question.fact)
        if first is None:
            together[question.fact] = question
            continue
        matters = {*first.matters_to, *question.matters_to}
        together[question.fact] = replace(
            first,
            decides=first.decides + question.decides,
            matters_to=tuple(each for each in MattersTo if each in matters),
            rules=(*first.rules, *question.rules),
        )
    return tuple(sorted(together.values(), key=lambda each: (-each.decides, each.fact)))
