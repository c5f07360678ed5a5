"""Reading a folder of results: one JSON object a file, as the bench scripts print it.

The beginning of a file's name says what it holds: `search-1000000.json`, `pictures.json`,
`jpeg.json`, `robustness.json`, `hash.json`; anything else is a flat table of its figures.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Result = Mapping[str, Any]
ABOUT = ("machine", "processor", "python", "commit", "at")


def results(folder: Path, kind: str) -> list[Result]:
    """The results of one kind, by name of their file."""
    return [result for name, result in _files(folder) if _is(name, kind)]


def others(folder: Path, kinds: Sequence[str]) -> Iterator[tuple[str, Result]]:
    """Name and content of every file that is of none of `kinds`."""
    for name, result in _files(folder):
        if not any(_is(name, kind) for kind in kinds):
            yield name, result


def circumstances_of(result: Result) -> Mapping[str, object]:
    """Machine, versions, commit of one result."""
    found: Mapping[str, object] = result.get("circumstances", result)
    return found


def _is(name: str, kind: str) -> bool:
    return name == kind or name.startswith(f"{kind}-")


def _files(folder: Path) -> Iterator[tuple[str, Result]]:
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise SystemExit(f"{path} is not one JSON object: {error}") from error
        if isinstance(content, dict):
            yield path.stem, content
