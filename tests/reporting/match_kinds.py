"""One match of each kind, made as matching makes it, with the sentences it may say."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tutela.indicators.model import HashList, Match, SignalKind, VideoExtent, VideoStretch
from tutela.indicators.reasons import reasons_of
from tutela.primitives.ids import ListId
from tutela.taxonomy.model import Category

LIST = HashList(
    id=ListId.new(),
    name="drawn pictures",
    provenance="drawn for tests",
    created_at=datetime(2026, 11, 21, tzinfo=UTC),
)
FORBIDDEN = ("exact", "same file", "identical", "same digest", "the same")
FORBIDDEN_IN_GERMAN = ("genau gleich", "selbe", "identisch", "gleiche")
"""Words that only an equal MD5, SHA-1 or SHA-256 bears."""


def stretch(
    *, speed: float = 1.0, seconds: float = 11.0, speed_error: float | None = 0.008
) -> VideoStretch:
    return VideoStretch(
        query_start_s=3.0,
        query_end_s=3.0 + seconds,
        bank_start_s=0.0,
        bank_end_s=seconds * speed,
        speed=speed,
        speed_error=speed_error,
        frames=11,
        frames_possible=12,
    )


def extent(query: int, bank: int, along: VideoStretch | None) -> VideoExtent:
    return VideoExtent(
        query_frames=100,
        query_matched=query,
        bank_frames=40,
        bank_matched=bank,
        frame_distance_bits=0,
        stretch=along,
    )


def made(kind: SignalKind, *, quality: int | None = None, **facts: Any) -> Match:
    match = Match(
        **{
            "list_id": LIST.id,
            "list_name": LIST.name,
            "entry_id": 7,
            "external_id": "entry-7",
            "kind": kind,
            "distance_bits": None,
            "threshold_bits": 31 if kind in {SignalKind.PDQ, SignalKind.VPDQ} else 0,
            "transform": "original",
            "category": Category.parse("ncmec-ab/2022/A1"),
            "second_person": False,
            "reasons": (),
        }
        | facts
    )
    return replace(match, reasons=reasons_of(match, LIST, quality=quality))


OLD_VIDEO = replace(
    made(SignalKind.VPDQ),
    reasons=(
        (
            "38 of the upload's 100 compared frames (38 %) are in the known video, the list asks "
            "for 80 %"
        ),
    ),
)
"""As it was stored before migration 0011: without its extent; the row said distance 0."""

_PDQ, _VPDQ = SignalKind.PDQ, SignalKind.VPDQ
_FRAMES = "median PDQ distance of matching frames 0 of 256 bits, the list allows 31"
_PARTIAL = (
    (
        "38 of the upload's 100 compared frames (38 %) match frames of the known video, the list "
        "asks for 80 %"
    ),
    "38 of the known video's 40 frames (95 %) match frames of the upload, the list asks for 80 %",
    _FRAMES,
)
_WHOLE = (
    (
        "100 of the upload's 100 compared frames (100 %) match frames of the known video, the list "
        "asks for 80 %"
    ),
    "40 of the known video's 40 frames (100 %) match frames of the upload, the list asks for 80 %",
    _FRAMES,
)

MATCHES: Mapping[str, tuple[Match, tuple[str, ...]]] = {
    "pdq 0": (
        made(_PDQ, distance_bits=0, quality=100),
        ("PDQ distance 0 of 256 bits, the list allows 31", "quality 100, the list asks for 50"),
    ),
    "pdq 12": (
        made(_PDQ, distance_bits=12, quality=80),
        ("PDQ distance 12 of 256 bits, the list allows 31", "quality 80, the list asks for 50"),
    ),
    "turned picture": (
        made(_PDQ, distance_bits=0, quality=80, transform="rotate90"),
        (
            "PDQ distance 0 of 256 bits, the list allows 31",
            "quality 80, the list asks for 50",
            "met by the picture turned or mirrored: rotate90",
        ),
    ),
    "later frame": (
        made(_PDQ, distance_bits=3, quality=80, form="frame 3 of 12"),
        (
            "PDQ distance 3 of 256 bits, the list allows 31",
            "quality 80, the list asks for 50",
            "met by frame 3 of 12 of the file",
        ),
    ),
    "md5": (made(SignalKind.MD5), ("the file's MD5 is the entry's",)),
    "sha1": (made(SignalKind.SHA1), ("the file's SHA-1 is the entry's",)),
    "sha256": (made(SignalKind.SHA256), ("the file's SHA-256 is the entry's",)),
    "video partial": (
        made(_VPDQ, video=extent(38, 38, stretch())),
        (
            *_PARTIAL,
            (
                "seconds 3.0 to 14.0 of the upload match seconds 0.0 to 11.0 of the known video "
                "(11 of 12 frames match; the list asks for 10 s)"
            ),
        ),
    ),
    "video without a stretch": (made(_VPDQ, video=extent(38, 38, None)), _PARTIAL),
    "video whole": (
        made(_VPDQ, video=extent(100, 40, stretch())),
        (
            *_WHOLE,
            (
                "seconds 3.0 to 14.0 of the upload match seconds 0.0 to 11.0 of the known video "
                "(11 of 12 frames match; the list asks for 10 s)"
            ),
        ),
    ),
    "video faster": (
        made(_VPDQ, video=extent(38, 38, stretch(speed=1.1, seconds=10.0))),
        (
            *_PARTIAL,
            (
                "seconds 3.0 to 13.0 of the upload match seconds 0.0 to 11.0 of the known video, "
                "at 1.10 times its speed (11 of 12 frames match; the list asks for 10 s)"
            ),
        ),
    ),
    "video about faster": (
        made(_VPDQ, video=extent(38, 38, stretch(speed=1.104, seconds=10.0, speed_error=0.03))),
        (
            *_PARTIAL,
            (
                "seconds 3.0 to 13.0 of the upload match seconds 0.0 to 11.0 of the known video, "
                "at about 1.10 times its speed (11 of 12 frames match; the list asks for 10 s)"
            ),
        ),
    ),
    "video perhaps faster": (
        made(_VPDQ, video=extent(38, 38, stretch(speed=1.04, seconds=10.0, speed_error=0.05))),
        (
            *_PARTIAL,
            (
                "seconds 3.0 to 13.0 of the upload match seconds 0.0 to 10.4 of the known video "
                "(11 of 12 frames match; the list asks for 10 s)"
            ),
        ),
    ),
    "video faster, from before its precision was kept": (
        made(_VPDQ, video=extent(38, 38, stretch(speed=1.1, seconds=10.0, speed_error=None))),
        (
            *_PARTIAL,
            (
                "seconds 3.0 to 13.0 of the upload match seconds 0.0 to 11.0 of the known video, "
                "at about 1.10 times its speed (11 of 12 frames match; the list asks for 10 s)"
            ),
        ),
    ),
    "video mirrored": (
        made(_VPDQ, video=extent(38, 38, None), transform="flip_y"),
        (*_PARTIAL, "met by the video turned or mirrored: flip_y"),
    ),
    "video from before": (OLD_VIDEO, OLD_VIDEO.reasons),
}
"""Facts, and the very sentences that they bear."""

NOT_DIGESTS = [
    name for name, (match, _) in MATCHES.items() if match.kind not in {"md5", "sha1", "sha256"}
]
SHORT: Mapping[str, str] = {
    "pdq 0": "PDQ distance 0 (threshold 31)",
    "pdq 12": "PDQ distance 12 (threshold 31)",
    "turned picture": "PDQ distance 0 (threshold 31)",
    "later frame": "PDQ distance 3 (threshold 31)",
    "md5": "same MD5",
    "sha1": "same SHA-1",
    "sha256": "same SHA-256",
    "video partial": "video, 38 % of the upload's and 95 % of the known video's compared frames, "
    "seconds 3.0 to 14.0",
    "video without a stretch": "video, 38 % of the upload's and 95 % of the known video's "
    "compared frames",
    "video whole": "video, 100 % of the upload's and 100 % of the known video's compared frames, "
    "seconds 3.0 to 14.0",
    "video faster": "video, 38 % of the upload's and 95 % of the known video's compared frames, "
    "seconds 3.0 to 13.0",
    **dict.fromkeys(
        (
            "video about faster",
            "video perhaps faster",
            "video faster, from before its precision was kept",
        ),
        "video, 38 % of the upload's and 95 % of the known video's compared frames, "
        "seconds 3.0 to 13.0",
    ),
    "video mirrored": "video, 38 % of the upload's and 95 % of the known video's compared frames",
    "video from before": OLD_VIDEO.reasons[0],
}
STATED_DISTANCE: Mapping[str, int | None] = {
    "pdq 0": 0,
    "pdq 12": 12,
    "turned picture": 0,
    "later frame": 3,
    "md5": 0,
    "sha1": 0,
    "sha256": 0,
} | dict.fromkeys((name for name in MATCHES if name.startswith("video")), None)
