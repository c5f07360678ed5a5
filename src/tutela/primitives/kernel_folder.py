"""Where compiled kernels rest; a module of its own, because asking must not load the compiler.

Whoever writes into that folder runs code here, so it is one that only this user may write to.
"""

import hashlib
import os
import stat
from pathlib import Path

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def _folder() -> Path | None:
    """Named by the environment, beside the code, or the user's; None when none may be used."""
    named = os.environ.get("TUTELA_KERNELS")
    if named:
        places = [Path(named)]
    else:
        user = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
        places = [Path(__file__).parents[1] / "__pycache__" / "kernels", user / "tutela/kernels"]
    return next((place for place in places if _ours(place)), None)


def _ours(place: Path) -> bool:
    """Whether the folder is there (or could be made) and nobody else may write to it."""
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = place.stat()
    except (OSError, RuntimeError):
        return False
    private = facts.st_uid == os.geteuid() and not facts.st_mode & _OTHERS_MAY_WRITE
    return private and os.access(place, os.W_OK)


def version_of(package: Path) -> str:
    """Names the kernels below a folder as they are written now, and all that is compiled in."""
    digest = hashlib.sha256()
    for path in sorted([*package.glob("*/kernels/*.py"), package / "primitives/compiling.py"]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


ROOT = _folder()
"""What a child process is told, in TUTELA_KERNELS."""

FOLDER = ROOT / version_of(Path(__file__).parents[1]) if ROOT is not None else None
"""The folder for the kernels of this version, or None: then every start compiles anew."""

if FOLDER is not None:
    FOLDER.mkdir(mode=0o700, exist_ok=True)
