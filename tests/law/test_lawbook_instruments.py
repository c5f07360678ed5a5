"""The instruments of the lawbook: complete, marked as the facts are, and dated."""

import re
from datetime import date
from pathlib import Path

import pytest

from tutela.law.instruments import Addressee, Effect, InstrumentKind, Requirement, WhoMay
from tutela.law.linting import cited_parts
from tutela.law.loading import Lawbook
from tutela.law.model import Beyond, LegalStatus, Status
from tutela.primitives.errors import NotFound

INSTRUMENTS = (
    *("UNCC", "CRC", "ICCPR", "OPSC", "C156", "LANZAROTE", "BUDAPEST", "PALERMO", "MALABO"),
    *("D2011-93", "RECAST", "INTERIM-2021", "INTERIM-2026", "CSAR", "DSA", "ACRWC"),
    *("MNR", "IPU", "ICMEC"),
)
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "instruments.md"
MOST_CONDUCTS = 60
UNCC_REST = (
    *("2e", "2h", "2o", "4", "6", "16", "17", "18", "19", "20", "21", "22-1", "22-2", "22-3"),
    *("23", "24", "25", "26", "27", "28", "29", "30", "31", "34-1", "34-2", "34-3", "34-4"),
    *("34-5", "34-6", "35-1", "35-2", "36", "37", "40", "41", "42", "43", "44", "47", "53", "57"),
)


def ids(book: Lawbook, instrument: str) -> list[str]:
    return [each.id.removeprefix(f"{instrument}-") for each in book.requirements_of(instrument)]


def variations(book: Lawbook, instrument: str) -> dict[str, tuple[Effect, WhoMay]]:
    return {
        variation.id: (variation.effect, variation.who_may)
        for each in book.requirements_of(instrument)
        for variation in each.variations
    }


def elements_excused_by(book: Lawbook, variation: str) -> set[str]:
    return {
        f"{each.id} {element.id}"
        for each in book.requirements
        for element in each.elements
        if variation in element.variations
    }


def test_every_instrument_is_there_once(book: Lawbook) -> None:
    assert sorted(each.id for each in book.instruments) == sorted(INSTRUMENTS)


@pytest.mark.parametrize(("instrument", "count"), [("IPU", 22), ("MNR", 21), ("ICMEC", 5)], ids=str)
def test_lists_are_complete_and_in_order(book: Lawbook, instrument: str, count: int) -> None:
    assert ids(book, instrument) == [str(n) for n in range(1, count + 1)]


def test_un_convention_is_complete(book: Lawbook) -> None:
    articles = {"14-1a", "14-1b", "14-1c", "14-1d", "14-2", "14-5", "15-1"}
    assert set(ids(book, "UNCC")) == articles | set(UNCC_REST)
    assert variations(book, "UNCC") == {
        "UNCC-14-2-text": (Effect.EXTENDS, WhoMay.STATE_CHOICE),
        "UNCC-14-3": (Effect.NARROWS, WhoMay.STATE_CHOICE),
        "UNCC-14-4a": (Effect.EXCLUDES, WhoMay.STATE_CHOICE),
        "UNCC-14-4b": (Effect.EXCLUDES, WhoMay.STATE_CHOICE),
        "UNCC-15-2": (Effect.NARROWS, WhoMay.STATE_CHOICE),
        "UNCC-15-3": (Effect.EXTENDS, WhoMay.STATE_CHOICE),
        "UNCC-15-4": (Effect.EXCLUDES, WhoMay.STATE_CHOICE),
        "UNCC-23-3": (Effect.NARROWS, WhoMay.RESERVATION),
    }


@pytest.mark.parametrize(
    ("requirement", "acts"),
    [
        ("UNCC-14-1a", "produce offer sell distribute transmit display publish"),
        ("UNCC-14-1b", "solicit_material procure access"),
        ("UNCC-14-1c", "possess"),
        ("UNCC-14-1d", "finance"),
        ("OPSC-3-1c", "produce distribute transmit import_export offer sell possess"),
        ("BUDAPEST-9-1e", "possess"),
    ],
)
def test_every_act_is_asked_for_at_every_age(book: Lawbook, requirement: str, acts: str) -> None:
    asked = {
        (conduct["conduct.act"], conduct["victim.age"])
        for element in book.requirement(requirement).elements
        if element.conduct
        for conduct in element.conduct.each()
        if conduct["material.depiction"] == "real_child"
    }
    assert {(act, age) for act in acts.split() for age in (8, 13, 15, 17)} <= asked
    assert {act for act, _ in asked} == set(acts.split())


def test_five_limbs_of_the_definition(book: Lawbook) -> None:
    limbs = {
        str(conduct["material.content"])
        for element in book.requirement("UNCC-14-2").elements
        if element.conduct
        for conduct in element.conduct.each()
        if "material.content" in conduct
    }
    assert limbs == set(book.vocabulary.fact("material.content").allowed)


def test_virtual_material_is_optional_but_torture_never(book: Lawbook) -> None:
    excused = elements_excused_by(book, "UNCC-14-3")
    assert {"UNCC-14-1a drawn_virtual", "UNCC-14-1c realistic_virtual"} <= excused
    limbs = {each.id: each.variations for each in book.requirement("UNCC-14-2").elements}
    assert limbs["sexual_torture"] == ()
    assert elements_excused_by(book, "UNCC-14-4b") == {
        "UNCC-14-1a private_consensual",
        "UNCC-14-1c private_consensual",
    }
    assert all("OPSC" not in each for each in excused)


def test_more_protective_duties_prevail(book: Lawbook) -> None:
    prevailing = book.requirement("UNCC-14-5")
    assert set(prevailing.prevails_over) == {f"UNCC-14-{x}" for x in ("1a", "1b", "1c", "1d", "2")}
    for name in prevailing.prevails_over:
        assert "UNCC-14-5" in book.requirement(name).yields_to
    assert "OPSC-2c" in book.requirement("UNCC-14-2").yields_to
    assert book.requirement("IPU-18").yields_to == ("DSA-8",)


def test_possession_in_opsc_only_for_distribution(book: Lawbook) -> None:
    for element in book.requirement("OPSC-3-1c").elements:
        assert element.conduct is not None
        for conduct in element.conduct.each():
            assert conduct["conduct.act"] != "possess" or conduct["conduct.for_distribution"]
    acts = {
        conduct["conduct.act"]
        for instrument in ("OPSC", "BUDAPEST")
        for each in book.requirements_of(instrument)
        for element in each.elements
        if element.conduct
        for conduct in element.conduct.each()
    }
    assert "access" not in acts


@pytest.mark.parametrize(
    ("variation", "elements"),
    [
        ("LANZAROTE-20-3", {f"LANZAROTE-20-1{x}" for x in "ae"}),
        ("LANZAROTE-20-4", {"LANZAROTE-20-1f"}),
        ("LANZAROTE-21-2", {"LANZAROTE-21-1c"}),
        ("LANZAROTE-24-3", {"LANZAROTE-24-2"}),
        ("LANZAROTE-25-3", {"LANZAROTE-25-1e"}),
        ("LANZAROTE-25-5", {"LANZAROTE-25-4"}),
        ("BUDAPEST-9-4", {f"BUDAPEST-9-{x}" for x in ("1d", "1e", "2b", "2c")}),
        ("BUDAPEST-29-4", {"BUDAPEST-29-3"}),
        ("D2011-93-5-8", {"D2011-93-5-2", "D2011-93-5-6"}),
    ],
)
def test_reservations_reach_what_the_text_says(
    book: Lawbook, variation: str, elements: set[str]
) -> None:
    assert {each.split()[0] for each in elements_excused_by(book, variation)} == elements


def test_the_lower_age_of_budapest_excuses_only_16_and_17(book: Lawbook) -> None:
    for requirement in book.requirements_of("BUDAPEST"):
        for element in requirement.elements:
            if "BUDAPEST-9-3" in element.variations and element.conduct:
                assert {each["victim.age"] for each in element.conduct.each()} == {17}


def test_every_variation_but_an_extension_excuses_an_element(book: Lawbook) -> None:
    for instrument in INSTRUMENTS:
        for name, (effect, _) in variations(book, instrument).items():
            assert bool(elements_excused_by(book, name)) != (effect is Effect.EXTENDS), name


def test_families_of_conducts_are_small(book: Lawbook) -> None:
    for requirement in book.requirements:
        for element in requirement.elements:
            if element.conduct is not None:
                conducts = list(element.conduct.each())
                assert 0 < len(conducts) <= MOST_CONDUCTS, f"{requirement.id} {element.id}"


def test_ordinary_facts_are_named_only_to_say_otherwise(book: Lawbook) -> None:
    usual = {each.fact: each.value for each in book.ordinary}
    restated = {
        (fact, value)
        for requirement in book.requirements
        for element in requirement.elements
        if element.conduct
        for conduct in element.conduct.each()
        for fact, value in conduct.items()
        if usual.get(fact) == value and fact in usual
    }
    # Said again where the text itself says it: material acts, technology, whatever the intent.
    assert restated == {
        ("conduct.step_taken", True),
        ("conduct.by_ict", True),
        ("conduct.for_distribution", False),
    }


@pytest.mark.parametrize(
    ("requirement", "most"),
    [
        ("UNCC-14-1a", Status.SINGLE_REVIEWER),
        ("UNCC-15-1", Status.SINGLE_REVIEWER),
        ("UNCC-16", Status.RECALLED),
        ("UNCC-34-6", Status.RECALLED),
        ("CRC-16", Status.SINGLE_REVIEWER),
        ("OPSC-5-3", Status.RECALLED),
        ("C156-61-virtual", Status.SINGLE_REVIEWER),
        ("C156-sextortion", Status.RECALLED),
        ("LANZAROTE-20-1e", Status.SINGLE_REVIEWER),
        ("LANZAROTE-31-5", Status.RECALLED),
        ("D2011-93-5-2", Status.RECALLED),
        ("D2011-93-5-3", Status.SECONDARY),
        ("D2011-93-25-1", Status.SINGLE_REVIEWER),
        ("RECAST-sextortion", Status.SECONDARY),
        ("INTERIM-2026-1-3", Status.SECONDARY),
        ("DSA-8", Status.SECONDARY),
        ("MNR-3", Status.RECALLED),
        ("MNR-12", Status.SINGLE_REVIEWER),
        ("IPU-18", Status.SINGLE_REVIEWER),
        ("ICMEC-4", Status.SINGLE_REVIEWER),
        ("MALABO-29-3", Status.RECALLED),
        ("ACRWC-27", Status.RECALLED),
    ],
)
def test_no_mark_is_raised(book: Lawbook, requirement: str, most: Status) -> None:
    assert book.requirement(requirement).status is most


def test_un_convention_from_article_16_on_is_recalled(book: Lawbook) -> None:
    for each in book.requirements_of("UNCC"):
        number = re.match(r"\d+", each.locator)
        assert number is not None
        read = int(number.group()) <= 15
        assert each.status is (Status.SINGLE_REVIEWER if read else Status.RECALLED), each.id


def test_nothing_is_verified(book: Lawbook) -> None:
    for each in (*book.instruments, *book.requirements):
        assert all(part.status < Status.VERIFIED for _, part in cited_parts(each, "it"))


def test_un_convention_is_not_in_force(book: Lawbook) -> None:
    convention = book.instrument("uncc")
    assert convention.legal_status is LegalStatus.ENACTED_NOT_COMMENCED
    assert convention.adopted is not None
    assert convention.adopted.on == date(2024, 12, 24)
    assert not convention.in_force.covers(date(2026, 11, 21))
    assert convention.in_force.before is Beyond.NOT_LAW


@pytest.mark.parametrize(
    ("name", "status"),
    [("RECAST", LegalStatus.AGREED_NOT_ADOPTED), ("CSAR", LegalStatus.BILL)],
)
def test_what_is_not_law_has_no_dates(book: Lawbook, name: str, status: LegalStatus) -> None:
    instrument = book.instrument(name)
    assert instrument.legal_status is status
    assert (instrument.in_force.from_, instrument.in_force.to) == (None, None)
    assert not instrument.in_force.covers(date(2030, 1, 1))


@pytest.mark.parametrize(
    ("day", "in_force"),
    [
        ("2021-08-01", None),
        ("2021-08-02", "INTERIM-2021"),
        ("2026-04-03", "INTERIM-2021"),
        ("2026-04-04", None),
        ("2026-07-30", None),
        ("2026-07-31", "INTERIM-2026"),
        ("2028-04-03", "INTERIM-2026"),
        ("2028-04-04", None),
    ],
)
def test_the_gap_of_the_interim_regime(book: Lawbook, day: str, in_force: str | None) -> None:
    found = [
        each.id
        for each in book.instruments
        if each.id.startswith("INTERIM-") and each.in_force.covers(date.fromisoformat(day))
    ]
    assert found == ([in_force] if in_force else [])


def test_only_acts_of_the_union_bind_without_ratification(book: Lawbook) -> None:
    members = set(book.sets["eu_member_states"])
    for each in book.instruments:
        assert (each.binds is not None) == (each.kind is InstrumentKind.UNION_ACT)
        if each.binds is not None:
            without = {"DK"} if each.id in {"D2011-93", "RECAST"} else set()
            assert set(each.binds.states) == members - without


def test_who_is_asked_by_the_resolution(book: Lawbook) -> None:
    by = {
        addressee: {each.locator for each in book.requirements_of("IPU") if each.addressee is who}
        for addressee, who in (("igo", Addressee.IGO), ("all", Addressee.ALL))
    }
    assert by == {"igo": {"12", "13"}, "all": {"7", "14", "16", "17", "20", "21", "22"}}


def test_names_are_found_in_any_case_and_strange_ones_refused(book: Lawbook) -> None:
    requirement = book.requirement("uncc-14-1c")
    assert isinstance(requirement, Requirement)
    assert requirement.id == "UNCC-14-1c"
    assert len(requirement.version) == len(book.requirement("OPSC-1").version) > 0
    with pytest.raises(NotFound, match="no instrument"):
        book.instrument("UNCC2")
    with pytest.raises(NotFound, match="no requirement"):
        book.requirement("UNCC-99")


def test_the_page_names_every_instrument_and_what_is_no_law(book: Lawbook) -> None:
    which = PAGE.read_text("utf-8").split("\n## ")[1]
    table = [line for line in which.splitlines() if line.startswith("| `")]
    said = {
        name: line for line in table for name in re.findall(r"`([A-Z0-9-]+)`", line.split("|")[1])
    }
    assert set(said) == set(INSTRUMENTS)
    for each in book.instruments:
        in_force = each.in_force.covers(date(2026, 11, 22))
        if each.kind is InstrumentKind.TREATY:
            assert ("not in force" in said[each.id]) != in_force
