"""The law's pages: day and status go with every link, and every figure leads to a source."""

import re
from html.parser import HTMLParser

import pytest
from console_parts import BOOK, Browser, Office

from tutela.accounts.model import Role

CONDUCT = (
    "conduct.act=possess&material.medium=drawing&material.depiction=virtual_child&victim.age=12"
)


@pytest.fixture
def reader(office: Office) -> Browser:
    office.person("person-a", Role.AUDITOR)
    browser = office.browser()
    browser.sign_in("person-a")
    return browser


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "a" and href:
            self.found.append(href)


def links(text: str) -> list[str]:
    parser = _Links()
    parser.feed(text)
    return parser.found


def test_the_hub_leads_to_places_instruments_and_questions(reader: Browser) -> None:
    found = links(reader.get("/law").text)
    for path in ("/law/places/DE", "/law/instruments/UNCC", "/law/compare", "/law/duties"):
        assert path in found


def test_a_chosen_day_and_status_go_with_every_link(reader: Browser) -> None:
    text = reader.get("/law/places/DE?as_of=2026-04-03&status=recalled").text
    entries = [link for link in links(text) if link.startswith("/law/entries/")]
    assert entries
    assert all(link.endswith("?as_of=2026-04-03&status=recalled") for link in entries)
    assert 'value="2026-04-03"' in text


def test_from_a_figure_to_the_rule_the_citation_and_the_source(reader: Browser) -> None:
    gap = reader.get("/law/gap?jurisdiction=JP&against=UNCC&status=recalled").text
    assert "/law/entries/offences/jp." in gap
    entry_link = next(link for link in links(gap) if link.startswith("/law/entries/offences/jp."))
    entry = reader.get(entry_link).text
    source = next(link for link in links(entry) if link.startswith("/law/sources/"))
    assert "Consulted on" in reader.get(source).text


def test_every_link_of_these_pages_opens(reader: Browser) -> None:
    pages = [
        "/law",
        "/law/gap?jurisdiction=DE&against=OPSC",
        "/law/places/GB",
        "/law/places/EU",
        "/law/requirements/UNCC-14-1c",
        "/law/search?q=possession",
        "/law/sources/usc-2258A",
    ]
    targets = {link.split("#")[0] for path in pages for link in links(reader.get(path).text)}
    kinds: dict[str, list[str]] = {}
    for link in sorted(each for each in targets if each.startswith("/law/")):
        kinds.setdefault(link.rpartition("/")[0], []).append(link)
    assert len(kinds) > 7
    for link in (each for listed in kinds.values() for each in (listed[0], listed[-1])):
        assert reader.get(link).status_code == 200, link


def test_unknown_is_said_as_such_with_its_share(reader: Browser) -> None:
    text = reader.get("/law/gap?jurisdiction=KE&against=MNR").text
    assert "cannot say" in text
    assert re.search(r"\d+\s*%", text)
    assert "Places are not ranked" in text


def test_comparing_by_conduct_names_the_divergence(reader: Browser) -> None:
    asked = f"/law/compare?requesting=GB&requested=JP&{CONDUCT}"
    text = reader.get(f"{asked}&status=recalled").text
    assert "First divergent element" in text
    assert "depiction (Japan)" in text
    assert "Cannot say" in reader.get(asked).text


def test_duties_on_posted_facts_are_derived_and_kept_nowhere(reader: Browser) -> None:
    text = reader.post(
        "/law/duties",
        facts="provider.established_in: US\nprovider.is_electronic_service: true\n"
        "decision.apparent_csam: true",
    ).text
    assert "Report apparent child sexual abuse material to NCMEC" in text
    assert "us.2258A.report" in text


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/law/places/ZZ", 404, "not recorded does not mean that there is none"),
        ("/law/requirements/UNCC-99", 404, "There is no requirement"),
        ("/law/entries/rules/us.absent", 404, "no such entry"),
        ("/law/entries/passwords/x", 404, "no such entry"),
        ("/law/sources/absent", 404, "no such source"),
        ("/law?as_of=someday", 422, "This is no day"),
        ("/law/gap?jurisdiction=DE&only=good", 422, "There is no such outcome"),
        ("/law/compare?requesting=GB&requested=JP&material.obscene=maybe", 422, "true or false"),
        ("/law?status=disputed", 422, "no review status"),
        ("/law/search?q=zzzzzz", 200, "not the same as no law"),
        ("/law/search?q=a", 422, "One letter"),
    ],
)
def test_what_is_not_there_is_said_plainly(
    reader: Browser, path: str, status: int, said: str
) -> None:
    answer = reader.get(path)
    assert answer.status_code == status
    assert said in answer.text


def test_counsel_accepts_a_detection_basis_beside_the_rules(office: Office) -> None:
    office.person("person-c", Role.COUNSEL)
    browser = office.browser()
    browser.sign_in("person-c")
    text = browser.get("/law/rules").text
    basis = BOOK.bases[0]
    assert basis.id in text
    answer = browser.post("/law/accept", rule=basis.id, version=basis.version, note="read it")
    assert answer.headers["location"] == "/law/rules"
    assert "1 may act" in browser.get("/law/rules").text
