"""A written pack in a real browser, from the disk, on a phone's width and on paper."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from browsing import chromium, fits, patient
from playwright.sync_api import Browser, Page

from accessibility import violations
from own_lawbook import own_lawbook
from tutela import console
from tutela.adapters.languages import load_languages
from tutela.law.model import Status
from tutela.oversight.pack import make_pack
from tutela.oversight.pack_pages import pages

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The parts of a pack as they lie on a disk."""
    root = tmp_path_factory.mktemp("pack")
    book = own_lawbook()
    made = make_pack(
        book, "GB", as_of=date(2026, 11, 21), floor=Status.RECALLED, against=("BUDAPEST",)
    )
    english = load_languages("console")["en"]
    drawn = pages(made, book, language=english, digest="0" * 64, changes=None, with_pdf=False)
    for name, text in drawn.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    style = Path(console.__file__).parent / "static" / "console.css"
    (root / "pack.css").write_bytes(style.read_bytes())
    return root


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = patient(browser.new_context(viewport={"width": 360, "height": 800}))
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", ["index.html", "gaps-BUDAPEST.html"])
def test_a_page_of_the_pack_is_accessible_on_a_phone(page: Page, folder: Path, name: str) -> None:
    page.goto((folder / name).as_uri())
    assert fits(page)
    assert violations(page) == []


def test_from_the_overview_to_the_source_by_links_alone(page: Page, folder: Path) -> None:
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on("console", lambda line: complaints.append(line.text))
    page.goto((folder / "index.html").as_uri())
    page.get_by_role("link", name="Provider duties").first.click()
    page.get_by_role("link", name="gb.osa-s66.report").click()
    assert page.get_by_role("heading", level=1).inner_text().endswith("gb.osa-s66.report")
    page.locator("a[href*='sources/']").first.click()
    assert "/sources/" in page.url
    assert complaints == []
    assert all(url.startswith(folder.as_uri()) for url in asked)


def test_on_paper_the_navigation_is_gone_and_the_plot_stays(page: Page, folder: Path) -> None:
    page.emulate_media(media="print")
    page.goto((folder / "timeline.html").as_uri())
    assert not page.get_by_role("navigation").is_visible()
    plot = page.get_by_role("img", name="What was in force when")
    assert plot.is_visible()
    box = plot.bounding_box()
    assert box is not None
    assert box["width"] <= 360
