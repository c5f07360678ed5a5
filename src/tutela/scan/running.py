"""Running a scan: several files at once, each committed before it is marked done."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tutela.indicators.model import Finding
from tutela.intake.model import Admission
from tutela.primitives.errors import TutelaError, Unavailable
from tutela.scan.journal import Journal
from tutela.scan.model import Scanned

Admit = Callable[[Path], Admission]
"""Hashes, matches and (when it matches) stores one file; the scan knows no more of it."""


def run(
    files: Iterable[Path],
    admit: Admit,
    *,
    threads: int,
    journal: Journal | None = None,
    stop: Callable[[], object] = lambda: None,
) -> Generator[Scanned, None, None]:
    """Yield each file's result in their order; only a few of them are in memory at a time.

    A file's own fault is its result's `error`; a part that is away (database, disk) stops
    the scan with `Unavailable`, and the next run takes up where this one stopped. However it is
    broken off, `stop` is called: it should end what `admit` is at, since that is waited for.
    """
    waiting: deque[tuple[bytes, Future[Scanned]]] = deque()
    todo = ((path, b"") for path in files) if journal is None else journal.unfinished(files)
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="scan") as pool:
        try:
            for path, mark in todo:
                waiting.append((mark, pool.submit(_one, path, admit)))
                if len(waiting) >= 4 * threads:
                    yield _finish(*waiting.popleft(), journal)
            while waiting:
                yield _finish(*waiting.popleft(), journal)
        except BaseException:
            stop()
            raise
        finally:
            for _, future in waiting:
                future.cancel()


def _finish(mark: bytes, future: Future[Scanned], journal: Journal | None) -> Scanned:
    scanned = future.result()
    if journal is not None:
        journal.finish(mark)
    return scanned


def _one(path: Path, admit: Admit) -> Scanned:
    try:
        admission = admit(path)
    except Unavailable:
        raise
    except TutelaError as error:
        return Scanned(path=path, finding=None, error=str(error))
    except OSError as error:
        return Scanned(path=path, finding=None, error=f"The file cannot be read: {error.strerror}")
    result = admission.result
    matched = result.finding is Finding.MATCHED
    return Scanned(
        path=path,
        finding=result.finding,
        matches=result.matches if matched else (),
        unmatchable=result.unmatchable,
        why=result.why,
        pipeline=admission.hashed.pipeline,
        case_id=admission.case_id,
        already_known=admission.already_known,
    )
