"""What a file may be: pictures and videos, in the order in which they are tried.

The kind that the first bytes announce comes first. The others are tried when its decoder finds
nothing in the file, and a refusal names all that were tried.
"""

import io
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from tutela.adapters.media.model import Refusal
from tutela.adapters.media.sniffing import HEAD_BYTES, Found, sniff
from tutela.adapters.media.video.containers import VideoKind, video_candidates
from tutela.hashing.model import Hashed, Unmatchable

Candidate = Found | VideoKind

_FILE_TYPE = b"ftyp"
_MAX_BOXES = 64


def candidates(source: object) -> tuple[Candidate, ...]:
    """The kinds to try for bytes or a plain file; empty when it is none on the lists.

    Empty too for a stream, whose beginning cannot be read twice, and for what cannot be read.
    """
    try:
        with _opened(source) as file:
            head = file.read(HEAD_BYTES)
            pictures = sniff(head)
            if pictures and head[4:8] == _FILE_TYPE:
                return _of_boxes(file, head, pictures)
    except OSError:
        return ()
    return _in_order(pictures, video_candidates(head))


def _in_order(pictures: tuple[Found, ...], videos: tuple[VideoKind, ...]) -> tuple[Candidate, ...]:
    sure = tuple(one for one in pictures if one.sure)
    return (*sure, *videos, *(one for one in pictures if not one.sure))


def _of_boxes(file: BinaryIO, head: bytes, pictures: tuple[Found, ...]) -> tuple[Candidate, ...]:
    """Pictures and films are kept in the same boxes, and may stand under each other's brand."""
    if not _has_movie(file):
        return pictures  # the video decoder would take a picture for a film of one frame
    return _in_order(pictures, video_candidates(head))


def _has_movie(file: BinaryIO) -> bool:
    """Whether one of the outermost boxes is a `moov`."""
    at, end = 0, file.seek(0, io.SEEK_END)
    for _ in range(_MAX_BOXES):
        if at >= end:
            return False
        file.seek(at)
        start = file.read(16)
        if len(start) < 8:  # noqa: PLR2004 - size and name
            return False
        if start[4:8] == b"moov":
            return True
        size = int.from_bytes(start[:4])
        if size == 1:
            size = int.from_bytes(start[8:])
        if size < 8:  # noqa: PLR2004 - up to the end of the file, or broken
            return False
        at += size
    return False


@contextmanager
def _opened(source: object) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
    elif isinstance(source, Path) and stat.S_ISREG(source.stat().st_mode):
        with source.open("rb") as file:
            yield file
    else:
        yield io.BytesIO()


def gives_hashes(answer: Hashed) -> bool:
    """Whether the decoder found a picture or a video in the file."""
    return answer.pdq is not None or answer.video is not None or bool(answer.further)


def worth_trying(one: Candidate, before: Iterable[Hashed]) -> bool:
    """Whether one more kind may be tried after these refusals.

    What was too large for a picture is not read into memory again as another picture.
    """
    too_large = any(answer.unmatchable is Unmatchable.TOO_LARGE for answer in before)
    return isinstance(one, VideoKind) or not too_large


def none_of(tried: list[tuple[Candidate, Hashed]]) -> Hashed:
    """The answer for a file in which nobody found anything: the first, naming all kinds."""
    _, first = tried[0]
    return replace(first, why=f"{_tried(one for one, _ in tried)}. {first.why}")


def naming_all(refusal: Refusal, tried: Iterable[Candidate]) -> Refusal:
    """The same refusal, with the kinds that were tried."""
    return replace(refusal, why=f"{_tried(tried)}. {refusal.why}")


def _tried(kinds: Iterable[Candidate]) -> str:
    names = list(dict.fromkeys(one.name for one in kinds))
    listed = " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]
    return f"Tried as {listed}"
