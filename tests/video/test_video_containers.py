"""Every container on the list is read, by whatever it begins with, and what is cut off is said."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from video_drawing import film, pictures, write

from tutela.adapters.media.jail import Jail
from tutela.adapters.media.video.containers import DEMUXERS, VIDEO_KINDS
from tutela.hashing.model import Hashed, Unmatchable, VideoHash

SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a clip is written, and what is right: `half` is `complete` of its first half."""

    muxer: str
    media_type: str
    codec: str = "libx264"
    half: bool | str | None = False
    whole: bool | None = True
    fps: int = 25
    size: tuple[int, int] = (96, 80)
    more: dict[str, Any] = field(default_factory=dict)


def _flags(*names: str) -> dict[str, Any]:
    return {"muxing": {"movflags": "+".join(names)}}


_MPEG2 = {"codec": "mpeg2video"}
_REFUSED = "refused"
FORMS = {
    "mp4": Form(muxer="mp4", media_type="video/mp4", half=_REFUSED),  # its index is at the end
    "faststart": Form(muxer="mp4", media_type="video/mp4", more=_flags("faststart")),
    "fragments": Form(
        muxer="mp4", media_type="video/mp4", more=_flags("frag_keyframe", "empty_moov")
    ),
    "dash": Form(
        muxer="mp4",
        media_type="video/mp4",
        more=_flags("dash", "frag_keyframe", "global_sidx") | {"options": {"g": "50"}},
    ),
    "quicktime": Form(
        muxer="mov", media_type="video/quicktime", codec="mpeg4", more=_flags("faststart")
    ),
    "svq1": Form(
        muxer="mov",
        media_type="video/quicktime",
        codec="svq1",
        more=_flags("faststart") | {"pixels": "yuv410p"},
    ),
    "3gp": Form(
        muxer="3gp",
        media_type="video/3gpp",
        codec="h263",
        size=(176, 144),
        more=_flags("faststart"),
    ),
    "matroska": Form(muxer="matroska", media_type="video/x-matroska"),
    "matroska_live": Form(
        muxer="matroska",
        media_type="video/x-matroska",
        whole=None,
        half=None,
        more={"muxing": {"live": "1"}},
    ),
    "webm": Form(muxer="webm", media_type="video/webm", codec="libvpx"),
    "avi": Form(muxer="avi", media_type="video/x-msvideo", codec="mpeg4"),
    "raw_avi": Form(muxer="avi", media_type="video/x-msvideo", codec="rawvideo"),
    "wmv": Form(muxer="asf", media_type="video/x-ms-asf", codec="wmv2"),
    "flv": Form(muxer="flv", media_type="video/x-flv", codec="flv"),
    "flv_h264": Form(muxer="flv", media_type="video/x-flv"),
    "mpeg_ps": Form(muxer="vob", media_type="video/mpeg", whole=None, **_MPEG2),
    "mpeg1": Form(muxer="mpeg", media_type="video/mpeg", codec="mpeg1video", whole=None),
    "mpeg_ts": Form(muxer="mpegts", media_type="video/mp2t", whole=None),
    "m2ts": Form(
        muxer="mpegts",
        media_type="video/mp2t",
        whole=None,
        more={"muxing": {"mpegts_m2ts_mode": "1"}},
    ),
    "mxf": Form(muxer="mxf", media_type="application/mxf", **_MPEG2),
    "ogg": Form(muxer="ogg", media_type="video/ogg", codec="libvpx"),
    "realmedia": Form(
        muxer="rm", media_type="application/vnd.rn-realmedia", codec="rv10", size=(96, 80)
    ),
    "ivf": Form(muxer="ivf", media_type="video/x-ivf", codec="libvpx"),
    "mpeg2_bare": Form(
        muxer="mpeg2video", media_type="video/mpeg", whole=None, half=None, **_MPEG2
    ),
    "mpeg4_bare": Form(
        muxer="m4v", media_type="video/mp4v-es", codec="mpeg4", whole=None, half=None
    ),
    "h264_bare": Form(muxer="h264", media_type="video/h264", whole=None, half=None),
    "hevc_bare": Form(
        muxer="hevc",
        media_type="video/h265",
        codec="libx265",
        whole=None,
        half=None,
        more={"options": {"x265-params": "log-level=none", "preset": "ultrafast"}},
    ),
    "dv": Form(
        muxer="dv",
        media_type="video/x-dv",
        codec="dvvideo",
        size=(720, 576),
        whole=None,
        more={"pixels": "yuv420p"},
    ),
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Draws a form when it is first asked for."""
    folder = tmp_path_factory.mktemp("containers")

    def drawn(name: str) -> bytes:
        form, path = FORMS[name], folder / name
        if not path.exists():
            width, height = form.size
            frames = pictures(film(3, width=width, height=height), seconds=SECONDS, fps=form.fps)
            write(path, frames, fps=form.fps, codec=form.codec, container=form.muxer, **form.more)
        return path.read_bytes()

    return drawn


def _hashed(jail: Jail, body: bytes) -> Hashed:
    found = jail.hash(body)
    assert isinstance(found, Hashed)
    return found


def _video(jail: Jail, body: bytes) -> VideoHash:
    found = _hashed(jail, body)
    assert found.video is not None, found.why
    return found.video


def test_every_container_on_the_list_has_its_form() -> None:
    muxed = {form.media_type for form in FORMS.values()}
    assert {kind.media_type for kind in VIDEO_KINDS} == muxed
    for name in ("hls", "concat", "image2", "sdp", "dash", "rtsp", "lavfi", "mpegtsraw"):
        assert name not in ",".join(DEMUXERS.values()).split(",")


@pytest.mark.parametrize("name", FORMS)
def test_each_container_is_read_to_its_end(jail: Jail, clips: Any, name: str) -> None:
    form = FORMS[name]
    found = _hashed(jail, clips(name))
    assert found.video is not None, found.why
    assert found.media_type == form.media_type
    assert [round(one.timestamp_s) for one in found.video.frames] == list(range(SECONDS))
    assert found.video.complete is form.whole, found.why
    assert (found.video.undecodable, found.why) == (0, "")
    expected = _video(jail, clips("faststart"))
    if form.size == FORMS["faststart"].size:
        for one, other in zip(found.video.frames[:3], expected.frames[:3], strict=True):
            assert one.pdq.distance_bits(other.pdq) <= 31


@pytest.mark.parametrize("name", FORMS)
def test_half_of_a_file_is_never_complete(jail: Jail, clips: Any, name: str) -> None:
    form, body = FORMS[name], clips(name)
    found = _hashed(jail, body[: len(body) // 2 + 1])
    if form.half is _REFUSED:
        assert found.video is None
        assert "cut off" in found.why
        return
    assert found.video is not None, found.why
    assert len(found.video.frames) < SECONDS
    assert found.video.complete is form.half
    assert ("incomplete" in found.why) is (form.half is False)


def _boxes(body: bytes) -> list[tuple[bytes, int, int]]:
    found, at = [], 0
    while at < len(body):
        size = int.from_bytes(body[at : at + 4])
        found.append((body[at + 4 : at + 8], at, at + size))
        at += size
    return found


@pytest.mark.parametrize(
    "name", ["flv", "mpeg_ts", "mpeg_ps", "ogg", "wmv", "matroska", "faststart"]
)
def test_zeros_behind_a_film_do_not_make_it_incomplete(
    jail: Jail,
    clips: Any,
    name: str,
) -> None:
    found = _hashed(jail, clips(name) + bytes(500))
    assert found.video is not None
    assert (found.video.complete, found.why) == (FORMS[name].whole, "")


def test_a_missing_last_fragment_is_missed(jail: Jail, clips: Any) -> None:
    body = clips("dash")
    last = max(start for name, start, _ in _boxes(body) if name == b"moof")
    found = _hashed(jail, body[:last])
    assert found.video is not None
    assert found.video.complete is False
    assert "it declares" in found.why


def test_an_index_that_names_more_than_came_is_believed(jail: Jail, clips: Any) -> None:
    body = bytearray(clips("faststart"))
    [mdat] = [start for name, start, _ in _boxes(bytes(body)) if name == b"mdat"]
    body[mdat : mdat + 4] = bytes(4)  # "up to the end of the file"
    found = _hashed(jail, bytes(body[: mdat + (len(body) - mdat) // 2]))
    assert found.video is not None
    assert found.video.complete is False
    assert "it declares 125 frames and has" in found.why


def test_damage_in_the_middle_is_counted(jail: Jail, clips: Any) -> None:
    body = bytearray(clips("faststart"))
    [mdat] = [start for name, start, _ in _boxes(bytes(body)) if name == b"mdat"]
    middle = mdat + (len(body) - mdat) // 2
    body[middle:] = bytes(len(body) - middle)
    found = _hashed(jail, bytes(body))
    assert found.video is not None
    assert found.video.undecodable > 0
    assert "could not be decoded" in found.why


BRANDS = (b"heic", b"heix", b"mif1", b"avif", b"avis", b"msf1", b"xxxx", b"M4V ", b"qt  ", b"jpx ")


@pytest.mark.parametrize("brand", BRANDS)
def test_the_brand_of_a_picture_hides_no_film(
    jail: Jail,
    clips: Any,
    brand: bytes,
) -> None:
    body = clips("mp4")
    renamed = body[:8] + brand + body[12:]
    assert _video(jail, renamed).frames == _video(jail, body).frames


def _box(name: bytes, content: bytes = b"") -> bytes:
    return (8 + len(content)).to_bytes(4) + name + content


@pytest.mark.parametrize(
    "before",
    [
        _box(b"free"),
        _box(b"skip", bytes(300)),
        _box(b"wide"),
        _box(b"uuid", bytes(16)),
        _box(b"junk", b"x" * 3000),
        b"\r\n",
        b"--part\r\nContent-Type: video/mp4\r\n\r\n",
        bytes(700),
    ],
    ids=["free", "skip", "wide", "uuid", "junk", "newline", "part", "zeros"],
)
@pytest.mark.parametrize("name", ["mp4", "fragments"])
def test_what_stands_before_the_first_box_hides_no_film(
    jail: Jail,
    clips: Any,
    name: str,
    before: bytes,
) -> None:
    body = clips(name)
    found = _hashed(jail, before + body)
    assert found.video is not None, found.why
    assert found.video.complete is True


def test_old_quicktime_without_a_brand_is_read(jail: Jail, clips: Any) -> None:
    body = clips("quicktime")
    [(_, start, end)] = [one for one in _boxes(body) if one[0] == b"ftyp"]
    free = body[:start] + _box(b"free", bytes(end - start - 8)) + body[end:]
    assert _video(jail, free).frames == _video(jail, body).frames


@pytest.mark.parametrize("name", ["matroska", "webm", "avi", "flv", "ogg", "wmv", "mxf", "mpeg_ps"])
@pytest.mark.parametrize("junk", [b"HTTP/1.1 200 OK\r\n\r\n"])
def test_bytes_that_belong_to_nothing_hide_no_film(
    jail: Jail,
    clips: Any,
    name: str,
    junk: bytes,
) -> None:
    body = clips(name)
    assert len(_video(jail, junk + body).frames) == SECONDS


@pytest.mark.parametrize(("length", "lost"), [(188, 61), (192, 0), (204, 0), (204, 61)])
def test_transport_streams_of_each_packet_size_are_read_from_anywhere(
    jail: Jail,
    clips: Any,
    length: int,
    lost: int,
) -> None:
    body = clips("mpeg_ts")
    before = 4 if length == 192 else 0
    packets = [body[at : at + 188] for at in range(0, len(body), 188)]
    stretched = b"".join(
        bytes(before) + packet + bytes(length - 188 - before) for packet in packets
    )
    video = _video(jail, stretched[lost:])
    assert len(video.frames) >= SECONDS - 1
    assert video.complete is None


def test_a_refusal_names_all_that_was_tried(jail: Jail) -> None:
    noise = b"noise " * 4000
    found = _hashed(jail, _box(b"free", b"\x1a\x45\xdf\xa3webm") + b"FLV\x01\x05\0" + noise)
    assert (found.unmatchable, found.video) == (Unmatchable.UNDECODABLE, None)
    assert found.why.startswith("Tried as QuickTime, WebM at byte 8 and FLV at byte 16")
    nothing = _hashed(jail, noise)
    assert "ASF (WMV)" in nothing.why


@pytest.mark.parametrize(
    ("seconds", "fps", "frames"),
    [(0.04, 25, 1), (0.4, 10, 1), (1.2, 10, 2), (6.0, 0.5, 3)],
    ids=["one_frame", "short", "just_over", "two_seconds_a_frame"],
)
def test_short_and_slow_films_give_their_frames(
    jail: Jail, tmp_path: Path, seconds: float, fps: float, frames: int
) -> None:
    for name, codec in (("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.webm", "libvpx")):
        shown = pictures(film(3, width=96, height=80), seconds=seconds, fps=fps)
        path = write(tmp_path / name, shown, fps=fps, codec=codec)
        video = _video(jail, path.read_bytes())
        assert (len(video.frames), video.complete) == (frames, True)
