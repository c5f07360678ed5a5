"""Claiming, deciding, the second person, and what a decision sets in motion."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from cases.case_parts import AT, CATEGORY, PERSON_A, PERSON_B, PERSON_C, Desk
from tutela.accounts.model import Actor, Role
from tutela.cases import store
from tutela.cases.claiming import CLAIM_LASTS, claim, release
from tutela.cases.deciding import confirm, decide, finish_review
from tutela.cases.model import AgeBand, Outcome, State, Verdict
from tutela.cases.outcomes import reach
from tutela.evidence import store as evidence
from tutela.evidence.retention import CASE_OPEN, place_hold, preserve_until
from tutela.ledger import store as ledger
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, Conflict, NotFound, Refused, TutelaError
from tutela.primitives.events import waiting
from tutela.primitives.ids import AccountId, CaseId
from tutela.review.model import Rendition
from tutela.review.viewing import note_rendition

MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    return Desk(database)


def decide_apparent(desk: Desk, case_id: CaseId, by: Actor = PERSON_A) -> None:
    with desk.database.begin() as tx:
        decide(
            tx,
            case_id,
            by=by,
            at=AT + MINUTE,
            verdict=Verdict.APPARENT_CSAM,
            category=CATEGORY,
            age_band=AgeBand.PREPUBESCENT,
            facts={"decision.imminent_threat": False, "decision.victim_location": None},
        )


def jobs(desk: Desk) -> list[tuple[str, str]]:
    with desk.database.begin() as tx:
        return sorted((job.kind, job.subject) for job in waiting(tx))


def test_a_claim_keeps_others_out_for_half_an_hour(desk: Desk) -> None:
    case_id = desk.open()
    with desk.database.begin() as tx:
        assert claim(tx, case_id, PERSON_A, AT).claimed_by == PERSON_A.id
    late = AT + CLAIM_LASTS - MINUTE
    for act in (claim, release):
        with pytest.raises(Conflict, match="Somebody else"), desk.database.begin() as tx:
            act(tx, case_id, PERSON_B, late)
    with desk.database.begin() as tx:
        assert claim(tx, case_id, PERSON_B, AT + CLAIM_LASTS).claimed_by == PERSON_B.id


def test_a_claim_made_by_a_clock_that_was_years_ahead_ends(desk: Desk) -> None:
    case_id = desk.open()
    with desk.database.begin() as tx:
        claim(tx, case_id, PERSON_A, AT + timedelta(days=3650))
        assert claim(tx, case_id, PERSON_B, AT).claimed_by == PERSON_B.id
    with pytest.raises(Conflict), desk.database.begin() as tx:
        claim(tx, case_id, PERSON_A, AT - MINUTE)  # two machines are never quite at one


def test_claiming_again_keeps_longer_without_another_line(desk: Desk) -> None:
    case_id = desk.open()
    with desk.database.begin() as tx:
        claim(tx, case_id, PERSON_A, AT)
        claim(tx, case_id, PERSON_A, AT + 20 * MINUTE)
    with pytest.raises(Conflict), desk.database.begin() as tx:
        claim(tx, case_id, PERSON_B, AT + 45 * MINUTE)
    assert desk.actions().count("case_claimed") == 1


def test_a_released_case_is_free_and_releasing_twice_changes_nothing(desk: Desk) -> None:
    case_id = desk.open()
    with desk.database.begin() as tx:
        claim(tx, case_id, PERSON_A, AT)
        release(tx, case_id, PERSON_A, AT)
        release(tx, case_id, PERSON_A, AT)
        assert claim(tx, case_id, PERSON_B, AT).claimed_by == PERSON_B.id
    assert desk.actions().count("case_released") == 1


def test_two_who_claim_at_once_do_not_both_get_it(desk: Desk) -> None:
    case_id = desk.open()

    def attempt(person: Actor) -> str:
        try:
            with desk.database.begin() as tx:
                claim(tx, case_id, person, AT)
        except Conflict:
            return "conflict"
        return "claimed"

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(attempt, [PERSON_A, PERSON_B, PERSON_C]))
    assert sorted(results) == ["claimed", "conflict", "conflict"]


def test_who_is_no_reviewer_can_neither_claim_nor_decide(desk: Desk) -> None:
    case_id = desk.open()
    others = frozenset(Role) - {Role.REVIEWER}
    outsider = Actor(id=AccountId.new(), login="person-x", roles=others)
    with desk.database.begin() as tx:
        with pytest.raises(Refused):
            claim(tx, case_id, outsider, AT)
        with pytest.raises(Refused):
            finish_review(tx, case_id, by=outsider, at=AT)
        with pytest.raises(Refused):
            decide(tx, case_id, by=outsider, at=AT, verdict=Verdict.NOT_CSAM)
        with pytest.raises(Refused):
            confirm(tx, case_id, by=outsider, at=AT, agree=True)


def test_a_decision_needs_a_finished_review(desk: Desk) -> None:
    case_id = desk.open()
    with pytest.raises(Conflict, match="review_finished"):
        decide_apparent(desk, case_id)


def test_a_final_decision_asks_for_all_three_outcomes_at_once(desk: Desk) -> None:
    case_id = desk.reviewed()
    decide_apparent(desk, case_id)
    case = desk.case(case_id)
    assert case.state is State.DECIDED
    assert case.needed == frozenset(Outcome)
    assert case.claimed_by is None
    assert [kind for kind, _ in jobs(desk)] == ["preserve", "report", "restrict", "tell_decision"]
    assert {subject for _, subject in jobs(desk)} == {case_id}
    with desk.database.begin() as tx:
        final = store.final_decision(tx, case_id)
        assert final is not None
        assert final.by == PERSON_A.id
        assert final.facts == {"decision.imminent_threat": False}  # unknown stays absent
        assert final.category == CATEGORY
    assert desk.actions()[-1] == "decision_made"


def test_a_decision_that_fails_halfway_leaves_neither_state_nor_job(desk: Desk) -> None:
    case_id = desk.reviewed()

    def half() -> None:
        with desk.database.begin() as tx:
            decide(
                tx, case_id, by=PERSON_A, at=AT, verdict=Verdict.APPARENT_CSAM, category=CATEGORY
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert desk.case(case_id).state is State.REVIEWED
    assert jobs(desk) == []
    assert "decision_made" not in desk.actions()


def test_two_who_decide_at_once_make_one_decision(desk: Desk) -> None:
    case_id = desk.reviewed()

    def attempt(_: int) -> str:
        try:
            decide_apparent(desk, case_id)
        except Conflict:
            return "conflict"
        return "decided"

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(attempt, range(4)))
    assert sorted(results) == ["conflict", "conflict", "conflict", "decided"]
    assert len(jobs(desk)) == 4


def test_outcomes_close_the_case_when_the_last_is_reached(desk: Desk) -> None:
    case_id = desk.reviewed()
    decide_apparent(desk, case_id)
    with desk.database.begin() as tx:
        reach(tx, case_id, Outcome.REPORTED, at=AT + 2 * MINUTE)
        reach(tx, case_id, Outcome.RESTRICTED, at=AT + 3 * MINUTE)
        again = reach(tx, case_id, Outcome.REPORTED, at=AT + 9 * MINUTE)
        assert again.reached[Outcome.REPORTED] == AT + 2 * MINUTE
        assert again.state is State.DECIDED
        assert reach(tx, case_id, Outcome.PRESERVED, at=AT + 4 * MINUTE).state is State.CLOSED
        assert reach(tx, case_id, Outcome.PRESERVED, at=AT + 5 * MINUTE).state is State.CLOSED
    assert desk.actions().count("case_closed") == 1


def test_closing_keeps_an_exhibit_whose_keeping_has_no_other_basis(desk: Desk) -> None:
    case_id = desk.reviewed()
    decide_apparent(desk, case_id)
    with desk.database.begin() as tx:
        for outcome in Outcome:
            reach(tx, case_id, outcome, at=AT)
        (exhibit,) = evidence.exhibits_of(tx, case_id)
        assert preserve_until(tx, exhibit.id) is None
        assert evidence.holds_of(tx, case_id)[0].released_at is None


def test_closing_hands_the_exhibit_over_to_the_clock_of_the_law(desk: Desk) -> None:
    case_id = desk.reviewed()
    decide_apparent(desk, case_id)
    end = AT + timedelta(days=365)
    with desk.database.begin() as tx:
        (exhibit,) = evidence.exhibits_of(tx, case_id)
        place_hold(
            tx,
            exhibit_id=exhibit.id,
            case_id=case_id,
            basis="rule x",
            until=end,
            by="system",
            at=AT,
        )
        for outcome in Outcome:
            reach(tx, case_id, outcome, at=AT)
        assert preserve_until(tx, exhibit.id) == end


def test_an_outcome_before_the_decision_is_refused(desk: Desk) -> None:
    case_id = desk.reviewed()
    with pytest.raises(Conflict), desk.database.begin() as tx:
        reach(tx, case_id, Outcome.REPORTED, at=AT)


def test_not_csam_closes_at_once_and_releases_only_the_case_s_own_hold(desk: Desk) -> None:
    case_id = desk.reviewed()
    with desk.database.begin() as tx:
        decide(tx, case_id, by=PERSON_A, at=AT + MINUTE, verdict=Verdict.NOT_CSAM)
    case = desk.case(case_id)
    assert (case.state, case.needed, case.closed_at) == (State.CLOSED, frozenset(), AT + MINUTE)
    assert jobs(desk) == [("tell_decision", case_id)]
    with desk.database.begin() as tx:
        (exhibit,) = evidence.exhibits_of(tx, case_id)
        assert preserve_until(tx, exhibit.id) == AT + MINUTE
        assert exhibit.destroyed_at is None
    assert desk.actions()[-3:] == ["decision_made", "hold_released", "case_closed"]


def test_who_cannot_say_leaves_it_to_the_next_with_a_note(desk: Desk) -> None:
    case_id = desk.reviewed()
    with desk.database.begin() as tx:
        with pytest.raises(BadInput, match="note why"):
            decide(tx, case_id, by=PERSON_A, at=AT, verdict=Verdict.CANNOT_SAY)
        first = decide(
            tx, case_id, by=PERSON_A, at=AT, verdict=Verdict.CANNOT_SAY, note="age unclear"
        )
        assert not first.final
        assert store.pending_decision(tx, case_id) is None
    case = desk.case(case_id)
    assert (case.state, case.claimed_by) == (State.REVIEWED, None)
    decide_apparent(desk, case_id, by=PERSON_B)
    assert desk.case(case_id).state is State.DECIDED


def test_a_second_person_makes_it_final(database: Database) -> None:
    desk = Desk(database)
    desk.matcher.second_person = True
    case_id = desk.reviewed()
    decide_apparent(desk, case_id)
    case = desk.case(case_id)
    assert (case.state, case.claimed_by) == (State.REVIEWED, None)
    assert jobs(desk) == []
    with pytest.raises(Refused, match="somebody else"), database.begin() as tx:
        confirm(tx, case_id, by=PERSON_A, at=AT, agree=True)
    with pytest.raises(Conflict, match="second person"):
        decide_apparent(desk, case_id, by=PERSON_B)
    with database.begin() as tx:
        final = confirm(tx, case_id, by=PERSON_B, at=AT + 2 * MINUTE, agree=True)
        pending = store.decisions_of(tx, case_id)[0]
        assert (final.final, final.confirms, final.by) == (True, pending.id, PERSON_B.id)
        assert (final.verdict, final.category) == (pending.verdict, pending.category)
    assert desk.case(case_id).state is State.DECIDED
    assert len(jobs(desk)) == 4
    assert desk.actions()[-1] == "second_opinion_given"


def test_a_disagreement_is_kept_and_sends_the_case_back(database: Database) -> None:
    desk = Desk(database)
    desk.matcher.second_person = True
    case_id = desk.reviewed()
    decide_apparent(desk, case_id)
    with database.begin() as tx:
        with pytest.raises(BadInput, match="verdict of its own"):
            confirm(
                tx,
                case_id,
                by=PERSON_B,
                at=AT,
                agree=False,
                verdict=Verdict.APPARENT_CSAM,
                category=CATEGORY,
                note="drawn",
            )
        with pytest.raises(BadInput, match="note why"):
            confirm(tx, case_id, by=PERSON_B, at=AT, agree=False, verdict=Verdict.NOT_CSAM)
        confirm(
            tx,
            case_id,
            by=PERSON_B,
            at=AT + 2 * MINUTE,
            agree=False,
            verdict=Verdict.NOT_CSAM,
            note="a drawing of a house",
        )
    assert desk.case(case_id).state is State.REVIEWED
    assert jobs(desk) == []
    with database.begin() as tx:
        assert [one.verdict for one in store.decisions_of(tx, case_id)] == [
            Verdict.APPARENT_CSAM,
            Verdict.NOT_CSAM,
        ]
        assert store.final_decision(tx, case_id) is None
        decide(tx, case_id, by=PERSON_C, at=AT + 3 * MINUTE, verdict=Verdict.NOT_CSAM)
        confirm(tx, case_id, by=PERSON_B, at=AT + 4 * MINUTE, agree=True)
    assert desk.case(case_id).state is State.CLOSED


def test_a_category_without_its_scheme_is_refused(desk: Desk) -> None:
    case_id = desk.reviewed()
    for category in ("", "A1", "1", "ncmec-ab/2022/Z9", "no-such-scheme/1/x"):
        with pytest.raises(TutelaError), desk.database.begin() as tx:
            decide(
                tx,
                case_id,
                by=PERSON_A,
                at=AT,
                verdict=Verdict.APPARENT_CSAM,
                category=category,
            )
    assert desk.case(case_id).state is State.REVIEWED


@pytest.mark.parametrize(
    ("category", "age_band", "fits"),
    [
        ("tutela/1/not-pertinent", AgeBand.UNKNOWN, False),
        ("tutela/1/exploitative", AgeBand.UNKNOWN, False),
        ("ncmec-ab/2022/A1", AgeBand.PUBESCENT, False),
        ("ncmec-ab/2022/B2", AgeBand.PREPUBESCENT, False),
        ("ncmec-ab/2022/A1", AgeBand.PREPUBESCENT, True),
        ("ncmec-ab/2022/B2", AgeBand.UNKNOWN, True),
        ("tutela/1/csam", AgeBand.PUBESCENT, True),
    ],
)
def test_category_verdict_and_age_do_not_contradict(
    desk: Desk, category: str, age_band: AgeBand, *, fits: bool
) -> None:
    case_id = desk.reviewed()
    expected = nullcontext() if fits else pytest.raises(BadInput, match="contradict")
    with expected, desk.database.begin() as tx:
        decide(
            tx,
            case_id,
            by=PERSON_A,
            at=AT,
            verdict=Verdict.APPARENT_CSAM,
            category=category,
            age_band=age_band,
        )


def test_a_reviewer_gives_only_a_reviewers_facts(desk: Desk) -> None:
    case_id = desk.reviewed()
    for facts in (
        {"event.detected_at": "2026-01-01T00:00:00Z"},
        {"decision.offender_known": ["a", "list"]},
        {"decision.apparent_csam": False},
    ):
        with pytest.raises(BadInput), desk.database.begin() as tx:
            decide(
                tx,
                case_id,
                by=PERSON_A,
                at=AT,
                verdict=Verdict.APPARENT_CSAM,
                category=CATEGORY,
                facts=facts,
            )
    assert desk.case(case_id).state is State.REVIEWED


def test_the_note_never_reaches_the_ledger(desk: Desk) -> None:
    case_id = desk.reviewed()
    with desk.database.begin() as tx:
        decide(tx, case_id, by=PERSON_A, at=AT, verdict=Verdict.NOT_CSAM, note="plainly a drawing")
        lines = tx.execute(text("SELECT string_agg(detail_json, ' ') FROM ledger")).scalar_one()
    assert "drawing" not in lines


GROWING = ("decisions", "matches", "verdicts", "assessments")
KEPT = ("cases", "exhibits", "submissions", "holds", "destructions")


def test_what_was_found_and_decided_is_never_changed_and_no_row_removed(desk: Desk) -> None:
    changes = [f"DELETE FROM {table}" for table in GROWING + KEPT]  # noqa: S608 - constants
    changes += [f"UPDATE {table} SET case_id = ''" for table in GROWING]  # noqa: S608 - same
    for change in changes:
        with pytest.raises(ProgrammingError, match="denied"), desk.database.begin() as tx:
            tx.execute(text(change))


def test_the_queue_puts_known_items_first_and_counts_every_state(desk: Desk) -> None:
    first = desk.reviewed(b"one")
    decide_apparent(desk, first)
    desk.clock.at = AT + MINUTE
    slow = desk.open(b"two")
    with desk.database.begin() as tx:
        counts = store.counts(tx)
        assert counts == {
            State.RECEIVED: 0,
            State.MATCHED: 1,
            State.REVIEWED: 0,
            State.DECIDED: 1,
            State.CLOSED: 0,
        }
        waiting_cases = store.queue(tx, states=[State.MATCHED], limit=10, offset=0)
        assert [case.id for case in waiting_cases] == [slow]
        assert store.queue(tx, states=[], limit=10, offset=0) == []


def test_an_unknown_case_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound), desk.database.begin() as tx:
        store.case(tx, CaseId.new())


def test_the_hold_of_an_open_case_has_no_end(desk: Desk) -> None:
    case_id = desk.open()
    with desk.database.begin() as tx:
        (hold,) = evidence.holds_of(tx, case_id)
        assert (hold.basis, hold.until, hold.released_at) == (CASE_OPEN, None, None)


def test_assessments_are_kept_one_after_the_other(desk: Desk) -> None:
    case_id = desk.open()
    with desk.database.begin() as tx:
        assert store.latest_assessment(tx, case_id) is None
        for number in (1, 2):
            store.store_assessment(
                tx,
                case_id=case_id,
                as_of=AT,
                book_digest=f"book-{number}",
                result={"duties": [number]},
                at=AT,
            )
        latest = store.latest_assessment(tx, case_id)
        assert latest is not None
        assert (latest.book_digest, latest.result) == ("book-2", {"duties": [2]})


def test_the_ledger_says_that_a_review_has_ended_only_where_something_was_shown(
    database: Database,
) -> None:
    unseen, seen = Desk(database).open(b"one"), Desk(database).open(b"two")
    for case_id in (unseen, seen):
        with database.begin() as tx:
            claim(tx, case_id, PERSON_A, AT)
            if case_id == seen:
                (exhibit,) = evidence.exhibits_of(tx, case_id)
                note_rendition(
                    tx,
                    case_id=case_id,
                    exhibit_id=exhibit.id,
                    by=PERSON_A,
                    rendition=Rendition.BLUR,
                    at=AT,
                )
            finish_review(tx, case_id, by=PERSON_A, at=AT)
    with database.begin() as tx:
        ended = [line for line in ledger.lines(tx) if line.action == "review_finished"]
    assert [line.subject for line in ended] == [seen]
    assert set(ended[0].detail["viewed"].values()) == {"rendition"}
