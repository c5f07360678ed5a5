"""Every signed-in page says when outward acts wait, and what to do; so does `/readyz`."""

from dataclasses import replace
from pathlib import Path

import pytest
from console_parts import Browser, Office
from starlette.testclient import TestClient

from tutela.console.app import build
from tutela.ledger import store
from tutela.ledger.noted_head import NotedHead
from tutela.ledger.outward import OutwardGate
from tutela.wiring.opening import attention_of

BANNER = "No report, order or message leaves, and no evidence is removed"


@pytest.fixture
def gate(office: Office, tmp_path: Path) -> OutwardGate:
    return OutwardGate(office.database, NotedHead(tmp_path / "ledger-anchor.json"), office.clock)


def test_missing_evidence_is_a_strip_on_every_page(office: Office) -> None:
    client = TestClient(
        build(replace(office.parts(), evidence_faults=lambda: 2)),
        base_url="http://console.test",
        follow_redirects=False,
    )
    client.headers["accept-language"] = "en"
    browser = Browser(client)
    office.person("person-a")
    assert browser.sign_in("person-a").status_code == 303
    page = browser.get("/help").text
    assert "2 sealed items are missing or damaged." in page
    assert "<code>tutela evidence verify</code>" in page
    assert "sealed items" not in TestClient(client.app).get("/sign-in").text


def test_the_strip_stands_on_every_page_while_outward_acts_wait(
    office: Office, gate: OutwardGate, tmp_path: Path
) -> None:
    client = TestClient(
        build(replace(office.parts(), outward=gate)),
        base_url="http://console.test",
        follow_redirects=False,
    )
    client.headers["accept-language"] = "en"
    browser = Browser(client)
    office.person("person-a")
    with office.database.begin() as tx:
        store.append(
            tx, at=office.clock.now(), actor="t", action="case_opened", subject="c", detail={}
        )
    gate.clear()
    assert browser.sign_in("person-a").status_code == 303
    assert BANNER not in browser.get("/help").text
    assert attention_of(gate, office.database) == {}
    (tmp_path / "ledger-anchor.json").write_text('{"seq": 900, "digest": "' + "0" * 64 + '"}')
    for path in ("/help", "/queue", "/law"):
        page = browser.get(path).text
        assert BANNER in page
        assert "<code>tutela ledger reconcile</code>" in page
    assert BANNER not in TestClient(client.app).get("/sign-in").text
    [(part, why)] = attention_of(gate, office.database).items()
    assert part == "outward acts"
    assert "tutela ledger reconcile" in why
