"""A video through the whole chain: upload, match, a sealed case that shows the seconds."""

import json
from pathlib import Path

from video_drawing import film, joined, pictures, write

from cases.case_parts import AT, BY, REFERENCES, SEAL, UNSEALER, permitted
from tutela.adapters.blobs import BlobFolder
from tutela.adapters.media.jail import Jail
from tutela.cases import store as cases
from tutela.cases.opening import open_case
from tutela.evidence import custody
from tutela.evidence import store as evidence
from tutela.hashing.model import Hashed
from tutela.indicators.formats import vpdq
from tutela.indicators.importing import import_list
from tutela.indicators.matching import Matcher
from tutela.indicators.model import Finding, SignalKind
from tutela.intake.admitting import Intake
from tutela.intake.model import Context, Origin
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database


def test_an_upload_that_holds_a_known_video_opens_a_case_and_another_leaves_nothing(
    database: Database, jail: Jail, known_clip: Path, tmp_path: Path
) -> None:
    known = jail.hash(known_clip)
    assert isinstance(known, Hashed)
    assert known.video is not None
    listed = tmp_path / "films.jsonl"
    row = {"external_id": "film-1", "frames": list(vpdq.lines_of(known.video.frames))}
    listed.write_text(json.dumps(row), encoding="ascii")
    import_list(database, path=listed, name="films", by="test", at=AT)
    blobs = BlobFolder(tmp_path / "blobs")
    intake = Intake(
        database,
        jail,
        permitted(Matcher(database)),
        SEAL,
        blobs,
        FixedClock(at=AT),
        open_case=open_case,
        references=REFERENCES,
    )
    upload = write(
        tmp_path / "upload.mp4",
        pictures(joined((film(7), 9.0), (film(1), 30.0)), seconds=39, fps=10),
    )
    found = intake.admit_file(upload, context=Context(), by=BY, origin=Origin.SCAN)
    assert found.result.finding is Finding.MATCHED
    assert found.case_id is not None
    with database.begin() as tx:
        (match,) = cases.matches_of(tx, found.case_id)
        (exhibit,) = evidence.exhibits_of(tx, found.case_id)
    assert match.match.kind is SignalKind.VPDQ
    assert any("seconds 9.0 to 38.0 of the upload match" in one for one in match.match.reasons)
    assert exhibit.media_type == "video/mp4"
    plain = UNSEALER.unseal(custody.sealed_bytes(exhibit, blobs))
    assert plain == upload.read_bytes()
    assert jail.rendition(plain, "blur").startswith(b"\x89PNG")
    other = write(tmp_path / "other.mp4", pictures(film(8), seconds=8, fps=10))
    missed = intake.admit_file(other.read_bytes(), context=Context(), by=BY, origin=Origin.API_FILE)
    assert missed.result.finding is Finding.NO_KNOWN_MATCH
    assert (missed.case_id, missed.submission_id) == (None, None)
