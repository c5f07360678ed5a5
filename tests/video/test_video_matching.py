"""A drawn film in a list is found again after edits, with the seconds that match."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from video_drawing import (
    Film,
    captioned,
    cropped,
    film,
    joined,
    letterboxed,
    mirrored,
    pictures,
    write,
)

from tutela.adapters.media.jail import Jail
from tutela.hashing.model import Hashed, Unmatchable
from tutela.indicators import listing
from tutela.indicators.formats import vpdq
from tutela.indicators.importing import import_list
from tutela.indicators.matching import Matcher
from tutela.indicators.model import Finding, Match, MatchResult, SignalKind
from tutela.primitives.database import Database

AT = datetime(2026, 11, 22, tzinfo=UTC)
KNOWN_SECONDS = 30
_STRETCH = re.compile(
    r"seconds ([\d.]+) to ([\d.]+) of the upload match seconds ([\d.]+) to ([\d.]+) of the known"
)

Make = Callable[..., Hashed]


@pytest.fixture(scope="module")
def known(jail: Jail, known_clip: Path) -> Hashed:
    """The frames of the known film."""
    return _hashed(jail, known_clip)


@pytest.fixture
def make(jail: Jail, tmp_path: Path) -> Make:
    """Draw, encode and hash an upload."""

    def made(of: Film, *, seconds: float, fps: float = 10, crf: int = 23, **how: float) -> Hashed:
        path = write(
            tmp_path / "upload.mp4",
            pictures(of, seconds=seconds, fps=fps, **how),
            fps=fps,
            options={"crf": str(crf), "preset": "veryfast"},
        )
        return _hashed(jail, path)

    return made


def _hashed(jail: Jail, path: Path) -> Hashed:
    hashed = jail.hash(path, dihedral=True)
    assert isinstance(hashed, Hashed)
    assert hashed.video is not None
    return hashed


@pytest.fixture
def matcher(database: Database, known: Hashed, tmp_path: Path) -> Matcher:
    """A list with the known film and two others."""
    _import(database, tmp_path, known)
    return Matcher(database)


def _import(database: Database, tmp_path: Path, *videos: Hashed, name: str = "films") -> None:
    path = tmp_path / f"{name}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number, one in enumerate(videos):
            assert one.video is not None
            row = {"external_id": f"film-{number}", "frames": list(vpdq.lines_of(one.video.frames))}
            file.write(json.dumps(row) + "\n")
    done = import_list(database, path=path, name=name, by="test", at=AT)
    assert (done.added, done.refused_total) == (len(videos), 0)


def _stretch(match: Match) -> tuple[float, float, float, float]:
    found = next(filter(None, (_STRETCH.search(reason) for reason in match.reasons)))
    first, last, bank_first, bank_last = (float(part) for part in found.groups())
    return first, last, bank_first, bank_last


def _only(result: MatchResult) -> Match:
    assert result.finding is Finding.MATCHED
    (match,) = result.matches
    assert match.kind is SignalKind.VPDQ
    assert match.external_id == "film-0"
    return match


EDITS: dict[str, tuple[Film, dict[str, float]]] = {
    "re-encoded": (film(1), {"crf": 38}),
    "other frame rate": (film(1), {"fps": 24}),
    "larger": (film(1, width=320, height=240), {}),
    "cropped": (cropped(film(1), 0.012), {}),
    "caption": (captioned(film(1)), {}),
    "letterboxed": (letterboxed(film(1), 0.02), {}),
    "slower": (film(1), {"speed": 0.9}),
    "faster": (film(1), {"speed": 1.1}),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_film_is_found(matcher: Matcher, make: Make, edit: str) -> None:
    of, how = EDITS[edit]
    speed = float(how.get("speed", 1.0))
    match = _only(matcher.match(make(of, seconds=int(KNOWN_SECONDS / speed), **how)))
    first, last, bank_first, bank_last = _stretch(match)
    assert last - first >= 10
    assert bank_first == pytest.approx(first * speed, abs=1.5)
    assert bank_last == pytest.approx(last * speed, abs=1.5)


def test_a_clip_inside_something_longer_is_found_with_start_and_end(
    matcher: Matcher, make: Make
) -> None:
    upload = joined((film(7), 17.0), (lambda second: film(1)(second + 8), 14.0), (film(8), 20.0))
    first, last, bank_first, bank_last = _stretch(_only(matcher.match(make(upload, seconds=50))))
    assert first == pytest.approx(17, abs=1.5)
    assert last == pytest.approx(30, abs=1.5)
    assert bank_first == pytest.approx(8, abs=1.5)
    assert bank_last == pytest.approx(21, abs=1.5)


def test_a_piece_of_the_film_alone_is_found_by_its_own_share(matcher: Matcher, make: Make) -> None:
    match = _only(matcher.match(make(film(1), seconds=6, start=12)))
    assert _stretch(match)[2] == pytest.approx(12, abs=1.5)


def test_a_mirrored_film_is_found_where_the_list_asks_for_it(
    database: Database, matcher: Matcher, make: Make
) -> None:
    upload = make(mirrored(film(1)), seconds=12)
    assert matcher.match(upload).finding is Finding.NO_KNOWN_MATCH
    with database.begin() as tx:
        listing.configure(tx, name="films", by="test", at=AT, dihedral=True)
    assert _only(matcher.match(upload)).transform == "flip_y"


def test_other_films_do_not_match(matcher: Matcher, make: Make) -> None:
    result = matcher.match(make(film(2), seconds=20))
    assert result.finding is Finding.NO_KNOWN_MATCH
    assert (result.matches, result.unmatchable) == ((), "")


def test_a_withdrawn_film_matches_no_more_and_again_when_restored(
    database: Database, matcher: Matcher, known: Hashed
) -> None:
    assert matcher.match(known).finding is Finding.MATCHED
    for act, expected in (
        (listing.withdraw, Finding.NO_KNOWN_MATCH),
        (listing.restore, Finding.MATCHED),
    ):
        with database.begin() as tx:
            (films,) = listing.lists(tx)
            act(tx, list_id=films.id, external_id="film-0", by="test", at=AT)
        assert matcher.match(known).finding is expected


def test_a_list_sets_its_own_shares(database: Database, matcher: Matcher, make: Make) -> None:
    upload = make(joined((film(1), 6.0), (film(9), 30.0)), seconds=24)
    assert matcher.match(upload).finding is Finding.NO_KNOWN_MATCH
    with database.begin() as tx:
        listing.configure(tx, name="films", by="test", at=AT, video_query_percent=20)
    first, last, _, _ = _stretch(_only(matcher.match(upload)))
    assert (first, last) == pytest.approx((0, 5), abs=1.5)


def test_importing_again_changes_nothing(
    database: Database, matcher: Matcher, known: Hashed, tmp_path: Path
) -> None:
    assert known.video is not None
    path = tmp_path / "again.vpdq"
    path.write_text("\n".join(vpdq.lines_of(known.video.frames)), encoding="ascii")
    done = import_list(database, path=path, name="others", by="test", at=AT)
    assert (done.added, done.refused_total) == (1, 0)
    done = import_list(database, path=path, name="others", by="test", at=AT)
    assert (done.added, done.unchanged) == (0, 1)
    assert [match.list_name for match in matcher.match(known).matches] == ["films", "others"]


def test_a_film_without_detail_cannot_be_matched(
    jail: Jail, matcher: Matcher, tmp_path: Path
) -> None:
    flat = write(
        tmp_path / "flat.mp4", pictures(lambda _: film(1)(0) // 64, seconds=3, fps=5), fps=5
    )
    hashed = jail.hash(flat)
    assert isinstance(hashed, Hashed)
    assert hashed.unmatchable is Unmatchable.LOW_QUALITY
    assert matcher.match(hashed).finding is Finding.CANNOT_BE_MATCHED


def test_a_match_in_a_later_track_names_it(matcher: Matcher, make: Make) -> None:
    decoy, shown = make(film(8), seconds=12), make(film(1), seconds=12, start=5)
    assert decoy.video is not None
    assert shown.video is not None
    both = replace(
        decoy,
        video=replace(decoy.video, track=1, tracks_total=2),
        further_videos=(replace(shown.video, track=2, tracks_total=2),),
    )
    match = _only(matcher.match(both))
    assert match.form == "video track 2 of 2"
    assert "met by video track 2 of 2 of the file" in match.reasons


def test_the_speed_of_a_faster_upload_is_said(matcher: Matcher, make: Make) -> None:
    match = _only(matcher.match(make(film(1), seconds=24, start=1, speed=1.2)))
    assert match.video is not None
    stretch = match.video.stretch
    assert stretch is not None
    assert stretch.speed_error is not None
    assert abs(stretch.speed - 1.2) <= stretch.speed_error
    assert any("times its speed" in reason for reason in match.reasons)
