"""The public's pages: no account, no cookie, sealed at once, found again by code only."""

import asyncio
import json
from dataclasses import dataclass, field

import pytest
from sqlalchemy import inspect, text
from starlette.testclient import TestClient

from leaving import left_within_a_form
from tutela.hotline.app import HotlineParts, build
from tutela.intake.form import QUESTIONS
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database


@dataclass
class RecordingSeal:
    """Stands in for age: turns the bytes round, remembers what it sealed."""

    sealed: list[bytes] = field(default_factory=list)

    def seal(self, data: bytes) -> bytes:
        self.sealed.append(data)
        return data[::-1]


@pytest.fixture
def seal() -> RecordingSeal:
    return RecordingSeal()


@pytest.fixture
def client(database: Database, clock: FixedClock, seal: RecordingSeal) -> TestClient:
    parts = HotlineParts(
        database=database, seal=seal, clock=clock, service_name="Test form", reports_per_minute=10
    )
    return TestClient(build(parts))


def code_in(page: str) -> str:
    return page.split('class="code" dir="ltr"><span>')[1].split("<", maxsplit=1)[0]


def test_a_report_is_sealed_and_found_by_its_code(
    client: TestClient, database: Database, seal: RecordingSeal
) -> None:
    answer = client.post("/", data={"address": "https://example.org/item/1", "description": ""})
    assert answer.status_code == 201
    assert "set-cookie" not in answer.headers
    code = code_in(answer.text)
    assert json.loads(seal.sealed[0]) == {"address": "https://example.org/item/1"}
    with database.begin() as tx:
        row = tx.execute(text("SELECT * FROM tips")).one()
        assert "example.org" not in repr(row)
        assert code not in repr(row)
        line = tx.execute(text("SELECT * FROM ledger")).one()
        assert "example.org" not in repr(line)
    for typed in (code, code.upper(), code.replace("-", " "), code.replace("-", "")):
        found = client.post("/status", data={"code": typed})
        assert "It has arrived" in found.text


def test_no_table_holds_the_sender_s_address_or_browser(
    database: Database, clock: FixedClock, seal: RecordingSeal
) -> None:
    parts = HotlineParts(database=database, seal=seal, clock=clock, service_name="Test form")
    sender = TestClient(build(parts), client=("198.51.100.7", 4711))
    sender.headers["User-Agent"] = "mark-of-a-browser"
    sender.headers["X-Forwarded-For"] = "198.51.100.7"
    assert sender.post("/", data={"description": "A note."}).status_code == 201
    with database.begin() as tx:
        kept = [
            repr(tx.execute(text(f'SELECT * FROM "{name}"')).all())  # noqa: S608 - the tables' names
            for name in inspect(tx).get_table_names()
        ]
    kept += [sealed.decode() for sealed in seal.sealed]
    assert any("tip_received" in rows for rows in kept)
    assert not any("198.51.100.7" in rows or "mark-of-a-browser" in rows for rows in kept)


def test_a_wrong_code_says_so(client: TestClient) -> None:
    answer = client.post("/status", data={"code": "aaaa-bbbb"})
    assert answer.status_code == 404
    assert "No report belongs to this code" in answer.text


def test_an_empty_report_keeps_what_was_written(client: TestClient, database: Database) -> None:
    answer = client.post("/", data={"contact": "a friend"})
    assert answer.status_code == 422
    assert "Both fields are empty" in answer.text
    assert 'value="a friend"' in answer.text
    with database.begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM tips")).scalar_one() == 0


def test_too_long_and_too_many_are_braked(client: TestClient) -> None:
    assert client.post("/", data={"address": "x" * 3000}).status_code == 422
    assert client.post("/", data={"description": "x" * 70_000}).status_code == 422
    for _ in range(5):
        assert client.post("/", data={"address": "https://example.org/"}).status_code == 201
    assert client.post("/", data={"address": "https://example.org/"}).status_code == 503


def test_questions_about_reports_take_no_report_s_place(client: TestClient) -> None:
    asked = [
        client.post("/status", data={"code": "aaaa-aaaa-aaaa-aaaa-aaaa"}).status_code
        for _ in range(6)
    ]
    assert asked == [404] * 5 + [503]
    assert client.post("/", data={"address": "https://example.org/"}).status_code == 201


def test_as_many_letters_as_the_page_lets_through_are_taken(
    client: TestClient, seal: RecordingSeal
) -> None:
    """A page counts the end of a line as one letter; a browser sends two."""
    written = "x\n" * 2500
    assert client.post("/", data={"description": written.replace("\n", "\r\n")}).status_code == 201
    assert json.loads(seal.sealed[0]) == {"description": written.strip()}


@pytest.mark.parametrize("path", ["/", "/status"])
def test_whoever_goes_away_within_a_form_leaves_no_traceback(client: TestClient, path: str) -> None:
    """What is raised out of the application ends as a traceback in the log."""
    asyncio.run(left_within_a_form(client.app, path))


def test_more_fields_than_the_form_has_are_refused(client: TestClient) -> None:
    answer = client.post("/", data={f"field{number}": "x" for number in range(30)})
    assert answer.status_code == 422
    assert "The report is too long" in answer.text


@pytest.mark.parametrize("path", ["/status/", "/static", "/healthz/"])
def test_no_answer_repeats_the_host(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"host": "elsewhere.example"}, follow_redirects=False)
    assert answer.status_code == 404
    assert "location" not in answer.headers


def test_every_page_has_the_strict_headers_and_no_script(client: TestClient) -> None:
    for path in ("/", "/status", "/absent", "/static/hotline.css"):
        page = client.get(path)
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["cross-origin-resource-policy"] == "same-origin"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "script-src" not in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert "<script" not in page.text
        assert "style=" not in page.text


def test_every_question_has_a_label_and_a_hint(client: TestClient) -> None:
    page = client.get("/").text
    for question in QUESTIONS:
        assert f'for="{question.key}"' in page
        assert f'aria-describedby="{question.key}-hint"' in page


def test_markup_in_an_answer_stays_text(client: TestClient) -> None:
    page = client.post("/", data={"contact": "<b>x</b>"}).text
    assert "<b>x</b>" not in page
