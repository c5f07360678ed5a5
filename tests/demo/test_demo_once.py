"""The whole chain in real processes: figures, proof, no host called, no process left."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bagit
import psutil
import pytest

from tutela.adapters.postgres import embedded

HERE = Path(__file__).resolve().parent
COUNT = 80


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A finished `tutela demo --once --json`."""

    folder: Path
    figures: dict[str, Any]
    hosts: set[str]
    environment: dict[str, str]

    def password(self) -> str:
        """What the demo's reviewer signs in with, as a line."""
        kept = json.loads((self.folder / "sign-in.json").read_text("utf-8"))
        return f"{kept['password']}\n"

    def tutela(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command on the demo's home, offline."""
        return subprocess.run(
            [sys.executable, "-m", "tutela", *arguments],
            env=self.environment | {"TUTELA_HOME": str(self.folder / "home"), "TUTELA_DEMO": "1"},
            cwd=self.folder,
            input=self.password(),
            start_new_session=True,  # no terminal: a password is read from the input
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def demo(folder: Path, environment: dict[str, str], *more: str) -> dict[str, Any]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tutela", "demo", "--once", "--json"),
            *("--folder", str(folder), "--count", str(COUNT), *more),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def still_running(folder: Path) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(folder) in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(line)
    return found


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    base = tmp_path_factory.mktemp("demo")
    for parent in (base, *base.parents[:2]):
        parent.chmod(0o755)
    log = base / "egress.log"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("TUTELA_")
    } | {"PYTHONPATH": str(HERE / "egress"), "TUTELA_TEST_EGRESS_LOG": str(log)}
    folder = base / "demo"
    figures = demo(folder, environment)
    hosts = {line.split(" ", 1)[1] for line in log.read_text("utf-8").splitlines()}
    return Ran(folder=folder, figures=figures, hosts=hosts, environment=environment)


def test_every_figure_fits_the_others(ran: Ran) -> None:
    figures = ran.figures
    assert figures["files"] == COUNT
    assert figures["matches"] == sum(row["matched"] for row in figures["by_edit"].values())
    assert figures["cases"] == figures["closed"] == figures["receipts"] == figures["matches"] > 0
    assert figures["duties"] == sum(figures["duties_by_jurisdiction"].values())
    assert set(figures["duties_by_jurisdiction"]) == {"EU", "GB", "US"}
    assert "CA" in figures["jurisdictions_not_settled"]  # no answer of counsel: not "no duty"
    assert figures["ledger_verified"] is True
    assert len(figures["ledger_head"]) == 64


def test_what_must_be_found_is_found_and_strangers_are_not(ran: Ran) -> None:
    found = ran.figures["by_edit"]
    for edit in ("identical", "mirror", "recompress", "resize", "rotate"):
        assert found[edit]["matched"] == found[edit]["files"], edit
    assert found["stranger"]["matched"] == 0


def test_no_host_outside_the_settings_is_contacted(ran: Ran) -> None:
    assert ran.hosts, "the watch saw nothing, so it proves nothing"
    assert ran.hosts <= {"127.0.0.1", "unix"}


def test_no_process_is_left_behind(ran: Ran) -> None:
    assert still_running(ran.folder) == []


def test_the_ledger_is_verified_offline(ran: Ran) -> None:
    done = ran.tutela("ledger", "verify", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ok"] is True


@pytest.fixture
def server(ran: Ran) -> Iterator[None]:
    """The demo's PostgreSQL and nothing else; without it each command starts and stops it."""
    with embedded(ran.folder / "home" / "postgres"):
        yield


@pytest.mark.usefixtures("server")
def test_a_case_is_shown_and_exported_offline(ran: Ran, tmp_path: Path) -> None:
    listed = ran.tutela("case", "list", "--state", "closed", "--json")
    case = json.loads(listed.stdout.splitlines()[0])["id"]
    shown = json.loads(ran.tutela("case", "show", case, "--json").stdout)
    assert shown["case"]["reached"].keys() == {"reported", "restricted", "preserved"}
    assert shown["reports"][0]["state"] == "finished"
    assert [line["seq"] for line in shown["ledger"]] == sorted(
        line["seq"] for line in shown["ledger"]
    )
    done = ran.tutela(
        "case", "export", case, "--by", "demo-reviewer", "--out", str(tmp_path), "--json"
    )
    assert done.returncode == 0, done.stderr
    package = Path(json.loads(done.stdout)["package"])
    bagit.Bag(str(package)).validate()
    data = package / "data"
    sealed = list((data / "exhibits").glob("*.age"))
    assert sealed
    assert all(file.read_bytes().startswith(b"age-encryption.org/v1") for file in sealed)
    receipt = next((data / "reports").glob("*/receipt.xml")).read_bytes()
    assert b"reportDoneResponse" in receipt
    described = next((data / "reports").glob("*/*-fileinfo-sent")).read_bytes()
    assert b"<fileViewedByEsp>false</fileViewedByEsp>" in described, "nobody has viewed it"
    assert (data / "ledger.jsonl").read_text("utf-8").count("\n") == len(shown["ledger"]) + 1
    again = ran.tutela("case", "export", case, "--by", "demo-reviewer", "--out", str(tmp_path))
    assert again.returncode == 5
    assert "already something" in again.stderr


def test_figures_come_from_the_ledger(ran: Ran) -> None:
    done = ran.tutela("oversight", "figures", "--json")
    counted = {row["key"]: row["count"] for row in json.loads(done.stdout)["figures"]}
    assert counted["cases_opened"] == ran.figures["cases"]
    assert counted["reports_finished"] == ran.figures["receipts"]


def test_going_on_opens_nothing_twice(ran: Ran) -> None:
    again = demo(ran.folder, ran.environment, "--continue")
    assert again["cases"] == ran.figures["cases"]
    assert again["receipts"] == ran.figures["receipts"]
    assert again["ledger_verified"] is True


def test_a_folder_that_is_not_the_demos_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("keep")
    done = subprocess.run(
        [sys.executable, "-m", "tutela", "demo", "--once", "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 7
    assert "not a folder of the demo" in done.stderr
    assert (tmp_path / "precious.txt").read_text() == "keep"
