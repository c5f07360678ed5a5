"""The track that a player shows is not the whole file: further ones, covers, films in pictures."""

import io
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from video_drawing import Film, film

from tutela.adapters.media.jail import Jail
from tutela.adapters.media.video.model import MAX_TRACKS
from tutela.hashing.model import Hashed, VideoHash
from tutela.hashing.pdq import pdq

SECONDS, FPS = 4, 10
SMALL = (64, 48)
FILM = film(3, width=96, height=80)


def _flat(_: float) -> np.ndarray:
    return np.full((48, 64, 3), 250, np.uint8)


def _other(seed: int) -> Film:
    return film(seed, width=SMALL[0], height=SMALL[1])


def _written(
    path: Path,
    films: list[tuple[Film, float]],
    *,
    container: str | None = None,
    codec: str = "libx264",
) -> bytes:
    """A file of several video tracks, each of so many seconds, interleaved."""
    with av.open(str(path), "w", format=container) as target:
        tracks = []
        for shown, seconds in films:
            stream = target.add_stream(codec, rate=FPS, options={"threads": "1", "bf": "0"})
            stream.height, stream.width = shown(0.0).shape[:2]
            tracks.append((stream, shown, seconds))
        for number in range(SECONDS * FPS):
            for stream, shown, seconds in tracks:
                if number < seconds * FPS:
                    frame = av.VideoFrame.from_ndarray(shown(number / FPS), "rgb24")
                    target.mux(stream.encode(frame))
        for stream, _, _ in tracks:
            target.mux(stream.encode(None))
    return path.read_bytes()


def _hashed(jail: Jail, body: bytes) -> Hashed:
    found = jail.hash(body)
    assert isinstance(found, Hashed)
    return found


def _all(found: Hashed) -> tuple[VideoHash, ...]:
    assert found.video is not None, found.why
    return (found.video, *found.further_videos)


def _shows(video: VideoHash, shown: Film) -> bool:
    asked = [
        np.asarray(Image.fromarray(shown(one.timestamp_s)).convert("L")) for one in video.frames
    ]
    apart = [
        one.pdq.distance_bits(pdq(grey)) for one, grey in zip(video.frames, asked, strict=True)
    ]
    return max(apart) <= 31


@pytest.fixture(scope="module")
def cover() -> bytes:
    held = io.BytesIO()
    Image.fromarray(film(9)(1.0)).save(held, "JPEG", quality=95)
    return held.getvalue()


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
@pytest.mark.parametrize("decoy", [(_flat, SECONDS), (_other(7), SECONDS), (_other(7), 0.1)])
def test_a_decoy_in_the_first_track_hides_nothing(
    jail: Jail, tmp_path: Path, name: str, decoy: tuple[Film, float]
) -> None:
    found = _hashed(jail, _written(tmp_path / name, [decoy, (FILM, SECONDS)]))
    tracks = {one.track: one for one in _all(found)}
    assert sorted(tracks) == [1, 2]
    assert all(one.tracks_total == 2 for one in tracks.values())
    assert _shows(tracks[2], FILM)
    assert tracks[2].name == "video track 2 of 2"
    assert found.unmatchable is None


def test_of_many_tracks_so_many_are_hashed_and_the_answer_says_so(
    jail: Jail, tmp_path: Path
) -> None:
    films = [(_other(seed), float(SECONDS)) for seed in range(5)]
    found = _hashed(jail, _written(tmp_path / "a.mkv", [*films, (FILM, SECONDS)]))
    tracks = _all(found)
    assert len(tracks) == MAX_TRACKS
    assert any(one.track == 6 and _shows(one, FILM) for one in tracks)  # the largest
    assert f"{MAX_TRACKS} of its 6 video tracks were compared" in found.why


def test_a_track_that_cannot_be_decoded_costs_the_others_nothing(
    jail: Jail, tmp_path: Path
) -> None:
    body = bytearray(_written(tmp_path / "a.mp4", [(_other(7), SECONDS), (FILM, SECONDS)]))
    whole = {one.track: one for one in _all(_hashed(jail, bytes(body)))}
    with av.open(io.BytesIO(bytes(body))) as container:
        for packet in container.demux(container.streams.video[0]):
            if packet.size:
                body[packet.pos : packet.pos + packet.size] = b"\xa5" * packet.size
    found = _hashed(jail, bytes(body))
    [left] = [one for one in _all(found) if one.track == 2]
    assert left.frames == whole[2].frames
    assert "video track 1" in found.why


def _box(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return (8 + len(body)).to_bytes(4) + name + body


def _with_cover(body: bytes, cover: bytes) -> bytes:
    """The same MP4 with a cover picture in its `moov`, which is its last box."""
    moov = body.rindex(b"moov") - 4
    data = _box(b"data", (13).to_bytes(4), bytes(4), cover)
    told = _box(b"hdlr", bytes(8), b"mdirappl", bytes(9))
    meta = _box(b"meta", bytes(4), told, _box(b"ilst", _box(b"covr", data)))
    return body[:moov] + _box(b"moov", body[moov + 8 :], _box(b"udta", meta))


def test_a_cover_is_a_picture_of_the_file_and_never_its_film(
    jail: Jail, tmp_path: Path, cover: bytes
) -> None:
    body = _written(tmp_path / "a.mp4", [(FILM, SECONDS)])
    found = _hashed(jail, _with_cover(body, cover))
    [track] = _all(found)
    assert track.frames == _all(_hashed(jail, body))[0].frames
    [form] = found.further
    assert form.name == "cover 1"
    still = _hashed(jail, cover).pdq
    assert still is not None
    assert form.pdq.distance_bits(still) <= 8
    assert found.pdq is None


def _motion_jpeg(cover: bytes, clip: bytes) -> bytes:
    return cover + clip


def _motion_jpeg_with_a_trailer(cover: bytes, clip: bytes) -> bytes:
    return cover + b"\x00\x00\x30\x0a\x10\x00\x00\x00MotionPhoto_Data" + clip + b"trailer" * 9


def _motion_heic(cover: bytes, clip: bytes) -> bytes:
    held = io.BytesIO()
    Image.open(io.BytesIO(cover)).save(held, "AVIF", quality=90)
    return held.getvalue() + (8 + len(clip)).to_bytes(4) + b"mpvd" + clip


@pytest.mark.parametrize("made", [_motion_jpeg, _motion_jpeg_with_a_trailer, _motion_heic])
def test_a_picture_that_is_a_film_too_is_hashed_as_both(
    jail: Jail, tmp_path: Path, cover: bytes, made: Callable[[bytes, bytes], bytes]
) -> None:
    clip = _written(tmp_path / "a.mp4", [(FILM, SECONDS)])
    body = made(cover, clip)
    found = _hashed(jail, body)
    still = _hashed(jail, cover).pdq
    assert found.pdq is not None
    assert still is not None
    assert found.pdq.distance_bits(still) <= 8
    [track] = _all(found)
    assert _shows(track, FILM)
    assert track.name == f"the film at byte {body.index(clip)}"
    assert jail.facts(body).frames > 1  # one view does not show all of it
    assert _hashed(jail, cover).video is None


def test_an_image_sequence_is_hashed_as_pictures_and_as_a_film(jail: Jail) -> None:
    held = io.BytesIO()
    first, second = (Image.fromarray(film(seed)(1.0)) for seed in (4, 5))
    first.save(held, "AVIF", save_all=True, append_images=[second], duration=1000, quality=90)
    found = _hashed(jail, held.getvalue())
    assert found.pdq is not None
    assert found.video is not None
    assert len(found.video.frames) == 2


def test_a_sheet_shows_every_track(jail: Jail, tmp_path: Path) -> None:
    one = _written(tmp_path / "a.mkv", [(FILM, SECONDS)])
    two = _written(tmp_path / "b.mkv", [(_other(7), SECONDS), (FILM, SECONDS)])
    sheets = [Image.open(io.BytesIO(jail.full_view(body))) for body in (one, two)]
    assert sheets[0].size != sheets[1].size or sheets[0].tobytes() != sheets[1].tobytes()
