"""How every command speaks: people get tables and bars, programs one JSON object a line.

Answers go to stdout, everything else (bars, notes, errors) to stderr.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

OUT = Console(highlight=False)
NOTES = Console(stderr=True, highlight=False)

AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON, one object a line, for programs.")
]


def emit(data: Any, *, as_json: bool, render: Callable[[], None]) -> None:  # noqa: ANN401 - any JSON value
    """Print `data` as one line of JSON, or call `render` to show it to a person."""
    if as_json:
        sys.stdout.write(json.dumps(data, ensure_ascii=False, default=str) + "\n")
        sys.stdout.flush()
    else:
        render()


def note(text: str) -> None:
    """A remark for the person at the terminal."""
    NOTES.print(text, markup=False)


@contextmanager
def progress(description: str, *, total: float | None) -> Iterator[Callable[[float], None]]:
    """A bar on stderr; call the yielded function with what is done so far (absolute)."""
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
        task = bar.add_task(description, total=total)
        yield lambda done: bar.update(task, completed=done)
