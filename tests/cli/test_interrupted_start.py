"""Ctrl-C while the program is still loading: it ends, and shows no page of code."""

import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LOADS_FOR_EVER = """
import pathlib, time
pathlib.Path(__file__).with_name("begun").touch()
time.sleep(600)
"""


def script() -> str:
    """What the installed script `tutela` does."""
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        place = tomllib.load(file)["project"]["scripts"]["tutela"]
    module, name = place.split(":")
    return f"import sys; from {module} import {name}; sys.exit({name}())"


@pytest.mark.parametrize("arguments", [["-m", "tutela"], ["-c", script()]])
def test_ctrl_c_while_modules_load_ends_it_at_once(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "typer.py").write_text(LOADS_FOR_EVER, encoding="ascii")
    process = subprocess.Popen(
        [sys.executable, *arguments, "--version"],
        env={"PYTHONPATH": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not (tmp_path / "begun").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[1] == ""
    finally:
        process.kill()
    assert process.returncode == -signal.SIGINT


def test_later_an_interruption_is_an_exception_again(tmp_path: Path) -> None:
    asked = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    (tmp_path / "tutela_asked.py").write_text(asked, encoding="ascii")
    code = "import tutela.cli as c; c.main = lambda: __import__('tutela_asked'); "
    code += "from tutela.__main__ import main; main()"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "True\n"
