"""Kernels are compiled once, loaded without the compiler, and take only what they were made for."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from tutela.primitives.kernels import compiled

CODE = """
import json, sys
import numpy as np
from tutela.primitives.kernels import compiled, prepare
settle = compiled("tutela.index.kernels.clusters:settle")
prepare()
parent = np.array([0, 0, 1, 3], np.int64)
settle(parent)
print(json.dumps([parent.tolist(), "numba" in sys.modules]))
"""

STUCK = """
from tutela.primitives import kernels
stuck = "open({begun!r}, 'w'); import time; time.sleep(600)"
kernels._COMPILE = kernels._COMPILE.replace("from tutela.primitives.compiling import main", stuck)
prepare()
"""


def run(folder: Path, code: str = CODE) -> str:
    """What a new process prints whose kernels rest in `folder`."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TUTELA_KERNELS": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def made(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.kernel"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a process has compiled its kernels; whoever changes them puts them back."""
    folder = tmp_path_factory.mktemp("kernels")
    assert json.loads(run(folder)) == [[0, 0, 0, 3], False]
    return folder


def test_a_kernel_is_compiled_once_and_called_without_the_compiler(folder: Path) -> None:
    first = {path: path.stat().st_mtime_ns for path in made(folder)}
    assert len(first) == 2  # both kernels of the module
    assert json.loads(run(folder)) == [[0, 0, 0, 3], False]
    assert {path: path.stat().st_mtime_ns for path in made(folder)} == first


def test_an_altered_or_torn_file_is_compiled_again(folder: Path) -> None:
    whole = {path: path.read_bytes() for path in made(folder)}
    for torn, altered in (made(folder), reversed(made(folder))):
        torn.write_bytes(whole[torn][:-9])
        altered.write_bytes(whole[altered][:-1] + b"?")
        assert json.loads(run(folder)) == [[0, 0, 0, 3], False]
        assert {path: path.read_bytes() for path in made(folder)} == whole


def test_without_a_folder_it_is_compiled_for_this_process(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    assert json.loads(run(tmp_path)) == [[0, 0, 0, 3], False]
    assert made(tmp_path) == []


def test_several_processes_at_once_compile_it_once(tmp_path: Path) -> None:
    crew = [
        subprocess.Popen(
            [sys.executable, "-c", CODE],
            env={**os.environ, "TUTELA_KERNELS": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    assert [json.loads(one.communicate()[0]) for one in crew] == [[[0, 0, 0, 3], False]] * 3
    assert len(made(tmp_path)) == 2


def test_what_it_was_not_made_for_is_refused() -> None:
    unite = compiled("tutela.index.kernels.clusters:unite")
    parent, left = np.arange(4), np.array([0])
    assert unite(parent, left, np.array([3])) == 0
    assert parent.tolist() == [0, 1, 2, 0]
    frozen = parent.copy()
    frozen.flags.writeable = False
    for wrong in (
        parent.astype(np.int32),
        parent.reshape(2, 2),
        np.arange(8)[::2],
        frozen,
        parent.astype(parent.dtype.newbyteorder()),
    ):
        with pytest.raises(TypeError, match="does not take"):
            unite(wrong, left, left)
    with pytest.raises(TypeError, match="does not take 2 arguments"):
        unite(parent, left)
    with pytest.raises(AttributeError):
        unite(None, left, left)


def test_no_room_for_its_own_arrays_is_a_memory_error() -> None:
    code = """
import resource
import numpy as np
from tutela.primitives.kernels import compiled
fill = compiled("tutela.hashing.kernels.scaled:fill")
fill(64, 64, np.zeros((8, 8)), np.zeros(64, np.int64), np.zeros((64, 64), np.float32), False)
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
try:
    fill(1 << 31, 64, np.zeros((8, 8)), np.zeros(64, np.int64), np.zeros((64, 64), np.float32), 0)
except MemoryError as error:
    print("MemoryError", error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "MemoryError tutela.hashing.kernels.scaled:fill\n"


def test_a_compiler_that_fails_is_told(tmp_path: Path) -> None:
    code = """
from tutela.primitives.errors import Unavailable
from tutela.primitives.kernels import compiled
try:
    compiled("tutela.index.kernels.absent:kernel")(1)
except Unavailable as error:
    print(error.what, error.why)
"""
    told = run(tmp_path, code)
    assert told.startswith("The kernels cannot be compiled for this processor")
    assert "tutela.index.kernels.absent" in told


def test_the_compiler_ends_with_whoever_waits_for_it(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    code = CODE.replace("prepare()\n", STUCK.format(begun=str(begun)), 1)
    environment = {**os.environ, "TUTELA_KERNELS": str(tmp_path)}
    waiting = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        while not begun.exists():
            assert waiting.poll() is None
            time.sleep(0.05)
        children = psutil.Process(waiting.pid).children()
    finally:
        waiting.kill()
        waiting.wait()
    assert len(children) == 1
    assert not psutil.wait_procs(children, timeout=60)[1]
