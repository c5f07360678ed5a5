import re
from datetime import timedelta

import pytest
from console_parts import PASSWORD, Office, actions

MESSAGE = "The name or password is not right"


def cookies(answer: object) -> list[str]:
    return [
        value
        for name, value in answer.headers.multi_items()  # type: ignore[attr-defined]
        if name == "set-cookie"
    ]


def test_a_wrong_password_and_an_unknown_name_get_the_same_page(office: Office) -> None:
    office.person("person-a")
    browser = office.browser()
    wrong = browser.sign_in("person-a", "not the right password")
    unknown = browser.sign_in("person-z", "not the right password")
    strip = re.compile(r'name="csrf" value="[^"]+"')
    assert wrong.status_code == unknown.status_code == 403
    assert MESSAGE in wrong.text
    assert strip.sub("", wrong.text) == strip.sub("", unknown.text)
    assert "not the right password" not in wrong.text
    assert browser.get("/queue").status_code == 303
    assert actions(office.database).count("sign_in_refused") == 2


def test_the_limit_per_name(office: Office) -> None:
    office.person("person-a")
    browser = office.browser()
    for _ in range(5):
        assert MESSAGE in browser.sign_in("person-a", "not the right password").text
    blocked = browser.sign_in("person-a")
    assert blocked.status_code == 403
    assert "Too many attempts" in blocked.text
    office.clock.at += timedelta(minutes=16)
    assert browser.sign_in("person-a").status_code == 303


def test_a_session_ends_by_time_and_by_hand(office: Office) -> None:
    office.person("person-a")
    browser = office.browser()
    browser.sign_in("person-a")
    assert browser.get("/queue").status_code == 200
    office.clock.at += timedelta(hours=8)
    assert browser.get("/queue").headers["location"] == "/sign-in?next=/queue"
    browser.sign_in("person-a")
    assert browser.post("/sign-out").headers["location"] == "/sign-in"
    assert browser.get("/queue").status_code == 303


def test_signing_in_makes_a_new_session_and_ends_the_old_one(office: Office) -> None:
    office.person("person-a")
    browser = office.browser()
    browser.sign_in("person-a")
    old = browser.client.cookies["tutela_session"]
    browser.sign_in("person-a")
    new = browser.client.cookies["tutela_session"]
    assert new != old
    browser.client.cookies.set("tutela_session", old, domain="console.test", path="/")
    browser.client.cookies.delete("tutela_session", domain="console.test", path="/")
    answer = browser.get("/queue", headers={"cookie": f"tutela_session={old}"})
    assert answer.status_code == 303
    planted = browser.get("/queue", headers={"cookie": "tutela_session=planted"})
    assert planted.status_code == 303


def test_cookies_are_closed_to_scripts_and_other_sites(office: Office) -> None:
    office.person("person-a")
    (session,) = [
        each
        for each in cookies(office.browser().sign_in("person-a"))
        if each.startswith("tutela_session=")
    ]
    assert "HttpOnly" in session
    assert "SameSite=strict" in session
    assert "Secure" not in session  # plain HTTP on loopback, as set


def test_with_tls_the_cookie_is_secure_and_tied_to_its_host(office: Office) -> None:
    office.secure_cookies = True
    office.person("person-a")
    browser = office.browser()
    answer = browser.sign_in("person-a")
    (session,) = [each for each in cookies(answer) if each.startswith("__Host-tutela_session=")]
    assert "; Secure" in session
    assert "Domain" not in session
    assert browser.get("/queue").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "goes_to"),
    [
        ("/law", "/law"),
        ("//elsewhere.example/law", "/"),
        ("/\\elsewhere.example", "/"),
        ("elsewhere", "/"),
        ("/law\r\nset-cookie: x=1", "/"),
    ],
)
def test_after_signing_in_one_stays_here(*, office: Office, wanted: str, goes_to: str) -> None:
    office.person("person-a")
    assert office.browser().sign_in("person-a", next_path=wanted).headers["location"] == goes_to


def test_the_sign_in_form_is_tied_to_its_browser(office: Office) -> None:
    office.person("person-a")
    stranger = office.browser().csrf("/sign-in")
    victim = office.browser()
    victim.get("/sign-in")
    fields = {"csrf": stranger, "login": "person-a", "password": PASSWORD}
    assert victim.client.post("/sign-in", data=fields).status_code == 403
    assert "signed_in" not in actions(office.database)


@pytest.mark.parametrize("token", ["", "planted", "é"])
def test_a_form_without_its_token_changes_nothing(*, office: Office, token: str) -> None:
    case, _ = office.case()
    office.person("person-a")
    browser = office.browser()
    browser.sign_in("person-a")
    answer = browser.client.post(f"/cases/{case}/claim", data={"csrf": token})
    assert answer.status_code == 403
    assert "did not come from this page" in answer.text
    assert "case_claimed" not in actions(office.database)


def test_a_token_of_another_session_is_refused(office: Office) -> None:
    case, _ = office.case()
    office.person("person-a")
    office.person("person-b")
    other, browser = office.browser(), office.browser()
    other.sign_in("person-b")
    browser.sign_in("person-a")
    answer = browser.client.post(f"/cases/{case}/claim", data={"csrf": other.csrf()})
    assert answer.status_code == 403


def test_forms_that_are_no_forms_are_refused(office: Office) -> None:
    office.person("person-a")
    browser = office.browser()
    browser.sign_in("person-a")
    for options in (
        {"json": {"csrf": browser.csrf()}},
        {"data": {"csrf": browser.csrf(), "x": "y" * 70_000}},
        {"data": {f"f{number}": "" for number in range(300)}},
        {
            "content": b"csrf=\xff",
            "headers": {"content-type": "application/x-www-form-urlencoded"},
        },
    ):
        assert browser.client.post("/sign-out", **options).status_code == 422  # type: ignore[arg-type]
    assert browser.get("/queue").status_code == 200
