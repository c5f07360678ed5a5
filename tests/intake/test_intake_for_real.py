"""The whole way with the real parts: list file, decoder, index, sealed folder, database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from cases.case_parts import AT, BY, REFERENCES, SEAL, UNSEALER, permitted
from tutela.adapters.blobs import BlobFolder
from tutela.adapters.media.jail import Jail
from tutela.cases import store as cases
from tutela.cases.opening import open_case
from tutela.evidence import custody
from tutela.evidence import store as evidence
from tutela.indicators.importing import import_list
from tutela.indicators.matching import Matcher
from tutela.indicators.model import Finding
from tutela.intake.admitting import Intake
from tutela.intake.model import Context, Origin
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database


def drawn(seed: int) -> Image.Image:
    """A benign picture: stripes and blocks from arithmetic."""
    picture = Image.new("RGB", (320, 240))
    for x in range(320):
        for y in range(240):
            value = ((x // 20) * seed + (y // 15) * (seed + 3)) * 37 % 256
            picture.putpixel((x, y), (value, (value * 3 + x) % 256, (value + y) % 256))
    return picture


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    with Jail(workers=1) as opened:
        yield opened


def test_an_edited_copy_opens_a_case_and_another_picture_does_not(
    database: Database, jail: Jail, tmp_path: Path
) -> None:
    original, copy, other = (tmp_path / name for name in ("a.png", "b.jpg", "c.png"))
    drawn(5).save(original)
    drawn(5).resize((200, 150)).save(copy, quality=80)
    drawn(11).save(other)
    hashed = jail.hash(original)
    listed = tmp_path / "list.csv"
    listed.write_text(f"kind,value,external_id\npdq,{hashed.pdq.hex},drawing-5\n")  # type: ignore[union-attr]
    import_list(database, path=listed, name="drawings", by="test", at=AT)
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
    found = intake.admit_file(copy, context=Context(), by=BY, origin=Origin.SCAN)
    assert found.result.finding is Finding.MATCHED
    assert found.case_id is not None
    with database.begin() as tx:
        (match,) = cases.matches_of(tx, found.case_id)
        (exhibit,) = evidence.exhibits_of(tx, found.case_id)
    assert match.match.external_id == "drawing-5"
    assert match.match.distance_bits <= 31
    assert UNSEALER.unseal(custody.sealed_bytes(exhibit, blobs)) == copy.read_bytes()
    missed = intake.admit_file(other, context=Context(), by=BY, origin=Origin.SCAN)
    assert missed.result.finding is Finding.NO_KNOWN_MATCH
    assert missed.case_id is None


def test_an_animation_with_a_blank_first_frame_is_met_by_a_later_one(
    database: Database, jail: Jail, tmp_path: Path
) -> None:
    original, animation = tmp_path / "a.png", tmp_path / "b.gif"
    drawn(5).save(original)
    blank = Image.new("RGB", (320, 240), (240, 240, 240))
    blank.save(animation, save_all=True, append_images=[drawn(11), drawn(5)], duration=100)
    hashed = jail.hash(original)
    listed = tmp_path / "list.csv"
    listed.write_text(f"kind,value,external_id\npdq,{hashed.pdq.hex},drawing-5\n")  # type: ignore[union-attr]
    import_list(database, path=listed, name="drawings", by="test", at=AT)
    intake = Intake(
        database,
        jail,
        permitted(Matcher(database)),
        SEAL,
        BlobFolder(tmp_path / "blobs"),
        FixedClock(at=AT),
        open_case=open_case,
        references=REFERENCES,
    )
    found = intake.admit_file(animation, context=Context(), by=BY, origin=Origin.SCAN)
    assert found.case_id is not None
    with database.begin() as tx:
        (match,) = cases.matches_of(tx, found.case_id)
        (exhibit,) = evidence.exhibits_of(tx, found.case_id)
    assert match.match.form == "frame 3 of 3"
    assert "met by frame 3 of 3 of the file" in match.match.reasons
    assert exhibit.pdq == found.hashed.pdq.hex  # type: ignore[union-attr]
    assert [(form["form"], form["number"]) for form in exhibit.further_hashes] == [
        ("frame", 2),
        ("frame", 3),
    ]


def test_a_phone_picture_stored_turned_is_met_by_a_list_of_upright_pictures(
    database: Database, jail: Jail, tmp_path: Path
) -> None:
    """Such a list knows nothing of turns: nobody has asked for the eight orientations."""
    original, phone = tmp_path / "a.png", tmp_path / "b.jpg"
    drawn(5).save(original)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # a viewer turns it clockwise by 90 degrees
    drawn(5).rotate(90, expand=True).save(phone, quality=95, exif=exif)
    hashed = jail.hash(original)
    listed = tmp_path / "list.csv"
    listed.write_text(f"kind,value,external_id\npdq,{hashed.pdq.hex},drawing-5\n")  # type: ignore[union-attr]
    import_list(database, path=listed, name="drawings", by="test", at=AT)
    intake = Intake(
        database,
        jail,
        permitted(Matcher(database)),
        SEAL,
        BlobFolder(tmp_path / "blobs"),
        FixedClock(at=AT),
        open_case=open_case,
        references=REFERENCES,
    )
    found = intake.admit_file(phone, context=Context(), by=BY, origin=Origin.SCAN)
    (match,) = found.result.matches
    assert "met by the upright form of the file" in match.reasons
