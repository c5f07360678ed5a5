"""What a measured figure depends on: machine, versions, commit. Every bench script prints it."""

import importlib.metadata
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("numpy", "numba", "pillow", "simplejpeg", "av", "pdqhash", "faiss-cpu")


def circumstances() -> dict[str, object]:
    """Machine, processor, versions of what is installed, commit and hour, as one flat object."""
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {_memory_gib()} GiB",
        "processor": _processor(),
        "python": platform.python_version(),
        **{name: version for name in PACKAGES if (version := _version(name))},
        "commit": _commit(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def line() -> str:
    """The same as one line of text, to stand above a table."""
    return ", ".join(f"{name} {value}" for name, value in circumstances().items())


def _processor() -> str:
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown"
    named = dict(row.split(":", 1) for row in facts.splitlines() if ":" in row)
    named = {name.strip(): value.strip() for name, value in named.items()}
    has = [
        flag
        for flag in ("avx2", "avx512bw", "avx512_bitalg", "avx512_vpopcntdq")
        if flag in named.get("flags", "").split()
    ]
    return " ".join((named.get("model name", "unknown"), *has))


def _memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    told = subprocess.run(  # noqa: S603 - our own words
        asked, cwd=ROOT, capture_output=True, text=True, check=False
    )
    changed = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=no"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return (told.stdout.strip() or "unknown") + (" and changes" if changed.stdout.strip() else "")
