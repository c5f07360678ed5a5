"""The authority's answers: read whatever comes, decide on the body, never crash."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.primitives.errors import BadInput
from tutela.reporting.formats.cybertip import classify, parse_reply, read, schema_of
from tutela.reporting.model import AuthorityReply, Call, Exchange, Outcome

OPENED = b"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<reportResponse><responseCode>0</responseCode><responseDescription>Success</responseDescription>
<reportId>4564654</reportId></reportResponse>"""
ON_OPEN = (Call.UPLOAD, Call.FILE_DETAILS, Call.FINISH)


def test_the_documented_answers_are_read(schemas: Path) -> None:
    text = (schemas / "ncmec-cybertipline" / "sample.responses.txt").read_text()
    status, submit, upload, finish, refused = [
        parse_reply(line.encode()) for line in text.splitlines() if line.startswith("<")
    ]
    assert (status.code, status.report_id) == (0, None)
    assert (submit.code, submit.report_id) == (0, "4564654")
    assert upload.file_id == "b0754af766b426f2928a02c651ed4b99"
    assert upload.hash_md5 == "fafa5efeaf3cbe3b23b2748d13e629a1"
    assert finish.file_ids == ("b0754af766b426f2928a02c651ed4b99",)
    assert (refused.code, refused.report_id) == (1001, None)
    assert "incidentSummary" in refused.description


def test_unknown_elements_are_passed_over() -> None:
    moved_on = OPENED.replace(b"<reportId>", b"<future><reportId>1</reportId></future><reportId>")
    assert parse_reply(moved_on) == parse_reply(OPENED)


@pytest.mark.parametrize("declared", [b'<?xml version="1.0" encoding="ISO-8859-1"?>', b""])
def test_iso_8859_1_is_read_with_and_without_a_declaration(declared: bytes) -> None:
    body = declared + (
        b"<reportResponse><responseCode>4100</responseCode>"
        b"<responseDescription>caf\xe9</responseDescription></reportResponse>"
    )
    assert parse_reply(body).description == "café"


@pytest.mark.parametrize(
    "hostile",
    [
        b'<!DOCTYPE r [<!ENTITY e "x">]><reportResponse>&e;</reportResponse>',
        b'<!DOCTYPE r SYSTEM "file:///etc/hostname"><reportResponse/>',
        b'<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><a>&b;</a>',
        '<?xml version="1.0" encoding="UTF-16"?><reportResponse/>'.encode("utf-16"),
        # the same declaration in EBCDIC, where no ASCII "<!DOCTYPE" can be found
        '<?xml version="1.0" encoding="IBM037"?><!DOCTYPE r [<!ENTITY e "x">]>'
        "<reportResponse><responseCode>0</responseCode></reportResponse>".encode("cp037"),
        b"<reportResponse><responseCode>0</responseCode>&nothing;</reportResponse>",
        b"",
        b"<html><body>Bad gateway</body>",
        b"<html><body>Bad gateway</body></html>",
        b"<reportResponse/>",
        b"<reportResponse><responseCode>zero</responseCode></reportResponse>",
        b"<reportResponse><responseCode>1_000</responseCode></reportResponse>",
        b"<reportResponse><responseCode>0</responseCode><reportId>x</reportId></reportResponse>",
        b"<reportResponse>" * 5000,
        b"<?xml version='1.0' encoding='no-such-charset'?><reportResponse/>",
    ],
)
def test_what_is_no_answer_is_bad_input_with_a_plain_reason(hostile: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        parse_reply(hostile)
    assert str(caught.value).startswith("The authority's answer")


def test_an_endless_answer_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(BadInput, match="too large"):
        parse_reply(b"<a>" + b" " * (16 * 1024 * 1024))


@given(st.binary(max_size=400))
def test_random_bytes_never_crash_the_reader(body: bytes) -> None:
    with pytest.raises(BadInput):
        parse_reply(body)


@given(st.data())
def test_damaged_answers_never_crash_the_reader(data: st.DataObject) -> None:
    body = bytearray(OPENED)
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(body)))
        body[start : start + data.draw(st.integers(0, 6))] = data.draw(st.binary(max_size=6))
    try:
        reply = parse_reply(bytes(body))
    except BadInput:
        return
    assert reply.report_id is None or reply.report_id.isdigit()


def reply(code: int, **more: Any) -> AuthorityReply:
    return AuthorityReply(code=code, description="", **more)


EVERY_CODE = {
    1000: Outcome.RETRY,
    1001: Outcome.HUMAN,
    1100: Outcome.RETRY,
    1110: Outcome.RETRY,
    1111: Outcome.RETRY,
    1210: Outcome.HUMAN,
    1300: Outcome.RETRY,
    2000: Outcome.STOP_AND_PAGE,
    3000: Outcome.STOP_AND_PAGE,
    3100: Outcome.STOP_AND_PAGE,
    3300: Outcome.STOP_AND_PAGE,
    4000: Outcome.HUMAN,
    4100: Outcome.HUMAN,
    4110: Outcome.HUMAN,
    4200: Outcome.HUMAN,
    5002: Outcome.HUMAN,
    9999: Outcome.HUMAN,
    -1: Outcome.HUMAN,
}


@pytest.mark.parametrize("call", Call)
@pytest.mark.parametrize("code", EVERY_CODE)
@pytest.mark.parametrize("http_status", [200, 400, 500])
def test_every_code_has_one_outcome_whatever_the_http_status(
    call: Call, code: int, http_status: int | None
) -> None:
    assert classify(reply(code), http_status, call) is EVERY_CODE[code]


@pytest.mark.parametrize("call", Call)
def test_a_report_that_is_gone_or_ended_depends_on_the_call(call: Call) -> None:
    gone = classify(reply(5001), 404, call)
    withdrawn = classify(reply(5101), 200, call)
    finished = classify(reply(5102), 200, call)
    reopens = call in ON_OPEN
    retracts = call is Call.RETRACT
    assert gone is (Outcome.REOPEN if reopens else Outcome.OK if retracts else Outcome.HUMAN)
    assert withdrawn is (Outcome.OK if retracts else Outcome.HUMAN)
    ends = call in {Call.FINISH, Call.RETRACT}
    assert finished is (Outcome.ALREADY_FINISHED if ends else Outcome.HUMAN)


def test_success_needs_the_identifier_that_the_next_step_needs() -> None:
    assert classify(reply(0), 200, Call.SUBMIT) is Outcome.HUMAN
    assert classify(reply(0, report_id="1"), 500, Call.SUBMIT) is Outcome.OK
    assert classify(reply(0, report_id="1"), 200, Call.UPLOAD) is Outcome.HUMAN
    assert classify(reply(0, file_id="f"), 200, Call.UPLOAD) is Outcome.OK
    assert classify(reply(0), 200, Call.FINISH) is Outcome.OK


@pytest.mark.parametrize(
    ("http_status", "outcome"),
    [
        (None, Outcome.RETRY),
        (408, Outcome.RETRY),
        (429, Outcome.RETRY),
        (500, Outcome.RETRY),
        (503, Outcome.RETRY),
        (301, Outcome.STOP_AND_PAGE),
        (302, Outcome.STOP_AND_PAGE),
        (401, Outcome.STOP_AND_PAGE),
        (403, Outcome.STOP_AND_PAGE),
        (404, Outcome.HUMAN),
        (413, Outcome.HUMAN),
        (200, Outcome.HUMAN),
    ],
)
def test_without_an_answer_the_http_status_decides(
    http_status: int | None, outcome: Outcome
) -> None:
    assert classify(None, http_status, Call.SUBMIT) is outcome


def exchange(body: bytes, http_status: int | None = 200, call: Call = Call.SUBMIT) -> Exchange:
    return Exchange(
        call=call,
        method="POST",
        request_digest_sha256="0" * 64,
        request_bytes=b"",
        request_note="no body",
        sent_at=datetime(2026, 11, 21, tzinfo=UTC),
        http_status=http_status,
        response_bytes=body,
    )


def test_an_exchange_is_read_in_one_step() -> None:
    found, outcome = read(exchange(OPENED))
    assert found is not None
    assert (found.report_id, outcome) == ("4564654", Outcome.OK)
    assert read(exchange(b"<html>", 502)) == (None, Outcome.RETRY)
    assert read(exchange(None, None)) == (None, Outcome.RETRY)


def test_only_a_schema_is_taken_as_the_schema(schemas: Path) -> None:
    xsd = (schemas / "ncmec-cybertipline" / "cyber_tipline.xsd").read_bytes()
    assert schema_of(exchange(xsd, call=Call.SCHEMA)) == xsd
    for other in (OPENED, b"", None):
        with pytest.raises(BadInput, match=r"schema"):
            schema_of(exchange(other, 404, call=Call.SCHEMA))
