"""Files that are a picture and a film at once: what stands beside what was found first.

A phone appends the film of a "motion photo" to its JPEG, or puts it into a box of its HEIC; MP4
and HEIF keep both side by side in the same boxes. Each alone is not the whole file.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tutela.adapters.media.candidates import Candidate, gives_hashes
from tutela.adapters.media.model import Refusal
from tutela.adapters.media.sniffing import AVIF, HEIF, Found
from tutela.adapters.media.video.containers import VideoKind, video_candidates
from tutela.hashing.model import FormKind, Hashed, PictureForm, Unmatchable, VideoHash

MAX_FILMS = 3
"""So many films within one picture file are hashed."""
_MAX_BOXES = 64
_FTYP = re.compile(rb"\x00{2}[\x00-\x03][\x08-\xff]ftyp[ -~]{4}")
_HEAD_BYTES = 64


def kinds_beside(
    first: Candidate, kinds: Sequence[Candidate], body: bytes
) -> tuple[Candidate, ...]:
    """What else the file is to be read as, after it was read as `first`.

    `body` is a picture file's content, searched for films of its own; empty of a video.
    """
    after = kinds[list(kinds).index(first) + 1 :]
    if isinstance(first, VideoKind):
        return tuple(one for one in after if isinstance(one, Found) and one.kind in {AVIF, HEIF})
    films = tuple(one for one in after if isinstance(one, VideoKind))
    return films or films_in(body)


def films_in(body: bytes) -> tuple[VideoKind, ...]:
    """MP4 and QuickTime films that begin somewhere within these bytes, not at their start."""
    found = []
    for place in _FTYP.finditer(body, 1):
        if not _leads_to_a_movie(body, place.start()):
            continue
        head = body[place.start() : place.start() + _HEAD_BYTES]
        found += [replace(one, offset=place.start()) for one in video_candidates(head)[:1]]
        if len(found) == MAX_FILMS:
            break
    return tuple(found)


def _leads_to_a_movie(body: bytes, at: int) -> bool:
    """Whether the boxes from here on hold a `moov`: by chance or in a text none do."""
    for _ in range(_MAX_BOXES):
        if at + 16 > len(body):
            return False
        if body[at + 4 : at + 8] == b"moov":
            return True
        size = int.from_bytes(body[at : at + 4])
        if size == 1:
            size = int.from_bytes(body[at + 8 : at + 16])
        if size < 8:  # noqa: PLR2004 - up to the end of the file, or broken
            return False
        at += size
    return False


def joined(first: Hashed, others: Iterable[Hashed | Refusal]) -> Hashed:
    """All readings as one item; what the first says of the file stays, refusals add nothing."""
    for other in others:
        if isinstance(other, Hashed) and gives_hashes(other):
            first = _both(first, other)
    return first


def _both(first: Hashed, other: Hashed) -> Hashed:
    films = (*_films(first), *_films(other))
    unmatchable = _unmatchable(first, other)
    whys = [one.why for one in (first, other) if one.why and one.unmatchable is unmatchable]
    return replace(
        first,
        pdq=first.pdq or other.pdq,
        dihedral=first.dihedral or other.dihedral,
        further=(*first.further, *_as_forms(first, other)),
        pictures_total=first.pictures_total or other.pictures_total,
        pictures_hashed=first.pictures_hashed or other.pictures_hashed,
        video=films[0] if films else None,
        further_videos=films[1:],
        unmatchable=unmatchable,
        why=". ".join(dict.fromkeys(whys)),
    )


def _films(one: Hashed) -> tuple[VideoHash, ...]:
    return (one.video, *one.further_videos) if one.video else ()


def _as_forms(first: Hashed, other: Hashed) -> tuple[PictureForm, ...]:
    """The pictures of the other reading; its primary one is a form where there is one already."""
    if first.pdq is None or other.pdq is None:
        return other.further
    primary = PictureForm(kind=FormKind.IMAGE, pdq=other.pdq, dihedral=other.dihedral)
    return (primary, *other.further)


def _unmatchable(first: Hashed, other: Hashed) -> Unmatchable | None:
    return first.unmatchable if other.unmatchable is not None else None
