"""What a report says about views, moments and people: each row is a fact and its sentence."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cases.case_parts import PERSON_A, PERSON_B
from reporting.case_composing import NO_LIST, VIEWS, composed, full, judge, opened, rendition
from reporting.match_kinds import MATCHES
from tutela.cases import store as cases
from tutela.cases.claiming import claim, release
from tutela.cases.deciding import confirm
from tutela.evidence import store as evidence
from tutela.evidence.model import Viewed
from tutela.ledger import store as ledger
from tutela.primitives.clock import iso
from tutela.primitives.database import Database
from tutela.primitives.redacted import Redacted
from tutela.reporting.dossier import dossier
from tutela.review.clustering import decide_cluster
from tutela.taxonomy.model import Category
from workflows.filing_world import CATEGORY, World


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database=database, home=tmp_path / "home")


@pytest.mark.parametrize("state", VIEWS)
def test_each_state_of_the_view_log_says_what_was_seen(state: str, world: World) -> None:
    look, viewed, words, by_esp = VIEWS[state]
    case_id = opened(world, MATCHES["pdq 12"][0])
    judge(world, case_id, look=look)
    with world.database.begin() as tx:
        final = cases.final_decision(tx, case_id)
        (exhibit,) = [one.id for one in evidence.exhibits_of(tx, case_id)]
        (line,) = ledger.lines(tx, subject=case_id, action="decision_made")
        (packed,) = dossier(tx, case_id).summary["decisions"]
    assert final is not None
    assert final.viewed == {exhibit: viewed}
    assert line.detail["viewed"] == packed["viewed"] == {exhibit: viewed.value}
    tip, file = composed(world, case_id)
    said = (tip.additional_info or "").splitlines()
    assert said[1:] == [
        (
            f"A reviewer of the provider decided on {iso(world.began)}: apparent child sexual "
            "abuse material; category ncmec-ab/2022/B2; apparent age pubescent."
        ),
        f"By the view log, this reviewer {words} before deciding.",
        f"The category was given by the reviewer. {NO_LIST}",
    ]
    assert file.file_viewed_by_esp is by_esp
    assert file.industry_classification == "B2"
    assert file.additional_info[-1] == (
        f"The industry classification B2 was given by a reviewer of the provider on "
        f"{iso(world.began)}. By the view log, this reviewer {words} before. {NO_LIST}"
    )


def test_a_view_after_the_decision_or_by_another_person_is_not_the_deciders(world: World) -> None:
    case_id = opened(world, MATCHES["pdq 12"][0])
    with world.database.begin() as tx:
        claim(tx, case_id, PERSON_B, world.began)
        full()(tx, case_id, PERSON_B, world)
        release(tx, case_id, by=PERSON_B, at=world.began)
    judge(world, case_id)
    with world.database.begin() as tx:
        tx.execute(text("UPDATE cases SET claimed_by = :a"), {"a": PERSON_A.id})
        rendition(tx, case_id, PERSON_A, World(database=world.database, home=world.home))
        final = cases.final_decision(tx, case_id)
    assert final is not None
    assert set(final.viewed.values()) == {Viewed.NOTHING}
    tip, file = composed(world, case_id)
    assert "this reviewer had opened nothing of the file" in (tip.additional_info or "")
    assert file.file_viewed_by_esp is True  # somebody at the provider was shown all of it


def test_a_second_opinion_says_what_each_of_the_two_had_seen(world: World) -> None:
    match = MATCHES["pdq 12"][0]

    case_id = opened(world, replace(match, second_person=True))
    judge(world, case_id, look=full())
    later = world.began + timedelta(minutes=1)
    with world.database.begin() as tx:
        claim(tx, case_id, PERSON_B, later)
        confirm(tx, case_id, by=PERSON_B, at=later, agree=True)
    tip, file = composed(world, case_id)
    assert (tip.additional_info or "").splitlines()[2:] == [
        "By the view log, this reviewer had opened a full view of all of the file before deciding.",
        f"A second reviewer agreed with that decision on {iso(later)}.",
        "By the view log, the second reviewer had opened nothing of the file before deciding.",
        f"The category was given by the first reviewer. {NO_LIST}",
    ]
    assert "had opened a full view of all of the file" in file.additional_info[-1]


def test_a_list_that_gives_the_same_category_is_named(world: World) -> None:
    match = MATCHES["pdq 12"][0]

    case_id = opened(world, replace(match, category=Category.parse(CATEGORY)))
    judge(world, case_id)
    tip, file = composed(world, case_id)
    agrees = "A matched entry has the same category in the hash list: drawn pictures."
    assert (tip.additional_info or "").endswith(f"The category was given by the reviewer. {agrees}")
    assert file.additional_info[-1].endswith(agrees)


@pytest.mark.parametrize(
    ("offset", "moment", "said", "uploaded"),
    [
        (
            timedelta(hours=-2),
            timedelta(hours=-2),
            "The moment of the upload, as the service recorded it.",
            True,
        ),
        (
            None,
            timedelta(),
            "The moment of detection; the moment of the upload is not known.",
            False,
        ),
        (
            timedelta(hours=2),
            timedelta(),
            (
                "The moment of detection; the service recorded a later one for the upload, "
                "{later}, which cannot be."
            ),
            False,
        ),
    ],
    ids=["given", "absent", "later than detection"],
)
def test_each_source_of_the_time_says_which_it_is(
    *, offset: timedelta | None, moment: timedelta, said: str, uploaded: bool, world: World
) -> None:
    at = None if offset is None else world.began + offset
    case_id = world.decided(uploaded_at=at, uploader_ip=Redacted("192.0.2.7"))
    tip, file = composed(world, case_id)
    assert tip.incident.incident_at == world.began + moment
    later = "" if at is None else iso(at)
    assert tip.incident.incident_at_description == said.format(later=later)
    assert file.uploaded_to_esp_at == (at if uploaded else None)
    assert file.ip_capture is not None
    assert file.ip_capture.at == (at if uploaded else None)


PEOPLE: Mapping[str, tuple[dict[str, Any], str | None, str | None]] = {
    "nothing": ({}, None, None),
    "reference": ({"uploader_reference": "account-1"}, "esp_identifier", None),
    "screen name": ({"uploader_screen_name": Redacted("Person A")}, "screen_name", None),
    "address": ({"uploader_email": Redacted("a@person.example")}, "person", None),
    "no address": (
        {"uploader_email": Redacted("nobody")},
        None,
        "E-mail address as recorded by the service: nobody",
    ),
    "network address": ({"uploader_ip": Redacted("192.0.2.7")}, "ip_captures", None),
    "no network address": (
        {"uploader_ip": Redacted("nowhere")},
        None,
        "Network address as recorded by the service: nowhere",
    ),
    "country": (
        {"uploader_location": "FR"},
        None,
        "Country of the uploader, by the service: FR",
    ),
    "further": (
        {"extra": {"room": "general"}},
        None,
        "room, as recorded by the service: general",
    ),
    "place": (
        {"location_url": Redacted("over there")},
        None,
        "Place as recorded by the service: over there",
    ),
}


@pytest.mark.parametrize("field", PEOPLE)
def test_each_field_about_the_person_says_where_it_comes_from(field: str, world: World) -> None:
    context, element, sentence = PEOPLE[field]
    case_id = world.decided(**context)
    tip, _ = composed(world, case_id)
    remarks = (tip.additional_info or "").splitlines()[4:]
    assert remarks == ([] if sentence is None else [sentence])
    if element is None:
        assert tip.reported == ()
        return
    (person,) = tip.reported
    filled = {
        name: getattr(person, name)
        for name in ("esp_identifier", "screen_name", "person", "ip_captures")
        if getattr(person, name)
    }
    assert list(filled) == [element]


def test_a_report_follows_an_applied_decision_back_to_the_item_that_was_judged(
    world: World,
) -> None:
    match = MATCHES["pdq 12"][0]
    first, second, third = (opened(world, match, data) for data in (b"one", b"two", b"three"))
    judge(world, first, look=full())
    with world.database.begin() as tx:
        decide_cluster(tx, first, others=[second], by=PERSON_A, at=world.began)
    with world.database.begin() as tx:
        decide_cluster(tx, second, others=[third], by=PERSON_A, at=world.began)
    applied = "applied from the decision of the same reviewer on another item, at PDQ distance 0;"
    seen = "this reviewer had opened a full view of all of that item before deciding there."
    unseen = "this reviewer had opened nothing of that item before deciding there."
    for case_id, said in (
        (second, [f"The decision was {applied} {seen}"]),
        (
            third,
            [f"The decision was {applied} {unseen}", f"That decision was itself {applied} {seen}"],
        ),
    ):
        tip, file = composed(world, case_id)
        _, _, view, *sentences, source = (tip.additional_info or "").splitlines()
        assert (
            view == "By the view log, this reviewer had opened nothing of the file before deciding."
        )
        assert sentences == said
        assert source == f"The category comes from the decision on that other item. {NO_LIST}"
        assert file.file_viewed_by_esp is False
        assert all(sentence in file.additional_info[-1] for sentence in said)
