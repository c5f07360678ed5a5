"""Model clauses: each wording, applied as a reform, makes good what the clause is for."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from law_making import place_data
from typer.testing import CliRunner

from own_lawbook import own_lawbook
from tutela.cli import app
from tutela.law.assessing import Assessor, Met
from tutela.law.book import Lawbook
from tutela.law.clauses import Choice, Clause, Option
from tutela.law.countries import Jurisdiction
from tutela.law.drafting import clause_for, draft
from tutela.law.instruments import Addressee
from tutela.law.linting_rules import rule_faults
from tutela.law.model import LegalStatus, Status
from tutela.law.parsing import Reader
from tutela.law.reforming import Reform, reformed
from tutela.primitives.errors import BadInput, NotFound

RUN = CliRunner()
DAY = date(2026, 11, 22)
ISSUE = {
    "UNCC 14": ("UNCC-14-1a", "UNCC-14-1b", "UNCC-14-1c", "UNCC-14-1d", "UNCC-14-2"),
    "UNCC 15": ("UNCC-15-1",),
    "OPSC 2 and 3": (
        "OPSC-2c",
        *("OPSC-3-1a", "OPSC-3-1b", "OPSC-3-1c", "OPSC-3-2", "OPSC-3-3", "OPSC-3-4"),
    ),
    "Lanzarote 20": (*(f"LANZAROTE-20-1{point}" for point in "abcdef"), "LANZAROTE-20-2"),
    "Lanzarote 21 to 23": (
        *("LANZAROTE-21-1a", "LANZAROTE-21-1b", "LANZAROTE-21-1c"),
        *("LANZAROTE-22", "LANZAROTE-23"),
    ),
    "Budapest 9": tuple(f"BUDAPEST-9-1{point}" for point in "abcde")
    + tuple(f"BUDAPEST-9-2{point}" for point in "abc"),
    "provider reporting": ("ICMEC-5", "MNR-17"),
    "preservation": ("UNCC-25", "BUDAPEST-16"),
    "removal": ("UNCC-34-6", "D2011-93-25-1", "MNR-16"),
    "detection safeguards": ("IPU-19", "DSA-8"),
    "victim support": (
        *(f"UNCC-34-{n}" for n in range(1, 6)),
        *(f"OPSC-8-1{point}" for point in "abcdefg"),
        *(f"OPSC-8-{n}" for n in range(2, 7)),
        *("OPSC-9-3", "OPSC-9-4", "IPU-9"),
        *(f"LANZAROTE-31-1{point}" for point in "abcdefg"),
        *(f"LANZAROTE-31-{n}" for n in range(2, 7)),
    ),
}
BOOK = own_lawbook()
STATES = ("IE", "US")  # unchecked law of two shapes; every state passes, and takes long
WORDINGS = [
    pytest.param(clause, option, id=f"{clause.id}-{option.id.value}")
    for clause in BOOK.clauses
    for option in clause.options
]


def place_with_nothing() -> Lawbook:
    """The real instruments over an invented country of which nothing is recorded."""
    reader = Reader(vocabulary=BOOK.vocabulary, sets=BOOK.sets)
    place = reader.build(Jurisdiction, place_data("FR"), where="test")
    return replace(only(BOOK, "FR"), offences=(), measures=(), jurisdiction_entries=(place,))


def only(book: Lawbook, code: str) -> Lawbook:
    """The law of one country: what else the book holds takes time and changes nothing."""
    [place] = [each for each in book.jurisdiction_entries if each.code == code]
    own: dict[str, Any] = {
        kind: tuple(each for each in getattr(book, kind) if each.jurisdiction == code)
        for kind in ("offences", "measures", "rules", "memberships")
    }
    return replace(
        book,
        **own,
        jurisdiction_entries=(replace(place, member_of=()),),
        bases=(),
        contacts=(),
        clauses=(),
    )


def applied(book: Lawbook, clause: Clause, option: Option, code: str) -> Assessor:
    """The country after one wording became law, as `draft` applies it."""
    asked = tuple(each for each in book.requirements if each.id in clause.for_)
    reform = Reform(title=clause.title, adds=option.made, takes_over=True)
    # the variations of an instrument stand beside any of its requirements
    instruments = {each.instrument for each in asked}
    near = tuple(
        each
        for each in book.requirements
        if each in asked or (each.instrument in instruments and each.variations)
    )
    return Assessor(reformed(replace(book, requirements=near), reform, code, on=DAY), as_of=DAY)


@pytest.mark.parametrize(("clause", "option"), WORDINGS)
def test_a_wording_meets_what_its_clause_is_for(clause: Clause, option: Option) -> None:
    """Where nothing is recorded. What the wording leaves out, a variation permits, in brackets."""
    nothing = place_with_nothing()
    before, after = Assessor(nothing, as_of=DAY), applied(nothing, clause, option, "FR")
    offered = {each.variation for each in option.brackets}
    for name in clause.for_:
        requirement = nothing.requirement(name)
        assert before.assess(requirement, "FR").outcome is Met.UNKNOWN
        found = after.assess(requirement, "FR")
        assert found.outcome.good, (name, found.failing())
        assert set(found.variations_used) <= offered, name


@pytest.mark.parametrize("code", STATES)
def test_a_wording_meets_it_beside_recorded_law(code: str) -> None:
    """With all that is recorded there, unchecked or not: the clause alone governs its acts."""
    country = only(BOOK, code)
    for clause in BOOK.clauses:
        for option in clause.options:
            after = applied(country, clause, option, code)
            for name in clause.for_:
                found = after.assess(BOOK.requirement(name), code)
                assert found.outcome.good, (clause.id, option.id, name, found.failing())


def test_the_clauses_of_the_issue_are_there() -> None:
    covered = {name for clause in BOOK.clauses for name in clause.for_}
    for what, names in ISSUE.items():
        assert set(names) <= covered, what


def test_a_requirement_has_one_clause() -> None:
    listed = [name for clause in BOOK.clauses for name in clause.for_]
    assert len(listed) == len(set(listed))
    for name in listed:
        assert BOOK.requirement(name).addressee in {Addressee.STATE, Addressee.PARLIAMENT}
        assert name in clause_for(BOOK, name).for_


def test_every_clause_has_a_floor_and_another_wording() -> None:
    for clause in BOOK.clauses:
        choices = [option.id for option in clause.options]
        assert len(choices) == len(set(choices)) >= 2, clause.id
        assert Choice.FLOOR in choices, clause.id
        said = {(each.text, *(one.text for one in each.brackets)) for each in clause.options}
        assert len(said) == len(choices), clause.id
        assert len(clause.note) > 100, clause.id


def test_the_note_on_childrens_rights_speaks_of_each_article() -> None:
    for clause in BOOK.clauses:
        said = clause.childrens_rights
        parts = re.findall(r"CRC (3|12|16): ([^.]{30,}\.)", said)
        assert [number for number, _ in parts] == ["3", "12", "16"], clause.id
    notes = [clause.childrens_rights for clause in BOOK.clauses]
    assert len(notes) == len(set(notes))


def brackets() -> Iterator[tuple[str, Option, str | None]]:
    for clause in BOOK.clauses:
        for option in clause.options:
            for each in option.brackets:
                yield clause.id, option, each.variation


def test_every_bracket_is_resolved_in_the_text() -> None:
    for clause in BOOK.clauses:
        for option in clause.options:
            found = draft(only_clause(clause), "IE", clause.for_, option=option.id, as_of=DAY)
            [drafted] = found.clauses
            assert drafted.option is option.id
            assert "[[" not in drafted.text, clause.id
            for bracket in option.brackets:
                assert f"[{bracket.text}]" in drafted.text, (clause.id, bracket.id)
                assert bracket.choice


def only_clause(clause: Clause) -> Lawbook:
    """A book that is quick to reform: one country, one clause and its requirements."""
    asked = tuple(each for each in BOOK.requirements if each.id in clause.for_)
    return replace(only(BOOK, "IE"), requirements=asked, clauses=(clause,))


def test_a_bracket_names_a_variation_that_a_treaty_permits() -> None:
    permitted = {each.id for requirement in BOOK.requirements for each in requirement.variations}
    named = {variation for _, _, variation in brackets() if variation is not None}
    assert named <= permitted
    assert named >= {
        *("UNCC-14-2-text", "UNCC-14-3", "UNCC-14-4a", "UNCC-14-4b"),
        *("UNCC-15-2", "UNCC-15-3", "UNCC-15-4"),
        *("LANZAROTE-20-3", "LANZAROTE-20-4", "LANZAROTE-21-2", "LANZAROTE-24-3"),
        *("BUDAPEST-9-3", "BUDAPEST-9-4"),
    }


def test_what_a_wording_makes_is_a_draft_in_the_words_of_the_book() -> None:
    for clause in BOOK.clauses:
        for option in clause.options:
            made = option.made
            entries: tuple[Any, ...] = (*made.offences, *made.measures, *made.rules, *made.bases)
            for entry in entries:
                assert entry.id.startswith(f"xx.{clause.id}."), entry.id
                assert entry.legal_status is LegalStatus.BILL
                assert not entry.in_force.covers(DAY)
            assert {each.measure for each in made.measures} <= set(BOOK.terms)
            for rule in made.rules:
                assert list(rule_faults(rule, BOOK.vocabulary)) == []


def test_floor_and_strict_differ_by_the_variations() -> None:
    nothing, clause = place_with_nothing(), clause_for(BOOK, "UNCC-14-1c")
    requirement = BOOK.requirement("UNCC-14-1c")
    used = {
        option.id: set(
            applied(nothing, clause, option, "FR").assess(requirement, "FR").variations_used
        )
        for option in clause.options
    }
    assert used == {
        Choice.FLOOR: {"UNCC-14-3", "UNCC-14-4a", "UNCC-14-4b"},
        Choice.LANZAROTE: {"UNCC-14-3", "UNCC-14-4a"},
        Choice.ICMEC: {"UNCC-14-3", "UNCC-14-4a"},
        Choice.STRICT: {"UNCC-14-4a"},
    }


def test_the_detection_clause_holds_every_safeguard() -> None:
    clause = clause_for(BOOK, "IPU-19")
    safeguards = {
        "basis": "Without a basis in force, and in doubt about one, no detector runs",
        "known items": "known child sexual abuse material",
        "necessity": "only as far as it is necessary and the least intrusive means",
        "no general monitoring": "Nobody is obliged to monitor generally",
        "encryption": "weaken or break encryption",
        "human confirmation": "a trained person who was not under pressure of time confirms it",
        "deletion": "What does not match leaves no record and is deleted at once",
        "redress": "gets back what was taken",
        "transparency": "Each year the provider publishes volumes",
        "an end": "ceases to apply after",
    }
    for option in clause.options:
        for what, words in safeguards.items():
            assert words in option.text, (option.id, what)
        stances = {
            (basis.tier.value, channel.value): basis.stance.value
            for basis in option.made.bases
            for channel in basis.channels
        }
        assert {tier for (tier, _), stance in stances.items() if stance == "permitted"} == {
            "known_hash"
        }
        assert stances["known_hash", "end_to_end_encrypted"] == "forbidden"
        assert stances["known_hash", "audio"] == "forbidden"
        assert all(rule.action.value != "detect" for rule in option.made.rules)


def test_a_child_with_an_image_of_itself_is_no_offender() -> None:
    own = {"offender.age", "conduct.self_depicting"}
    for clause in BOOK.clauses:
        if not clause.id.startswith(("uncc-14", "opsc-2", "opsc-3-material", "lanzarote-20")):
            continue
        for option in clause.options:
            for offence in option.made.offences:
                [exception] = [each for each in offence.unless if each.id == "own-image"]
                parts = getattr(exception.when, "parts", ())
                assert {part.fact for part in parts} == own, offence.id


def test_a_wording_that_lacks_is_named_and_the_floor_taken() -> None:
    clause = clause_for(BOOK, "LANZAROTE-22")
    found = draft(only_clause(clause), "IE", ["LANZAROTE-22"], option=Choice.ICMEC, as_of=DAY)
    [drafted] = found.clauses
    assert drafted.asked is Choice.ICMEC
    assert drafted.option is Choice.FLOOR


def test_two_requirements_of_one_clause_give_it_once() -> None:
    clause = clause_for(BOOK, "UNCC-14-1c")
    found = draft(only_clause(clause), "IE", ["UNCC-14-1c", "ICMEC-4"], as_of=DAY)
    assert [each.clause for each in found.clauses] == ["uncc-14-possessing"]


def test_what_has_no_clause_is_refused_with_what_has() -> None:
    with pytest.raises(NotFound, match="no model clause for IPU-17") as refused:
        draft(BOOK, "IE", ["IPU-17"], as_of=DAY)
    assert "UNCC-14-1c" in str(refused.value.remedy)
    with pytest.raises(BadInput, match="No requirement is named"):
        draft(BOOK, "IE", [], as_of=DAY)
    with pytest.raises(NotFound):
        draft(BOOK, "IE", ["UNCC-99"], as_of=DAY)
    with pytest.raises(NotFound):
        draft(BOOK, "QQ", ["UNCC-14-1c"], as_of=DAY)


def run(*words: str) -> str:
    result = RUN.invoke(app, ["law", "draft", *words], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_the_command_proves_the_clause_for_ireland() -> None:
    words = ("--jurisdiction", "IE", "--for", "UNCC-14-1c, ICMEC-4", "--option", "floor")
    data = json.loads(run(*words, "--as-of", "2026-11-22", "--json"))
    turned = {each["requirement"]: each for each in data["effect"]["changes"]}
    assert turned["UNCC-14-1c"]["before"] == "unknown"
    assert turned["UNCC-14-1c"]["after"] == "met_with_variation"
    assert turned["ICMEC-4"]["after"] == "met"
    assert turned["LANZAROTE-20-1e"]["after"] == "partly", "what the floor gives up is shown"
    assert data["effect"]["added"] == ["ie.uncc-14-possessing.possess"]
    [taken] = data["effect"]["taken_over"]
    assert taken == {"offence": "ie.ctpa-1998-s6.possess", "acts": ["possess"]}
    assert data["effect"]["floor"] == Status.SECONDARY.value


def test_the_command_for_people() -> None:
    words = ("--jurisdiction", "IE", "--for", "UNCC-15-1", "--option", "icmec")
    out = " ".join(run(*words, "--as-of", "2026-11-22").split())
    for said in (
        "There is no icmec wording; this is floor.",
        "Permitted by UNCC-15-2.",
        "Drafting note:",
        "Children's rights: CRC 3:",
        "Takes over from ie.sexual-offences-2017.groom: groom",
        "As if in force in IE on 2026-11-22",
        "met with variation",
    ):
        assert said in out
