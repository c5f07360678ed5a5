"""The address that a sandbox prints works as it is, in the setting that it is for."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from tutela.adapters.cybertip import CyberTiplineChannel
from tutela.adapters.webhook import Webhook
from tutela.primitives.clock import SystemClock
from tutela.primitives.ids import CaseId, RestrictionId
from tutela.primitives.redacted import Redacted
from tutela.reporting.reports import Restriction, RestrictionState
from ungated import Ungated

SECRET = "a key for this test"


@pytest.fixture(params=[False, True], ids=["text", "json"])
def as_json(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def printed(*command: str, as_json: bool) -> "tuple[subprocess.Popen[str], str]":
    """A started sandbox and the address on its first line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tutela", "sandbox", *command, *(["--json"] if as_json else [])],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"TUTELA_CONFIG": os.devnull, "TUTELA_SANDBOX_PASSWORD": SECRET},
    )
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    return process, json.loads(line)["url"] if as_json else line


def ended(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    process.communicate(timeout=60)


def test_the_platform_sandbox_takes_an_order_at_the_printed_address(*, as_json: bool) -> None:
    process, address = printed("platform", as_json=as_json)
    try:
        webhook = Webhook(address, Redacted(SECRET), outward=Ungated())
        order = Restriction(
            id=RestrictionId.new(),
            case_id=CaseId.new(),
            names_item=True,
            item_reference="item-1",
            state=RestrictionState.ORDERED,
            attempts=0,
            last_why="",
            ordered_at=datetime.now(UTC),
            delivered_at=None,
            done_by=None,
        )
        found = webhook.disable_access(order, at=datetime.now(UTC))
        webhook.close()
        assert found.delivered, found.why
    finally:
        ended(process)


def test_the_authority_sandbox_answers_at_the_printed_address(*, as_json: bool) -> None:
    process, address = printed("cybertip", "--user", "u", as_json=as_json)
    try:
        with CyberTiplineChannel(
            base_url=address,
            username="u",
            password=Redacted(SECRET),
            clock=SystemClock(),
            outward=Ungated(),
        ) as channel:
            assert channel.status().http_status == 200
    finally:
        ended(process)
