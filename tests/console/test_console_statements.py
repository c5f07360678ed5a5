"""What the console says about a match and a view, fact by fact, in every language it has."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from babel.messages.pofile import read_po
from console_parts import AT, Browser, Office, drawn, hash_of
from sqlalchemy import text

from reporting.match_kinds import (
    FORBIDDEN,
    FORBIDDEN_IN_GERMAN,
    MATCHES,
    NOT_DIGESTS,
    made,
)
from tutela.accounts.model import Role
from tutela.adapters.languages import OWN_FOLDER
from tutela.cases import store as cases
from tutela.console import rendering
from tutela.console.case_pages import ReportSeen
from tutela.evidence.model import Viewed
from tutela.indicators.importing import import_list
from tutela.indicators.model import SignalKind
from tutela.primitives.ids import CaseId, ReportId
from tutela.reporting.reports import KeptExchange, Report

EXTENT: Mapping[str, tuple[str, str]] = {
    "pdq 0": ("PDQ distance 0 (threshold 31)", "PDQ-Abstand 0 (Schwelle 31)"),
    "pdq 12": ("PDQ distance 12 (threshold 31)", "PDQ-Abstand 12 (Schwelle 31)"),
    "turned picture": ("PDQ distance 0 (threshold 31)", "PDQ-Abstand 0 (Schwelle 31)"),
    "later frame": ("PDQ distance 3 (threshold 31)", "PDQ-Abstand 3 (Schwelle 31)"),
    "md5": ("Same digest (MD5)", "Gleiche Prüfsumme (MD5)"),
    "sha1": ("Same digest (SHA-1)", "Gleiche Prüfsumme (SHA-1)"),
    "sha256": ("Same digest (SHA-256)", "Gleiche Prüfsumme (SHA-256)"),
    "video whole": (
        "100% of the upload, 100% of the known video",
        "100 % des Uploads, 100 % des bekannten Videos",
    ),
    "video from before": ("Video: frames in common", "Video: gemeinsame Einzelbilder"),
} | {
    name: (
        "38% of the upload, 95% of the known video",
        "38 % des Uploads, 95 % des bekannten Videos",
    )
    for name in MATCHES
    if name.startswith("video ") and name not in {"video whole", "video from before"}
}
MAY_SAY_THE_SAME = frozenset(
    {
        "Same digest (%(kind)s)",  # MD5, SHA-1, SHA-256 only: `extent` of macros.html
        "A person has judged the same file before:",  # an equal SHA-256 only: case_found.html
        "Known items first: a person has judged the same hash before. Then the oldest.",
        (
            "A known item: a person has judged the same file, or a picture at PDQ distance 0, "
            "before. The case says which; the same file needs no view."
        ),
    }
)
TEMPLATES = Path(rendering.__file__).parent / "templates"


def signed_in(office: Office, login: str, *roles: Role) -> Browser:
    office.person(login, *roles)
    browser = office.browser()
    assert browser.sign_in(login).status_code == 303
    return browser


def found_on(page: str) -> str:
    """The part of a case's page about its matches, as text."""
    section = re.search(r'aria-labelledby="found">(.*?)</section>', page, re.DOTALL)
    assert section
    return plain(section[1])


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("\xa0", " ").split())


@pytest.mark.parametrize("kind", MATCHES)
def test_queue_and_case_say_the_extent_of_each_kind(office: Office, kind: str) -> None:
    case, _ = office.case(matches=[MATCHES[kind][0]])
    browser = signed_in(office, "person-a")
    for code, said in zip(("en", "de"), EXTENT[kind], strict=True):
        queue = plain(browser.get(f"/queue?lang={code}").text)
        page = found_on(browser.get(f"/cases/{case}?lang={code}").text)
        assert said in queue
        assert said in page
        if kind in NOT_DIGESTS:
            row = queue[queue.index("drawn pictures") :][:200]
            for word in (*FORBIDDEN, *FORBIDDEN_IN_GERMAN):
                assert word not in row.lower()
                assert word not in page.lower()
        for sentence in MATCHES[kind][1]:
            assert sentence.replace("'", "&#39;") in page.replace("'", "&#39;")


def test_no_other_sentence_of_the_console_says_the_same_file() -> None:
    """Every sentence of the templates and both languages; those that may are named above."""
    with (OWN_FOLDER / "de" / "LC_MESSAGES" / "console.po").open("rb") as stream:
        catalogue = {str(entry.id): str(entry.string) for entry in read_po(stream) if entry.id}
    about_matches = re.compile(
        r"exact\b|same (file|item|digest|hash|bytes|picture|video)|identical|very (same|item)",
        re.IGNORECASE,
    )
    assert {said for said in catalogue if about_matches.search(said)} <= MAY_SAY_THE_SAME | {
        said
        for said in catalogue
        if "version" in said  # of a rule, which is another thing
    }
    german = re.compile(
        r"(die|der|das)selbe\w* (Datei|Hash|Bild)|genau gleich|identisch", re.IGNORECASE
    )
    assert {said for said, words in catalogue.items() if german.search(words)} <= MAY_SAY_THE_SAME
    found = (TEMPLATES / "case_found.html").read_text(encoding="utf-8")
    assert found.count("same file") == 1
    assert 'if same else _("A person has judged a picture at PDQ distance 0 before:")' in found


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("active", ""),
        ("withdrawn", "The list has withdrawn this entry since"),
        ("deleted", "The list has deleted this entry since"),
        ("set_aside", "This entry is malformed and no longer matches"),
        (None, "The list no longer holds this entry"),
    ],
)
def test_an_entry_that_no_longer_matches_is_named(
    office: Office, status: str | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "drawn.csv"
    path.write_text(f"kind,value\npdq,{hash_of(1).hex}\n")
    import_list(office.database, path=path, name="drawn pictures", by="tests", at=AT)
    with office.database.begin() as tx:
        number = tx.execute(text("SELECT id FROM list_entries")).scalar_one()
        if status is None:
            number += 1
        else:
            tx.execute(text("UPDATE list_entries SET status = :status"), {"status": status})
    case, _ = office.case(matches=[made(SignalKind.PDQ, distance_bits=3, entry_id=number)])
    page = found_on(signed_in(office, "person-a").get(f"/cases/{case}").text)
    others = {words for _, words in STATUSES if words} - {said}
    assert said in page
    assert not [words for words in others if words in page]


STATUSES = (
    ("withdrawn", "The list has withdrawn this entry since"),
    ("deleted", "The list has deleted this entry since"),
    ("set_aside", "This entry is malformed and no longer matches"),
    ("gone", "The list no longer holds this entry"),
)
DECISION = {
    "verdict": "apparent_csam",
    "category": "ncmec-ab/2022/B2",
    "age_band": "pubescent",
}
WARNING = "You have not opened a full view of this item."
IN_PART = "You have seen one frame or page of this item, not all of it."
CONSEQUENCE = (
    "A category that you give or confirm now does not come from seeing the whole file. The "
    "decision records this, and the report says so."
)


def look(browser: Browser, case: CaseId, exhibit: str, how: str) -> None:
    """What the person does before deciding."""
    if how == "rendition":
        assert browser.get(f"/cases/{case}/exhibits/{exhibit}/rendition/blur").status_code == 200
    elif how != "nothing":
        opened = browser.post(
            f"/cases/{case}/exhibits/{exhibit}/view", reason="category_unclear"
        ).headers["location"]
        if how != "never sent":
            assert browser.get(f"{opened}/picture").status_code == 200
        if how == "closed":
            browser.post(f"{opened}/close")


@pytest.mark.parametrize(
    ("how", "frames", "viewed", "warned", "said"),
    [
        ("nothing", 1, Viewed.NOTHING, WARNING, "Nothing was opened"),
        ("rendition", 1, Viewed.RENDITION, WARNING, "Reduced forms only, no full view"),
        ("never sent", 1, Viewed.NOTHING, WARNING, "Nothing was opened"),
        (
            "closed",
            2,
            Viewed.PART,
            IN_PART,
            "A full view of one frame or page, not of the whole file",
        ),
        ("closed", 1, Viewed.ENTIRE, None, "A full view of the whole file"),
        ("open", 1, Viewed.ENTIRE, None, "A full view of the whole file"),
    ],
)
def test_the_page_warns_and_the_decision_records_what_was_seen(
    office: Office, *, how: str, frames: int, viewed: Viewed, warned: str | None, said: str
) -> None:
    case, exhibit = office.case(drawn(frames=frames))
    browser = signed_in(office, "person-a")
    assert WARNING not in browser.get(f"/cases/{case}").text  # there is no form yet
    browser.post(f"/cases/{case}/claim")
    look(browser, case, exhibit, how)
    page = plain(browser.get(f"/cases/{case}").text)
    for words in (WARNING, IN_PART):
        assert (words in page) == (words == warned)
    assert (CONSEQUENCE in page) == (warned is not None)
    assert browser.post(f"/cases/{case}/decide", **DECISION).status_code == 303
    with office.database.begin() as tx:
        final = cases.final_decision(tx, case)
    assert final is not None
    assert final.viewed == {exhibit: viewed}
    assert f"Seen before deciding {said}" in plain(browser.get(f"/cases/{case}").text)


def test_the_second_person_is_warned_by_their_own_view_log(office: Office) -> None:
    case, exhibit = office.case(second_person=True)
    first = signed_in(office, "person-a")
    first.post(f"/cases/{case}/claim")
    look(first, case, exhibit, "closed")
    assert WARNING not in first.get(f"/cases/{case}").text
    first.post(f"/cases/{case}/decide", **DECISION)
    second = signed_in(office, "person-b")
    second.post(f"/cases/{case}/claim")
    assert WARNING in second.get(f"/cases/{case}").text
    second.post(f"/cases/{case}/confirm", agree="yes")
    with office.database.begin() as tx:
        decisions = cases.decisions_of(tx, case)
    assert [one.viewed[exhibit] for one in decisions] == [Viewed.ENTIRE, Viewed.NOTHING]


def test_an_applied_decision_is_not_a_view_of_the_other_item(office: Office) -> None:
    pdq = hash_of(1)
    case, exhibit = office.case(drawn(1), pdq=pdq)
    other, unseen = office.case(drawn(2), pdq=pdq)
    browser = signed_in(office, "person-a")
    browser.post(f"/cases/{case}/claim")
    look(browser, case, exhibit, "closed")
    browser.post(f"/cases/{case}/decide", **DECISION)
    assert "you opened no full view of it" in browser.get(f"/cases/{case}").text
    assert browser.post(f"/cases/{case}/alike", **{f"alike:{other}": "yes"}).status_code == 303
    with office.database.begin() as tx:
        final = cases.final_decision(tx, other)
    assert final is not None
    assert final.viewed == {unseen: Viewed.NOTHING}


def test_a_known_picture_is_not_called_the_same_file(office: Office) -> None:
    """Distance 0 is a known hash; only an equal SHA-256 is the same file."""
    judged, _ = office.case(drawn(1), pdq=hash_of(1))
    browser = signed_in(office, "person-a")
    browser.post(f"/cases/{judged}/claim")
    browser.post(f"/cases/{judged}/decide", verdict="not_csam", age_band="unknown")
    again, _ = office.case(drawn(1), pdq=hash_of(1))
    other, _ = office.case(drawn(2), pdq=hash_of(1))
    same = found_on(browser.get(f"/cases/{again}").text)
    near = found_on(browser.get(f"/cases/{other}").text)
    assert "A person has judged the same file before:" in same
    assert "No view is needed." in same
    assert "A person has judged a picture at PDQ distance 0 before:" in near
    assert "Different pictures can have this hash" in near
    for word in (*FORBIDDEN, "no view is needed"):
        assert word not in near.lower()


ANSWER = KeptExchange(
    id=2,
    report_id=ReportId.new(),
    answers=1,
    call="submit",
    method="POST",
    sent=None,
    sent_sha256=None,
    sent_note="",
    received=b"",
    http_status=200,
    reply_code=0,
    request_id=None,
    exhibit_id=None,
    sandbox=True,
    sent_at=AT,
    received_at=AT,
)


@pytest.mark.parametrize(
    ("answers", "to_sandbox", "perhaps"),
    [
        ([], False, False),
        ([True, True], True, False),
        ([True, False], False, False),  # the settings were changed in between
        ([False], False, False),
        ([None], False, True),  # stored by an earlier version
    ],
)
def test_a_report_is_said_to_have_gone_to_a_sandbox_only_by_its_answers(
    *, answers: list[bool | None], to_sandbox: bool, perhaps: bool
) -> None:
    intent = replace(ANSWER, answers=None, http_status=None, sandbox=None)
    calls = tuple((intent, replace(ANSWER, sandbox=each)) for each in answers)
    seen = ReportSeen(report=cast("Report", None), calls=(*calls, (intent, None)))
    assert (seen.to_sandbox, seen.perhaps_to_sandbox) == (to_sandbox, perhaps)
