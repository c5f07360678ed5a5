"""Planning a scan: which files, in which order, and what is left out."""

import os
from collections import Counter
from pathlib import Path

from tutela.primitives.errors import BadInput
from tutela.scan.model import Plan

UNREADABLE = "a folder that may not be read"


def plan(root: Path) -> Plan:
    """All regular files under `root`, sorted; links and special files are counted, not followed.

    A link could lead out of the folder the operator named, so it is never followed.
    """
    if root.is_file():
        return Plan(root=root.parent, files=(root,))
    if not root.is_dir():
        raise BadInput(
            "There is nothing to scan",
            why="the path is neither a folder nor a file",
            remedy="Give an existing folder.",
        )
    files: list[Path] = []
    skipped: Counter[str] = Counter()
    for folder, names, entries in os.walk(root, onerror=lambda _: skipped.update([UNREADABLE])):
        names.sort()
        for name in sorted(entries):
            path = Path(folder, name)
            if path.is_symlink():
                skipped["link"] += 1
            elif not path.is_file():
                skipped["not a file"] += 1
            else:
                files.append(path)
    return Plan(root=root, files=tuple(files), skipped=dict(skipped))
