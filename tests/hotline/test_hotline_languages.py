"""The form speaks the reader's language, keeps no cookie for it, and can run right to left."""

import re
from pathlib import Path

import pytest
import structlog
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract
from starlette.testclient import TestClient

from tutela.adapters.languages import OWN_FOLDER
from tutela.hotline import rendering
from tutela.hotline.app import HotlineParts, build
from tutela.intake.form import QUESTIONS
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database

HOTLINE = Path(rendering.__file__).parent


class Seal:
    """Stands in for age."""

    def seal(self, data: bytes) -> bytes:
        return data[::-1]


def messages() -> set[str]:
    """What the templates, the questions and the word list say."""
    found = {text for question in QUESTIONS for text in (question.label, question.hint)}
    options = {"trim_blocks": "true", "lstrip_blocks": "true"}
    for file in HOTLINE.glob("templates/*.html"):
        with file.open("rb") as stream:
            found |= {str(said) for _, _, said, _ in babel_extract(stream, ("_",), [], options)}
    with (HOTLINE / "words.py").open("rb") as stream:
        found |= {str(said) for _, said, _, _ in extract("python", stream, {"_": None}, [], {})}
    return found


@pytest.fixture
def client(database: Database, clock: FixedClock) -> TestClient:
    return form(database, clock)


def form(database: Database, clock: FixedClock, *locales: Path) -> TestClient:
    parts = HotlineParts(
        database=database, seal=Seal(), clock=clock, service_name="", locales=locales
    )
    return TestClient(build(parts), raise_server_exceptions=False)


@pytest.mark.parametrize("code", [path.name for path in OWN_FOLDER.iterdir() if path.is_dir()])
def test_a_form_catalogue_is_complete(code: str) -> None:
    with (OWN_FOLDER / code / "LC_MESSAGES" / "hotline.po").open("rb") as stream:
        known = {entry.id: entry.string for entry in read_po(stream) if entry.id}
    assert set(known) == messages()
    assert all(known.values())


def test_the_choice_travels_in_the_address_and_in_no_cookie(client: TestClient) -> None:
    page = client.get("/?lang=de", headers={"accept-language": "en"})
    assert '<html lang="de" dir="ltr">' in page.text
    assert "Wo haben Sie es gesehen?" in page.text
    assert 'action="/?lang=de"' in page.text
    assert 'href="/status?lang=de"' in page.text
    assert "set-cookie" not in page.headers
    refused = client.post("/?lang=de", data={})
    assert "Beide Felder sind leer." in refused.text
    receipt = client.post("/?lang=de", data={"description": "a"})
    assert "Danke" in receipt.text
    assert "?lang=en" not in receipt.text, "another language would lose the code"
    code = receipt.text.split('dir="ltr"><span>')[1].split("<")[0]
    assert "wartet darauf" in client.post("/status?lang=de", data={"code": code}).text


def test_the_browsers_wish_counts_where_nothing_was_chosen(client: TestClient) -> None:
    page = client.get("/", headers={"accept-language": "de-AT, en;q=0.5"}).text
    assert '<html lang="de"' in page
    assert 'action="/"' in page
    assert '<html lang="en"' in client.get("/?lang=xx").text


def test_a_right_to_left_catalogue_turns_the_form(
    database: Database, clock: FixedClock, tmp_path: Path
) -> None:
    catalogue = Catalog(locale="ar", fuzzy=False)
    for said in messages():
        catalogue.add(said, f"«{said}»")
    file = tmp_path / "ar" / "LC_MESSAGES" / "hotline.po"
    file.parent.mkdir(parents=True)
    with file.open("wb") as stream:
        write_po(stream, catalogue)
    page = form(database, clock, tmp_path).get("/?lang=ar").text
    assert '<html lang="ar" dir="rtl">' in page
    assert "«Where did you see it?»" in page


def test_the_forms_style_names_no_side() -> None:
    style = (HOTLINE / "static" / "hotline.css").read_text()
    assert not re.findall(
        r"(?:margin|padding|border|inset)-(?:left|right)|[^-]\b(?:left|right):", style
    )


def test_a_path_that_is_no_page_is_told_as_a_page(client: TestClient) -> None:
    for answer in (client.get("/absent?lang=de"), client.get("/healthz/x?lang=de")):
        assert answer.status_code == 404
        assert "Diese Seite gibt es nicht" in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_fault_of_ours_shows_nothing_of_itself(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a detail")

    monkeypatch.setattr("tutela.hotline.app.hand_in", broken)
    with structlog.testing.capture_logs() as lines:
        answer = client.post("/", data={"description": "a"})
    assert [each["kind"] for each in lines if each["event"] == "unexpected_fault"] == [
        "builtins.ZeroDivisionError"
    ]
    assert "a detail" not in str(lines)
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.text
    assert "a detail" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
