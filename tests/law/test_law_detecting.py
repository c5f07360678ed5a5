"""May a detector run: caution wins, unknown is off, an end is told long before."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.law.acceptance import Acceptance
from tutela.law.book import Lawbook
from tutela.law.countries import Basis, Channel, Stance, Tier
from tutela.law.detecting import connected, due_warning, may_detect
from tutela.law.model import LegalStatus, Status, Truth
from tutela.law.parsing import Reader
from tutela.primitives.errors import Conflict

CITED = {"cite": "Test Act s.1", "source": "memory", "status": "recalled"}
DAY = date(2026, 11, 21)
MakeBasis = Callable[..., Basis]


@pytest.fixture(scope="session")
def make_basis(reader: Reader) -> MakeBasis:
    def make(**changes: object) -> Basis:
        data: dict[str, object] = {
            "id": "jp.detection.test",
            "jurisdiction": "JP",
            "tier": "known_hash",
            "channels": ["hosted"],
            "stance": "permitted",
            "summary": "Not law.",
            "legal_status": "in_force",
            "in_force": {"from": "2026-01-01", "to": None, "before": "not_law", **CITED},
            **CITED,
        }
        built: Basis = reader.build(Basis, data | changes, where="test")
        return replace(built, version=f"version of {built.id}")

    return make


def ask(book: Lawbook, *bases: Basis, **changes: Any) -> Any:
    asked: dict[str, Any] = {
        "jurisdictions": ["JP"],
        "tier": Tier.KNOWN_HASH,
        "channel": Channel.HOSTED,
        "facts": {},
        "as_of": DAY,
        "floor": Status.RECALLED,
    }
    return may_detect(replace(book, bases=bases), **(asked | changes))


def test_what_nobody_recorded_is_unknown_and_says_so(book: Lawbook) -> None:
    answer = ask(book)
    assert answer.outcome is Truth.UNKNOWN
    assert "records no basis" in answer.reasons[0]
    nowhere = ask(book, jurisdictions=[])
    assert nowhere.outcome is Truth.UNKNOWN
    assert nowhere.reasons == ("nobody has said where the service is offered",)


@pytest.mark.parametrize("status", [LegalStatus.SUSPENDED, LegalStatus.PARTLY_IN_FORCE])
def test_a_text_that_is_not_in_force_is_no_basis(
    book: Lawbook, make_basis: MakeBasis, status: LegalStatus
) -> None:
    answer = ask(book, make_basis(legal_status=status.value))
    assert answer.outcome is Truth.NO
    assert status.value in answer.reasons[0]


def test_a_bill_is_no_basis(book: Lawbook, make_basis: MakeBasis) -> None:
    dates = {"from": None, "to": None, "before": "not_law", **CITED}
    answer = ask(book, make_basis(legal_status="bill", in_force=dates))
    assert answer.outcome is Truth.NO
    assert "bill, which is no basis" in answer.reasons[0]


def test_a_contradiction_in_one_place_is_for_a_lawyer(book: Lawbook, make_basis: MakeBasis) -> None:
    forbids = make_basis(id="jp.detection.other", stance="forbidden")
    with pytest.raises(Conflict, match="contradicts itself on detection in JP"):
        ask(book, make_basis(), forbids)
    later = {"from": "2027-01-01", "to": None, "before": "not_law", **CITED}
    assert ask(book, make_basis(), replace_dates(forbids, make_basis, later)).outcome is Truth.YES


def replace_dates(basis: Basis, make_basis: MakeBasis, dates: Mapping[str, object]) -> Basis:
    return make_basis(id=basis.id, stance=basis.stance.value, in_force=dates)


def test_forbidden_in_one_place_beats_permitted_in_all_others(
    book: Lawbook, make_basis: MakeBasis
) -> None:
    forbids = make_basis(id="kr.detection.test", jurisdiction="KR", stance="forbidden")
    answer = ask(book, make_basis(), forbids, jurisdictions=["JP", "KR"], floor=Status.VERIFIED)
    assert (answer.outcome, answer.stance) == (Truth.NO, Stance.FORBIDDEN)
    assert "kr.detection.test" not in answer.to_accept


def test_only_the_accepted_version_lets_a_detector_act(
    book: Lawbook, make_basis: MakeBasis
) -> None:
    basis = make_basis()
    waiting = ask(book, basis, floor=Status.VERIFIED)
    assert (waiting.outcome, waiting.to_accept) == (Truth.UNKNOWN, (basis.id,))
    accepted = Acceptance(
        rule_id=basis.id,
        rule_version=basis.version,
        by="counsel",
        note="Read.",
        at=datetime(2026, 11, 20, tzinfo=UTC),
    )
    answer = ask(book, basis, floor=Status.VERIFIED, accepted=[accepted])
    assert (answer.outcome, answer.bases[0].version) == (Truth.YES, basis.version)
    changed = replace(basis, version="another")
    void = ask(book, changed, floor=Status.VERIFIED, accepted=[accepted])
    assert void.outcome is Truth.UNKNOWN
    assert "void" in void.reasons[0]


def test_editions_without_a_gap_have_one_end(book: Lawbook, make_basis: MakeBasis) -> None:
    first = {"from": "2026-01-01", "to": "2026-12-01", "before": "not_law", "after": "not_law"}
    then = {"from": "2026-12-01", "to": "2027-06-01", "before": "not_law", "after": "not_law"}
    answer = ask(book, make_basis(in_force=first | CITED), make_basis(in_force=then | CITED))
    assert answer.expires == date(2027, 6, 1)
    assert ask(book, make_basis(in_force=first | CITED)).expires == date(2026, 12, 1)


def test_an_edition_that_would_not_hold_does_not_go_on(
    book: Lawbook, make_basis: MakeBasis
) -> None:
    """Its version is not accepted, its facts fail, or it forbids: the first one's end counts."""
    first = make_basis(
        in_force={"from": "2026-01-01", "to": "2026-12-01", "before": "not_law", "after": "not_law"}
        | CITED
    )
    span = {"from": "2026-12-01", "to": None, "before": "not_law"} | CITED
    then = replace(make_basis(in_force=span), version="another")
    accepted = [
        Acceptance(
            rule_id=first.id,
            rule_version=version,
            by="counsel",
            note="Read.",
            at=datetime(2026, 11, 20, tzinfo=UTC),
        )
        for version in (first.version, then.version)
    ]
    strict = {"floor": Status.VERIFIED}
    waits = ask(book, first, then, accepted=accepted[:1], **strict)
    assert (waits.outcome, waits.expires, waits.warn) == (Truth.YES, date(2026, 12, 1), 30)
    assert ask(book, first, then, accepted=accepted, **strict).expires is None
    fails = {"fact": "service.type", "eq": "u2u", **CITED}
    assert ask(book, first, make_basis(in_force=span, when=fails)).expires == date(2026, 12, 1)
    forbids = make_basis(in_force=span, stance="forbidden")
    assert ask(book, first, forbids).expires == date(2026, 12, 1)


def test_what_is_forbidden_in_part_is_not_overlooked(book: Lawbook, make_basis: MakeBasis) -> None:
    part = make_basis(id="jp.detection.no", stance="forbidden", legal_status="partly_in_force")
    answer = ask(book, make_basis(), part)
    assert answer.outcome is Truth.UNKNOWN
    assert "partly in force" in answer.reasons[0]


def test_counsel_is_not_asked_to_accept_what_no_acceptance_settles(
    book: Lawbook, make_basis: MakeBasis
) -> None:
    disputed = make_basis(status="disputed")
    answer = ask(book, disputed)
    assert (answer.outcome, answer.to_accept) == (Truth.UNKNOWN, ())


def test_between_two_editions_there_is_no_law_only_where_both_say_so(
    book: Lawbook, make_basis: MakeBasis
) -> None:
    ended = {"from": "2026-01-01", "to": "2026-06-01", "before": "not_law", "after": "not_law"}
    for before, outcome in (("not_law", Truth.NO), ("unrecorded", Truth.UNKNOWN)):
        later = {"from": "2027-01-01", "to": None, "before": before}
        both = (make_basis(in_force=ended | CITED), make_basis(in_force=later | CITED))
        assert ask(book, *both).outcome is outcome
        assert ask(book, *both, as_of=date(2025, 12, 31)).outcome is Truth.NO


@given(days=st.integers(-1, 400))
def test_a_warning_is_due_from_180_days_on_and_never_grows_milder(days: int) -> None:
    warn = due_warning(days)
    assert warn == (None if days > 180 else 180 if days > 90 else 90 if days > 30 else 30)


@given(offset=st.integers(0, 1200))
def test_no_day_outside_the_recorded_dates_permits_messages_in_the_union(
    book: Lawbook, offset: int
) -> None:
    day = date(2025, 12, 1) + timedelta(days=offset)
    facts = {"service.end_to_end_encrypted": "no", "counsel.eu_interim_conditions": True}
    answer = may_detect(
        book,
        jurisdictions=["EU"],
        tier=Tier.KNOWN_HASH,
        channel=Channel.INTERPERSONAL,
        facts=facts,
        as_of=day,
        floor=Status.RECALLED,
    )
    held = day < date(2026, 4, 4) or date(2026, 7, 31) <= day < date(2028, 4, 4)
    assert (answer.outcome is Truth.YES) == held


def test_connected_are_the_places_that_facts_name_and_rules_reach(book: Lawbook) -> None:
    facts = {
        "provider.established_in": "US",
        "service.targets_markets": ["JP"],
        "service.offered_in_eu": True,
        "counsel.detection_applies_in": ["GB"],
        "event.uploader_location": "KR",
    }
    assert {"EU", "JP", "US"} <= set(connected(book, facts))
    assert not {"GB", "KR"} & set(connected(book, facts))


def test_every_basis_has_a_version_and_can_be_accepted(book: Lawbook) -> None:
    assert book.bases
    for basis in book.bases:
        assert basis.version
        assert basis in book.acceptable(basis.id)
    assert all(each.status < Status.VERIFIED for each in book.bases)
