"""Korea, India, the Philippines, Brazil, South Africa, Kenya and Russia as the lawbook has them."""

from datetime import date, timedelta
from pathlib import Path

import pytest

import tutela
from tutela.law.clocks import ClockState
from tutela.law.duties import duties
from tutela.law.loading import Lawbook
from tutela.law.model import ClockKind, LegalStatus, Status, Truth
from tutela.law.punishing import Punished, punished

LAWBOOK = Path(tutela.__file__).parent / "lawbook"
DAY = date(2026, 11, 21)
MINE = ("KR", "IN", "PH", "BR", "ZA", "KE", "RU")
REAL_PHOTO: dict[str, object] = {
    "conduct.act": "possess",
    "conduct.by_ict": True,
    "material.medium": "photo",
    "material.depiction": "real_child",
    "victim.age": 12,
}
CONTENT: dict[str, object] = {"material.content": "real_activity"}  # recorded for Brazil only
DRAWING = REAL_PHOTO | {"material.medium": "drawing", "material.depiction": "virtual_child"}
GROOMING: dict[str, object] = {"conduct.act": "groom", "conduct.by_ict": True, "victim.age": 11}


def judged(
    book: Lawbook, code: str, facts: dict[str, object], floor: Status = Status.RECALLED
) -> Punished:
    return punished(book, code, book.vocabulary.admit(facts), as_of=DAY, floor=floor)


@pytest.mark.parametrize(("age", "outcome"), [(17, Truth.YES), (18, Truth.YES), (19, Truth.NO)])
def test_korea_protects_below_nineteen(book: Lawbook, age: int, outcome: Truth) -> None:
    answer = judged(book, "KR", REAL_PHOTO | {"victim.age": age})
    assert answer.outcome is outcome
    if outcome is Truth.NO:
        assert answer.nearest is not None
        assert answer.nearest.fails == "age"


def test_korea_asks_of_a_drawing_whether_the_figure_is_obviously_a_minor(book: Lawbook) -> None:
    unknown = judged(book, "KR", DRAWING)
    assert unknown.outcome is Truth.UNKNOWN
    assert [each.fact for each in unknown.missing] == ["material.obviously_minor"]
    assert judged(book, "KR", DRAWING | {"material.obviously_minor": True}).outcome is Truth.YES
    assert judged(book, "KR", DRAWING | {"material.obviously_minor": False}).outcome is Truth.NO


@pytest.mark.parametrize("code", MINE)
def test_what_is_only_recalled_says_nothing_at_the_usual_floor(book: Lawbook, code: str) -> None:
    said = REAL_PHOTO | {
        "material.obviously_minor": True,
        "conduct.failed_to_report": True,
        **{each: True for each in book.vocabulary.facts if each.endswith("_reach")},
        **(CONTENT if code == "BR" else {}),
    }
    assert judged(book, code, said, Status.SECONDARY).outcome is Truth.UNKNOWN
    assert judged(book, code, said).outcome is Truth.YES


def test_india_punishes_keeping_only_with_the_failure_to_report(book: Lawbook) -> None:
    assert judged(book, "IN", REAL_PHOTO).outcome is Truth.UNKNOWN
    assert judged(book, "IN", REAL_PHOTO | {"conduct.failed_to_report": False}).outcome is Truth.NO
    viewing = REAL_PHOTO | {"conduct.act": "access", "conduct.by_ict": False}
    without = viewing | {"conduct.failed_to_report": True, "conduct.control": False}
    assert judged(book, "IN", without).outcome is Truth.NO
    assert judged(book, "IN", without | {"conduct.control": True}).outcome is Truth.YES


def test_philippines_protect_who_is_presented_as_a_child_whatever_the_age(book: Lawbook) -> None:
    adult = REAL_PHOTO | {
        "victim.age": 25,
        "material.depiction": "apparent_child",
        "victim.unable_to_protect_self": False,
    }
    assert judged(book, "PH", adult | {"material.presented_as_child": True}).outcome is Truth.YES
    assert judged(book, "PH", adult).outcome is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("code", "age", "outcome"),
    [
        ("BR", 11, Truth.YES),
        ("BR", 12, Truth.NO),
        ("ZA", 17, Truth.YES),
        ("ZA", 18, Truth.NO),
        ("PH", 17, Truth.YES),
        ("IN", 17, Truth.YES),
        ("KR", 18, Truth.YES),
        ("KE", 11, Truth.UNKNOWN),
        ("RU", 11, Truth.UNKNOWN),
    ],
)
def test_luring_and_grooming_end_at_different_ages(
    book: Lawbook, code: str, age: int, outcome: Truth
) -> None:
    assert judged(book, code, GROOMING | {"victim.age": age}).outcome is outcome


@pytest.mark.parametrize("code", ["BR", "ZA", "KE", "RU"])
def test_sections_known_by_number_only_are_asked_of_counsel(book: Lawbook, code: str) -> None:
    answer = judged(book, code, REAL_PHOTO | (CONTENT if code == "BR" else {}))
    assert answer.outcome is Truth.UNKNOWN
    assert [each.fact for each in answer.missing] in (
        [f"counsel.{code.lower()}_sections_reach"],
        ["counsel.ru_articles_reach"],
    )


def test_south_africas_72_hours_bind_nobody(book: Lawbook) -> None:
    (rule,) = book.editions("za.cybercrimes-54.report")
    assert rule.legal_status is LegalStatus.ENACTED_NOT_COMMENCED
    assert rule.in_force.from_ is None
    facts = {"counsel.za_cybercrimes_54": True, "event.knowledge_at": "2026-11-21T08:00:00Z"}
    for years in range(-5, 20, 5):
        on = DAY + timedelta(days=365 * years)
        duty = duties(book, facts, on, floor=Status.RECALLED, jurisdictions=["ZA"]).of(rule.id)
        assert duty.outcome is Truth.NO
        assert duty.due is None


def test_a_deadline_left_to_regulation_is_never_a_moment(book: Lawbook) -> None:
    facts = {
        "counsel.br_lei_15211": True,
        "service.available_in": ["BR"],
        "event.detected_at": "2026-11-01T08:00:00Z",
        "event.reported_to_br_authorities_at": "none",
        "decision.apparent_csam": True,
    }
    answer = duties(book, facts, DAY, floor=Status.RECALLED, jurisdictions=["BR"])
    due = answer.of("br.lei-15211-27.report").due
    assert due is not None
    assert (due.kind, due.due_at, due.standard) == (ClockKind.DELEGATED, None, None)
    assert due.delegated_to is not None
    assert due.state is ClockState.RUNNING


@pytest.mark.parametrize(
    ("code", "bound", "rule_id"),
    [
        ("ZA", "counsel.za_fpa_27a", "za.fpa-27A.preserve"),
        ("PH", "counsel.ph_ra_11930", "ph.ra11930.preserve"),
    ],
)
def test_a_keeping_without_a_recorded_period_never_ends(
    book: Lawbook, code: str, bound: str, rule_id: str
) -> None:
    facts = {bound: True, "decision.apparent_csam": True, "event.knowledge_at": "2026-11-21T08:00Z"}
    answer = duties(book, facts, date(2036, 1, 1), floor=Status.RECALLED, jurisdictions=[code])
    assert [each.until for each in answer.of(rule_id).keep] == [None]
    assert answer.preservation.required is Truth.YES
    assert answer.preserve_until is None


def test_kenya_is_recorded_without_a_duty_and_shown_as_not_covered(book: Lawbook) -> None:
    assert "KE" in book.countries
    answer = duties(book, {"provider.established_in": "KE"}, DAY)
    assert "KE" in answer.uncovered


@pytest.mark.parametrize("code", [code for code in MINE if code != "KE"])
def test_each_has_eight_cases_with_a_boundary_and_an_unknown(code: str) -> None:
    cases = sorted((LAWBOOK / code.lower() / "cases").glob("*.yaml"))
    assert len(cases) >= 8
    names = " ".join(path.stem for path in cases)
    assert all(name in names for name in ("day-before", "first-day", "day-after"))
    assert any("outcome: unknown" in path.read_text("utf-8") for path in cases)


def test_nothing_here_claims_to_be_verified(book: Lawbook) -> None:
    mine = [each for each in book.offences if each.jurisdiction in MINE]
    assert {each.jurisdiction for each in mine} == set(MINE)
    assert all(each.status < Status.VERIFIED for each in mine)
    assert all(rule.status is Status.RECALLED for rule in book.rules if rule.jurisdiction in MINE)
