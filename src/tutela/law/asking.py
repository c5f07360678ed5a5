"""What is still to be asked: every missing fact that could change something, ranked."""

from collections.abc import Iterable, Iterator, Mapping

from tutela.law.answers import Duty, MattersTo, Question
from tutela.law.clocks import Due
from tutela.law.evaluating import Evaluation
from tutela.law.expressions import Trace
from tutela.law.model import Rule
from tutela.law.vocabulary import Value, Vocabulary

_MATTERS = tuple(MattersTo)
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
            matters_to=_in_order(matters[fact]),
            rules=(rule.id,),
        )
        for fact in order
    )


def merged(found: Iterable[Duty]) -> tuple[Question, ...]:
    """The questions of all duties, each fact once, the one that settles most places first."""
    together: dict[str, list[Question]] = {}
    for duty in found:
        for question in duty.questions:
            together.setdefault(question.fact, []).append(question)
    questions = [
        Question(
            fact=fact,
            question=same[0].question,
            asked=same[0].asked,
            decides=sum(each.decides for each in same),
            matters_to=_in_order([matter for each in same for matter in each.matters_to]),
            rules=tuple(rule for each in same for rule in each.rules),
        )
        for fact, same in together.items()
    ]
    return tuple(sorted(questions, key=lambda each: (-each.decides, each.fact)))


def _in_order(matters: list[MattersTo]) -> tuple[MattersTo, ...]:
    return tuple([each for each in _MATTERS if each in matters])
