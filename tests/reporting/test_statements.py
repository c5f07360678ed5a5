"""What a report says, fact by fact: each row is a fact and the very sentence it bears."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from cases.case_parts import PERSON_A, PICTURE
from reporting.case_composing import NO_LIST, composed, judge, opened
from reporting.match_kinds import (
    FORBIDDEN,
    MATCHES,
    NOT_DIGESTS,
    OLD_VIDEO,
    SHORT,
    STATED_DISTANCE,
)
from tutela.api import answers
from tutela.cases import store as cases
from tutela.cases.model import AgeBand, Decision, MatchFound, Verdict
from tutela.evidence.model import Viewed
from tutela.indicators.model import EntryStatus, Finding, Match, MatchResult
from tutela.indicators.reasons import in_short
from tutela.ledger import store as ledger
from tutela.primitives.database import Database
from tutela.primitives.ids import CaseId, DecisionId, ExhibitId
from tutela.reporting import statements
from tutela.reporting.dossier import dossier
from tutela.reporting.formats import cybertip
from tutela.reporting.statements import AppliedFrom, Judgment
from tutela.scan.model import Scanned
from workflows.filing_world import CATEGORY, World

LISTED = "category in the list when found: ncmec-ab/2022/A1"


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database=database, home=tmp_path / "home")


def found(match: Match) -> MatchFound:
    return MatchFound(exhibit_id=ExhibitId.new(), match=match, found_at=AT)


AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize("kind", MATCHES)
def test_each_kind_of_match_says_its_facts(kind: str) -> None:
    match, sentences = MATCHES[kind]
    assert match.reasons == sentences
    assert in_short(match) == SHORT[kind]
    (said,) = statements.of_matches([found(match)], {7: EntryStatus.ACTIVE})
    assert said == f"Matched the hash list drawn pictures: {'; '.join(sentences)}; {LISTED}."


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (EntryStatus.ACTIVE, f"{LISTED}."),
        (EntryStatus.WITHDRAWN, f"{LISTED}; the list has withdrawn this entry since."),
        (EntryStatus.DELETED, f"{LISTED}; the list has deleted this entry since."),
        (
            EntryStatus.SET_ASIDE,
            f"{LISTED}; this entry of the list is malformed and is no longer matched.",
        ),
        (None, f"{LISTED}; the list no longer holds this entry."),
    ],
)
def test_an_entry_that_no_longer_matches_is_named(status: EntryStatus | None, said: str) -> None:
    match, sentences = MATCHES["pdq 12"]
    statuses = {} if status is None else {7: status}
    (line,) = statements.of_matches([found(match)], statuses)
    assert line == f"Matched the hash list drawn pictures: {'; '.join(sentences)}; {said}"


@pytest.mark.parametrize("kind", MATCHES)
def test_answers_rows_and_packages_carry_the_distance_of_a_distance_only(
    kind: str, world: World
) -> None:
    match = MATCHES[kind][0]
    result = MatchResult(finding=Finding.MATCHED, matches=(match,))
    answer = answers.finding_of(result).model_dump(by_alias=True)["matches"][0]
    row = Scanned(path=Path("x"), finding=Finding.MATCHED, matches=(match,)).as_json()["matches"][0]  # type: ignore[index]
    case_id = opened(world, match)
    with world.database.begin() as tx:
        packed = dossier(tx, case_id).summary["matches"][0]
        (line,) = ledger.lines(tx, subject=case_id, action="match_recorded")
    for told in (answer, row, packed):
        assert told["distance_bits"] == STATED_DISTANCE[kind]
        assert told["reasons"] == list(match.reasons)
        assert (told["video"] is None) == (match.video is None)
    assert line.detail["distance_bits"] == STATED_DISTANCE[kind]
    if match.video is not None:
        assert answer["video"]["query_percent"] == match.video.query_percent
        assert line.detail["query_matched"] == match.video.query_matched


@pytest.mark.parametrize("kind", NOT_DIGESTS)
def test_nothing_but_a_digest_is_called_the_same(kind: str, world: World) -> None:
    match = MATCHES[kind][0]
    case_id = opened(world, match)
    with world.database.begin() as tx:
        summary = dossier(tx, case_id).summary["matches"]
        lines = [line.detail for line in ledger.lines(tx, subject=case_id, action="match_recorded")]
    judge(world, case_id)
    tip, file = composed(world, case_id)
    result = MatchResult(finding=Finding.MATCHED, matches=(match,))
    for said in (
        in_short(match),
        json.dumps(answers.finding_of(result).model_dump(mode="json")["matches"]),
        json.dumps(summary),
        json.dumps(lines),
        cybertip.report_xml(tip).decode(),
        cybertip.file_details_xml(file).decode(),
    ):
        for word in FORBIDDEN:
            assert word not in said.lower().replace(_AGREES, ""), said


_AGREES = "a matched entry has the same category"  # of categories, not of files


def test_a_video_stored_before_its_extent_was_kept_reads_by_its_reasons(
    world: World, database_url: str
) -> None:
    case_id = opened(world, OLD_VIDEO)
    owner = create_engine(database_url)
    with owner.begin() as tx:
        tx.execute(text("UPDATE matches SET distance_bits = 0, video = NULL"))
    owner.dispose()
    with world.database.begin() as tx:
        (read,) = cases.matches_of(tx, case_id)
    assert (read.match.distance_bits, read.match.video) == (None, None)
    judge(world, case_id)
    said = composed(world, case_id)[0].additional_info or ""
    assert "38 of the upload's 100 compared frames (38 %)" in said
    assert "exact" not in said


def decision() -> Decision:
    return Decision(
        id=DecisionId.new(),
        case_id=CaseId.new(),
        by=PERSON_A.id,
        at=AT,
        verdict=Verdict.APPARENT_CSAM,
        category=CATEGORY,
        age_band=AgeBand.UNKNOWN,
        facts={},
        note="",
        confirms=None,
        final=True,
        viewed={ExhibitId.new(): Viewed.NOTHING},
    )


@pytest.mark.parametrize(
    ("hops", "sentences"),
    [
        (
            (AppliedFrom(distance_bits=0, steps=1, viewed=Viewed.ENTIRE),),
            (
                (
                    "The decision was applied from the decision of the same reviewer on another "
                    "item, at PDQ distance 0; this reviewer had opened a full view of all of that "
                    "item before deciding there."
                ),
            ),
        ),
        (
            (AppliedFrom(distance_bits=40, steps=3, viewed=Viewed.NOTHING),),
            (
                (
                    "The decision was applied from the decision of the same reviewer on another "
                    "item, at PDQ distance 40, joined through 2 other items; this reviewer had "
                    "opened nothing of that item before deciding there."
                ),
            ),
        ),
        (
            (
                AppliedFrom(distance_bits=5, steps=1, viewed=Viewed.NOTHING),
                AppliedFrom(distance_bits=9, steps=2, viewed=Viewed.PART),
            ),
            (
                (
                    "The decision was applied from the decision of the same reviewer on another "
                    "item, at PDQ distance 5; this reviewer had opened nothing of that item before "
                    "deciding there."
                ),
                (
                    "That decision was itself applied from the decision of the same reviewer on "
                    "another item, at PDQ distance 9, joined through 1 other item; this reviewer "
                    "had opened a full view of one frame or page of that item, not of all of it "
                    "before deciding there."
                ),
            ),
        ),
    ],
)
def test_an_applied_decision_says_from_where(
    hops: tuple[AppliedFrom, ...], sentences: tuple[str, ...]
) -> None:
    one = decision()
    judgment = Judgment(opinions=(one,), applied={one.id: hops}, agreeing_lists=())
    _, seen, *said, category = statements.of_judgment(judgment)
    assert seen == "By the view log, this reviewer had opened nothing of the file before deciding."
    assert tuple(said) == sentences
    assert category == f"The category comes from the decision on that other item. {NO_LIST}"
    (exhibit,) = one.viewed
    account = statements.of_classification(judgment, exhibit, "B2")
    assert all(sentence in account for sentence in sentences)


@pytest.mark.parametrize(("quality", "sent"), [(0, False), (49, False), (50, True)])
def test_the_hash_of_a_blank_picture_is_not_told(quality: int, sent: bool, world: World) -> None:  # noqa: FBT001 - a table
    case_id = opened(world, MATCHES["md5"][0], pdq=replace(PICTURE, quality=quality))
    judge(world, case_id)
    _, file = composed(world, case_id)
    named = {each.hash_type for each in file.original_file_hashes}
    assert named == {"MD5", "SHA1", "SHA256", *(["PDQ"] if sent else [])}
