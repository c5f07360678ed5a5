"""One suite for every filling of the port `Authority` (house style 17)."""

import hashlib
import io
import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from authority_fillings import (
    MemoryAuthority,
    channel_to,
    plain_details,
    plain_tip,
    running_sandbox,
)

from tutela.adapters.sandbox.reports import SandboxReports
from tutela.primitives.clock import FixedClock
from tutela.reporting.formats.cybertip import read, schema_of
from tutela.reporting.model import Call, Outcome
from tutela.reporting.ports import Authority


@pytest.fixture(params=["http", "memory"])
def authority(request: pytest.FixtureRequest, clock: FixedClock) -> Iterator[Authority]:
    if request.param == "memory":
        yield MemoryAuthority(SandboxReports(clock=clock), clock)
        return
    with running_sandbox(clock=clock) as sandbox, channel_to(sandbox.url, clock) as channel:
        yield channel


def md5_of(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def opened(authority: Authority, clock: FixedClock, **more: Any) -> str:
    reply, outcome = read(authority.submit(plain_tip(clock, **more)))
    assert outcome is Outcome.OK
    return reply.report_id


def test_the_whole_way_from_opening_to_receipt(authority: Authority, clock: FixedClock) -> None:
    content = secrets.token_bytes(200_000)
    report_id = opened(authority, clock)
    sent = authority.upload(report_id, "drawn.png", content)
    upload, outcome = read(sent)
    assert outcome is Outcome.OK
    assert upload.hash_md5 == sent.file_digest_md5 == md5_of(content)
    assert sent.request_digest_sha256 == hashlib.sha256(content).hexdigest()
    assert sent.request_bytes is None
    details = authority.file_details(plain_details(clock, report_id, upload.file_id))
    assert read(details)[1] is Outcome.OK
    receipt, outcome = read(authority.finish(report_id))
    assert outcome is Outcome.OK
    assert (receipt.report_id, receipt.file_ids) == (report_id, (upload.file_id,))
    again, outcome = read(authority.finish(report_id))
    assert (again.code, outcome) == (5102, Outcome.ALREADY_FINISHED)


def test_exact_bytes_and_times_are_kept(authority: Authority, clock: FixedClock) -> None:
    xml = plain_tip(clock)
    exchange = authority.submit(xml)
    assert exchange.call is Call.SUBMIT
    assert exchange.method == "POST"
    assert exchange.request_bytes == xml
    assert exchange.request_digest_sha256 == hashlib.sha256(xml).hexdigest()
    assert exchange.sent_at == exchange.received_at == clock.now()
    assert exchange.request_id
    assert exchange.sandbox


def test_each_call_has_a_request_id_of_its_own(authority: Authority, clock: FixedClock) -> None:
    ids = {authority.status().request_id, authority.schema().request_id}
    ids.add(authority.submit(plain_tip(clock)).request_id)
    assert len(ids) == 3
    assert None not in ids


def test_a_stream_is_sent_from_its_start(authority: Authority, clock: FixedClock) -> None:
    content = secrets.token_bytes(100_000)
    stream = io.BytesIO(content)
    stream.seek(17)
    reply, outcome = read(authority.upload(opened(authority, clock), "drawn.png", stream))
    assert outcome is Outcome.OK
    assert reply.hash_md5 == md5_of(content)


def test_an_empty_file_can_be_uploaded(authority: Authority, clock: FixedClock) -> None:
    reply, outcome = read(authority.upload(opened(authority, clock), "empty", b""))
    assert outcome is Outcome.OK
    assert reply.hash_md5 == md5_of(b"")


def test_status_says_who_called(authority: Authority) -> None:
    reply, outcome = read(authority.status())
    assert outcome is Outcome.OK
    assert reply.description.startswith("Remote User : sandbox-user-é, Remote Ip : ")


def test_an_unknown_report_is_to_be_reopened(authority: Authority, clock: FixedClock) -> None:
    details = plain_details(clock, "77", "f" * 32)
    for exchange in (
        authority.upload("77", "a", b"a"),
        authority.file_details(details),
        authority.finish("77"),
    ):
        reply, outcome = read(exchange)
        assert (reply.code, outcome) == (5001, Outcome.REOPEN)
    assert read(authority.retract("77"))[1] is Outcome.OK


def test_an_unfinished_report_is_abandoned_after_a_day(
    authority: Authority, clock: FixedClock
) -> None:
    report_id = opened(authority, clock)
    clock.at += timedelta(hours=24) - timedelta(seconds=1)
    assert read(authority.upload(report_id, "a", b"a"))[1] is Outcome.OK
    clock.at += timedelta(hours=1) - timedelta(seconds=1)  # the upload gave it an hour more
    assert read(authority.upload(report_id, "b", b"b"))[1] is Outcome.OK
    clock.at += timedelta(hours=1)
    assert read(authority.finish(report_id))[1] is Outcome.REOPEN


def test_a_retracted_report_takes_no_more(authority: Authority, clock: FixedClock) -> None:
    report_id = opened(authority, clock)
    assert read(authority.retract(report_id))[1] is Outcome.OK
    again, outcome = read(authority.retract(report_id))
    assert (again.code, outcome) == (5101, Outcome.OK)
    late, outcome = read(authority.upload(report_id, "a", b"a"))
    assert (late.code, outcome) == (5101, Outcome.HUMAN)


def test_a_finished_report_cannot_be_retracted_or_changed(
    authority: Authority, clock: FixedClock
) -> None:
    report_id = opened(authority, clock)
    assert read(authority.finish(report_id))[1] is Outcome.OK
    assert read(authority.retract(report_id))[1] is Outcome.ALREADY_FINISHED
    assert read(authority.upload(report_id, "a", b"a"))[1] is Outcome.HUMAN


def test_a_refused_report_comes_with_http_200_and_goes_to_a_person(
    authority: Authority, clock: FixedClock
) -> None:
    bad = plain_tip(clock).replace(b"reporter@platform.example", b" ")
    exchange = authority.submit(bad)
    reply, outcome = read(exchange)
    assert (exchange.http_status, reply.code, outcome) == (200, 4100, Outcome.HUMAN)
    malformed, outcome = read(authority.submit(b"<report>"))
    assert (malformed.code, outcome) == (4110, Outcome.HUMAN)
    with_entity = b'<!DOCTYPE r [<!ENTITY e "x">]><report>&e;</report>'
    hostile, outcome = read(authority.submit(with_entity))
    assert (hostile.code, outcome) == (4110, Outcome.HUMAN)


def test_a_batch_with_two_files_cannot_be_finished(authority: Authority, clock: FixedClock) -> None:
    report_id = opened(authority, clock, batch=True)
    authority.upload(report_id, "a", b"a")
    authority.upload(report_id, "b", b"b")
    exchange = authority.finish(report_id)
    reply, outcome = read(exchange)
    assert (exchange.http_status, reply.code, outcome) == (400, 4100, Outcome.HUMAN)


def test_the_same_details_twice_are_one_description(
    authority: Authority, clock: FixedClock
) -> None:
    report_id = opened(authority, clock)
    file_id = read(authority.upload(report_id, "a", b"a"))[0].file_id
    xml = plain_details(clock, report_id, file_id)
    assert read(authority.file_details(xml))[1] is Outcome.OK
    assert read(authority.file_details(xml))[1] is Outcome.OK
    other = plain_details(clock, report_id, file_id, note="another text")
    assert read(authority.file_details(other))[1] is Outcome.HUMAN
    stranger = plain_details(clock, report_id, "e" * 32)
    assert read(authority.file_details(stranger))[0].code == 5002


def test_no_schema_is_an_answer_too(authority: Authority) -> None:
    exchange = authority.schema()
    assert (exchange.http_status, read(exchange)[0].code) == (404, 1210)


def test_the_schema_comes_byte_for_byte_and_is_applied(schemas: Path, clock: FixedClock) -> None:
    xsd = (schemas / "ncmec-cybertipline" / "cyber_tipline.xsd").read_bytes()
    with (
        running_sandbox(clock=clock, xsd=xsd) as sandbox,
        channel_to(sandbox.url, clock) as channel,
    ):
        assert schema_of(channel.schema()) == xsd
        assert read(channel.submit(plain_tip(clock)))[1] is Outcome.OK
        unknown = plain_tip(clock).replace(b"</report>", b"<unknown/></report>")
        assert read(channel.submit(unknown))[0].code == 4100
