"""The whole answer: dates, unknowns, discharge, keeping, conflicts, determinism."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from own_lawbook import own_lawbook
from tutela.law.answers import Duties, MattersTo, State
from tutela.law.clocks import OperatorTarget
from tutela.law.duties import duties as duties_at
from tutela.law.loading import Lawbook
from tutela.law.model import ClockKind, Rule, Status, Truth, Unit
from tutela.law.vocabulary import FactKind, Known
from tutela.primitives.errors import BadInput, NotFound

PACKAGE = own_lawbook()
DAY = date(2026, 11, 21)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
CHAIN: dict[str, object] = {
    "provider.established_in": "US",
    "provider.is_electronic_service": True,
    "provider.reports_to_ncmec": True,
    "service.type": "u2u",
    "service.significant_uk_users": True,
    "service.offered_in_eu": True,
    "event.known_match": True,
    "event.detected_at": NOON - timedelta(hours=1),
    "event.knowledge_at": NOON - timedelta(minutes=5),
    "decision.apparent_csam": True,
    "decision.imminent_threat": False,
}


RULES = {
    "eu.dsa-16.acknowledge",
    "eu.dsa-17.reasons",
    "eu.dsa-18.inform",
    "eu.dsa-6.restrict",
    "gb.osa-s66.preserve",
    "gb.osa-s66.report",
    "us.2258A.preserve",
    "us.2258A.report",
}


@pytest.fixture(scope="session")
def book() -> Lawbook:
    """The book cut down to eight rules of three places, so that others may be added to it."""
    rules = tuple(rule for rule in PACKAGE.rules if rule.id in RULES)
    assert {rule.id for rule in rules} == RULES
    return replace(PACKAGE, rules=rules)


def duties(
    book: Lawbook, facts: Mapping[str, object], as_of: date | datetime, **options: Any
) -> Duties:
    """Read from `recalled` on: what the law says if the book remembers it rightly."""
    return duties_at(book, facts, as_of, **({"floor": Status.RECALLED} | options))


def states(book: Lawbook, facts: Mapping[str, object], day: date = DAY) -> dict[str, str]:
    return {each.rule_id: each.state.value for each in duties(book, facts, day).duties}


def test_the_chain_of_the_demo(book: Lawbook) -> None:
    assert states(book, CHAIN) == {
        "eu.dsa-16.acknowledge": "unknown",
        "eu.dsa-17.reasons": "unknown",
        "eu.dsa-18.inform": "unknown",
        "eu.dsa-6.restrict": "owed",
        "gb.osa-s66.preserve": "not_owed",
        "gb.osa-s66.report": "discharged",
        "us.2258A.preserve": "owed",
        "us.2258A.report": "owed",
    }
    done = CHAIN | {"event.reported_to_ncmec_at": NOON, "event.restricted_at": NOON}
    answer = duties(book, done, NOON)
    assert answer.of("us.2258A.report").state is State.DISCHARGED
    assert answer.of("eu.dsa-6.restrict").state is State.DISCHARGED
    assert answer.preserve_until == datetime(2027, 11, 21, 12, tzinfo=UTC)
    assert answer.preservation.required_by == ("us.2258A.preserve",)


def test_without_facts_every_duty_is_unknown_and_none_is_absent(book: Lawbook) -> None:
    answer = duties(book, {}, DAY)
    assert {each.state for each in answer.duties} == {State.UNKNOWN}
    assert len(answer.duties) == len(book.ids())
    assert answer.preservation.required is Truth.UNKNOWN
    assert answer.preserve_until is None
    asked = {each.fact for each in answer.questions}
    assert {"decision.apparent_csam", "provider.established_in", "service.type"} <= asked
    for duty in answer.duties:
        assert duty.why.startswith("Cannot say; needed: ")
        assert duty.questions


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (date(2026, 4, 6), State.NOT_IN_FORCE),
        (date(2026, 4, 7), State.DISCHARGED),
        (date(2026, 4, 8), State.DISCHARGED),
        (datetime(2026, 4, 6, 23, 59, 59, tzinfo=UTC), State.NOT_IN_FORCE),
        (datetime(2026, 4, 7, tzinfo=UTC), State.DISCHARGED),
    ],
)
def test_commencement_is_a_boundary(book: Lawbook, day: date, state: State) -> None:
    duty = duties(book, CHAIN, day).of("gb.osa-s66.report")
    assert duty.state is state
    if state is State.NOT_IN_FORCE:
        assert "Not in force on 2026-04-06" in duty.why
        assert "2026-04-07" in duty.why


def test_a_day_whose_law_is_not_recorded_is_unknown(book: Lawbook) -> None:
    duty = duties(book, CHAIN, date(2020, 1, 1)).of("us.2258A.report")
    assert duty.state is State.UNKNOWN
    assert "not in this lawbook" in duty.why
    assert duties(book, CHAIN, date(2020, 1, 1)).preservation.required is Truth.UNKNOWN


def test_a_bill_binds_nobody_and_is_listed(
    make_rule: Callable[..., Rule], book_of: Callable[..., Lawbook], cited: Mapping[str, str]
) -> None:
    span = {"from": None, "to": None, "before": "not_law", **cited}
    bill = make_rule(legal_status="bill", in_force=span)
    duty = duties(book_of(bill), CHAIN, date(2099, 1, 1)).of(bill.id)
    assert duty.state is State.NOT_IN_FORCE
    assert "bill" in duty.why


def test_the_arrangement_discharges_and_its_absence_does_not(book: Lawbook) -> None:
    duty = duties(book, CHAIN, DAY).of("gb.osa-s66.report")
    assert [each.id for each in duty.discharged_by if each.result is Truth.YES] == ["arrangement"]
    assert "foreign agency" in duty.why
    unsaid = {key: value for key, value in CHAIN.items() if key != "provider.reports_to_ncmec"}
    duty = duties(book, unsaid, DAY).of("gb.osa-s66.report")
    assert (duty.state, duty.discharge) == (State.OWED, Truth.UNKNOWN)
    assert "not known" in duty.why
    question = next(each for each in duty.questions if each.fact == "provider.reports_to_ncmec")
    assert question.matters_to == (MattersTo.DISCHARGE,)
    refused = unsaid | {
        "provider.reports_to_ncmec": False,
        "provider.reports_to_foreign_agency": False,
        "event.reported_to_nca_at": Known.NONE,
    }
    assert duties(book, refused, DAY).of("gb.osa-s66.report").discharge is Truth.NO


def test_a_duty_that_may_not_exist_is_not_called_discharged(book: Lawbook) -> None:
    facts = {key: value for key, value in CHAIN.items() if key != "decision.apparent_csam"}
    assert duties(book, facts, DAY).of("gb.osa-s66.report").state is State.UNKNOWN


def test_an_unknown_duty_to_preserve_keeps_everything(book: Lawbook) -> None:
    facts = CHAIN | {"event.reported_to_ncmec_at": NOON}
    del facts["service.significant_uk_users"], facts["provider.reports_to_ncmec"]
    kept = duties(book, facts, DAY).preservation
    assert kept.until is None
    assert kept.undetermined == ("gb.osa-s66.preserve",)
    assert kept.at_least == datetime(2027, 11, 21, 12, tzinfo=UTC)


def test_the_longest_keeping_wins_and_a_reference_does_not_hold_the_content(
    book: Lawbook,
) -> None:
    facts = CHAIN | {
        "provider.reports_to_ncmec": False,
        "provider.reports_to_foreign_agency": False,
        "event.reported_to_ncmec_at": NOON,
        "event.reported_to_nca_at": NOON + timedelta(days=3),
    }
    answer = duties(book, facts, DAY)
    assert answer.preserve_until == datetime(2027, 11, 24, 12, tzinfo=UTC)
    ends = {each.id: each.until for each in answer.of("gb.osa-s66.preserve").keep}
    assert ends["reference"] == datetime(2031, 11, 24, 12, tzinfo=UTC)


def test_a_contradiction_in_one_rule_leaves_the_others_standing(
    make_rule: Callable[..., Rule],
    book_of: Callable[..., Lawbook],
    test_leaf: Callable[..., dict[str, object]],
    cited: Mapping[str, str],
) -> None:
    def exception(name: str, *, lifts: bool) -> dict[str, object]:
        when = test_leaf("event.known_match", eq=True)
        one = {"id": name, "priority": 1, "lifts": lifts, "reason": "r", "when": when}
        return one | dict(cited)

    torn = make_rule(unless=[exception("a", lifts=True), exception("b", lifts=False)])
    whole = make_rule(id="us.test.whole")
    answer = duties(book_of(torn, whole), CHAIN, DAY)
    duty = answer.of(torn.id)
    assert duty.state is State.UNKNOWN
    assert duty.conflict is not None
    assert "contradicts itself" in duty.conflict
    assert answer.of(whole.id).state is State.OWED


def test_a_place_without_rules_is_named_and_asking_for_it_refuses(book: Lawbook) -> None:
    facts = CHAIN | {"event.uploader_location": "JP", "service.targets_markets": ["GB", "FR"]}
    assert duties(book, facts, DAY).uncovered == ("FR", "JP")
    with pytest.raises(NotFound, match="does not mean that there is no duty"):
        duties(book, facts, DAY, jurisdictions=["JP"])
    with pytest.raises(NotFound):
        duties(book, facts, DAY, jurisdictions=[])
    only = duties(book, facts, DAY, jurisdictions=["US"])
    assert {each.jurisdiction for each in only.duties} == {"US"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("event.known_matches", True, "event.known_match"),
        ("event.known_match", "yes", "true or false"),
        ("event.known_match", 1, "true or false"),
        ("event.known_match", "none", "leave it out"),
        ("provider.established_in", "UK", "United Kingdom is GB"),
        ("provider.established_in", "us", "capitals"),
        ("event.detected_at", "2026-11-21", "with its zone"),
        ("event.detected_at", "2026-11-21T12:00:00", "with its zone"),
        ("event.detected_at", datetime(2026, 11, 21), "with its zone"),  # noqa: DTZ001 - naive
        ("event.detected_at", 5, "with its zone"),
        ("service.type", "website", "u2u, hosting"),
        ("service.targets_markets", "GB", "a list"),
        ("service.targets_markets", ["GB", "XX"], "capitals"),
    ],
)
def test_a_fact_that_cannot_be_read_is_refused(
    book: Lawbook, name: str, value: object, said: str
) -> None:
    with pytest.raises(BadInput) as caught:
        duties(book, {name: value}, DAY)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01T00:00:00+14:00",
        "1899-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_a_moment_no_period_can_be_counted_from_is_refused(book: Lawbook, at: str) -> None:
    with pytest.raises(BadInput, match="its year"):
        duties(book, {"event.reported_to_nca_at": at}, DAY)


def test_a_day_that_does_not_exist_in_utc_is_refused(book: Lawbook) -> None:
    with pytest.raises(BadInput, match="does not exist in UTC"):
        duties(book, {}, datetime.fromisoformat("0001-01-01T00:00:00+14:00"))


@pytest.mark.parametrize("code", ["TZ", "DE"])
def test_a_country_that_is_spelt_a_little_like_a_moment_comes_back(
    book: Lawbook, code: str
) -> None:
    """Tanzania begins as the time of a moment and ends as one in UTC."""
    answer = duties(book, {"provider.established_in": code}, DAY)
    assert Duties.from_json(json.loads(json.dumps(answer.as_json()))) == answer


def test_none_is_the_same_as_absent_and_the_word_none_is_not(book: Lawbook) -> None:
    absent = duties(book, CHAIN, DAY).as_json()
    assert duties(book, CHAIN | {"event.restricted_at": None}, DAY).as_json() == absent
    told = duties(book, CHAIN | {"event.restricted_at": "none"}, DAY)
    assert told.of("eu.dsa-17.reasons").state is State.NOT_OWED


def test_the_answer_is_json_and_the_same_each_time(book: Lawbook) -> None:
    once = json.dumps(duties(book, CHAIN, NOON).as_json(), sort_keys=True)
    turned = dict(reversed(list(CHAIN.items())))
    mixed = replace(book, rules=tuple(reversed(book.rules)))
    again = json.dumps(duties(mixed, turned, NOON).as_json(), sort_keys=True)
    assert once == again
    data: dict[str, Any] = json.loads(once)
    report = next(each for each in data["duties"] if each["rule_id"] == "us.2258A.report")
    trigger = report["evaluation"]["trace"]["parts"][2]
    assert trigger["fact"] == "decision.apparent_csam"
    assert trigger["value"] is True
    assert trigger["cite"].startswith("18 U.S.C. 2258A")
    assert trigger["status"] == "single_reviewer"
    assert data["as_of"] == "2026-11-21T12:00:00Z"
    assert data["preserve_until"] is None


def test_the_operators_target_is_policy_beside_the_words_of_the_law(book: Lawbook) -> None:
    target = OperatorTarget(
        rule_id="us.2258A.report", n=4, unit=Unit.HOURS, set_by="board", rationale="no delay"
    )
    due = duties(book, CHAIN, NOON, targets=[target]).of("us.2258A.report").due
    assert due is not None
    assert (due.kind, due.due_at) == (ClockKind.QUALITATIVE, None)
    assert due.legal_text == "as soon as reasonably possible"
    assert due.target_at == NOON - timedelta(minutes=5) + timedelta(hours=4)


VALUES = {
    FactKind.BOOL: st.booleans(),
    FactKind.COUNTRY: st.sampled_from(["US", "GB", "FR", "JP"]),
    FactKind.COUNTRIES: st.lists(st.sampled_from(["US", "GB", "FR"]), max_size=3),
    FactKind.INTEGER: st.integers(0, 99),
    FactKind.MOMENT: st.sampled_from([NOON, NOON + timedelta(days=1), "none"]),
}
ANY_FACTS = st.fixed_dictionaries(
    {},
    optional={
        fact.name: VALUES[fact.kind] if fact.kind in VALUES else st.sampled_from(fact.allowed)
        for fact in PACKAGE.vocabulary.facts.values()
        if fact.kind is not FactKind.MOMENT or fact.may_be_none
    },
)


@settings(max_examples=30, deadline=None)
@given(ANY_FACTS, ANY_FACTS)
def test_on_any_facts_of_the_real_book(some: dict[str, Any], more: dict[str, Any]) -> None:
    """Known answers stay when facts are added (but for listed exceptions); unknown ones ask."""
    before, after = duties(PACKAGE, some, NOON), duties(PACKAGE, {**more, **some}, NOON)
    json.dumps(before.as_json())
    for early, late in zip(before.duties, after.duties, strict=True):
        assert early.outcome in {Truth.UNKNOWN, late.outcome}
        if early.outcome is Truth.UNKNOWN:
            assert any(MattersTo.OUTCOME in each.matters_to for each in early.questions)
        assert not {each.fact for each in early.questions} & set(some)
        timed = early.due is not None and early.due.due_at is not None
        assert not timed or (early.due and early.due.kind is ClockKind.FIXED)
    if before.preserve_until is not None:
        assert not before.preservation.undetermined
        assert before.preservation.required is Truth.YES
