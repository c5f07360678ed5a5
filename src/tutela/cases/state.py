"""The state table: the only way in which a case's state changes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from tutela.cases.model import Case, Event, Outcome, State
from tutela.primitives.errors import Conflict

TRANSITIONS: Mapping[State, Mapping[Event, State]] = MappingProxyType(
    {
        State.RECEIVED: MappingProxyType({Event.MATCH_FOUND: State.MATCHED}),
        State.MATCHED: MappingProxyType({Event.REVIEW_FINISHED: State.REVIEWED}),
        State.REVIEWED: MappingProxyType({Event.DECISION_MADE: State.DECIDED}),
        State.DECIDED: MappingProxyType(
            {
                Event.REPORTED: State.DECIDED,
                Event.RESTRICTED: State.DECIDED,
                Event.PRESERVED: State.DECIDED,
                Event.CLOSED: State.CLOSED,
            }
        ),
        State.CLOSED: MappingProxyType({}),
    }
)
"""What may happen in each state, and where it leads. What is not here cannot happen."""

REACHING: Mapping[Event, Outcome] = MappingProxyType(
    {
        Event.REPORTED: Outcome.REPORTED,
        Event.RESTRICTED: Outcome.RESTRICTED,
        Event.PRESERVED: Outcome.PRESERVED,
    }
)
"""The events by which an outcome is reached."""


_TOO_LATE: Mapping[State, str] = MappingProxyType(
    {
        State.DECIDED: "The case is decided already",
        State.CLOSED: "The case is closed already",
    }
)


def step(state: State, event: Event) -> State:
    """Where `event` leads from `state`; raises `Conflict` when the table does not know it."""
    following = TRANSITIONS[state].get(event)
    if following is None:
        possible = ", ".join(sorted(TRANSITIONS[state])) or "nothing any more"
        raise Conflict(
            _TOO_LATE.get(state, "The case has not come that far yet"),
            why=f"it is {state.value}; “{event.value}” is not possible now, but: {possible}",
        )
    return following


def missing(case: Case) -> frozenset[Outcome]:
    """The outcomes that the decision asks for and that have not been reached."""
    return case.needed - case.reached.keys()


def advance(case: Case, event: Event, *, at: datetime) -> Case:
    """The case after `event`: state by the table, times by the event.

    CLOSED has a guard of its own: a case is not closed before all it needs was reached.
    """
    following = step(case.state, event)
    if event in REACHING:
        return replace(case, state=following, reached={**case.reached, REACHING[event]: at})
    if event is Event.CLOSED:
        if missing(case):
            raise Conflict(
                "The case cannot be closed yet",
                why="not reached: " + ", ".join(sorted(missing(case))),
            )
        return replace(case, state=following, closed_at=at)
    return replace(case, state=following)
