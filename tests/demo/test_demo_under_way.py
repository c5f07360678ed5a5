"""A demo under way: a person decides in a browser, a program asks; Ctrl-C ends all.

With TUTELA_WRITE_PICTURES=1 the pictures of the README are made here.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from accessibility import WCAG, violations

pytestmark = pytest.mark.long

PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"] + [
    f"--disable-{service}" for service in ("background-networking", "component-update", "sync")
]
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
Test = Callable[..., None]
README = Path(__file__).resolve().parents[2] / "README.md"


def in_browser(test: Test) -> Test:
    """Mark a test that needs Chromium."""
    missing = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
    return pytest.mark.browser(missing(test))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


def opened(browser: Browser) -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 860})
    page.set_default_timeout(PATIENCE_MS)
    return page


def picture(page: Page, name: str) -> None:
    if os.environ.get("TUTELA_WRITE_PICTURES") == "1":
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png")


def accessible(page: Page) -> None:
    assert violations(page, WCAG) == []


@in_browser
def test_from_sign_in_to_receipt(
    console: tuple[str, str, str], browser: Browser, folder: Path
) -> None:
    address, name, password = console
    page = opened(browser)
    page.goto(address)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/queue"))
    picture(page, "queue")

    page.locator("main a[href*='/cases/']").nth(3).click()
    page.get_by_role("button", name="Claim").click()
    page.get_by_role("link", name="Blurred").click()
    expect(page.locator("figure.rendition img")).to_be_visible()
    accessible(page)
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.evaluate("scrollTo(0, 0)")  # the match, the picture and the duties are seen together
    picture(page, "case")

    page.get_by_text("Open full view…").click()
    page.get_by_label("match", exact=False).first.check()
    page.get_by_role("button", name="Open full view").click()
    expect(page).to_have_url(re.compile("/views/"))
    shown = page.locator("main img").first
    give_up = time.monotonic() + 180
    while not shown.evaluate("image => image.complete && image.naturalWidth > 0"):
        assert time.monotonic() < give_up, "the picture does not come"
        time.sleep(0.1)
    accessible(page)
    page.get_by_role("button", name=re.compile("Close")).click()

    page.get_by_label("Apparent", exact=False).first.check()
    page.locator("select[name=category]").first.select_option("ncmec-ab/2022/B2")
    page.locator("textarea[name=note]").first.fill("A drawn picture, decided in a test.")
    page.get_by_role("button", name="Decide").click()

    give_up = time.monotonic() + 180
    while "reportDoneResponse" not in page.content():
        assert time.monotonic() < give_up, page.inner_text("main")
        time.sleep(0.5)
        page.reload()
    text = page.inner_text("main")
    assert "sandbox" in text
    accessible(page)
    page.get_by_role("heading", name="Report", exact=True).scroll_into_view_if_needed()
    picture(page, "receipt")

    case = page.url.split("/cases/")[1].split("?")[0].split("#")[0]
    page.close()
    shown = json.loads(tutela(folder, "case", "show", case, "--json"))
    actions = [line["action"] for line in shown["ledger"]]
    for act in (
        "case_opened",
        "case_claimed",
        "exhibit_rendition_shown",
        "exhibit_view_opened",
        "exhibit_view_closed",
        "decision_made",
        "report_finished",
        "restriction_delivered",
    ):
        assert act in actions, act
    assert shown["reports"][0]["state"] == "finished"
    packed = exported(folder, case)
    described = next((packed / "data" / "reports").glob("*/*-fileinfo-sent")).read_bytes()
    assert b"<fileViewedByEsp>true</fileViewedByEsp>" in described, "a person has viewed it whole"


def exported(folder: Path, case: str) -> Path:
    """The package of a case."""
    done = tutela(folder, "case", "export", case, "--by", "demo-reviewer", "--json")
    return Path(json.loads(done)["package"])


def tutela(folder: Path, *arguments: str) -> str:
    """Run a command on the demo's home; returns what it printed."""
    return subprocess.run(
        [sys.executable, "-m", "tutela", *arguments],
        env=os.environ | {"TUTELA_HOME": str(folder / "home"), "TUTELA_DEMO": "1"},
        cwd=folder,
        input=json.loads((folder / "sign-in.json").read_text("utf-8"))["password"] + "\n",
        start_new_session=True,  # no terminal: a password is read from the input
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    ).stdout


@in_browser
def test_the_public_form_and_every_page_are_accessible(
    console: tuple[str, str, str], browser: Browser, folder: Path
) -> None:
    address, name, password = console
    page = opened(browser)
    said = re.search(r"public form: (\S+)/", folder.with_name("demo.out").read_text("utf-8"))
    assert said is not None
    public = said[1]
    page.goto(f"{address}/sign-in")
    accessible(page)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    for path in ("/queue", "/lists", "/law", "/ledger", "/help", "/nowhere"):
        page.goto(f"{address}{path}")
        accessible(page)
    page.goto(f"{public}/")
    accessible(page)
    page.get_by_label("What should we know?").fill("A neutral placeholder.")
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    accessible(page)
    picture(page, "form")
    page.close()


def test_the_example_of_the_readme_runs(
    console: tuple[str, str, str], folder: Path, tmp_path: Path
) -> None:
    found = re.search(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert found
    code = found[1]
    assert len(code.strip().splitlines()) == 5
    environment = os.environ | {"TUTELA_HOME": str(folder / "home"), "TUTELA_DEMO": "1"}
    made = subprocess.run(
        [sys.executable, "-m", "tutela", "keys", "create", "readme", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    picture = next((folder / "pictures" / "known").glob("*.png"))
    (tmp_path / "upload.png").write_bytes(picture.read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"TUTELA_KEY": json.loads(made.stdout)["key"], "TUTELA_URL": console[0]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("matched case_")
