"""A process says that it is not ready when a disk cannot take more."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tutela.cli.faces import open_public
from tutela.wiring.disk import Disks, disks_of
from tutela.wiring.settings import Settings, load_settings


@dataclass
class Told:
    """What an operating system would say."""

    f_bavail: int
    f_frsize: int = 4096
    f_files: int = 1000
    f_favail: int = 1000


def disks(folder: Path, told: Callable[[], Told]) -> Disks:
    return Disks({"evidence store": folder}, least_free_bytes=1 << 20, statvfs=lambda _: told())


def test_enough_is_ok_and_leaves_nothing_behind(tmp_path: Path) -> None:
    assert disks(tmp_path, lambda: Told(f_bavail=256)).said() == "ok"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (Told(f_bavail=255), "TUTELA_MIN_FREE_BYTES"),
        (Told(f_bavail=0), "0 MiB are free"),
        (Told(f_bavail=1000, f_favail=3), "no more files"),
    ],
)
def test_too_little_is_said_with_its_place(tmp_path: Path, told: Told, why: str) -> None:
    said = disks(tmp_path, lambda: told).said()
    assert said.startswith("evidence store: ")
    assert why in said


def test_a_file_system_without_a_bound_of_names_is_ok(tmp_path: Path) -> None:
    assert disks(tmp_path, lambda: Told(f_bavail=1000, f_files=0, f_favail=0)).said() == "ok"


def test_a_place_that_the_system_cannot_tell_of_is_not_ok(tmp_path: Path) -> None:
    def broken() -> Told:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    assert "cannot be written" in disks(tmp_path, broken).said()


def test_a_write_that_does_not_fit_is_found_by_writing() -> None:
    """Quotas and bounds of a process do not show in the free space; the real system refuses."""
    program = """
import resource, signal, sys, tempfile
from pathlib import Path
from tutela.wiring.disk import Disks
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with tempfile.TemporaryDirectory() as folder:
    place = Path(folder)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
    print(Disks({"home": place}, least_free_bytes=0).said())
    print(len(list(place.iterdir())))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    said, left = done.stdout.splitlines()
    assert "cannot be written" in said or "No space left" in said
    assert left == "0"


def test_the_places_are_those_of_the_settings(tmp_path: Path) -> None:
    home = Settings(home=tmp_path / "not-made-yet", min_free_bytes=1 << 62)
    assert set(disks_of(home).look()) == {"home folder", "evidence store", "database"}
    moved = home.model_copy(update={"blobs_url": "s3://bucket/x", "database_url": "postgresql://x"})
    assert set(disks_of(moved).look()) == {"home folder"}
    assert list(tmp_path.iterdir()) == []


def test_the_public_form_is_not_ready_on_a_full_disk(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(
        "TUTELA_DATABASE_URL", database_url.replace("postgresql+psycopg", "postgresql")
    )
    monkeypatch.setenv(
        "TUTELA_EVIDENCE_RECIPIENT",
        "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
    )
    for least, status in (("0", 200), (str(1 << 62), 503)):
        monkeypatch.setenv("TUTELA_MIN_FREE_BYTES", least)
        with open_public(load_settings()) as app, TestClient(app) as client:
            answer = client.get("/readyz")
        assert answer.status_code == status, answer.text
        assert answer.json()["checks"]["database"] == "ok"
