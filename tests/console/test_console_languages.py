"""Every sentence of the pages is in the catalogues, and a page can run from right to left."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from console_parts import Office
from jinja2.ext import babel_extract

from tutela.adapters.languages import OWN_FOLDER, load_languages
from tutela.cases.model import AgeBand, Outcome, State, Verdict
from tutela.console import rendering
from tutela.console.words import WORDS
from tutela.law import answers, assessing, clauses, clocks, comparing, model, vocabulary
from tutela.law import countries as country
from tutela.law import instruments as instrument
from tutela.oversight import drawing, open_points
from tutela.primitives.errors import Misconfigured
from tutela.reporting.reports import HeldBecause, ReportState, RestrictionState
from tutela.review.model import Rendition, ViewReason

CONSOLE = Path(rendering.__file__).parent
ROOMS = (CONSOLE, Path(drawing.__file__).parent)
PLACEHOLDER = re.compile(r"%\(\w+\)s")


def messages() -> set[str | tuple[str, str]]:
    """What the templates and the word lists say, in the console and under its law pages."""
    found: set[str | tuple[str, str]] = set()
    for file in (file for room in ROOMS for file in room.glob("templates/*.html")):
        options = {"trim_blocks": "true", "lstrip_blocks": "true"}
        with file.open("rb") as stream:
            for _, function, said, _ in babel_extract(
                stream, ("_", "gettext", "ngettext"), [], options
            ):
                plain = said if isinstance(said, tuple) else (said,)
                found.add(plain[:2] if function == "ngettext" else plain[0])  # type: ignore[arg-type]
    for file in (file for room in ROOMS for file in room.glob("*.py")):
        with file.open("rb") as stream:
            found |= {said for _, said, _, _ in extract("python", stream, {"_": None}, [], {})}  # type: ignore[misc]
    return found


@pytest.mark.parametrize("code", [path.name for path in OWN_FOLDER.iterdir() if path.is_dir()])
def test_a_catalogue_is_complete_and_keeps_every_placeholder(code: str) -> None:
    with (OWN_FOLDER / code / "LC_MESSAGES" / "console.po").open("rb") as stream:
        catalogue = read_po(stream)
    known = {entry.id: entry.string for entry in catalogue if entry.id}
    assert set(known) == messages()
    for said, translated in known.items():
        for text in translated if isinstance(translated, tuple) else (translated,):
            assert text, said
            wanted = set(PLACEHOLDER.findall(said if isinstance(said, str) else said[1]))
            assert set(PLACEHOLDER.findall(text)) == wanted, said


def test_every_constant_that_a_page_can_show_has_words() -> None:
    for group, constants in {
        "state": State,
        "outcome": Outcome,
        "verdict": Verdict,
        "age_band": AgeBand,
        "rendition": Rendition,
        "view_reason": ViewReason,
        "report_state": ReportState,
        "held_because": HeldBecause,
        "restriction_state": RestrictionState,
        "rule_status": model.Status,
        "truth": model.Truth,
        "legal_status": model.LegalStatus,
        "duty_state": answers.State,
        "clock_state": clocks.ClockState,
        "step": answers.Step,
        "asked": vocabulary.Asked,
        "action": model.Action,
        "source_kind": model.SourceKind,
        "clock_kind": model.ClockKind,
        "met": assessing.Met,
        "bound": assessing.Bound,
        "party": country.PartyState,
        "contact": country.Role,
        "tier": country.Tier,
        "channel": country.Channel,
        "stance": country.Stance,
        "force": instrument.Force,
        "type": instrument.RequirementType,
        "who_may": instrument.WhoMay,
        "instrument_kind": instrument.InstrumentKind,
        "purpose": comparing.Purpose,
        "choice": clauses.Choice,
        "who": open_points.Who,
    }.items():
        assert set(WORDS[group]) == {each.value for each in constants}, group
    assert set(drawing._UNITS) == {each.value for each in model.Unit}


def test_the_browsers_wish_and_the_persons_choice(office: Office) -> None:
    browser = office.browser(headers={"accept-language": "en;q=0.1, fr;q=0.9, de-AT;q=x, de;q=0.8"})
    page = browser.get("/sign-in")
    assert '<html lang="de" dir="ltr">' in page.text
    assert "Anmelden" in page.text
    chosen = browser.get("/sign-in?lang=en")
    assert '<html lang="en"' in chosen.text
    assert '<html lang="en"' in browser.get("/sign-in").text  # remembered
    assert '<html lang="en"' in browser.get("/sign-in?lang=xx").text  # unknown: as before


def test_places_stand_in_the_order_of_their_names_in_the_persons_language(office: Office) -> None:
    office.person("person-a")
    browser = office.browser(headers={"accept-language": "de"})
    browser.sign_in("person-a")
    text = browser.get("/law").text
    shown = re.findall(r'href="/law/places/\w+">([^<]+)<', text)
    named = ["Dänemark", "Deutschland", "Niederlande", "Österreich", "Philippinen"]
    assert [name for name in shown if name in named] == named


def test_a_refusal_is_told_in_the_persons_language(office: Office) -> None:
    office.person("person-a")
    browser = office.browser(headers={"accept-language": "de"})
    refused = browser.sign_in("person-a", "not the right password")
    assert "Name oder Passwort stimmt nicht" in refused.text
    browser.sign_in("person-a")
    assert "Das ist kein Tag" in browser.get("/law?as_of=someday").text


def test_a_right_to_left_catalogue_turns_the_page(office: Office, tmp_path: Path) -> None:
    catalogue = Catalog(locale="ar", fuzzy=False)
    for said in messages():
        count = catalogue.num_plurals
        shown = f"«{said}»" if isinstance(said, str) else (f"«{said[1]}»",) * count
        catalogue.add(said, shown)
    file = tmp_path / "ar" / "LC_MESSAGES" / "console.po"
    file.parent.mkdir(parents=True)
    with file.open("wb") as stream:
        write_po(stream, catalogue)
    office.locales = (tmp_path,)
    case, _ = office.case()
    office.person("person-a")
    browser = office.browser(headers={"accept-language": "ar"})
    browser.sign_in("person-a")
    for path in ("/sign-in", "/queue", "/help", "/law", "/law/places/DE", f"/cases/{case}"):
        page = browser.get(path).text
        assert '<html lang="ar" dir="rtl">' in page
        assert "«" in page
    assert "«Waiting for review»" in browser.get("/queue").text


def test_the_style_sheet_names_no_side_that_a_right_to_left_page_would_turn() -> None:
    style = (CONSOLE / "static" / "console.css").read_text()
    physical = re.findall(
        r"(?:margin|padding|border|inset)-(?:left|right)|[^-]\b(?:left|right):", style
    )
    assert physical == []


def test_a_folder_that_is_no_language_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "zz-notone-zz" / "LC_MESSAGES" / "console.po"
    file.parent.mkdir(parents=True)
    with file.open("wb") as stream:
        write_po(stream, Catalog())
    with pytest.raises(Misconfigured):
        load_languages("console", [tmp_path])
