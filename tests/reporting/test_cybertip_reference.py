"""The reference page says what the code does: codes, outcomes, elements, calls."""

import re
from pathlib import Path

import pytest

from tutela.adapters.sandbox.desk import DESCRIPTIONS
from tutela.reporting.formats.cybertip import classify
from tutela.reporting.model import AuthorityReply, Call, Outcome

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cybertipline.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_table_of_codes_is_complete_and_true(page: str) -> None:
    rows = dict(re.findall(r"^\| (\d+) \|[^|]*\| (.*) \|$", page, flags=re.MULTILINE))
    assert {int(code) for code in rows} == {*DESCRIPTIONS, 1001}
    for code, described in rows.items():
        reply = AuthorityReply(code=int(code), description="", report_id="1", file_id="f")
        outcomes = {classify(reply, 200, call) for call in Call}
        named = set(re.findall(r"`(\w+)`", described))
        if code == "0":
            outcomes.add(Outcome.HUMAN)  # the success that lacks its identifier
        assert (code, named) == (code, {outcome.value for outcome in outcomes})


def test_every_call_has_its_row(page: str) -> None:
    for call in Call:
        assert re.search(rf"^\| `(GET|POST) /{call.value}` \|", page, flags=re.MULTILINE)


def test_every_fault_and_option_of_the_sandbox_is_described(page: str) -> None:
    for word in ("--port", "--host", "--xsd", "--state", "--fail", "`drop`", "`cut`", "`garbage`"):
        assert word in page
