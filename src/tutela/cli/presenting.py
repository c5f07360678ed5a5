"""How every command speaks: people get tables and bars, programs one JSON object a line.

Answers go to stdout, everything else (bars, notes, errors) to stderr.
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from tutela.cli import options
from tutela.primitives.errors import TutelaError

OUT = Console(highlight=False)
NOTES = Console(stderr=True, highlight=False)

AsJson = options.AsJson


def emit(data: Any, *, as_json: bool, render: Callable[[], None]) -> None:  # noqa: ANN401 - any JSON value
    """Print `data` as one line of JSON, or call `render` to show it to a person."""
    if as_json:
        print_lines(json.dumps(data, ensure_ascii=False, default=str) + "\n")
    else:
        render()


def emit_each(rows: Iterable[Any], *, as_json: bool, render: Callable[[], None]) -> None:
    """Print each row as a line of JSON, or call `render` to show them all to a person."""
    if as_json:
        for row in rows:
            emit(row, as_json=True, render=render)
    else:
        render()


def print_lines(lines: str) -> None:
    """Print whole lines of JSON; whatever the locale, they can be printed and stay JSON."""
    if not _fits(lines, sys.stdout.encoding or "utf-8"):
        lines = "".join(json.dumps(json.loads(line)) + "\n" for line in lines.split("\n")[:-1])
    sys.stdout.write(lines)
    sys.stdout.flush()


def ids(header: str) -> Column:
    """A column of identifiers: never cut, so that one can be copied into the next command."""
    return Column(header, no_wrap=True, overflow="fold")


def plain(text: str) -> Text:
    """Text from outside (a file's name) for a terminal: no markup, nothing that steers it."""
    return Text("".join(c if c.isprintable() else repr(c)[1:-1] for c in text))


def _fits(text: str, coding: str) -> bool:
    try:
        text.encode(coding)
    except UnicodeEncodeError:
        return False
    return True


def note(text: str) -> None:
    """A remark for the person at the terminal."""
    NOTES.print(text, markup=False)


@contextmanager
def progress(
    description: str, *, total: float | Callable[[], int] | None
) -> Iterator[Callable[[float], None]]:
    """A bar on stderr; call the yielded function with what is done so far (absolute).

    A `total` that must be counted first is counted beside the work, and only when somebody sees
    the bar.
    """
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=NOTES,
        transient=False,
        disable=not NOTES.is_terminal,
    ) as bar:
        task = bar.add_task(description, total=None if callable(total) else total)
        if callable(total):
            _count_beside(bar, task, total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def progress_of_files(
    description: str, *, total: Callable[[], int]
) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr with files and megabytes a second; call with both totals so far.

    `total` counts the files, beside the work.
    """
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=NOTES,
        disable=not NOTES.is_terminal,
    ) as bar:
        task = bar.add_task(description, total=None, rate="")
        _count_beside(bar, task, total)
        began = time.monotonic()

        def show(files: int, size_bytes: int) -> None:
            seconds = max(time.monotonic() - began, 1e-3)
            rate = f"{files / seconds:,.0f} files/s {size_bytes / seconds / 1e6:,.1f} MB/s"
            bar.update(task, completed=files, rate=rate)

        yield show


def _count_beside(bar: Progress, task: TaskID, total: Callable[[], int]) -> None:
    def count() -> None:
        with suppress(TutelaError, OSError):  # whoever does the work meets it too, and tells it
            bar.update(task, total=total())

    if NOTES.is_terminal:
        threading.Thread(target=count, name="counting", daemon=True).start()
