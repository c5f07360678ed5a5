"""`make bench`: every measurement, one after the other; results are kept, tables and plots made.

Nothing here is asserted. Options choose some of them (`ARGS='--only pictures search-1000000'`), the
folder for results, and whether docs/benchmarks.md and its plots are written anew (`--write`).
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from circumstances import ROOT

BENCH = ROOT / "bench"
MEASUREMENTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "pictures": ("pictures.py", {}),
    "jpeg": ("jpeg.py", {}),
    "hash": ("hash.py", {}),
    "robustness": ("robustness.py", {}),
    "search-100000": ("search.py", {"N": "100000"}),
    "search-1000000": ("search.py", {"N": "1000000"}),
    "search-10000000": ("search.py", {"N": "10000000"}),
    "import": ("importing.py", {"N": "1000000"}),
    "law": ("law.py", {}),
    "video": ("video.py", {}),
    "serve": ("serve.py", {"N": "10000000"}),
    "media": ("media.py", {}),
}
"""Name of the result, the script that measures it, and what it is told."""


def measure(name: str, folder: Path) -> bool:
    """Run one script; its object goes to `folder`. False when it failed, which is said."""
    script, told = MEASUREMENTS[name]
    print(f"{name} …", end="", flush=True)
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own scripts
        [sys.executable, str(BENCH / script)],
        env=os.environ | {"FORMAT": "json"} | told,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f" failed with exit code {done.returncode}")
        return False
    (folder / f"{name}.json").write_text(done.stdout, encoding="utf-8")
    print(f" {time.monotonic() - began:.0f} s")
    return True


def main() -> None:
    """Measure what was asked for, then make tables and plots of all results in the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(MEASUREMENTS), metavar="NAME")
    parser.add_argument("--results", type=Path, default=ROOT / ".bench", help="folder for results")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md and plots")
    given = parser.parse_args()
    given.results.mkdir(exist_ok=True)
    good = [measure(name, given.results) for name in given.only or MEASUREMENTS]
    page = ["--write", str(ROOT / "docs" / "benchmarks.md")] if given.write else []
    subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(BENCH / "tables.py"), str(given.results), *page], check=True
    )
    plots = ["--out", str(ROOT / "docs" / "pictures")] if given.write else []
    if plots:
        subprocess.run(  # noqa: S603 - our own script
            [sys.executable, str(BENCH / "plots.py"), str(given.results), *plots], check=True
        )
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
