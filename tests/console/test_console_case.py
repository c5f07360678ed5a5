import io
import re
from datetime import timedelta

import pytest
from console_parts import BOOK, Browser, Office, actions, details, drawn
from PIL import Image

from tutela.accounts.model import Role
from tutela.cases import store as cases
from tutela.cases.model import State, Verdict
from tutela.console import answers
from tutela.hashing.model import Pdq
from tutela.law.vocabulary import Asked
from tutela.primitives.ids import CaseId
from tutela.review import viewing
from tutela.review.model import Rendition

DECISION = {
    "verdict": "apparent_csam",
    "category": "ncmec-ab/2022/B2",
    "age_band": "pubescent",
    "fact:decision.imminent_threat": "no",
}


def signed_in(office: Office, login: str, *roles: Role) -> Browser:
    office.person(login, *roles)
    browser = office.browser()
    assert browser.sign_in(login).status_code == 303
    return browser


def test_nothing_loads_by_itself(office: Office) -> None:
    case, exhibit = office.case()
    browser = signed_in(office, "person-a")
    page = browser.get(f"/cases/{case}").text
    assert "<img" not in page.replace('<img src="/static/mark.svg"', "")
    chosen = browser.get(f"/cases/{case}?show=blur").text
    assert f"/cases/{case}/exhibits/{exhibit}/rendition/blur" in chosen
    assert "exhibit_rendition_shown" not in actions(office.database)


@pytest.mark.parametrize("style", list(Rendition))
def test_a_rendition_is_a_small_new_png_and_is_written_down(
    *, office: Office, style: Rendition
) -> None:
    data = drawn(3)
    case, exhibit = office.case(data)
    browser = signed_in(office, "person-a")
    answer = browser.get(f"/cases/{case}/exhibits/{exhibit}/rendition/{style}")
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert max(picture.size) <= (64 if style is Rendition.THUMB else 320)
    assert answer.content != data
    assert list(details(office.database, "exhibit_rendition_shown")) == [
        {"exhibit": exhibit, "rendition": style.value}
    ]


def test_the_full_view_is_reasoned_timed_and_only_for_its_person(office: Office) -> None:
    data = drawn(4)
    case, exhibit = office.case(data)
    browser = signed_in(office, "person-a")
    other = signed_in(office, "person-b")
    view_path = f"/cases/{case}/exhibits/{exhibit}/view"
    assert browser.post(view_path, reason="age_unclear").status_code == 409  # not claimed
    browser.post(f"/cases/{case}/claim")
    assert browser.post(view_path).status_code == 422  # no reason
    page = browser.post(view_path, reason="age_unclear").headers["location"]
    assert other.get(page).status_code == 404
    assert other.get(f"{page}/picture").status_code == 404
    picture = browser.get(f"{page}/picture")
    assert picture.headers["content-type"] == "image/png"
    assert picture.content != data  # re-encoded, never the uploaded bytes
    office.clock.at += timedelta(seconds=17)
    assert browser.post(f"{page}/close").headers["location"] == f"/cases/{case}#picture"
    assert browser.get(page).status_code == 409
    assert browser.get(f"{page}/picture").status_code == 409
    (closed,) = details(office.database, "exhibit_view_closed")
    assert closed["seconds"] == 17
    with office.database.begin() as tx:
        assert viewing.viewed_entirely(tx, exhibit)


def test_leaving_the_page_closes_the_view_by_a_beacon(office: Office) -> None:
    case, exhibit = office.case()
    browser = signed_in(office, "person-a")
    browser.post(f"/cases/{case}/claim")
    page = browser.post(
        f"/cases/{case}/exhibits/{exhibit}/view", reason="category_unclear"
    ).headers["location"]
    assert browser.post(f"{page}/close", beacon="1").status_code == 204
    assert browser.post(f"{page}/close").status_code == 303  # the button a moment later
    assert len(list(details(office.database, "exhibit_view_closed"))) == 1


def test_a_view_left_open_shows_nothing_after_its_time(office: Office) -> None:
    case, exhibit = office.case()
    browser = signed_in(office, "person-a")
    browser.post(f"/cases/{case}/claim")
    page = browser.post(
        f"/cases/{case}/exhibits/{exhibit}/view", reason="category_unclear"
    ).headers["location"]
    office.clock.at += viewing.LONGEST_VIEW
    assert browser.get(f"{page}/picture").status_code == 409
    browser.get("/queue")  # sweeps
    (closed,) = details(office.database, "exhibit_view_closed")
    assert closed["how"] == "expired"


def test_one_frame_of_an_animation_is_not_all_of_it(office: Office) -> None:
    case, exhibit = office.case(drawn(2, frames=3))
    browser = signed_in(office, "person-a")
    browser.post(f"/cases/{case}/claim")
    page = browser.post(
        f"/cases/{case}/exhibits/{exhibit}/view", reason="category_unclear"
    ).headers["location"]
    assert browser.get(f"{page}/picture").status_code == 200
    with office.database.begin() as tx:
        assert not viewing.viewed_entirely(tx, exhibit)


def test_changed_evidence_is_not_shown(office: Office) -> None:
    case, exhibit = office.case()
    browser = signed_in(office, "person-a")
    key = f"exhibits/{exhibit}.age"
    office.blobs.delete(key)
    office.blobs.put(key, b"something else")
    answer = browser.get(f"/cases/{case}/exhibits/{exhibit}/rendition/blur")
    assert answer.status_code == 409
    assert "not what was sealed" in answer.text


def test_what_is_no_picture_gives_a_clear_refusal(office: Office) -> None:
    case, exhibit = office.case(b"neutral placeholder text, no picture")
    browser = signed_in(office, "person-a")
    answer = browser.get(f"/cases/{case}/exhibits/{exhibit}/rendition/blur")
    assert answer.status_code == 422
    assert "exhibit_rendition_shown" not in actions(office.database)


def decided(case: CaseId, browser: Browser, **fields: str) -> None:
    browser.post(f"/cases/{case}/claim")
    answer = browser.post(f"/cases/{case}/decide", **{**DECISION, **fields})
    assert answer.status_code == 303, answer.text


def test_a_decision_is_stored_with_its_facts_and_duties_follow(office: Office) -> None:
    case, _ = office.case()
    browser = signed_in(office, "person-a")
    before = browser.get(f"/cases/{case}").text
    assert "Is the item apparent child sexual abuse material?" in before
    assert "Cannot say" in before
    decided(case, browser)
    with office.database.begin() as tx:
        final = cases.final_decision(tx, case)
        assert cases.case(tx, case).state is State.DECIDED
    assert final is not None
    assert final.facts == {"decision.imminent_threat": False}
    page = browser.get(f"/cases/{case}").text
    assert "Yes, owed" in page
    assert "National Center for Missing" in page
    assert "as soon as reasonably possible" in page
    assert "Cannot say at this status:" in page  # the rules are recalled, nobody accepted them
    assert "Read with that text it would say:" in page
    assert "waits for counsel" in page
    assert "may act" not in page.replace("may act yet", "")


def test_an_answer_left_open_stays_unknown(office: Office) -> None:
    case, _ = office.case()
    browser = signed_in(office, "person-a")
    decided(case, browser, **{"fact:decision.imminent_threat": ""})
    with office.database.begin() as tx:
        final = cases.final_decision(tx, case)
    assert final is not None
    assert final.facts == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("verdict", ""),
        ("verdict", "lawful"),
        ("category", "B2"),
        ("category", "ncmec-ab/2022/Z9"),
        ("category", ""),
        ("age_band", "old"),
        ("fact:decision.imminent_threat", "maybe"),
        ("fact:decision.victim_location", "UK"),
    ],
)
def test_a_decision_that_cannot_be_read_is_refused(
    *, office: Office, field: str, value: str
) -> None:
    case, _ = office.case()
    browser = signed_in(office, "person-a")
    browser.post(f"/cases/{case}/claim")
    answer = browser.post(f"/cases/{case}/decide", **{**DECISION, field: value})
    assert answer.status_code == 422
    with office.database.begin() as tx:
        assert cases.decisions_of(tx, case) == []
        assert cases.case(tx, case).state is State.MATCHED


def test_a_refused_form_comes_back_filled_in(office: Office) -> None:
    case, _ = office.case()
    browser = signed_in(office, "person-a")
    browser.post(f"/cases/{case}/claim")
    filled = {**DECISION, "category": "", "note": "two words"}
    page = browser.post(f"/cases/{case}/decide", **filled).text
    assert "Apparent material needs its category" in page
    assert ">two words</textarea>" in page
    assert 'value="apparent_csam" required checked>' in page
    assert re.search(r'name="fact:[^"]+" value="no" checked>', page)
    assert "Duties" in page, "the whole page is there, not an error page"


def test_who_decides_too_late_keeps_the_text(office: Office) -> None:
    """A second tab, or a colleague who took the case over: the note is not lost."""
    case, _ = office.case()
    browser = signed_in(office, "person-a")
    browser.post(f"/cases/{case}/claim")
    assert browser.post(f"/cases/{case}/decide", **DECISION).status_code == 303
    late = browser.post(f"/cases/{case}/decide", **{**DECISION, "note": "two words <b>"})
    assert late.status_code == 409
    assert ">two words &lt;b&gt;</textarea>" in late.text
    assert "Your note, which was not stored" in late.text
    assert "The case is decided already" in late.text
    assert "This was not stored." in late.text
    assert "decision_made" not in late.text.partition('role="alert"')[2].partition("</div>")[0]
    assert "what you filled in is still here" not in late.text
    second = browser.post(f"/cases/{case}/confirm", agree="yes", note="three more words")
    assert second.status_code == 409
    assert ">three more words</textarea>" in second.text


def test_what_is_owed_stands_before_what_is_not(office: Office) -> None:
    case, _ = office.case()
    browser = signed_in(office, "person-a")
    decided(case, browser)
    page = browser.get(f"/cases/{case}").text
    for part in page.split('<h3 class="law">')[1:]:
        states = re.findall(r'class="badge duty-(\w+)"', part)
        order = ["owed", "unknown", "discharged", "not_owed", "not_in_force"]
        assert states == sorted(states, key=order.index)
        assert sum(int(n) for n in re.findall(r"(\d+)\u00d7 ", part)) == len(states) > 0


def test_the_form_asks_whatever_the_law_asks_of_a_reviewer(office: Office) -> None:
    case, _ = office.case()
    browser = signed_in(office, "person-a")
    browser.post(f"/cases/{case}/claim")
    page = browser.get(f"/cases/{case}").text
    asked = {
        fact.name
        for fact in BOOK.vocabulary.facts.values()
        if fact.asked is Asked.REVIEWER and fact.name != "decision.apparent_csam"
    }
    assert asked
    assert {f"fact:{name}" for name in asked} == set(re.findall(r'name="(fact:[^"]+)"', page))
    assert {fact.name for fact in answers.questions(BOOK)} == asked


def test_two_persons_decide_where_a_list_asks_for_it(office: Office) -> None:
    case, _ = office.case(second_person=True)
    first = signed_in(office, "person-a")
    second = signed_in(office, "person-b")
    decided(case, first)
    assert "A different person must give the second opinion" in first.get(f"/cases/{case}").text
    first.post(f"/cases/{case}/claim")
    assert first.post(f"/cases/{case}/confirm", agree="yes").status_code == 403
    first.post(f"/cases/{case}/release")
    second.post(f"/cases/{case}/claim")
    assert "Do you agree?" in second.get(f"/cases/{case}").text
    assert second.post(f"/cases/{case}/confirm", agree="").status_code == 422
    assert second.post(f"/cases/{case}/confirm", agree="yes").status_code == 303
    with office.database.begin() as tx:
        assert cases.final_decision(tx, case) is not None


def test_a_disagreement_keeps_both_opinions_and_goes_back(office: Office) -> None:
    case, _ = office.case(second_person=True)
    first = signed_in(office, "person-a")
    second = signed_in(office, "person-b")
    decided(case, first)
    second.post(f"/cases/{case}/claim")
    answer = second.post(
        f"/cases/{case}/confirm",
        agree="no",
        verdict="not_csam",
        age_band="unknown",
        note="a drawn pattern",
    )
    assert answer.status_code == 303
    with office.database.begin() as tx:
        found = cases.decisions_of(tx, case)
        assert cases.final_decision(tx, case) is None
    assert [each.verdict for each in found] == [Verdict.APPARENT_CSAM, Verdict.NOT_CSAM]


def test_another_persons_claim_stands_in_the_way(office: Office) -> None:
    case, _ = office.case()
    signed_in(office, "person-a").post(f"/cases/{case}/claim")
    other = signed_in(office, "person-b")
    answer = other.post(f"/cases/{case}/claim")
    assert answer.status_code == 409
    assert "Somebody else works on this case" in answer.text


def test_a_known_item_says_that_no_view_is_needed(office: Office) -> None:
    browser = signed_in(office, "person-a")
    judged, _ = office.case(drawn(8))
    decided(judged, browser)
    again, _ = office.case(drawn(8))
    assert "Known item: judged before" in browser.get("/queue").text
    page = browser.get(f"/cases/{again}").text
    assert "No view is needed." in page
    assert f"/cases/{judged}" in page


def test_counsel_reads_duties_and_sees_no_picture(office: Office) -> None:
    case, _ = office.case()
    counsel = signed_in(office, "person-c", Role.COUNSEL)
    page = counsel.get(f"/cases/{case}?show=blur").text
    assert "/rendition/" not in page
    assert "it is not shown to you" in page
    assert "Duties" in page


def test_counsel_accepts_a_rule_version_and_it_may_act(office: Office) -> None:
    case, _ = office.case()
    decided(case, signed_in(office, "person-a"))
    counsel = signed_in(office, "person-c", Role.COUNSEL)
    rule = BOOK.editions("us.2258A.report")[-1]
    accepted = counsel.post("/law/accept", rule=rule.id, version=rule.version, note="read it")
    assert accepted.headers["location"] == "/law/rules"
    assert "may act" in counsel.get(f"/cases/{case}").text
    stale = counsel.post("/law/accept", rule=rule.id, version="0" * 64, note="read it")
    assert stale.status_code == 409


def test_notes_are_text_not_markup(office: Office) -> None:
    case, _ = office.case()
    browser = signed_in(office, "person-a")
    decided(case, browser, note='<b onclick="x()">neutral</b>')
    page = browser.get(f"/cases/{case}").text
    assert "<b onclick" not in page
    assert "&lt;b onclick" in page


def test_paths_that_name_nothing_are_not_found(office: Office) -> None:
    case, _ = office.case()
    browser = signed_in(office, "person-a")
    for path in (
        "/cases/nothing",
        f"/cases/{CaseId.new()}",
        f"/cases/{case}/exhibits/nothing/rendition/blur",
        f"/cases/{case}/exhibits/{case}/rendition/raw",
        "/views/nothing",
        "/views/nothing/picture",
    ):
        assert browser.get(path).status_code == 404, path


def test_the_day_is_counted_and_a_pause_suggested(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewing, "PAUSE_AFTER_VIEWS", 2)
    case, exhibit = office.case()
    browser = signed_in(office, "person-a")
    browser.post(f"/cases/{case}/claim")
    for number in (1, 2):
        assert ("A pause is part of this work" in browser.get("/help").text) is (number > 2)
        page = browser.post(f"/cases/{case}/exhibits/{exhibit}/view", reason="age_unclear").headers[
            "location"
        ]
        office.clock.at += timedelta(seconds=30)
        browser.post(f"{page}/close")
    told = browser.get("/help").text
    assert "2 full views" in told
    assert "A pause is part of this work" in told


def test_the_ledger_page_verifies_the_chain(office: Office) -> None:
    office.case()
    auditor = signed_in(office, "person-d", Role.AUDITOR)
    assert "case_opened" in auditor.get("/ledger").text
    assert "The chain holds" in auditor.post("/ledger/verify").text


def test_a_decision_is_taken_over_to_what_is_alike_by_the_persons_own_act(office: Office) -> None:
    words = int.from_bytes(b"neutral words, 32 bytes of them!")
    first, *others = (
        office.case(drawn(seed), pdq=Pdq((words ^ seed).to_bytes(32), 100))[0] for seed in (1, 2, 3)
    )
    browser = signed_in(office, "person-a")
    assert browser.get("/queue").text.count("2 more like this") == 3
    page = browser.get(f"/cases/{first}").text
    assert "2 more like this" in page
    assert "Once you have decided here" in page
    assert 'type="checkbox"' not in page
    browser.post(f"/cases/{first}/claim")
    browser.post(f"/cases/{first}/decide", **DECISION)
    page = browser.get(f"/cases/{first}").text
    boxes = re.findall(r'<input type="checkbox" name="alike:([^"]+)" value="yes">', page)
    assert set(boxes) == set(others)  # none is chosen before the person does
    nothing = browser.post(f"/cases/{first}/alike")
    assert nothing.status_code == 422
    assert "Nothing was chosen" in nothing.text
    done = browser.post(f"/cases/{first}/alike", **{f"alike:{others[0]}": "yes"})
    assert done.headers["location"] == f"/cases/{first}#alike"
    with office.database.begin() as tx:
        states = [cases.case(tx, case).state for case in others]
    assert states == [State.DECIDED, State.MATCHED]
    again = browser.post(f"/cases/{first}/alike", **{f"alike:{others[0]}": "yes"})
    assert again.status_code == 409
    assert "waits no more" in again.text


def test_a_chain_is_one_group_and_the_page_says_what_is_joined_through_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = int.from_bytes(b"neutral words, 32 bytes of them!")
    first, _, end = (
        office.case(drawn(far), pdq=Pdq((words ^ ((1 << far) - 1)).to_bytes(32), 100))[0]
        for far in (0, 31, 62)
    )
    browser = signed_in(office, "person-a")
    assert browser.get("/queue").text.count("2 more like this") == 3
    browser.post(f"/cases/{first}/claim")
    browser.post(f"/cases/{first}/decide", **DECISION)
    page = browser.get(f"/cases/{first}").text
    assert f'name="alike:{end}"' in page
    assert page.count("PDQ distance 62 · joined through 1 other") == 2
    assert "look at it before you choose it" in page
    assert "are shown" not in page
    assert "The queue is long" not in page
    monkeypatch.setattr("tutela.review.clustering.SHOWN", 1)
    monkeypatch.setattr("tutela.review.clustering.COMPARED", 2)
    page = browser.get(f"/cases/{first}").text
    assert "2 more like this" in page
    assert "Only the nearest 1 are shown." in page
    assert "only its first 2 cases were compared" in page
    assert f'name="alike:{end}"' not in page
