"""Every route for every role: what is not granted is refused, and no page lacks its shield."""

from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser

import pytest
from console_parts import BOOK, Browser, Office, actions
from starlette.routing import Mount

from tutela.accounts.model import Role
from tutela.console.app import build
from tutela.console.protecting import POLICY, POLICY_WITH_BEACON

R, C, O, A = Role.REVIEWER, Role.COUNSEL, Role.OPERATOR, Role.AUDITOR  # noqa: E741 - a table
EVERYONE = {R, C, O, A}
CASE = "/cases/{case}"
EXHIBIT = CASE + "/exhibits/{exhibit}"


@dataclass(frozen=True)
class Row:
    method: str
    path: str
    roles: set[Role]
    fields: dict[str, str] | None = None
    route: str = ""


RULE = BOOK.editions("us.2258A.report")[-1]
TABLE = [
    Row("GET", "/", EVERYONE),
    Row("GET", "/help", EVERYONE),
    Row("GET", "/law", EVERYONE),
    Row("GET", "/law/rules", EVERYONE),
    Row("GET", "/law/search", EVERYONE),
    Row("GET", "/law/places/DE", EVERYONE, route="/law/places/{code}"),
    Row("GET", "/law/instruments/IPU", EVERYONE, route="/law/instruments/{name}"),
    Row("GET", "/law/requirements/IPU-1", EVERYONE, route="/law/requirements/{name}"),
    Row(
        "GET",
        "/law/entries/rules/us.2258A.report",
        EVERYONE,
        route="/law/entries/{kind}/{name}",
    ),
    Row("GET", "/law/sources/memory", EVERYONE, route="/law/sources/{name}"),
    Row("GET", "/law/gap?jurisdiction=DE&against=IPU", EVERYONE, route="/law/gap"),
    Row("GET", "/law/oversight?jurisdiction=DE", EVERYONE, route="/law/oversight"),
    Row("GET", "/law/compare", EVERYONE),
    Row("GET", "/law/draft", EVERYONE),
    Row("GET", "/law/duties", EVERYONE),
    Row("POST", "/law/duties", EVERYONE, {"facts": "decision.apparent_csam: true"}),
    Row("GET", "/queue", {R, C}),
    Row("GET", "/lists", {R, O, A}),
    Row("GET", "/ledger", {A}),
    Row("POST", "/ledger/verify", {A}),
    Row(
        "POST",
        "/law/accept",
        {C},
        {"rule": RULE.id, "version": RULE.version, "note": "read"},
    ),
    Row("GET", CASE, {R, C}, route="/cases/{case_id}"),
    Row("POST", CASE + "/claim", {R}, route="/cases/{case_id}/claim"),
    Row("POST", CASE + "/alike", {R}, route="/cases/{case_id}/alike"),
    Row(
        "GET",
        EXHIBIT + "/rendition/thumb",
        {R},
        route="/cases/{case_id}/exhibits/{exhibit_id}/rendition/{style}",
    ),
    Row(
        "POST",
        EXHIBIT + "/view",
        {R},
        {"reason": "age_unclear"},
        route="/cases/{case_id}/exhibits/{exhibit_id}/view",
    ),
    Row("POST", CASE + "/decide", {R}, {"verdict": "cannot_say", "age_band": "unknown",
        "note": "more is needed"}, route="/cases/{case_id}/decide"),
    Row("POST", CASE + "/release", {R}, route="/cases/{case_id}/release"),
    Row("POST", CASE + "/confirm", {R}, {"agree": "yes"}, route="/cases/{case_id}/confirm"),
    Row("POST", CASE + "/orders/again", {R, O}, route="/cases/{case_id}/orders/again"),
    Row("POST", "/sign-out", EVERYONE),
]  # fmt: skip
ELSEWHERE = {
    "/sign-in",  # for people who are not signed in: test_console_signing_in
    "/views/{viewing_id}",  # for one person only: test_console_case
    "/views/{viewing_id}/picture",
    "/views/{viewing_id}/close",
}


def call(browser: Browser, row: Row, names: dict[str, str]) -> int:
    path = row.path.format(**names)
    if row.method == "GET":
        return browser.get(path).status_code
    return browser.post(path, **(row.fields or {})).status_code


@pytest.mark.parametrize("role", sorted(EVERYONE))
def test_each_role_gets_what_the_table_says_and_nothing_else(office: Office, role: Role) -> None:
    case, exhibit = office.case(second_person=True)
    office.person("person-a", role)
    browser = office.browser()
    assert browser.sign_in("person-a").status_code == 303
    names = {"case": case, "exhibit": exhibit}
    for row in TABLE:
        status = call(browser, row, names)
        if role not in row.roles:
            assert status == 403, f"{row.path} answered {role} with {status}"
        else:
            # Nothing to confirm, take over or send again yet: allowed, and then a conflict.
            too_early = row.path.endswith(("/confirm", "/alike", "/orders/again"))
            wanted = {409} if too_early else {200, 303}
            assert status in wanted, f"{row.path} answered {role} with {status}"


def test_nobody_gets_anything_without_a_session(office: Office) -> None:
    case, exhibit = office.case()
    browser = office.browser()
    for row in TABLE:
        path = row.path.format(case=case, exhibit=exhibit)
        asked: Callable[..., object] = (
            browser.client.get if row.method == "GET" else browser.client.post
        )
        answer = asked(path)
        assert answer.status_code == 303, path  # type: ignore[attr-defined]
        assert answer.headers["location"].startswith("/sign-in"), path  # type: ignore[attr-defined]
        assert case not in answer.text  # type: ignore[attr-defined]


def test_no_form_counts_without_the_token_of_its_session(office: Office) -> None:
    case, exhibit = office.case(second_person=True)
    office.person("person-a", *EVERYONE)
    browser = office.browser()
    browser.sign_in("person-a")
    browser.post(f"/cases/{case}/claim")
    opened = browser.post(f"/cases/{case}/exhibits/{exhibit}/view", reason="age_unclear")
    close = Row("POST", opened.headers["location"] + "/close", {Role.REVIEWER})
    before = len(actions(office.database))
    for row in [*TABLE, close]:
        if row.method != "POST":
            continue
        path = row.path.format(case=case, exhibit=exhibit)
        for token in ({}, {"csrf": ""}, {"csrf": "planted"}):
            answer = browser.client.post(path, data={"x": "", **(row.fields or {}), **token})
            assert answer.status_code == 403, path
            assert "did not come from this page" in answer.text, path
    assert len(actions(office.database)) == before
    posts = {row.route or row.path for row in TABLE if row.method == "POST"}
    assert posts == _paths(build(office.parts()).routes, method="POST") - ELSEWHERE


def test_no_route_is_missing_from_the_table(office: Office) -> None:
    named = {row.route or row.path for row in TABLE} | ELSEWHERE
    paths = _paths(build(office.parts()).routes)
    assert paths == named


def _paths(routes: object, *, method: str | None = None) -> set[str]:
    """The paths of all routes, those of included routers too; of one method only, or of all."""
    found: set[str] = set()
    for route in routes:  # type: ignore[attr-defined]
        if isinstance(route, Mount):
            assert route.path == "/static"
        elif not hasattr(route, "path"):
            found |= _paths(route.original_router.routes, method=method)
        elif method is None or method in route.methods:
            found.add(route.path)
    return found


HTML = "text/html; charset=utf-8"


class _Reading(HTMLParser):
    """What of a page would run, or style it, without coming from a file of ours."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_script = tag == "script"
        if tag == "script" and not given.get("src", "").startswith("/static/"):
            self.found.append("a script that is no file of ours")
        if tag in {"style", "object", "embed", "iframe", "base"}:
            self.found.append(f"<{tag}>")
        for name, value in given.items():
            address = "".join(value.split()).lower()
            if name.startswith("on") or name in {"style", "srcdoc"}:
                self.found.append(f"{tag} {name}")
            if name in {"href", "src", "action", "formaction"} and not (
                address.startswith(("/", "#", "?")) and not address.startswith("//")
            ):
                self.found.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.found.append("code within the page")


def inline_code(page: str) -> list[str]:
    reading = _Reading()
    reading.feed(page)
    reading.close()
    return reading.found


@pytest.mark.parametrize(
    "page",
    [
        "<p onclick='x()'>",
        "<script>x()</script>",
        "<script src='/static/a.js'>x()</script>",
        "<SCRIPT SRC='https://elsewhere.example/a.js'></SCRIPT>",
        "<p style='color: red'>",
        "<style>p {}</style>",
        "<a href='java\nscript:x()'>",
        "<form action='//elsewhere.example'>",
        "<iframe srcdoc='x'>",
    ],
)
def test_the_reading_finds_what_must_not_be_there(page: str) -> None:
    assert inline_code(page)


def test_every_answer_has_its_shield(office: Office) -> None:
    case, exhibit = office.case()
    office.person("person-a", *EVERYONE)
    browser = office.browser()
    answers = [browser.get("/sign-in"), browser.get("/queue"), browser.get("/absent")]
    answers.append(browser.sign_in("person-a"))
    paths = ["/", "/queue", "/lists", "/ledger", "/law", "/help", f"/cases/{case}", "/absent"]
    paths += [f"/cases/{case}/exhibits/{exhibit}/rendition/blur", "/static/console.css"]
    answers += [browser.get(path) for path in paths]
    answers += [browser.post(f"/cases/{case}/claim"), browser.client.delete("/queue")]
    for answer in answers:
        headers = answer.headers
        assert headers["content-security-policy"] == POLICY, answer.url
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        if headers.get("content-type", "").startswith("text/html"):
            assert inline_code(answer.text) == [], answer.url
    assert len([one for one in answers if one.headers.get("content-type") == HTML]) >= len(paths)
    opened = browser.post(f"/cases/{case}/exhibits/{exhibit}/view", reason="age_unclear")
    page = browser.get(opened.headers["location"])
    assert page.headers["content-security-policy"] == POLICY_WITH_BEACON


def test_a_fault_of_ours_shows_nothing_of_itself(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.person("person-a")
    browser = office.browser()
    browser.sign_in("person-a")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the program")

    monkeypatch.setattr("tutela.console.queue_pages.queue", broken)
    answer = browser.get("/queue")
    assert answer.status_code == 500
    assert "secret of the program" not in answer.text
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cache-control"] == "no-store"


def test_a_database_that_is_away_is_told_as_such(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tutela.primitives.errors import Unavailable  # noqa: PLC0415 - only here

    office.person("person-a")
    browser = office.browser()
    browser.sign_in("person-a")

    def away(*_: object, **__: object) -> None:
        raise Unavailable("The database did not answer", remedy="Try again.")

    monkeypatch.setattr("tutela.console.visiting.session_of", away)
    answer = browser.get("/queue")
    assert answer.status_code == 503
    assert "The database did not answer" in answer.text
