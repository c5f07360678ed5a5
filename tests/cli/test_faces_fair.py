"""The staff process for real: a crowd, of one key or of none, holds up no honest caller."""

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from counsel.detection_parts import accept
from running_faces import Face, running
from tutela.accounts.creating import create_account
from tutela.accounts.keys import create_key
from tutela.accounts.model import Role
from tutela.adapters.keys import ensure_evidence_key
from tutela.primitives.database import Database
from tutela.primitives.redacted import Redacted

pytestmark = pytest.mark.long

CROWD = 60
LAW_CROWD = 12
"""Each question computes for seconds on a busy machine, one after the other."""
PATIENCE_S = 300
PASSWORD = "four fictitious words here"


def signed_in(face: Face, login: str, password: str) -> int:
    with httpx.Client(base_url=face.url, timeout=PATIENCE_S) as browser:
        token = browser.get("/sign-in").text.split('name="csrf" value="')[1].split('"', 1)[0]
        fields = {"csrf": token, "login": login, "password": password}
        return browser.post("/sign-in", data=fields).status_code


def seconds_of(once: Callable[[], int], expected: int) -> float:
    began = time.monotonic()
    assert once() == expected
    return time.monotonic() - began


def honest_before(
    attack: Callable[[int], int], honest: Callable[[], int], good: int, *, callers: int
) -> None:
    """The honest request is answered while attackers still wait, and not much later than alone."""
    quiet = max(seconds_of(honest, good) for _ in range(3))
    with ThreadPoolExecutor(callers) as pool:
        waiting: list[Future[int]] = [pool.submit(attack, number) for number in range(callers)]
        wait(waiting, timeout=PATIENCE_S, return_when=FIRST_COMPLETED)  # the crowd is there
        under = seconds_of(honest, good)
        left = sum(not one.done() for one in waiting)
        statuses = {one.result() for one in waiting}
    assert left > 0
    assert statuses <= {200, 403, 429}
    assert under <= max(10 * quiet, 10.0)  # generous: what was mended were minutes


def test_no_crowd_holds_up_the_others(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    ensure_evidence_key(home)
    accept(database)
    now = datetime.now(UTC)
    with database.begin() as tx:
        _, greedy = create_key(tx, name="greedy", by="tests", at=now)
        _, honest = create_key(tx, name="honest", by="tests", at=now)
        create_account(
            tx,
            login="person-a",
            password=Redacted(PASSWORD),
            roles=[Role.REVIEWER],
            by="tests",
            at=now,
        )
    with running("staff", home=home, database_url=database_url) as face:
        client = httpx.Client(base_url=face.url, timeout=PATIENCE_S)

        def ask_the_law(_number: int) -> int:
            headers = {"Authorization": f"Bearer {greedy.reveal()}"}
            answer = client.get("/v1/law/gap", params={"jurisdiction": "FR"}, headers=headers)
            return answer.status_code

        def look_up() -> int:
            headers = {"Authorization": f"Bearer {honest.reveal()}"}
            asked = {"hashes": [{"pdq": "6b" * 32, "quality": 90}]}
            return client.post("/v1/lookup", json=asked, headers=headers).status_code

        honest_before(ask_the_law, look_up, 200, callers=LAW_CROWD)
        honest_before(
            lambda number: signed_in(face, f"stranger-{number}", "some words of theirs"),
            lambda: signed_in(face, "person-a", PASSWORD),
            303,
            callers=CROWD,
        )
        client.close()
