"""The sandbox itself: loopback only, named as such, faults on demand, a state that survives."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from authority_fillings import (
    PASSWORD,
    USER,
    channel_to,
    plain_details,
    plain_tip,
    running_sandbox,
)
from hypothesis import given
from hypothesis import strategies as st

from tutela.adapters.sandbox.cybertip import loopback_socket
from tutela.adapters.sandbox.desk import Desk
from tutela.adapters.sandbox.faults import FaultPlan
from tutela.adapters.sandbox.reports import ReportState, SandboxReports
from tutela.primitives.clock import FixedClock
from tutela.primitives.errors import BadInput, Refused, Unavailable
from tutela.reporting.formats.cybertip import parse_reply, read
from tutela.reporting.model import Call, Outcome
from tutela.reporting.ports import NoReply

AUTH = (USER.encode(), PASSWORD.encode())


@pytest.fixture(scope="module")
def web() -> Iterator[httpx.Client]:
    """One bare client for all tests: making one reads the certificate store each time."""
    with httpx.Client(trust_env=False) as client:
        yield client


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "localhost", "", "example.org"])  # noqa: S104
def test_anything_but_loopback_is_refused(host: str) -> None:
    with pytest.raises(Refused, match="loopback address only"):
        loopback_socket(host, 0)


def test_a_taken_port_is_said_plainly() -> None:
    with loopback_socket("127.0.0.1", 0) as taken, pytest.raises(Unavailable, match="--port"):
        loopback_socket("127.0.0.1", taken.getsockname()[1])


def test_every_call_asks_for_credentials_and_names_the_sandbox(
    clock: FixedClock, web: httpx.Client
) -> None:
    calls = [("GET", "/status"), ("GET", "/xsd"), ("GET", "/sandbox/reports")]
    calls += [("POST", f"/{name}") for name in ("submit", "upload", "fileinfo", "finish")]
    calls.append(("POST", "/retract"))
    with running_sandbox(clock=clock) as sandbox:
        for method, path in calls:
            for auth in (None, ("x", "y"), (USER.encode(), b"")):
                found = web.request(method, sandbox.url + path, auth=auth)
                assert (path, found.status_code) == (path, 401)
                assert parse_reply(found.content).code == 2000
                assert found.headers["X-Tutela-Sandbox"] == "1"
                assert found.headers["Request-ID"].startswith("sandbox-")
                assert found.headers["WWW-Authenticate"].startswith("Basic")


def test_broken_credentials_are_an_answer(clock: FixedClock, web: httpx.Client) -> None:
    with running_sandbox(clock=clock) as sandbox:
        for header in ("Basic !!!", "Basic", "Bearer abc", "Basic 4pyT"):
            found = web.get(sandbox.url + "/status", headers={"Authorization": header})
            assert (header, parse_reply(found.content).code) == (header, 2000)


def test_an_answer_comes_in_iso_8859_1_that_only_the_header_declares(
    web: httpx.Client, clock: FixedClock
) -> None:
    with running_sandbox(clock=clock) as sandbox:
        found = web.get(sandbox.url + "/status", auth=AUTH)
    assert found.headers["Content-Type"] == "text/xml;charset=ISO-8859-1"
    assert "sandbox-user-é".encode("latin-1") in found.content
    assert "sandbox-user-é" in parse_reply(found.content).description


@pytest.mark.parametrize("path", ["/finish", "/retract"])
def test_the_number_may_come_as_a_plain_form(
    web: httpx.Client, clock: FixedClock, path: str
) -> None:
    with (
        running_sandbox(clock=clock) as sandbox,
        channel_to(sandbox.url, clock) as channel,
    ):
        report_id = read(channel.submit(plain_tip(clock)))[0].report_id
        url = sandbox.url + path
        found = web.post(url, data={"id": report_id}, auth=AUTH)
        assert parse_reply(found.content).code == 0
        for wrong in ({}, {"other": "1"}):
            found = web.post(url, data=wrong, auth=AUTH)
            assert parse_reply(found.content).code == 4000


def test_what_is_not_declared_as_xml_is_an_invalid_request(
    web: httpx.Client, clock: FixedClock
) -> None:
    with running_sandbox(clock=clock) as sandbox:
        for path in ("/submit", "/fileinfo"):
            url = sandbox.url + path
            found = web.post(url, content=plain_tip(clock), auth=AUTH)
            assert parse_reply(found.content).code == 4000


def test_a_malformed_upload_has_its_code(clock: FixedClock, web: httpx.Client) -> None:
    without_file = b'--b\r\nContent-Disposition: form-data; name="id"\r\n\r\n1\r\n--b--\r\n'
    malformed = [
        ("multipart/form-data; boundary=b", b"--b\r\nno header"),
        ("multipart/form-data; boundary=b", b"nothing like it"),
        ("multipart/form-data; boundary=b", without_file),
        ("multipart/form-data; boundary=b", without_file[:-10]),
        ("multipart/form-data", b""),
        ("text/plain", b"id=1"),
    ]
    with running_sandbox(clock=clock) as sandbox:
        for content_type, body in malformed:
            headers = {"Content-Type": content_type}
            url = sandbox.url + "/upload"
            found = web.post(url, content=body, headers=headers, auth=AUTH)
            assert (body, parse_reply(found.content).code) == (body, 4200)


def test_faults_come_in_order_and_then_it_goes_on(clock: FixedClock) -> None:
    plan = ["submit:503:2", "submit:1000", "submit:4100", "submit:garbage", "submit:cut"]
    with (
        running_sandbox(clock=clock, faults=plan) as sandbox,
        channel_to(sandbox.url, clock) as channel,
    ):
        found = [read(channel.submit(plain_tip(clock))) for _ in range(5)]
        assert [outcome for _, outcome in found] == [
            Outcome.RETRY,
            Outcome.RETRY,
            Outcome.RETRY,
            Outcome.HUMAN,
            Outcome.HUMAN,
        ]
        assert [reply and reply.code for reply, _ in found] == [None, None, 1000, 4100, None]
        with pytest.raises(NoReply):
            channel.submit(plain_tip(clock))
        assert sandbox.reports.all() == []
        assert read(channel.submit(plain_tip(clock)))[1] is Outcome.OK


def test_a_fault_may_last_for_ever_and_hits_its_own_call_only(clock: FixedClock) -> None:
    with (
        running_sandbox(clock=clock, faults=["finish:500:*"]) as sandbox,
        channel_to(sandbox.url, clock) as channel,
    ):
        report_id = read(channel.submit(plain_tip(clock)))[0].report_id
        for _ in range(4):
            assert read(channel.finish(report_id))[1] is Outcome.RETRY
        assert read(channel.retract(report_id))[1] is Outcome.OK


@pytest.mark.parametrize(
    "spec", ["", "submit", "nothing:500", "submit:http", "submit:code", "submit:50", "submit:500:x"]
)
def test_a_fault_that_cannot_be_read_says_how_to_write_it(spec: str) -> None:
    with pytest.raises(BadInput, match="CALL:WHAT"):
        FaultPlan([spec])


@given(st.text(max_size=30))
def test_random_fault_specifications_never_crash(spec: str) -> None:
    try:
        plan = FaultPlan([spec])
    except BadInput:
        return
    assert any(plan.next(call) for call in Call) or spec.endswith(":0")


def listing(web: httpx.Client, url: str) -> list[dict]:
    found = web.get(url + "/sandbox/reports", auth=AUTH).json()
    assert found["sandbox"] is True
    return found["reports"]


def test_states_survive_a_restart(web: httpx.Client, clock: FixedClock, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with (
        running_sandbox(clock=clock, state_file=state) as sandbox,
        channel_to(sandbox.url, clock) as channel,
    ):
        done, open_one, gone = (
            read(channel.submit(plain_tip(clock)))[0].report_id for _ in range(3)
        )
        file_id = read(channel.upload(done, "a", b"abc"))[0].file_id
        channel.file_details(plain_details(clock, done, file_id))
        channel.finish(done)
        channel.retract(gone)
        before = listing(web, sandbox.url)
    assert json.loads(state.read_text())["reports"] == before
    clock.at += timedelta(hours=1)
    with (
        running_sandbox(clock=clock, state_file=state) as sandbox,
        channel_to(sandbox.url, clock) as channel,
    ):
        assert listing(web, sandbox.url) == before
        assert [each["state"] for each in before] == ["finished", "open", "retracted"]
        assert before[0]["files"][0]["file_id"] == file_id
        assert before[0]["files"][0]["details_sha256"]
        assert read(channel.finish(done))[1] is Outcome.ALREADY_FINISHED
        assert read(channel.finish(open_one))[1] is Outcome.OK
        assert read(channel.submit(plain_tip(clock)))[0].report_id not in {done, open_one, gone}
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_the_state_keeps_digests_and_never_what_was_sent(clock: FixedClock, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    desk = Desk(SandboxReports(clock=clock, state_file=state))
    report_id = parse_reply(desk.submit(plain_tip(clock)).body).report_id
    desk.upload(report_id, size_bytes=3, md5="0" * 32)
    assert "reporter@platform.example" not in state.read_text()


def test_abandonment_is_the_later_of_a_day_and_an_hour_after_the_last_change(
    clock: FixedClock,
) -> None:
    reports = SandboxReports(clock=clock)
    desk = Desk(reports)
    start = clock.now()
    number = parse_reply(desk.submit(plain_tip(clock)).body).report_id
    clock.at = start + timedelta(hours=24) - timedelta(microseconds=1)
    assert reports.get(number).state is ReportState.OPEN
    clock.at = start + timedelta(hours=24)
    assert reports.get(number).state is ReportState.ABANDONED
    assert datetime.fromisoformat(reports.get(number).closed_at) == start + timedelta(hours=24)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"reports": [{}]}', "\x00", '{"reports": 3}'])
def test_a_foreign_state_file_is_refused(clock: FixedClock, tmp_path: Path, text: str) -> None:
    state = tmp_path / "state.json"
    state.write_text(text)
    with pytest.raises(BadInput, match="state file cannot be read"):
        SandboxReports(clock=clock, state_file=state)


def test_a_state_that_cannot_be_stored_is_a_server_error(clock: FixedClock, tmp_path: Path) -> None:
    state = tmp_path / "gone" / "state.json"
    with (
        running_sandbox(clock=clock, state_file=state) as sandbox,
        channel_to(sandbox.url, clock) as channel,
    ):
        reply, outcome = read(channel.submit(plain_tip(clock)))
    assert (reply.code, outcome) == (1000, Outcome.RETRY)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (b"reporter@platform.example", b"", "no email"),
        (b"Z</incidentDateTime>", b"</incidentDateTime>", "time with a zone"),
        (b"<incidentDateTime>2026", b"<incidentDateTime>2036", "not in the past"),
        (b"incidentDateTime>", b"platform>", "incidentDateTime is missing"),
        (
            b"</report>",
            b"<personOrUserReported/><personOrUserReported/></report>",
            "several reported persons",
        ),
        (b"</report>", b"<batchedReport reason='x'/></report>", "out of order"),
        (b"report>", b"other>", "root element is not report"),
    ],
)
def test_without_a_schema_order_and_appendix_rules_are_still_checked(
    clock: FixedClock, before: bytes, after: bytes, why: str
) -> None:
    desk = Desk(SandboxReports(clock=clock))
    answer = desk.submit(plain_tip(clock).replace(before, after))
    reply = parse_reply(answer.body)
    assert (answer.http_status, reply.code) == (200, 4100)
    assert why in reply.description


@given(st.binary(max_size=300))
def test_random_documents_never_crash_the_desk(body: bytes) -> None:
    clock = FixedClock(at=datetime.fromisoformat("2026-11-21T12:00:00Z"))
    desk = Desk(SandboxReports(clock=clock))
    assert parse_reply(desk.submit(body).body).code in {4100, 4110}
    assert parse_reply(desk.file_details(body).body).code in {4100, 4110, 5001}


def test_the_command_prints_its_address_first_and_keeps_its_state(
    clock: FixedClock, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    command = [sys.executable, "-c", "from tutela.cli import main; main()"]
    command += ["sandbox", "cybertip", "--user", USER, "--state", str(state), "--json"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"TUTELA_SANDBOX_PASSWORD": PASSWORD, "PATH": "", "PYTHONUTF8": "1"},
    ) as process:
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            first = json.loads(line)
            assert first["sandbox"] == "cybertip"
            assert first["url"] == f"http://127.0.0.1:{first['port']}"
            assert first["pid"] == process.pid
            with channel_to(first["url"], clock) as channel:
                tip = plain_tip(FixedClock(at=clock.now() - timedelta(days=30)))
                assert read(channel.submit(tip))[1] is Outcome.OK
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors
    assert PASSWORD not in errors
    assert json.loads(state.read_text())["reports"][0]["state"] == "open"
