"""`tutela hash` on a folder of drawn JPEGs, beside what its cores can do without the command.

The sum of the cores' kernel speed: as many processes as workers, each doing nothing but what
every file needs (read it, three digests, decode it, PDQ), on the same files, in this run. The
command does the same in confined children, and names, rows and order besides. Both are taken
in turns and the best of each counts. FORMAT=json prints one object, otherwise a table.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

import simplejpeg
from circumstances import circumstances, line

from tutela.hashing.digests import Digesting
from tutela.hashing.model import Mode
from tutela.hashing.pdq import pdq
from tutela.wiring.hashing import cores

SIZES = ((640, 480), (1024, 768), (320, 240), (1600, 1200))
DRAWN = 16


def drawn(folder: Path, copies: int) -> None:
    """Drawn JPEGs of four sizes, and copies of them in folders of their own."""
    drawing = _drawing()
    kinds = list(drawing.KINDS)
    for number in range(DRAWN):
        image = drawing.draw(kinds[number % len(kinds)], number, SIZES[number % len(SIZES)])
        for copy in range(copies):
            place = folder / f"{copy:04}" / f"{number:02}.jpg"
            place.parent.mkdir(exist_ok=True)
            if copy == 0:
                image.save(place, quality=88)
            else:
                place.write_bytes((folder / "0000" / place.name).read_bytes())


def _drawing() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "vectors" / "draw.py"
    spec = importlib.util.spec_from_file_location("drawing", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} cannot be read")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def bare(files: Sequence[str], *, digests: bool) -> int:
    """What every file needs and nothing else, in one process."""
    for name in files:
        data = Path(name).read_bytes()
        if digests:
            digesting = Digesting()
            digesting.update(data)
            digesting.done()
        pdq(simplejpeg.decode_jpeg(data))
    return len(files)


def kernels_per_s(files: Sequence[str], workers: int, *, digests: bool) -> float:
    """Files a second of `workers` processes that are warm already."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        parts = [files[number::workers] for number in range(workers)]
        for future in [pool.submit(bare, part[:4], digests=digests) for part in parts]:
            future.result()
        began = time.perf_counter()
        for future in [pool.submit(bare, part, digests=digests) for part in parts]:
            future.result()
        return len(files) / (time.perf_counter() - began)


def command_s(arguments: Sequence[str]) -> float:
    """Seconds of one whole `tutela hash`, its start and end included."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as rows:
        subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "tutela", "hash", *arguments], stdout=rows, check=True
        )
    return time.perf_counter() - began


def measure(folder: Path, *, workers: int, rounds: int, mode: Mode) -> dict[str, object]:
    """All figures of one folder."""
    files = sorted(str(path) for path in folder.rglob("*.jpg"))
    size_bytes = sum(Path(name).stat().st_size for name in files)
    options = ["--json", "--mode", mode.value, "--workers", str(workers)]
    start_s = min(command_s([files[0], *options]) for _ in range(2))
    whole, work, core = [], [], []
    for _ in range(rounds):
        whole.append(command_s([str(folder), *options]))
        work.append(kernels_per_s(files, workers, digests=True))
        core.append(kernels_per_s(files, workers, digests=False))
    per_s = len(files) / min(whole)
    return {
        "mode": mode.value,
        "files": len(files),
        "megabytes": round(size_bytes / 1e6, 1),
        "workers": workers,
        "start_with_one_file_s": round(start_s, 2),
        "whole_run_s": round(min(whole), 2),
        "files_per_s": round(per_s, 1),
        "megabytes_per_s": round(size_bytes / min(whole) / 1e6, 1),
        "files_per_s_without_start": round(len(files) / (min(whole) - start_s), 1),
        "kernels_files_per_s": round(max(work), 1),
        "share_of_kernel_speed": round(len(files) / (min(whole) - start_s) / max(work), 3),
        "share_with_start": round(per_s / max(work), 3),
        "share_of_decoding_and_pdq_alone": round(per_s / max(core), 3),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--copies", type=int, default=50, help=f"of {DRAWN} drawn pictures (50)")
    parser.add_argument("--rounds", type=int, default=2, help="turns of each (2)")
    parser.add_argument("--workers", type=int, default=cores(), help="processes (all cores)")
    parser.add_argument("--mode", type=Mode, default=Mode.EXACT, choices=list(Mode))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tutela-bench-") as place:
        drawn(Path(place), given.copies)
        figures = measure(Path(place), workers=given.workers, rounds=given.rounds, mode=given.mode)
    if os.environ.get("FORMAT") == "json":
        print(json.dumps({"circumstances": circumstances(), **figures}))
        return
    print(line())
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):36} {value}")


if __name__ == "__main__":
    main()
