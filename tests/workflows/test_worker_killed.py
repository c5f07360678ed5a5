"""SIGKILL at every step of filing: after all of it, one finished report per case, and a log."""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter

import pytest

from tutela.cases.model import Outcome
from tutela.reporting.reports import ReportState
from workflows.filing_world import PASSWORD, USER, World
from workflows.killing_proxy import Armed, Workers, gone, kill, proxy_to

pytestmark = pytest.mark.long

CASES = 3
POINTS = (
    ("xsd", "before"),
    ("xsd", "after"),
    ("submit", "before"),
    ("submit", "after"),
    ("upload", "before"),
    ("retract", "before"),  # withdrawing the report whose upload has an unknown fate
    ("upload", "after"),
    ("retract", "after"),
    ("fileinfo", "before"),
    ("fileinfo", "after"),
    ("finish", "before"),
    ("finish", "after"),
)
RANDOM_KILLS = 2


def settings_for(world: World, database_url: str, authority: str) -> dict[str, str]:
    return {
        "TUTELA_CONFIG": os.devnull,
        "TUTELA_HOME": str(world.home),
        "TUTELA_DATABASE_URL": database_url,
        "TUTELA_CYBERTIP_URL": authority,
        "TUTELA_CYBERTIP_USER": USER,
        "TUTELA_CYBERTIP_PASSWORD": PASSWORD,
        "TUTELA_REPORTER_EMAIL": "reports@drawn.example",
        "TUTELA_PROVIDER_IS_ELECTRONIC_SERVICE": "true",
        "TUTELA_PROVIDER_ESTABLISHED_IN": "US",
        "TUTELA_WORKER_POLL_SECONDS": "0.05",
        "TUTELA_LOG_FORMAT": "json",
    }


def test_a_worker_killed_at_every_step_files_each_report_once(
    world: World, database_url: str
) -> None:
    case_ids = [world.decided(f"known picture {number}".encode()) for number in range(CASES)]
    world.accept()
    armed, chance = Armed(), random.Random(11)  # noqa: S311 - a repeatable choice of moments
    kills = 0
    with world.sandbox() as (sandbox, _), proxy_to(sandbox.url, armed) as address:
        environment = settings_for(world, database_url, address)
        workers = Workers(environment)
        try:
            for call, phase in POINTS:
                armed.call, armed.phase, armed.pid = call, phase, 0
                armed.pid = pid = workers.start()
                assert gone(pid, within=25), f"{call} never came: {Counter(armed.seen)}"
                kills += 1
            armed.call = ""
            for _ in range(RANDOM_KILLS):
                before = len(armed.seen)
                pid = workers.start()
                until = time.monotonic() + 4
                while len(armed.seen) == before and time.monotonic() < until:
                    time.sleep(0.01)
                time.sleep(chance.uniform(0, 0.15))
                kill(pid)
                assert gone(pid, within=5)
                kills += 1
        finally:
            workers.close()
        assert armed.hits == list(POINTS)
        done = subprocess.run(
            [sys.executable, "-m", "tutela", "worker", "--once", "--json"],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["waiting"] == 0
        finished = [each for each in sandbox.reports.all() if each.state == "finished"]
    assert kills == len(POINTS) + RANDOM_KILLS

    # exactly one finished report per case, with exactly its file, described
    reports = [world.report(case_id) for case_id in case_ids]
    assert [each.state for each in reports] == [ReportState.FINISHED] * CASES
    assert sorted(each.report_id for each in finished) == sorted(
        str(each.authority_report_id) for each in reports
    )
    assert all(len(each.files) == 1 and each.files[0].details_sha256 for each in finished)
    assert len({each.files[0].md5 for each in finished}) == CASES

    # a receipt each, and every outcome that can be reached without the platform
    for case_id, report in zip(case_ids, reports, strict=True):
        assert report.receipt
        assert set(world.case(case_id).reached) == {Outcome.REPORTED, Outcome.PRESERVED}
        told = Counter(world.actions(case_id))
        for once in ("report_composed", "report_finished", "restriction_ordered"):
            assert told[once] == 1, (once, told)
        # each opening but the last was given up, and each file told for each opening at most
        assert told["report_opened"] == told["report_abandoned"] + 1
        assert told["report_file_described"] >= 1
        assert len(report.abandoned_ids) == told["report_abandoned"]
    assert world.ledger_holds()
