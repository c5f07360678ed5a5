"""All duties together: union of reports, earliest removal, longest keeping, clashes, pending."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutela.law.answers import ClashKind, Duties, Resolution, Step
from tutela.law.duties import duties
from tutela.law.loading import Lawbook
from tutela.law.model import Rule, Status, Truth
from tutela.law.resolving import preservation_of, resolve

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
FACTS: dict[str, object] = {
    "provider.is_electronic_service": True,
    "provider.established_in": "US",
    "decision.apparent_csam": True,
    "event.knowledge_at": NOON,
    "event.restricted_at": NOON,
}
STARTS = "event.knowledge_at"


@pytest.fixture
def answer(book_of: Callable[..., Lawbook]) -> Callable[..., Duties]:
    def ask(*rules: Rule, facts: Mapping[str, object] = FACTS, **options: Any) -> Duties:
        at = options.pop("at", NOON)
        return duties(book_of(*rules), facts, at, **({"floor": Status.RECALLED} | options))

    return ask


@pytest.fixture
def rule(make_rule: Callable[..., Rule], cited: Mapping[str, str]) -> Callable[..., Rule]:
    def make(name: str, action: str, **changes: Any) -> Rule:
        changes.setdefault("recipients", [])
        if action == "preserve" and "retention" not in changes:
            changes["retention"] = [keeping("k", 1, cited)]
        return make_rule(id=f"us.test.{name}", action=action, **changes)

    return make


def keeping(
    name: str, years: int, cited: Mapping[str, str], then: str = "not_recorded", **changes: object
) -> dict[str, object]:
    period = {"id": name, "what": ["content"], "n": years, "unit": "y", "from": STARTS}
    return {**period, "then": then, **cited, **changes}


def to(body: str, cited: Mapping[str, str], **more: object) -> dict[str, object]:
    return {"id": body.lower(), "body": body, "channel": "Portal", **cited, **more}


def fixed(hours: int, cited: Mapping[str, str]) -> dict[str, object]:
    return {"kind": "fixed", "n": hours, "unit": "h", "starts": STARTS, **cited}


def test_reports_are_the_union_of_what_is_owed_without_what_is_done(
    rule: Callable[..., Rule],
    answer: Callable[..., Duties],
    cited: Mapping[str, str],
    test_leaf: Callable[..., dict[str, object]],
) -> None:
    done = {"id": "done", "by": "done", "when": test_leaf(STARTS, exists=True), **cited}
    words = {"kind": "qualitative", "standard": "promptly", "legal_text": "promptly"}
    found = answer(
        rule("a", "report", recipients=[to("One", cited)], clock=fixed(48, cited)),
        rule("b", "report", recipients=[to("One", cited)], clock=fixed(24, cited)),
        rule(
            "c",
            "inform_authority",
            recipients=[to("Two", cited)],
            clock={**words, "starts": STARTS, **cited},
        ),
        rule("d", "report", recipients=[to("Three", cited)], discharged_by=[done]),
    ).resolution
    assert [(each.body, each.rules, each.by, each.words) for each in found.reports] == [
        ("One", ("us.test.a", "us.test.b"), NOON + timedelta(hours=24), ()),
        ("Two", ("us.test.c",), None, ("promptly",)),
    ]


def test_what_may_be_handed_over_is_what_every_list_allows(
    rule: Callable[..., Rule], answer: Callable[..., Duties], cited: Mapping[str, str]
) -> None:
    addresses = to("One", cited, payload_allowed=["url", "ip_address"])
    wider = to("One", cited, payload_allowed=["url", "content"], payload_forbidden=["account"])
    open_ = to("One", cited)
    [one] = answer(rule("a", "report", recipients=[addresses])).resolution.reports
    assert (one.limited, one.payload_allowed) == (True, ("ip_address", "url"))
    [both] = answer(
        rule("a", "report", recipients=[addresses]),
        rule("b", "report", recipients=[wider]),
        rule("c", "report", recipients=[open_]),
    ).resolution.reports
    assert (both.limited, both.payload_allowed) == (True, ("url",))
    assert both.payload_forbidden == ("account",)
    [free] = answer(rule("c", "report", recipients=[open_])).resolution.reports
    assert (free.limited, free.payload_allowed) == (False, ())


def test_the_earliest_removal_counts_and_words_stay_words(
    rule: Callable[..., Rule], answer: Callable[..., Duties], cited: Mapping[str, str]
) -> None:
    words = {"kind": "qualitative", "standard": "soon", "legal_text": "expeditiously"}
    found = answer(
        rule("a", "remove", clock=fixed(24, cited)),
        rule("b", "block", clock=fixed(6, cited)),
        rule("c", "restrict", clock={**words, "starts": STARTS, **cited}),
    ).resolution.removal
    assert found.required is Truth.YES
    assert found.by == NOON + timedelta(hours=6)
    assert found.words == ("expeditiously",)
    assert found.required_by == ("us.test.a", "us.test.b", "us.test.c")
    none = answer(rule("a", "report", recipients=[to("One", cited)])).resolution.removal
    assert (none.required, none.by) == (Truth.NO, None)


def test_the_longest_keeping_blocks_destruction_until_it_is_over(
    rule: Callable[..., Rule], answer: Callable[..., Duties], cited: Mapping[str, str]
) -> None:
    rules = (
        rule("a", "preserve", retention=[keeping("k", 1, cited)]),
        rule("b", "preserve", retention=[keeping("k", 2, cited)]),
    )
    end = NOON.replace(year=2028)
    early, late = answer(*rules), answer(*rules, at=end)
    assert early.preserve_until == end
    assert early.resolution.may_destroy is Truth.NO
    assert late.resolution.may_destroy is Truth.YES
    unsaid = {key: value for key, value in FACTS.items() if key != "decision.apparent_csam"}
    assert answer(*rules, facts=unsaid).resolution.may_destroy is Truth.UNKNOWN


@pytest.mark.parametrize("action", ["destroy", "remove"])
def test_deleting_and_keeping_clash_and_counsel_decides(
    action: str, rule: Callable[..., Rule], answer: Callable[..., Duties]
) -> None:
    found = answer(rule("a", action), rule("b", "preserve")).resolution
    [clash] = found.clashes
    assert (clash.kind, clash.result) == (ClashKind.DELETE_OR_PRESERVE, Truth.YES)
    assert clash.rules == ("us.test.a", "us.test.b")
    assert clash.steps == (Step.RESTRICT_ACCESS, Step.SEAL_A_COPY, Step.ASK_COUNSEL)
    assert found.may_destroy is Truth.NO
    # disabling access leaves the copy, so it clashes with nothing
    assert answer(rule("a", "restrict"), rule("b", "preserve")).resolution.clashes == ()


def test_a_keeping_that_ends_in_destruction_clashes_with_a_longer_one(
    rule: Callable[..., Rule], answer: Callable[..., Duties], cited: Mapping[str, str]
) -> None:
    short = rule("a", "preserve", retention=[keeping("k", 1, cited, then="destroy")])
    longer = rule("b", "preserve", retention=[keeping("k", 2, cited)])
    [clash] = answer(short, longer).resolution.clashes
    assert clash.rules == (short.id, longer.id)
    reference = keeping("k", 5, cited, what=["report_reference"])
    only_reference = rule("b", "preserve", retention=[reference])
    assert answer(short, only_reference).resolution.clashes == ()
    assert answer(short).resolution.clashes == ()


def test_telling_the_user_and_telling_nobody_clash(
    rule: Callable[..., Rule],
    answer: Callable[..., Duties],
    test_leaf: Callable[..., dict[str, object]],
) -> None:
    silent = rule("b", "do_not_tell")
    [clash] = answer(rule("a", "notify_user"), silent).resolution.clashes
    assert clash.kind is ClashKind.TELL_OR_SILENCE
    assert {Step.TELL_NOBODY_YET, Step.ASK_COUNSEL} <= set(clash.steps)
    perhaps = rule("b", "do_not_tell", trigger=test_leaf("decision.offender_known", eq=True))
    [clash] = answer(rule("a", "notify_user"), perhaps).resolution.clashes
    assert clash.result is Truth.UNKNOWN
    assert answer(silent).resolution.clashes == ()


def test_an_unknown_bearer_or_connection_is_pending_with_its_question(
    rule: Callable[..., Rule], answer: Callable[..., Duties]
) -> None:
    unsaid = {key: value for key, value in FACTS.items() if not key.startswith("provider.")}
    found = answer(rule("a", "preserve"), facts=unsaid).resolution
    [pending] = found.pending
    assert pending.open_parts == ("bearer", "connection")
    assert set(pending.asks) == {"provider.is_electronic_service", "provider.established_in"}
    assert (pending.unchecked, pending.steps) == (False, (Step.DESTROY_NOTHING,))
    weak = answer(rule("a", "preserve"), floor=Status.SECONDARY).resolution
    assert weak.pending[0].unchecked
    assert Step.ASK_COUNSEL in weak.pending[0].steps
    assert answer(rule("a", "preserve")).resolution.pending == ()


ACTIONS = st.lists(
    st.sampled_from(["report", "preserve", "remove", "restrict", "destroy", "notify_user"]),
    min_size=1,
    max_size=5,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTIONS, st.randoms(use_true_random=False), st.sampled_from(["US", None]))
def test_the_order_of_rules_never_matters(
    rule: Callable[..., Rule],
    answer: Callable[..., Duties],
    actions: list[str],
    chance: Any,
    established: str | None,
) -> None:
    cited = {"cite": "Test Act s.1", "source": "memory", "status": "recalled"}
    rules = [
        rule(f"r{n}", each, recipients=[to("One", cited)] if each == "report" else [])
        for n, each in enumerate(actions)
    ]
    facts = {**FACTS, "provider.established_in": established}
    once: Resolution = answer(*rules, facts=facts).resolution
    found = list(answer(*rules, facts=facts).duties)
    chance.shuffle(found)
    assert resolve(found, preservation_of(found), now=NOON) == once
    chance.shuffle(rules)
    assert answer(*rules, facts=facts).as_json() | {"book_digest": ""} == answer(
        *sorted(rules, key=lambda one: one.id), facts=facts
    ).as_json() | {"book_digest": ""}
    assert (once.may_destroy is Truth.YES) is not bool({"preserve"} & set(actions))
