"""Hashing many files on all cores: a crew of processes, each with one decoder of its own.

The crew's processes read and take digests, their decoders decode and hash, and what comes
back is text: one process that did all of it for many decoders would wait for itself.
"""

import itertools
import json
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from subprocess import Popen

from tutela.adapters.media.jail import Jail
from tutela.adapters.media.model import Limits, Refusal
from tutela.hashing.model import DIHEDRAL, Hashed, Mode, VideoHash
from tutela.primitives.errors import Unavailable
from tutela.scan.naming import spelled
from tutela.wiring.crew import Crew, CrewLost

_BATCH = 32  # files handed over at a time
_AHEAD = 4  # batches waiting for each process, so that one slow file holds nobody up
_FRAMES_IN_ROW = 500  # a row has its bounds
_FEW = 8  # files for which no second process is worth its start

Row = dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What is asked of every file."""

    limits: Limits
    mode: Mode = Mode.EXACT
    dihedral: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What came of some files: their rows as lines of JSON in the order of the files."""

    lines: str
    files: int
    refused: int
    size_bytes: int


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def hash_files(
    files: Iterable[Path], order: Order, *, workers: int, ahead: Popen[bytes] | None = None
) -> Generator[Batch, None, None]:
    """Hash every file; batches come in the order of the files.

    At most a few batches a worker are in memory. `ahead` is a decoder that loads already, for a
    few files or one worker (`Jail`). Raises `Unavailable` when no decoder starts.
    """
    batches = _batches(files)
    first = next(batches, ())
    if workers == 1 or len(first) <= _FEW:
        with Jail(order.limits, workers=1, ahead=ahead) as jail:
            for batch in itertools.chain((first,), batches):
                yield _hash_batch(jail, order, batch)
        return
    yield from _by_crew(itertools.chain((first,), batches), order, workers=workers)


def _batches(files: Iterable[Path]) -> Iterator[tuple[Path, ...]]:
    """Files in batches; the first ones are small, so that all start and something shows soon."""
    given = iter(files)
    for size in itertools.chain((_FEW + 1,), itertools.repeat(_BATCH)):
        batch = tuple(itertools.islice(given, size))
        if not batch:
            return
        yield batch


def _by_crew(batches: Iterator[tuple[Path, ...]], order: Order, *, workers: int) -> Iterator[Batch]:
    waiting: deque[Future[Batch]] = deque()
    try:
        with Crew(partial(_begin, order), workers=workers) as crew:
            for batch in batches:
                waiting.append(crew.submit(batch))
                if len(waiting) >= _AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
    except CrewLost as error:
        raise Unavailable(
            "Hashing has stopped",
            why="one of its processes ended, or could not start its decoder",
            remedy="Run `tutela check`; with --out the same command goes on where this one stopped",
        ) from error


def _begin(order: Order) -> Callable[[tuple[Path, ...]], Batch]:
    """In a process of the crew: its decoder, and what is asked of it."""
    return partial(_hash_batch, Jail(order.limits, workers=1), order)


def _hash_batch(jail: Jail, order: Order, batch: Sequence[Path]) -> Batch:
    rows = [_row(jail, order, path) for path in batch]
    return Batch(
        lines="".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows),
        files=len(rows),
        refused=sum("error" in row for row in rows),
        size_bytes=sum(size for row in rows if isinstance(size := row.get("size_bytes"), int)),
    )


def _row(jail: Jail, order: Order, path: Path) -> Row:
    """One object: the hashes, or `error` (with the digests where the file could be read)."""
    # A name that is no UTF-8 is shown with its odd bytes spelled out.
    row: Row = {"path": spelled(path), "mode": order.mode.value}
    try:
        changed = path.stat().st_mtime_ns  # before reading: a change meanwhile will be seen
    except OSError:
        changed = None
    answer = jail.hash(path, dihedral=order.dihedral, mode=order.mode)
    if isinstance(answer, Refusal):
        return row | {"error": str(answer), "reason": answer.reason.value}
    return row | _facts(answer) | {"mtime_ns": changed}


def _video(video: VideoHash) -> Row:
    """A video's frames as vPDQ's text; of a long one only how many (`--vpdq` writes them)."""
    # Loaded for a video alone: who hashes a picture does not wait for it.
    from tutela.indicators.formats.vpdq import lines_of  # noqa: PLC0415

    few = video.frames[:_FRAMES_IN_ROW]
    row: Row = {
        "fingerprint": video.fingerprint.hex(),
        "frames_total": len(video.frames),
        "frames_compared": len(video.comparable()),
        "complete": video.complete,
        "undecodable": video.undecodable,
        "track": video.track,
        "tracks_total": video.tracks_total,
        "frames": list(lines_of(few)),
    }
    if len(few) < len(video.frames):
        row["frames_left_out"] = len(video.frames) - len(few)
    return row


def _hashes(answer: Hashed) -> Row:
    """The frames of a film, the hash of a picture, or both; or why there is neither."""
    if answer.video is None and answer.pdq is None:
        return {} if answer.further else {"error": answer.why, "reason": answer.unmatchable}
    row: Row = {}
    if answer.video is not None:
        row |= _video(answer.video)
    if answer.further_videos:
        row["further_videos"] = [_video(one) for one in answer.further_videos]
    if answer.pdq is not None:
        row |= {"pdq": answer.pdq.hex, "quality": answer.pdq.quality}
    return row


def _facts(answer: Hashed) -> Row:
    """What hashing found out about a file that could be read."""
    row = _hashes(answer)
    row |= {
        "md5": answer.digests.md5.hex(),
        "sha1": answer.digests.sha1.hex(),
        "sha256": answer.digests.sha256.hex(),
        "size_bytes": answer.digests.size_bytes,
        "pipeline": answer.pipeline,
    }
    if "error" not in row and answer.why:
        row |= {"unmatchable": answer.unmatchable} if answer.unmatchable else {}
        row["why"] = answer.why
    if answer.truncated:
        row |= {"truncated": True, "rows": {"decoded": answer.rows_decoded, "of": answer.height_px}}
    if answer.further:
        row["further"] = [form.as_json() for form in answer.further]
    if answer.pictures_total is not None and answer.pictures_total > 1:
        row["pictures"] = {"total": answer.pictures_total, "hashed": answer.pictures_hashed}
    if answer.dihedral:
        turned = zip(DIHEDRAL, answer.dihedral, strict=True)
        row["dihedral"] = {name: pdq.hex for name, pdq in turned}
    return row
