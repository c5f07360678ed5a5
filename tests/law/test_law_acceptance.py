"""Who lets a rule act, and when that word is void."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tutela.law.acceptance import ACCEPTED, WITHDRAWN, Acceptance, acceptances_from, actionable
from tutela.law.loading import Lawbook
from tutela.law.model import Rule, Status

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Line:
    action: str
    subject: str = "us.2258A.report"
    detail: Mapping[str, object] = field(default_factory=dict)
    at: datetime = AT


def accepted(rule: Rule, *, by: str = "Person A", at: datetime = AT) -> Acceptance:
    return Acceptance(rule_id=rule.id, rule_version=rule.version, by=by, note="read", at=at)


def test_an_unverified_rule_does_not_act(book: Lawbook) -> None:
    for rule in book.rules:
        verdict = actionable(rule, [])
        assert not verdict.allowed
        assert verdict.reasons[0] == f"the rule is {rule.status.value}, not verified"
        assert "tutela law accept" in verdict.reasons[1]


def test_a_verified_rule_acts(make_rule: Callable[..., Rule]) -> None:
    assert actionable(replace(make_rule(), status=Status.VERIFIED), []).allowed


def test_counsel_lets_exactly_this_version_act(book: Lawbook) -> None:
    rule, other = book.editions("us.2258A.report")[0], book.editions("us.2258A.preserve")[0]
    verdict = actionable(rule, [accepted(rule)])
    assert verdict.allowed
    assert "Person A" in verdict.reasons[1]
    assert not actionable(other, [accepted(rule)]).allowed


def test_the_acceptance_is_void_when_the_rule_changes(book: Lawbook) -> None:
    rule = book.editions("us.2258A.report")[0]
    changed = replace(rule, version="0" * 64)
    verdict = actionable(changed, [accepted(rule)])
    assert not verdict.allowed
    assert "void" in verdict.reasons[1]
    assert rule.version[:12] in verdict.reasons[1]
    again = [accepted(rule), accepted(changed, at=AT + timedelta(days=1))]
    assert actionable(changed, again).allowed


def test_a_rule_without_a_version_cannot_be_accepted(make_rule: Callable[..., Rule]) -> None:
    rule = make_rule()
    assert rule.version == ""
    assert not actionable(rule, [accepted(rule)]).allowed


def detail(version: str, by: str = "Person A") -> dict[str, object]:
    return {"version": version, "by": by, "note": "read with the Act"}


def test_the_ledger_says_what_stands() -> None:
    lines = [
        Line(action="case_opened", detail={"version": "v9", "by": "x"}),
        Line(action=ACCEPTED, detail=detail("v1")),
        Line(action=ACCEPTED, subject="gb.osa-s66.report", detail=detail("g1", "Person B")),
        Line(action=ACCEPTED, detail=detail("v2"), at=AT + timedelta(days=1)),
        Line(action=WITHDRAWN, detail={"version": "v1"}),
    ]
    found = [(each.rule_id, each.rule_version, each.by) for each in acceptances_from(lines)]
    assert found == [
        ("gb.osa-s66.report", "g1", "Person B"),
        ("us.2258A.report", "v2", "Person A"),
    ]
    assert acceptances_from(lines)[1].note == "read with the Act"


def test_a_withdrawal_counts_only_for_what_came_before_it() -> None:
    lines = [
        Line(action=ACCEPTED, detail=detail("v1")),
        Line(action=WITHDRAWN, detail={"version": "v1"}),
    ]
    assert acceptances_from(lines) == ()
    assert len(acceptances_from([*lines, Line(action=ACCEPTED, detail=detail("v1"))])) == 1


def test_incomplete_lines_never_let_a_rule_act() -> None:
    for broken in ({}, {"version": "v1"}, {"by": "x"}, {"version": 1, "by": "x"}, detail(" ")):
        assert acceptances_from([Line(action=ACCEPTED, detail=broken)]) == ()
    lines = [
        Line(action=ACCEPTED, detail=detail("v1")),
        Line(action=ACCEPTED, detail=detail("v2")),
        Line(action=WITHDRAWN),
    ]
    assert acceptances_from(lines) == ()
