"""`POST /v1/media` with a video: one that a list knows, and one that none does."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from video_drawing import film, joined, pictures, write

from cases.case_parts import AT, REFERENCES, SEAL, UNSEALER, permitted
from own_lawbook import own_lawbook
from tutela.accounts.keys import actor_of, create_key
from tutela.accounts.model import Actor
from tutela.adapters.blobs import MemoryBlobsForTests
from tutela.adapters.media.jail import Jail
from tutela.api.app import build
from tutela.api.parts import ApiParts
from tutela.cases.opening import open_case
from tutela.evidence import custody
from tutela.evidence import store as evidence
from tutela.hashing.model import Hashed
from tutela.indicators.formats import vpdq
from tutela.indicators.importing import import_list
from tutela.indicators.matching import Matcher
from tutela.indicators.model import Finding
from tutela.intake.admitting import Intake
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.ids import CaseId
from tutela.primitives.redacted import Redacted

FPS = 4


@pytest.fixture
def blobs() -> MemoryBlobsForTests:
    return MemoryBlobsForTests()


@pytest.fixture
def client(
    database: Database, jail: Jail, blobs: MemoryBlobsForTests, tmp_path: Path
) -> TestClient:
    """A platform's client; the service's list knows nine seconds of film 1."""
    known = jail.hash(write(tmp_path / "known.mp4", pictures(film(1), seconds=9, fps=FPS), fps=FPS))
    assert isinstance(known, Hashed)
    assert known.video is not None
    listed = tmp_path / "films.jsonl"
    row = {"external_id": "film-1", "frames": list(vpdq.lines_of(known.video.frames))}
    listed.write_text(json.dumps(row), encoding="ascii")
    import_list(database, path=listed, name="films", by="test", at=AT)
    clock = FixedClock(at=AT)
    with database.begin() as tx:
        _, key = create_key(tx, name="a platform", by="test", at=AT)

    def authenticate(given: Redacted[str]) -> Actor | None:
        with database.begin() as tx:
            return actor_of(tx, given)

    matcher = Matcher(database)
    parts = ApiParts(
        unsealer=UNSEALER,
        intake=Intake(
            database,
            jail,
            permitted(matcher),
            SEAL,
            blobs,
            clock,
            open_case=open_case,
            references=REFERENCES,
        ),
        database=database,
        clock=clock,
        authenticate=authenticate,
        index_state=matcher.state,
        book=own_lawbook(),
        max_upload_bytes=1 << 20,
        requests_per_minute=60,
        countries=frozenset({"DE", "US"}),
    )
    return TestClient(build(parts), headers={"Authorization": f"Bearer {key.reveal()}"})


def upload(client: TestClient, clip: Path) -> Any:
    return client.post(
        "/v1/media",
        files={"file": (clip.name, clip.read_bytes(), "video/mp4")},
        data={"context": json.dumps({"item_reference": "item 1"})},
    )


def test_a_video_that_holds_a_known_one_opens_a_case(
    client: TestClient, database: Database, blobs: MemoryBlobsForTests, tmp_path: Path
) -> None:
    both = joined((film(7), 3.0), (film(1), 9.0))
    clip = write(tmp_path / "upload.mp4", pictures(both, seconds=12, fps=FPS), fps=FPS)
    with client:
        answer = upload(client, clip)
        assert answer.status_code == 201
        again = upload(client, clip)
    body = answer.json()
    assert body["finding"] == Finding.MATCHED
    (match,) = body["matches"]
    assert (match["list"], match["entry"], match["kind"]) == ("films", "film-1", "vpdq")
    assert any("seconds 3.0 to 11.0 of the upload match" in reason for reason in match["reasons"])
    assert again.status_code == 200
    assert (again.json()["case_id"], again.json()["already_known"]) == (body["case_id"], True)
    with database.begin() as tx:
        (exhibit,) = evidence.exhibits_of(tx, CaseId(body["case_id"]))
    assert exhibit.media_type == "video/mp4"
    assert UNSEALER.unseal(custody.sealed_bytes(exhibit, blobs)) == clip.read_bytes()


def test_a_video_that_no_list_knows_leaves_nothing_and_is_not_called_safe(
    client: TestClient, database: Database, blobs: MemoryBlobsForTests, tmp_path: Path
) -> None:
    clip = write(tmp_path / "other.mp4", pictures(film(8), seconds=6, fps=FPS), fps=FPS)
    with client:
        answer = upload(client, clip)
    body = answer.json()
    assert answer.status_code == 200
    assert (body["finding"], body["matches"], body["case_id"]) == ("no_known_match", [], None)
    assert "does not mean" in body["why"]
    assert not any(word in answer.text for word in ("safe", "lawful", "clean"))
    assert list(blobs.contents()) == []
    with database.begin() as tx:
        assert evidence.exhibits_kept(tx) == []
