"""What is said about a match: every sentence made from its facts, in one place.

That the item is the listed file can be said of an equal MD5, SHA-1 or SHA-256 only. A PDQ match
says its distance, 0 included: other pictures can have the same PDQ hash. A video match says
which share of each side, and which seconds, match. Whatever new fact a match carries gets its
sentence in `reasons_of`; reports, pages and answers repeat these.
"""

from collections.abc import Iterator
from typing import Any

from tutela.hashing.model import DIHEDRAL, PDQ_BITS
from tutela.indicators.categories import mapped
from tutela.indicators.model import HashList, Match, SignalKind, VideoExtent, VideoStretch

DIGEST_NAMES = {
    SignalKind.MD5: "MD5",
    SignalKind.SHA1: "SHA-1",
    SignalKind.SHA256: "SHA-256",
}
"""The kinds that can say "the same", and how they are written."""

_SURE_SPEED = 0.01  # two decimals are right
_ROUGH_SPEED = 0.05  # the second decimal says nothing
_SAME_SPEED = 0.02  # what taking a frame a second alone makes of an unchanged speed


def reasons_of(match: Match, hash_list: HashList, *, quality: int | None = None) -> tuple[str, ...]:
    """Why it is a match, sentence by sentence, beside what the list asks for.

    `quality` is that of the item's PDQ hash.
    """
    return tuple(_reasons(match, hash_list, quality))


def _reasons(match: Match, hash_list: HashList, quality: int | None) -> Iterator[str]:
    if match.kind in DIGEST_NAMES:
        yield f"the file's {DIGEST_NAMES[match.kind]} is the entry's"
    if match.distance_bits is not None:
        yield (
            f"PDQ distance {match.distance_bits} of {PDQ_BITS} bits, "
            f"the list allows {match.threshold_bits}"
        )
    if quality is not None:
        yield f"quality {quality}, the list asks for {hash_list.min_quality}"
    if match.video is not None:
        yield from _of_video(match.video, match.threshold_bits, hash_list)
    if match.category and (counts_as := mapped(match.category, hash_list)):
        yield f"category {match.category} is not defined; the list counts it as {counts_as}"
    if match.form:
        yield f"met by {match.form} of the file"
    if match.transform != DIHEDRAL[0]:
        what = "picture" if match.video is None else "video"
        yield f"met by the {what} turned or mirrored: {match.transform}"


def _of_video(extent: VideoExtent, threshold_bits: int, hash_list: HashList) -> Iterator[str]:
    """Shares and seconds; times count from the start of each video."""
    yield (
        f"{extent.query_matched} of the upload's {extent.query_frames} compared frames "
        f"({extent.query_percent} %) match frames of the known video, the list asks for "
        f"{hash_list.video_query_percent} %"
    )
    yield (
        f"{extent.bank_matched} of the known video's {extent.bank_frames} frames "
        f"({extent.bank_percent} %) match frames of the upload, the list asks for "
        f"{hash_list.video_bank_percent} %"
    )
    yield (
        f"median PDQ distance of matching frames {extent.frame_distance_bits} of {PDQ_BITS} bits, "
        f"the list allows {threshold_bits}"
    )
    if extent.stretch is not None:
        yield f"{_of_stretch(extent.stretch)}; the list asks for {hash_list.video_seconds} s)"


def _of_speed(speed: float, error: float | None) -> str:
    """The speed with the precision that it has; nothing when it may be unchanged."""
    doubt = _SAME_SPEED if error is None else error
    if abs(speed - 1) < max(_SAME_SPEED, doubt):
        return ""
    if error is not None and error <= _SURE_SPEED:
        return f", at {speed:.2f} times its speed"
    return f", at about {speed:.{1 if doubt > _ROUGH_SPEED else 2}f} times its speed"


def _of_stretch(stretch: VideoStretch) -> str:
    speed = _of_speed(stretch.speed, stretch.speed_error)
    return (
        f"seconds {stretch.query_start_s:.1f} to {stretch.query_end_s:.1f} of the upload match "
        f"seconds {stretch.bank_start_s:.1f} to {stretch.bank_end_s:.1f} of the known video"
        f"{speed} ({stretch.frames} of {stretch.frames_possible} frames match"
    )


def in_short(match: Match) -> str:
    """The match in a few words for one line, from its facts; its reasons where it has none."""
    if match.kind in DIGEST_NAMES:
        return f"same {DIGEST_NAMES[match.kind]}"
    if match.distance_bits is not None:
        return f"PDQ distance {match.distance_bits} (threshold {match.threshold_bits})"
    if match.video is None:
        return "; ".join(match.reasons) or f"{match.kind}, extent not recorded"
    extent = match.video
    shares = (
        f"video, {extent.query_percent} % of the upload's and {extent.bank_percent} % of "
        "the known video's compared frames"
    )
    stretch = extent.stretch
    if stretch is None:
        return shares
    return f"{shares}, seconds {stretch.query_start_s:.1f} to {stretch.query_end_s:.1f}"


def nearness(match: Match) -> tuple[int, int]:
    """What orders matches, the surest first: equal digests, then distance, then shares."""
    if match.kind in DIGEST_NAMES:
        return (0, 0)
    if match.distance_bits is not None:
        return (1, match.distance_bits)
    if match.video is not None:
        return (2, -max(match.video.query_percent, match.video.bank_percent))
    return (3, 0)


def stated_distance(match: Match) -> int | None:
    """`distance_bits` in answers: a PDQ distance, 0 for equal digests, None for a video.

    Clients compared the number of a digest match from the first release on; equal digests
    differ in no bit. A video has no such number, so that its field is null.
    """
    return 0 if match.kind in DIGEST_NAMES else match.distance_bits


def video_fields(extent: VideoExtent | None) -> dict[str, Any] | None:
    """The extent of a video match as JSON: in answers, in the database, in a case's package."""
    if extent is None:
        return None
    stretch = extent.stretch
    return {
        "query_frames": extent.query_frames,
        "query_matched": extent.query_matched,
        "query_percent": extent.query_percent,
        "bank_frames": extent.bank_frames,
        "bank_matched": extent.bank_matched,
        "bank_percent": extent.bank_percent,
        "frame_distance_bits": extent.frame_distance_bits,
        "stretch": None
        if stretch is None
        else {name: getattr(stretch, name) for name in VideoStretch.__slots__},
    }


def video_extent(stored: dict[str, Any] | None) -> VideoExtent | None:
    """The extent from what `video_fields` wrote; the percents follow from the counts."""
    if stored is None:
        return None
    facts = {name: stored[name] for name in VideoExtent.__slots__ if name != "stretch"}
    stretch = stored["stretch"]
    return VideoExtent(**facts, stretch=None if stretch is None else VideoStretch(**stretch))
