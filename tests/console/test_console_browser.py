"""A person at a real browser: the whole walk, by mouse and by keyboard, at every width."""

import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from browsing import chromium, fits, patient, served
from console_parts import BOOK, PASSWORD, Office, details, drawn
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accessibility import poor_contrast, violations
from tutela.accounts.model import Role
from tutela.console.app import build
from tutela.counsel.accepting import accept_rule
from tutela.primitives.clock import SystemClock
from tutela.primitives.ids import CaseId
from tutela.reporting import store as reporting
from tutela.reporting.reports import CYBERTIP, ReportState
from tutela.review import viewing

pytestmark = pytest.mark.browser
THREE_PLACES = replace(
    BOOK,
    rules=tuple(rule for rule in BOOK.rules if rule.jurisdiction in {"EU", "GB", "US"}),
    bases=BOOK.bases[:3],
)
TABLES = "[...document.querySelectorAll('.scroll')]"
CUT_OFF = f"{TABLES}.filter(one => one.scrollWidth > one.clientWidth).length"
OPEN = "[...document.querySelectorAll('details')].slice(0, 40).forEach(one => { one.open = true })"
"""What folds is opened, of a long page the first forty: its further parts are alike."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def desk(office: Office) -> Iterator[tuple[Office, str]]:
    """The office with real time and the law of three places, served on a loopback port."""
    office.clock = SystemClock()  # type: ignore[assignment]
    office.book = THREE_PLACES
    with served(build(office.parts())) as url:
        yield office, url


@pytest.fixture
def context(browser: Browser, desk: tuple[Office, str]) -> Iterator[BrowserContext]:
    """A fresh browser profile; a script error or a blocked file fails the test."""
    _, url = desk
    opened = browser.new_context(
        base_url=url, locale="en-GB", viewport={"width": 1280, "height": 900}
    )
    patient(opened)
    complaints: list[str] = []
    opened.on("weberror", lambda error: complaints.append(str(error.error)))
    opened.on(
        "console",
        lambda line: (
            complaints.append(line.text)
            if line.type == "error" and "status of 4" not in line.text
            else None
        ),
    )
    yield opened
    opened.close()
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def submit(page: Page, button: str) -> None:
    """Press a form's button and wait until the page that answers is ready, scripts included."""
    with page.expect_navigation():
        page.get_by_role("button", name=button).click()


def sign_in(page: Page, login: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Name").fill(login)
    page.get_by_label("Password").fill(PASSWORD)
    submit(page, "Sign in")
    page.wait_for_url(re.compile(r"/(queue|lists|ledger)$"))


def finish_report(office: Office, case: CaseId) -> None:
    """Put a finished report into the book, as the worker would."""
    now = office.clock.now()
    with office.database.begin() as tx:
        report = reporting.start(tx, case_id=case, channel=CYBERTIP, at=now)
        reporting.change(
            tx,
            report.id,
            state=ReportState.FINISHED,
            authority_report_id="4564654",
            receipt=b"<reportDoneResponse><reportId>4564654</reportId></reportDoneResponse>",
            composed_at=now,
            opened_at=now,
            finished_at=now,
        )


def test_sign_in_claim_reveal_decide_and_see_the_receipt(
    desk: tuple[Office, str], page: Page, tmp_path: Path
) -> None:
    office, _ = desk
    office.person("person-a")
    case, exhibit = office.case(drawn(3))
    rule = BOOK.editions("us.2258A.report")[-1]
    with office.database.begin() as tx:
        accept_rule(
            tx,
            book=BOOK,
            rule_id=rule.id,
            version=rule.version,
            by="acct_counsel",
            note="for this test",
            at=office.clock.now(),
        )
    sign_in(page, "person-a")
    pictures = Path(os.environ.get("TUTELA_PICTURES", tmp_path))  # where the README's are kept
    page.screenshot(path=pictures / "console-queue.png")
    page.get_by_role("link", name=re.compile(case[-8:])).click()
    expect(page.get_by_text("Nothing is loaded.")).to_be_visible()
    submit(page, "Claim")
    page.get_by_role("link", name="Blurred").click()
    picture = page.get_by_role("img", name=re.compile("Blurred"))
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    page.get_by_text("Open full view…").click()
    page.get_by_label("The category is unclear").check()
    submit(page, "Open full view")
    full = page.get_by_role("img", name=re.compile("drawn anew"))
    assert full.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    expect(page.locator("#running")).to_have_text(re.compile(r"0:0[1-9]"))
    submit(page, "Close view")
    expect(page.get_by_text("1 full view,")).to_be_visible()
    page.get_by_label("Apparent child sexual abuse material", exact=True).check()
    page.get_by_role("combobox", name=re.compile("Category")).select_option("ncmec-ab/2022/B2")
    page.get_by_label("Apparent age").select_option("pubescent")
    page.get_by_role("group", name="Is there a threat to someone's life or safety?").get_by_label(
        "No", exact=True
    ).check()
    submit(page, "Decide")
    duty = page.get_by_role("article", name="Report apparent child sexual abuse material to NCMEC")
    expect(duty).to_contain_text("Yes, owed")
    expect(duty).to_contain_text("as soon as reasonably possible")
    expect(duty).to_contain_text("may act")
    finish_report(office, case)
    page.reload()
    expect(page.locator("[data-field=receipt]")).to_contain_text("<reportId>4564654</reportId>")
    expect(page.locator("[data-field=authority-report-id]")).to_have_text("4564654")
    page.screenshot(path=pictures / "console-case.png", full_page=True)
    with office.database.begin() as tx:
        assert viewing.viewed_entirely(tx, exhibit)


def test_leaving_the_full_view_closes_it(desk: tuple[Office, str], page: Page) -> None:
    office, _ = desk
    office.person("person-a")
    case, exhibit = office.case()
    sign_in(page, "person-a")
    page.goto(f"/cases/{case}")
    submit(page, "Claim")
    page.get_by_text("Open full view…").click()
    page.get_by_label("The age is unclear").check()
    submit(page, "Open full view")
    expect(page.get_by_role("img", name=re.compile("drawn anew"))).to_be_visible()
    page.goto("/queue")
    deadline = time.monotonic() + 60
    closed: list[Mapping[str, object]] = []
    while not closed and time.monotonic() < deadline:
        page.wait_for_timeout(50)
        closed = list(details(office.database, "exhibit_view_closed"))
    assert [line["exhibit"] for line in closed] == [exhibit]


def test_the_page_clears_itself_when_the_time_of_a_view_is_over(
    desk: tuple[Office, str], page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewing, "LONGEST_VIEW", timedelta(seconds=2))
    office, _ = desk
    office.person("person-a")
    case, _ = office.case()
    sign_in(page, "person-a")
    page.goto(f"/cases/{case}")
    submit(page, "Claim")
    page.get_by_text("Open full view…").click()
    page.get_by_label("The age is unclear").check()
    submit(page, "Open full view")
    expect(page.get_by_text("This view has ended.")).to_be_visible(timeout=10_000)
    expect(page.get_by_role("img", name=re.compile("drawn anew"))).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_passes_axe_and_fits_a_phone(
    *, desk: tuple[Office, str], browser: Browser, scheme: str
) -> None:
    office, url = desk
    faults = violations if scheme == "light" else poor_contrast  # all that a scheme changes
    office.person("person-a", Role.REVIEWER, Role.COUNSEL, Role.AUDITOR)
    office.person("person-b")
    waiting, _ = office.case(drawn(1), second_person=True)
    decided, exhibit = office.case(drawn(2))
    context = browser.new_context(
        base_url=url,
        locale="en-GB",
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": 360, "height": 740},
    )
    page = patient(context).new_page()
    page.goto("/sign-in")
    assert (faults(page), fits(page)) == ([], True)
    page.goto("/queue")  # sends to the sign-in form
    page.get_by_label("Name").fill("person-b")
    page.get_by_label("Password").fill("not the right password")
    submit(page, "Sign in")
    assert (faults(page), fits(page)) == ([], True)
    sign_in(page, "person-a")
    for case in (waiting, decided):
        page.goto(f"/cases/{case}")
        submit(page, "Claim")
        page.get_by_label("Apparent child sexual abuse material", exact=True).check()
        page.get_by_role("combobox", name=re.compile("Category")).select_option("ncmec-ab/2022/B2")
        assert (faults(page), fits(page)) == ([], True), "decision form"
        submit(page, "Decide")
    finish_report(office, decided)
    page.goto(f"/cases/{decided}")
    submit(page, "Claim")
    paths = [
        "/queue",
        "/law/rules",
        f"/cases/{decided}?show=grey&exhibit={exhibit}",
        f"/cases/{waiting}",
        "/queue?shelf=closed",
        "/lists",
        "/ledger",
        "/help",
        "/absent",
    ]
    for path in paths if scheme == "light" else paths[:3]:  # every kind of badge and note
        page.goto(path)
        page.evaluate(OPEN)
        assert (faults(page), fits(page)) == ([], True), path
    for path in (f"/cases/{waiting}", "/ledger"):  # long words, and what a table would cut off
        page.goto(f"{path}?lang=de")
        assert (fits(page), page.evaluate(CUT_OFF)) == (True, 0), path
    page.goto(f"/cases/{decided}?lang=en")
    page.get_by_text("Open full view…").click()
    page.get_by_label("The age is unclear").check()
    submit(page, "Open full view")
    assert (faults(page), fits(page)) == ([], True), "full view"
    submit(page, "Close view")
    submit(page, "Sign out")
    second = browser.new_context(base_url=url, locale="en-GB", color_scheme=scheme)  # type: ignore[arg-type]
    page = patient(second).new_page()
    sign_in(page, "person-b")
    page.goto(f"/cases/{waiting}")
    submit(page, "Claim")
    expect(page.get_by_text("Do you agree?")).to_be_visible()
    assert faults(page) == [], "second opinion"
    context.close()
    second.close()


def test_the_way_from_sign_in_to_the_decision_by_keyboard_alone(
    desk: tuple[Office, str], page: Page
) -> None:
    office, _ = desk
    office.person("person-a")
    case, _ = office.case()
    page.goto("/sign-in")
    expect(page.get_by_label("Name")).to_be_focused()  # the browser gives it after the load
    page.keyboard.type("person-a")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/queue")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    link = page.get_by_role("link", name=re.compile(case[-8:]))
    for _ in range(12):
        page.keyboard.press("Tab")
        if link.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/{case}")
    with page.expect_navigation():
        page.keyboard.press("c")
    expect(page.get_by_text("You have claimed this case.")).to_be_visible()
    page.keyboard.press("v")
    reason = page.get_by_label("The match is doubtful")
    summary = page.get_by_text("Open full view…")
    expect(reason).to_be_visible()
    expect(reason).to_be_focused()
    summary.focus()
    page.keyboard.press("d")
    expect(page.get_by_label("Apparent child sexual abuse material", exact=True)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Cannot say")).to_be_checked()
    note = page.get_by_label("Note")
    note.focus()
    page.keyboard.type("vcd stays text while one writes")
    expect(note).to_have_value("vcd stays text while one writes")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_text("vcd stays text while one writes")).to_be_visible()


def test_single_keys_can_be_switched_off(desk: tuple[Office, str], page: Page) -> None:
    office, _ = desk
    office.person("person-a")
    case, _ = office.case()
    sign_in(page, "person-a")
    page.goto("/help")
    page.get_by_label("Use single keys in this browser").uncheck()
    page.goto(f"/cases/{case}")
    page.keyboard.press("c")
    page.reload()
    expect(page.get_by_text("Nobody has claimed this case.")).to_be_visible()


def test_everything_works_without_scripts(desk: tuple[Office, str], browser: Browser) -> None:
    office, url = desk
    office.person("person-a")
    case, _ = office.case()
    context = browser.new_context(base_url=url, locale="en-GB", java_script_enabled=False)
    page = patient(context).new_page()
    sign_in(page, "person-a")
    page.goto(f"/cases/{case}")
    submit(page, "Claim")
    page.get_by_text("Open full view…").click()
    page.get_by_label("The age is unclear").check()
    submit(page, "Open full view")
    expect(page.get_by_role("img", name=re.compile("drawn anew"))).to_be_visible()
    submit(page, "Close view")
    expect(page.get_by_text("Full views so far")).to_be_visible()
    context.close()
    (closed,) = details(office.database, "exhibit_view_closed")
    assert closed["how"] == "closed"


def test_targets_are_large_enough(desk: tuple[Office, str], page: Page) -> None:
    office, _ = desk
    office.person("person-a")
    case, _ = office.case()
    sign_in(page, "person-a")
    page.goto(f"/cases/{case}")
    submit(page, "Claim")
    expect(page.get_by_text("You have claimed this case.")).to_be_visible()
    page.wait_for_load_state("networkidle")
    small = page.evaluate(
        """() => [...document.querySelectorAll("a, button, summary, select, .choice")]
            .filter(one => one.checkVisibility() && !one.closest("p, dd, .skip"))
            .map(one => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
            .filter(([, box]) => box.width > 0 && (box.width < 24 || box.height < 24))
            .map(([html]) => html)"""
    )
    assert small == []
