"""Every signed-in page says when uploads are not matched, or soon will not be."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from console_parts import BOOK, Browser, Office
from starlette.testclient import TestClient

from counsel.detection_parts import accept
from tutela.console.app import build
from tutela.counsel.detection import Detecting

INTERIM = "eu.detection.interim.known-hash"
OFF = "Uploads are not matched: no basis in law permits it here today."
SOON = "The basis in law for matching uploads ends soon"


@pytest.fixture
def browser(office: Office) -> Browser:
    detecting = Detecting(
        office.database,
        office.clock,
        BOOK,
        provider={
            "provider.established_in": "IE",
            "service.targets_markets": ["IE"],
            "service.end_to_end_encrypted": "no",
            "counsel.eu_interim_conditions": True,
        },
        channel="interpersonal",
    )
    client = TestClient(
        build(replace(office.parts(), detecting=detecting)),
        base_url="http://console.test",
        follow_redirects=False,
    )
    client.headers["accept-language"] = "en"
    office.person("person-a")
    return Browser(client)


def test_the_strip_says_that_it_is_off_that_it_ends_or_nothing(
    office: Office, browser: Browser
) -> None:
    assert OFF not in browser.get("/sign-in").text  # nobody outside learns of it
    assert browser.sign_in("person-a").status_code == 303
    page = browser.get("/help").text
    assert OFF in page
    assert f"<code>tutela law accept {INTERIM}" in page
    accept(office.database, INTERIM)
    page = browser.get("/help").text
    assert OFF not in page
    assert SOON not in page
    office.clock.at = datetime(2028, 1, 10, tzinfo=UTC)
    assert browser.sign_in("person-a").status_code == 303
    page = browser.get("/help").text
    assert SOON in page
    assert "ends on 2028-04-03, in 84 days" in page
