"""Signed-in pages say what waits or fails; the case page sends a failed order again."""

from dataclasses import replace
from datetime import timedelta

from console_parts import AT, Browser, Office, actions
from starlette.testclient import TestClient

from tutela.accounts.model import Role
from tutela.console.app import build
from tutela.reporting import store
from tutela.reporting.reports import ReportState, RestrictionState
from tutela.wiring.background import Waits

LATE = timedelta(hours=1)


def browser_of(office: Office, login: str, *roles: Role) -> Browser:
    waits = Waits(office.database, office.clock, late_after=LATE)
    client = TestClient(
        build(replace(office.parts(), waits=waits.announced)),
        base_url="http://console.test",
        follow_redirects=False,
    )
    client.headers["accept-language"] = "en"
    browser = Browser(client)
    office.person(login, *roles)
    assert browser.sign_in(login).status_code == 303
    return browser


def test_the_banner_and_the_case_page_say_what_failed_and_the_button_sends_it_again(
    office: Office,
) -> None:
    case_id, _ = office.case()
    browser = browser_of(office, "person-a")
    assert "Orders to disable access failed" not in browser.get("/queue").text
    with office.database.begin() as tx:
        order = store.order(tx, case_id=case_id, names_item=True, at=AT)
        store.change_restriction(
            tx, order.id, state=RestrictionState.FAILED, last_why="HTTP status 404 from p.example"
        )
        report = store.start(tx, case_id=case_id, channel="CyberTipline", at=AT)
        store.change(tx, report.id, state=ReportState.COMPOSED)
        store.record_attempt(tx, report.id, "no answer: ConnectError on submit at a.example")
        store.change(tx, report.id, next_try_at=AT + LATE)
    page = browser.get("/queue").text
    assert "Orders to disable access failed: a person must act." in page
    assert "No worker is running: reports and orders wait." in page
    assert f'href="/cases/{case_id}"' in page
    page = browser.get(f"/cases/{case_id}").text
    assert "HTTP status 404 from p.example" in page
    assert "ConnectError on submit at a.example" in page
    assert "1 attempt without success." in page
    assert "Next attempt:" in page
    assert "Send the order again" in page
    answer = browser.post(f"/cases/{case_id}/orders/again")
    assert answer.status_code == 303
    assert actions(office.database).count("restriction_asked_again") == 1
    page = browser.get(f"/cases/{case_id}").text
    assert "Send the order again" not in page
    assert browser.post(f"/cases/{case_id}/orders/again").status_code == 409  # once is enough


def test_who_may_not_decide_may_not_send_again(office: Office) -> None:
    case_id, _ = office.case()
    counsel = browser_of(office, "person-c", Role.COUNSEL)
    with office.database.begin() as tx:
        order = store.order(tx, case_id=case_id, names_item=True, at=AT)
        store.change_restriction(tx, order.id, state=RestrictionState.FAILED, last_why="x")
    assert "Send the order again" not in counsel.get(f"/cases/{case_id}").text
    assert counsel.post(f"/cases/{case_id}/orders/again").status_code == 403
