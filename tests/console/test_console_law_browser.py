"""The law's pages in a real browser: accessible, readable on a phone, moved through time."""

import re
from collections.abc import Iterator

import pytest
from browsing import chromium, fits, patient, served
from console_parts import PASSWORD, Office
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accessibility import poor_contrast, violations
from tutela.accounts.model import Role
from tutela.console.app import build
from tutela.primitives.clock import SystemClock

pytestmark = [pytest.mark.browser, pytest.mark.long]
PATHS = [
    "/law",
    "/law/search?q=possession",
    "/law/gap?jurisdiction=JP&against=ICMEC&status=recalled",
    "/law/places/NL?status=recalled",
    "/law/requirements/UNCC-14-1c?status=recalled",
    "/law/instruments/INTERIM-2026",
    "/law/entries/offences/jp.act-52-1999.7.possess",
    "/law/sources/eu-interim-texts",
    (
        "/law/compare?requesting=GB&requested=JP&conduct.act=possess&material.medium=drawing"
        "&material.depiction=virtual_child&victim.age=12&status=recalled"
    ),
    "/law/draft?jurisdiction=IE&requirement=UNCC-14-1c&option=floor",
    "/law/duties",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def phone(office: Office, browser: Browser) -> Iterator[BrowserContext]:
    """A signed-in person with a phone; a script error or a blocked file fails the test."""
    office.clock = SystemClock()  # type: ignore[assignment]
    office.person("person-a", Role.AUDITOR)
    complaints: list[str] = []
    with served(build(office.parts())) as url:
        context = browser.new_context(
            base_url=url, locale="en-GB", viewport={"width": 360, "height": 740}
        )
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on(
            "console",
            lambda line: complaints.append(line.text) if line.type == "error" else None,
        )
        page = patient(context).new_page()
        page.goto("/sign-in")
        page.get_by_label("Name").fill("person-a")
        page.get_by_label("Password").fill(PASSWORD)
        with page.expect_navigation():
            page.get_by_role("button", name="Sign in").click()
        yield context
        context.close()
    assert complaints == []


def opened(page: Page, path: str) -> None:
    page.goto(path)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


def test_every_law_page_passes_axe_and_fits_a_phone(phone: BrowserContext) -> None:
    page = phone.new_page()
    for path in PATHS:
        opened(page, path)
        assert (violations(page), fits(page)) == ([], True), path
    page.emulate_media(color_scheme="dark")
    for path in PATHS[2:5]:  # every kind of badge
        opened(page, path)
        assert poor_contrast(page) == [], path


def test_the_date_picker_moves_the_view_through_time(phone: BrowserContext) -> None:
    page = phone.new_page()
    page.goto("/law/places/EU?as_of=2026-04-03&status=secondary")
    basis = page.get_by_role("listitem").filter(has_text="2026-04-04")
    expect(basis.first).to_contain_text("in force on this day")
    page.get_by_label("Law as of").fill("2026-04-04")
    with page.expect_navigation():
        page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("as_of=2026-04-04"))
    expect(page.get_by_role("listitem").filter(has_text="2026-04-04").first).to_contain_text(
        "not law on this day"
    )


def test_facts_are_derived_by_keyboard_alone_and_stand_in_no_address(phone: BrowserContext) -> None:
    page = phone.new_page()
    page.goto("/law/duties")
    page.get_by_label("Facts", exact=True).focus()
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="United States")).to_be_visible()
    assert page.url.endswith("/law/duties")
    assert violations(page) == []
    assert fits(page)
