"""A refused report gives its text back, and five thousand letters are five thousand letters."""

from html.parser import HTMLParser
from typing import Any

import pytest
from starlette.testclient import TestClient

from cases.case_parts import AT, SEAL
from tutela.hotline import app as hotline
from tutela.hotline.app import HotlineParts, build
from tutela.intake.form import QUESTIONS
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database


def form_of(database: Database, **more: Any) -> TestClient:
    parts = HotlineParts(
        database=database, seal=SEAL, clock=FixedClock(at=AT), service_name="Example", **more
    )
    return TestClient(build(parts), raise_server_exceptions=False)


def back(page: str) -> dict[str, str]:
    """What the fields of a page hold, as a browser reads it."""
    found: dict[str, str] = {}

    class Fields(HTMLParser):
        name = ""

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            given = dict(attrs)
            if tag == "input":
                found[given["name"]] = given.get("value", "")
            self.name = given["name"] if tag == "textarea" else ""

        def handle_endtag(self, tag: str) -> None:
            self.name = "" if tag == "textarea" else self.name

        def handle_data(self, data: str) -> None:
            if self.name:
                found[self.name] = found.get(self.name, "") + data

    Fields().feed(page)
    # A browser leaves out the first line end of a text area.
    return {name: text.removeprefix("\n") for name, text in found.items()}


@pytest.mark.parametrize("letter", ["漢", "\U0001f600", "é", "\n", "&", "x"])
def test_every_answer_at_its_longest_is_taken_in_every_script(
    database: Database, letter: str
) -> None:
    given = {one.key: "x" + letter * (one.max_length - 2) + "x" for one in QUESTIONS}
    with form_of(database) as client:
        assert client.post("/", data=given).status_code == 201


def test_an_answer_that_is_too_long_is_given_back_whole(database: Database) -> None:
    given = {one.key: f'<"&{one.key} 漢' for one in QUESTIONS}
    given["description"] = "\n" + "漢" * 6000
    with form_of(database) as client:
        answer = client.post("/", data=given)
    assert answer.status_code == 422
    assert "too long" in answer.text
    assert back(answer.text) == given


def test_a_report_in_a_crowded_minute_is_given_back(database: Database) -> None:
    given = {one.key: f"answer {one.key}" for one in QUESTIONS}
    with form_of(database, reports_per_minute=1) as client:
        answers = [client.post("/", data=given) for _ in range(3)]
    assert answers[-1].status_code == 503
    assert back(answers[-1].text) == given


def test_a_report_while_the_database_is_away_is_given_back() -> None:
    given = {one.key: f"answer {one.key}" for one in QUESTIONS}
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/nowhere")
    with form_of(away) as client:
        answer = client.post("/", data=given)
    assert answer.status_code == 503
    assert back(answer.text) == given


def test_the_limit_of_a_body_follows_the_limits_of_the_answers() -> None:
    longest = sum(one.max_length for one in QUESTIONS)
    assert 24 * longest < hotline._MAX_BODY_BYTES < 256 * 1024
