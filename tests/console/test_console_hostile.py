"""What a stranger may send to the pages: refused as a form or a page, never a fault of ours."""


import pytest
from console_parts import Office


@pytest.mark.parametrize("field", ["login", "password", "next", "absent"])
def test_a_stranger_s_nul_is_a_form_that_cannot_be_read(office: Office, field: str) -> None:
    browser = office.browser()
    fields = {"csrf": browser.csrf("/sign-in"), "login": "person-a", "password": "x"}
    answer = browser.client.post("/sign-in", data={**fields, field: "a\x00b"})
    assert answer.status_code == 422
    assert "The form cannot be read" in answer.text


def test_a_nul_in_a_note_is_refused_and_nothing_is_decided(office: Office) -> None:
    case, _ = office.case()
    office.person("person-a")
    browser = office.browser()
    browser.sign_in("person-a")
    browser.post(f"/cases/{case}/claim")
    opinion = {"verdict": "cannot_say", "age_band": "unknown"}
    answer = browser.post(f"/cases/{case}/decide", **opinion, note="a\x00b")
    assert answer.status_code == 422
    assert browser.post(f"/cases/{case}/decide", **opinion, note="a b").status_code == 303


@pytest.mark.parametrize("path", ["/queue/", "/sign-in/", "/law/rules/", "/static"])
def test_no_answer_repeats_the_host(office: Office, path: str) -> None:
    answer = office.browser().get(path, headers={"host": "elsewhere.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert "elsewhere.example" not in answer.text
