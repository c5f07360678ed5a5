"""No sequence of events, and no sequence of acts by people, ever leaves the state table."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from cases.case_parts import AT, CATEGORY, PERSON_A, PERSON_B, PERSON_C, Desk
from tutela.cases import store
from tutela.cases.claiming import claim, release
from tutela.cases.deciding import confirm, decide, finish_review
from tutela.cases.model import Case, Event, Outcome, State, Verdict
from tutela.cases.outcomes import reach
from tutela.cases.state import REACHING, TRANSITIONS, advance, missing, step
from tutela.primitives.database import Database
from tutela.primitives.errors import Conflict, Refused, TutelaError
from tutela.primitives.ids import CaseId

ORDER = list(State)


def fresh_case(needed: frozenset[Outcome]) -> Case:
    return Case(
        id=CaseId.new(),
        state=State.RECEIVED,
        opened_at=AT,
        priority=1,
        claimed_by=None,
        claimed_at=None,
        known_item=False,
        second_person=False,
        needed=needed,
        reached={},
        closed_at=None,
        version=1,
    )


class Events(RuleBasedStateMachine):
    """Any event at any time: the case follows the table or stays as it was."""

    @initialize(needed=st.frozensets(st.sampled_from(Outcome)))
    def open(self, needed: frozenset[Outcome]) -> None:
        self.case = fresh_case(needed)

    @rule(event=st.sampled_from(Event), minutes=st.integers(0, 10_000))
    def happen(self, event: Event, minutes: int) -> None:
        before = self.case
        at = AT + timedelta(minutes=minutes)
        try:
            self.case = advance(before, event, at=at)
        except Conflict:
            allowed = event in TRANSITIONS[before.state]
            assert not allowed or (event is Event.CLOSED and missing(before))
            assert self.case is before
            return
        assert self.case.state is TRANSITIONS[before.state][event]
        if event in REACHING:
            assert self.case.reached[REACHING[event]] == at

    @invariant()
    def closed_only_when_nothing_is_missing(self) -> None:
        closed = self.case.state is State.CLOSED
        assert closed == (self.case.closed_at is not None)
        assert not (closed and missing(self.case))


TestEvents = Events.TestCase


def test_every_state_is_in_the_table_and_closed_is_the_end() -> None:
    assert set(TRANSITIONS) == set(State)
    assert TRANSITIONS[State.CLOSED] == {}
    assert {event for row in TRANSITIONS.values() for event in row} == set(Event)


def test_a_refused_event_says_what_could_happen_instead() -> None:
    with pytest.raises(Conflict, match=r"reviewed.*closed.*not possible now.*decision_made"):
        step(State.REVIEWED, Event.CLOSED)


def test_the_store_refuses_a_state_that_the_table_does_not_lead_to(database: Database) -> None:
    desk = Desk(database)
    case_id = desk.open()
    case = desk.case(case_id)
    with pytest.raises(Conflict, match="cannot become closed"), database.begin() as tx:
        store.save(tx, case, replace(case, state=State.CLOSED, closed_at=AT))
    assert desk.case(case_id).state is State.MATCHED


def test_the_store_refuses_a_change_to_what_somebody_else_changed(database: Database) -> None:
    desk = Desk(database)
    case_id = desk.open()
    with database.begin() as tx:
        seen = store.case(tx, case_id)
        store.save(tx, seen, replace(seen, priority=5))
    with pytest.raises(Conflict, match="changed meanwhile"), database.begin() as tx:
        store.save(tx, seen, replace(seen, priority=9))
    assert desk.case(case_id).priority == 5


class Acts(RuleBasedStateMachine):
    """People and workflows doing anything in any order on one real case."""

    database: Database

    @initialize(second_person=st.booleans())
    def open(self, second_person: bool) -> None:  # noqa: FBT001 - hypothesis' call
        desk = Desk(self.database)
        desk.matcher.second_person = second_person
        self.case_id = desk.open()
        self.at = AT
        self.state = State.MATCHED
        self.version = 1

    def attempt(self, act: object, *args: object, **kwargs: object) -> None:
        self.at += timedelta(minutes=1)
        try:
            with self.database.begin() as tx:
                act(tx, self.case_id, *args, **kwargs)  # type: ignore[operator]
        except (Conflict, Refused):
            pass
        except TutelaError as error:
            raise AssertionError(f"unexpected {error.code}") from error

    @rule(who=st.sampled_from([PERSON_A, PERSON_B]), take=st.booleans())
    def claim_or_release(self, who: object, take: bool) -> None:  # noqa: FBT001
        self.attempt(claim if take else release, who, self.at)

    @rule(who=st.sampled_from([PERSON_A, PERSON_B]))
    def review(self, who: object) -> None:
        self.attempt(finish_review, by=who, at=self.at)

    @rule(who=st.sampled_from([PERSON_A, PERSON_B]), verdict=st.sampled_from(Verdict))
    def judge(self, who: object, verdict: Verdict) -> None:
        self.attempt(decide, by=who, at=self.at, verdict=verdict, category=CATEGORY, note="drawn")

    @rule(who=st.sampled_from([PERSON_A, PERSON_B, PERSON_C]), agree=st.booleans())
    def second(self, who: object, agree: bool) -> None:  # noqa: FBT001
        self.attempt(confirm, by=who, at=self.at, agree=agree, note="drawn")

    @rule(outcome=st.sampled_from(Outcome))
    def follow(self, outcome: Outcome) -> None:
        self.attempt(reach, outcome, at=self.at)

    @invariant()
    def the_case_keeps_to_the_table(self) -> None:
        with self.database.begin() as tx:
            case = store.case(tx, self.case_id)
            final = store.final_decision(tx, self.case_id)
            decisions = store.decisions_of(tx, self.case_id)
        assert ORDER.index(case.state) >= ORDER.index(self.state)
        assert case.version >= self.version
        self.state, self.version = case.state, case.version
        assert (final is not None) == (case.state in {State.DECIDED, State.CLOSED})
        assert (case.closed_at is not None) == (case.state is State.CLOSED)
        if case.state is State.CLOSED:
            assert not missing(case)
        if final is not None and case.second_person:
            first = next(one for one in decisions if one.id == final.confirms)
            assert first.by != final.by
            assert first.verdict is final.verdict


def test_no_sequence_of_acts_leaves_the_table(database: Database) -> None:
    run_state_machine_as_test(
        type("ActsOnThisDatabase", (Acts,), {"database": database}),
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
