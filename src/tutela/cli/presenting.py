"""How every command speaks: people get tables and bars, programs one JSON object a line.

Answers go to stdout, everything else (bars, notes, errors) to stderr.
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.segment import Segment
from rich.table import Column
from rich.text import Text

from tutela.cli import options
from tutela.cli.terminal import escaped, one_line, unguarded
from tutela.primitives.errors import TutelaError


class Terminal(Console):
    """A console on which text is never markup, an emoji code or a command to the terminal.

    Styles are given as arguments or as `Text`. Strings are escaped before they are laid out, and
    whatever else is drawn is escaped as it is drawn.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)

    @property
    def file(self) -> IO[str]:
        """Where the drawn text goes: it is escaped already, and its styles are ours."""
        return unguarded(super().file)

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401 - rich's own
        """A string as text, with nothing in it that means anything to rich or to a terminal."""
        return super().render_str(escaped(text), **options | {"markup": False, "emoji": False})

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """The parts of what is drawn."""
        for part in super().render(renderable, options):
            text, style, control = part
            yield part if control else Segment(escaped(text), style)


OUT = Terminal()
NOTES = Terminal(stderr=True)

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
    sys.stdout.write(escaped(lines))
    sys.stdout.flush()


def ids(header: str) -> Column:
    """A column of identifiers: never cut, so that one can be copied into the next command."""
    return Column(header, no_wrap=True, overflow="fold")


def plain(text: str) -> Text:
    """Text from outside (a file's name) for one line of a terminal."""
    return Text(one_line(text))


def marked(mark: str, text: str, *, style: str) -> Text:
    """A word of ours in a style, then text from outside."""
    return Text.assemble((mark, style), " ", one_line(text))


def _fits(text: str, coding: str) -> bool:
    try:
        text.encode(coding)
    except UnicodeEncodeError:
        return False
    return True


def note(text: str) -> None:
    """A remark for the person at the terminal."""
    NOTES.print(text)


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
        TextColumn("{task.description}", markup=False),
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
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
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
