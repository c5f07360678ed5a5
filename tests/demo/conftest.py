"""A demo under way, as a person starts it; shared by the tests of this folder."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest


def alive(folder: Path) -> list[str]:
    return [
        " ".join(process.info["cmdline"])
        for process in psutil.process_iter(["cmdline", "status"])
        if str(folder) in " ".join(process.info["cmdline"] or [])
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("demo-browser")
    for parent in (base, *base.parents[:2]):
        parent.chmod(0o755)
    return base / "demo"


@pytest.fixture(scope="package")
def console(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Address, name and password as the demo prints them."""
    log = folder.with_name("demo.out")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TUTELA_")}
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "tutela", "demo", "--folder", str(folder), "--count", "80"],
            env=environment | {"COLUMNS": "200"},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    give_up = time.monotonic() + 500
    while "Ctrl-C ends the demo" not in log.read_text("utf-8"):
        assert process.poll() is None, log.read_text("utf-8")
        assert time.monotonic() < give_up, log.read_text("utf-8")
        time.sleep(0.2)
    said = log.read_text("utf-8")
    address = re.search(r"address\s+(\S+)/", said)
    name = re.search(r"name\s+(\S+)", said)
    password = re.search(r"password\s+(\S+)", said)
    assert address
    assert name
    assert password
    yield address[1], name[1], password[1]
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0, log.read_text("utf-8")
    assert "No process of the demo runs any more" in log.read_text("utf-8")
    assert alive(folder) == []
