"""What looks like law and is not: a bill, an uncommenced section, a dead line, a wrong number.

Wrong numbers and bills among the instruments are refused in `test_lawbook_instruments_refused.py`;
here is what is refused of a country, and what is shown as what it is.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from law_making import CITED, CONDUCT, DAY, SPAN, Maker
from typer.testing import CliRunner

from tutela.adapters.languages import load_languages
from tutela.cli import app
from tutela.cli.presenting import OUT
from tutela.law.answers import State
from tutela.law.assessing import Assessor, Met
from tutela.law.book import Lawbook
from tutela.law.countries import Contact
from tutela.law.duties import duties
from tutela.law.linting import faults
from tutela.law.model import LegalStatus, Rule, Status, Truth
from tutela.law.offences import Offence
from tutela.law.parsing import Reader
from tutela.law.punishing import punished
from tutela.oversight import drawing, law_pages
from tutela.oversight.law_words import LAW_WORDS
from tutela.oversight.timeline import of_place
from tutela.primitives.errors import BadInput

RUN = CliRunner()
DAYS = [date(year, 11, 21) for year in (2000, 2020, 2026, 2030, 2060)]
NOT_LAW_YET = (
    LegalStatus.BILL,
    LegalStatus.AGREED_NOT_ADOPTED,
    LegalStatus.ENACTED_NOT_COMMENCED,
)


def told(*words: str) -> str:
    done = RUN.invoke(app, ["law", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


# --- A bill, or a section that has not commenced --------------------------------------------


def test_the_book_has_bills_and_uncommenced_sections(book: Lawbook) -> None:
    named = {rule.id for rule in book.rules if rule.legal_status in NOT_LAW_YET}
    assert {"ca.bill-c16.preserve", "ca.bill-c16.takedown", "za.cybercrimes-54.report"} <= named


def test_what_is_not_law_yet_has_no_day_on_which_it_holds(book: Lawbook) -> None:
    entries: tuple[Any, ...] = (
        *book.rules,
        *book.offences,
        *book.measures,
        *book.bases,
        *book.instruments,
    )
    pending = [each for each in entries if each.legal_status in NOT_LAW_YET]
    assert len(pending) >= 8
    for each in pending:
        assert each.in_force.from_ is None, each.id
        assert not any(each.in_force.covers(day) for day in DAYS), each.id


@pytest.mark.parametrize("day", DAYS)
def test_no_fact_makes_a_bill_or_an_uncommenced_section_bind(book: Lawbook, day: date) -> None:
    everything = {
        fact.name: True
        for fact in book.vocabulary.facts.values()
        if fact.kind.value == "bool" and fact.name.startswith(("counsel.", "decision.", "event."))
    }
    facts = everything | {
        "event.knowledge_at": "2026-11-21T08:00:00Z",
        "provider.established_in": "ZA",
        "service.users_in": ["CA", "ZA"],
    }
    answer = duties(book, facts, day, floor=Status.RECALLED, jurisdictions=["CA", "ZA"])
    for name in ("ca.bill-c16.preserve", "ca.bill-c16.takedown", "za.cybercrimes-54.report"):
        duty = answer.of(name)
        assert duty.state is State.NOT_IN_FORCE
        assert duty.due is None
        assert not any(name in report.rules for report in answer.resolution.reports)


@pytest.mark.parametrize("status", ["bill", "agreed_not_adopted", "enacted_not_commenced"])
def test_a_day_on_what_is_not_law_yet_is_refused(
    status: str, make_rule: Callable[..., Rule], book_of: Callable[..., Lawbook]
) -> None:
    (fault,) = [each for each in faults(book_of(make_rule(legal_status=status))) if status in each]
    assert "it is null until it commences" in fault


def test_a_bill_called_law_needs_the_day_it_lacks(
    make_rule: Callable[..., Rule], book_of: Callable[..., Lawbook]
) -> None:
    bill = make_rule(in_force={"from": None, "to": None, "before": "not_law", **CITED})
    found = faults(book_of(bill))
    assert any("in_force.from does not fit legal_status in_force" in each for each in found)


def test_a_bill_punishes_nobody_and_meets_nothing(book: Lawbook) -> None:
    maker = Maker(book)
    asked = maker.requirement()
    bill = {"legal_status": "bill", "in_force": SPAN | {"from": None}}
    for changes, outcome, met in (
        ({}, Truth.YES, Met.MET),
        (bill, Truth.NO, Met.NOT_MET),
    ):
        held = maker.book_with(offences=[maker.offence(**changes)], requirements=[asked])
        found = punished(held, "DE", held.vocabulary.admit(CONDUCT), as_of=DAY)
        assert found.outcome is outcome
        assessed = Assessor(held, as_of=DAY, floor=Status.SECONDARY).assess(asked, "DE")
        assert assessed.outcome is met


def test_an_uncommenced_section_is_listed_as_such_for_people(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = json.loads(told("show", "za.cybercrimes-54.report", "--json"))["editions"][0]
    assert (shown["legal_status"], shown["in_force"]["from"]) == ("enacted_not_commenced", None)
    monkeypatch.setattr(OUT, "_width", 160)
    listed = told("rules")
    assert "not law: enacted not commenced" in listed
    assert listed.count("not law: bill") == 2
    assert LAW_WORDS["legal_status"]["enacted_not_commenced"] == "enacted, not commenced"
    assert LAW_WORDS["legal_status"]["bill"] == "bill, not law"


def test_the_page_of_a_place_says_bill_beside_the_bill(book: Lawbook) -> None:
    assert "bill, not law" in page(book, "CA")
    assert "enacted, not commenced" in page(book, "ZA")


# --- A hotline whose address is dead --------------------------------------------------------


def dead(**changes: object) -> Contact:
    data = {"id": "ie.hotline.dead", "jurisdiction": "IE", "role": "hotline", "name": "A dead line"}
    return Reader(sets={}).build(
        Contact, data | {"url": "https://dead.invalid/", **CITED} | changes, where="test"
    )


def page(book: Lawbook, code: str, day: date = DAYS[2]) -> str:
    """A jurisdiction's page, without the frame around it."""
    language = load_languages("console")["en"]
    made = drawing.environment([drawing.TEMPLATES], language, LAW_WORDS)
    drawn = made.get_template("law_place.html").render(
        layout=made.from_string("{% block main %}{% endblock %}"),
        language=language,
        place=law_pages.place(book, code, on=day),
        line=of_place(book, code, day=day),
        link=lambda kind, name: f"/{kind}/{name}",
    )
    return " ".join(drawn.split())


def test_an_address_nobody_tried_is_shown_as_not_tested_on_the_page(book: Lawbook) -> None:
    spoiled = replace(book, contacts=(dead(),))
    assert faults(spoiled) == (), "no lint can tell that an address is dead"
    drawn = page(spoiled, "IE")
    assert "https://dead.invalid/" in drawn
    assert drawn.count("not tested") == 1
    assert 'href="https://dead.invalid/' not in drawn, "nobody is sent to an untested address"
    tried = replace(book, contacts=(dead(tested="2026-11-20"),))
    assert "tested on 2026-11-20" in page(tried, "IE")
    assert "not tested" not in page(tried, "IE")


def test_no_contact_of_the_book_claims_to_have_been_tried(book: Lawbook) -> None:
    assert [each.id for each in book.contacts if each.tested] == []
    places = {each.jurisdiction for each in book.contacts}
    for code in sorted(places)[::5]:
        count = sum(each.jurisdiction == code for each in book.contacts)
        assert page(book, code).count("not tested") == count


def test_the_command_says_not_tested(book: Lawbook, monkeypatch: pytest.MonkeyPatch) -> None:
    spoiled = replace(book, contacts=(dead(),))
    monkeypatch.setattr("tutela.cli.law_search.the_lawbook", lambda: spoiled)
    assert "not tested" in told("show", "ie.hotline.dead")
    tried = replace(book, contacts=(dead(tested="2026-11-20"),))
    monkeypatch.setattr("tutela.cli.law_search.the_lawbook", lambda: tried)
    shown = told("show", "ie.hotline.dead")
    assert "not tested" not in shown
    assert "tested: 2026-11-20" in shown


def test_a_number_of_0_is_shown_as_one(book: Lawbook, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = next(each for each in book.rules if each.unless)
    first = replace(rule.unless[0], priority=0)
    zero = replace(book, rules=(replace(rule, unless=(first,)),))
    monkeypatch.setattr("tutela.cli.law_search.the_lawbook", lambda: zero)
    assert "priority: 0" in told("show", rule.id)


def test_a_test_day_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput, match="expected a date"):
        dead(tested="last week")


# --- An edition outside its dates -----------------------------------------------------------


def test_a_lapsed_text_is_shown_with_its_end(book: Lawbook) -> None:
    lapsed = [each for each in book.bases if each.legal_status is LegalStatus.LAPSED]
    assert lapsed
    for each in lapsed:
        assert each.in_force.to is not None, each.id
        assert each.in_force.after is not None, each.id
        assert not each.in_force.covers(each.in_force.to), each.id


def test_an_offence_without_a_day_is_not_built() -> None:
    with pytest.raises(BadInput, match="missing keys"):
        Reader(sets={}).build(Offence, {"id": "no.x", "jurisdiction": "NO"}, where="test")
