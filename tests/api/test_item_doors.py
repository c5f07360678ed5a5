"""Both forms of POST /v1/media: the item is matched whatever stands beside it."""

# ruff: noqa: F811 - `platform` is a fixture of the neighbouring file

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api.test_api_answers import Platform, platform  # noqa: F401
from api.test_api_error_shape import app_with
from cases.case_parts import PICTURE, UNSEALER, Desk, hashed_of
from tutela.api.forms import CONTEXT_BYTES
from tutela.api.json_reading import read_json_value
from tutela.cases import store as cases
from tutela.intake.model import Context
from tutela.primitives.database import Database
from tutela.primitives.ids import CaseId

DATA = b"known"


def form(*parts: tuple[bytes, bytes]) -> bytes:
    """A multipart body of these parts: their headers, their bytes."""
    body = b"".join(b"--x\r\n" + headers + b"\r\n\r\n" + data + b"\r\n" for headers, data in parts)
    return body + b"--x--\r\n"


def part(name: str, parameters: bytes = b"", more: bytes = b"") -> bytes:
    return f'Content-Disposition: form-data; name="{name}"'.encode() + parameters + more


def send(client: TestClient, body: bytes) -> Any:
    return client.post(
        "/v1/media", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )


def named(answer: Any) -> list[str]:
    assert answer.status_code in {200, 201}, answer.text
    return [one["field"] for one in answer.json()["ignored"]]


def context_of(platform: Platform, answer: Any) -> Context:
    with platform.desk.database.begin() as tx:
        return cases.context_of(tx, CaseId(answer.json()["case_id"]), UNSEALER)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    intake = Desk(Database("postgresql+psycopg://nobody@127.0.0.1:1/nowhere")).intake
    with TestClient(app_with(intake), raise_server_exceptions=False) as opened:
        opened.headers["Authorization"] = "Bearer platform"
        yield opened


JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60)
@given(context=JSON_VALUE | st.binary(max_size=40), file_name=st.binary(max_size=30))
def test_any_context_and_any_file_name_leave_the_item_matched(
    client: TestClient, context: Any, file_name: bytes
) -> None:
    text = context if isinstance(context, bytes) else json.dumps(context).encode()
    name = file_name.translate(None, b'\r\n\x00"\\')
    body = form(
        (part("context"), text.replace(b"\r\n--x", b"")),
        (part("file", b'; filename="' + name + b'"'), DATA),
    )
    answer = send(client, body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["hashes"]["sha256"] == hashed_of(DATA).digests.sha256.hex()
    by_hash = client.post(
        "/v1/media",
        content=b'{"context": %s, "hashes": {"md5": "%s"}}'
        % (
            (text if not isinstance(context, bytes) else b"0"),
            b"0" * 32,
        ),
        headers={"Content-Type": "application/json"},
    )
    assert by_hash.status_code == 200, by_hash.text


@pytest.mark.parametrize(
    ("parameters", "kept"),
    [
        (b"; filename*=UTF-8''na%C3%AFve%20x.png", "naïve x.png"),
        (b"; filename*=utf-8'en'%E6%BC%A2.png", "漢.png"),
        (b"; FileName*=iso-8859-1''%A3.png", "£.png"),
        (b"; filename=\"a.png\"; filename*=UTF-8''%C3%A4.png", "ä.png"),
        ('; filename="漢字.png"'.encode(), "漢字.png"),
        (b'; filename="../../a.png"', "../../a.png"),
        (b"; filename=a.png", "a.png"),
    ],
)
def test_every_way_of_naming_a_file_is_understood(
    platform: Platform,
    parameters: bytes,
    kept: str,
) -> None:
    data = platform.desk.matcher.learn(DATA)
    with platform.client() as client:
        answer = send(client, form((part("file", parameters), data)))
    assert named(answer) == []
    name = context_of(platform, answer).file_name
    assert name is not None
    assert name.reveal() == kept


@pytest.mark.parametrize(
    ("parameters", "ignored"),
    [
        (b"", []),
        (b'; filename=""', []),
        (b"; filename*=klingon''x.png", ["file_name"]),
        (b"; filename*=x.png", ["file_name"]),
        (b"; filename*=UTF-8''%FF.png", ["file_name"]),
        (b'; filename="\xff.png"', ["file_name"]),
        (b'; filename="' + b"x" * 20_000 + b'"', ["file_name"]),
        (b'; filename="a\tb.png"', ["file_name"]),
    ],
)
def test_a_file_is_looked_at_whatever_its_name(
    client: TestClient, parameters: bytes, ignored: list[str]
) -> None:
    assert named(send(client, form((part("file", parameters), DATA)))) == ignored


@pytest.mark.parametrize(
    "context",
    [
        b"{",
        b"not JSON",
        b'"a text"',
        b"[]",
        b"5",
        b"[" * 100_000,
        b'{"extra": ' + b"[" * 100_000,
        b"\x00\x01\x02",
        b"9" * 10_000,
        b" " * (CONTEXT_BYTES + 1),
        b'{"service": "' + b"x" * CONTEXT_BYTES + b'"}',
    ],
)
def test_a_context_that_cannot_be_read_is_left_out_whole(
    client: TestClient, context: bytes
) -> None:
    answer = send(client, form((part("file"), DATA), (part("context"), context)))
    assert named(answer) == ["context"]


@pytest.mark.parametrize("context", [b"", b"  ", b"null", b"{}", b"\xef\xbb\xbf{}"])
def test_no_context_is_no_fault(client: TestClient, context: bytes) -> None:
    assert named(send(client, form((part("file"), DATA), (part("context"), context)))) == []


def test_a_field_that_is_nested_without_end_costs_that_field_only(platform: Platform) -> None:
    data = platform.desk.matcher.learn(DATA)
    deep = b'{"a":' * 30_000 + b"1" + b"}" * 30_000
    context = b'{"service": "Example", "extra": {"a": "1", "b": ' + deep + b"}}"
    with platform.client() as client:
        answer = send(client, form((part("file"), data), (part("context"), context)))
    assert named(answer) == ["extra"]
    kept = context_of(platform, answer)
    assert (kept.service, kept.extra) == ("Example", {"a": "1"})


def test_bytes_that_are_no_utf_8_cost_their_field_only(platform: Platform) -> None:
    data = platform.desk.matcher.learn(DATA)
    context = b'{"service": "Example", "uploader_screen_name": "Person \xe4\t", "uploader_port": 7}'
    with platform.client() as client:
        answer = send(client, form((part("file"), data), (part("context"), context)))
    assert named(answer) == ["uploader_screen_name"]
    kept = context_of(platform, answer)
    assert (kept.service, kept.uploader_port) == ("Example", 7)
    assert kept.uploader_screen_name is not None
    assert kept.uploader_screen_name.reveal() == "Person \ufffd "


def test_other_parts_are_named_and_left_out(client: TestClient) -> None:
    body = form(
        (part("note"), b"x"),
        (part("file"), DATA),
        (part("thumbnail", b'; filename="b.png"'), b"y"),
        (b"X-Header: none", b"z"),
        (part("person a@example"), b"z"),
    )
    answer = send(client, body)
    assert named(answer) == ["note", "thumbnail", "(a part without a name)", "(a name)"]


def test_two_contexts_that_differ_are_neither_and_two_files_are_refused(client: TestClient) -> None:
    file, context = (part("file"), DATA), (part("context"), b'{"service": "A"}')
    assert named(send(client, form(file, context, context))) == []
    assert named(send(client, form(file, context, (part("context"), b"{}")))) == ["context"]
    assert send(client, form(file, file)).status_code == 422


def test_a_form_cut_off_after_its_file_is_still_looked_at(client: TestClient) -> None:
    whole = form((part("file"), DATA), (part("context"), b'{"service": "A"}'))
    assert named(send(client, whole[: whole.index(b'"A"')])) == ["context"]
    assert send(client, whole[: whole.index(DATA) + 2]).status_code == 422


def test_a_file_encoded_for_a_mail_is_decoded(platform: Platform) -> None:
    data = platform.desk.matcher.learn(DATA)
    head = part("file", more=b"\r\nContent-Transfer-Encoding: base64")
    with platform.client() as client:
        answer = send(client, form((head, base64.encodebytes(data))))
        assert answer.json()["finding"] == "matched"
        assert send(client, form((head, b"A"))).status_code == 422


def test_hashes_are_matched_whatever_stands_beside_them(platform: Platform) -> None:
    data = platform.desk.matcher.learn(DATA)
    sha256 = hashed_of(data).digests.sha256.hex()
    with platform.client() as client:
        answer = client.post(
            "/v1/media",
            json={
                "hashes": {
                    "sha256": sha256,
                    "sha1": "not a hash",
                    "pdq": PICTURE.hex,
                    "quality": True,
                    "size_bytes": "12",
                    "media_type": 5,
                    "pipeline": "a\tb",
                    "sha512": "0" * 128,
                },
                "context": 5,
                "contxt": {},
            },
        )
    assert answer.json()["finding"] == "matched"
    assert sorted(named(answer)) == sorted(
        [
            "contxt",
            "hashes.sha512",
            "hashes.media_type",
            "hashes.pipeline",
            "hashes.size_bytes",
            "hashes.sha1",
            "hashes.pdq",
            "hashes.quality",
            "context",
        ]
    )


@pytest.mark.parametrize("quality", [True, 85.0, "85", None, -1, 101, [85]])
def test_a_pdq_hash_without_an_integer_quality_is_no_item(client: TestClient, quality: Any) -> None:
    row = {"pdq": PICTURE.hex, "quality": quality}
    assert client.post("/v1/media", json={"hashes": row}).status_code == 422
    assert client.post("/v1/lookup", json={"hashes": [row]}).status_code == 422


def test_a_batch_is_refused_for_a_hash_and_never_for_what_stands_beside_it(
    client: TestClient,
) -> None:
    good = {"md5": "0" * 32, "media_type": "image/\tpng", "size_bytes": 1.0}
    answer = client.post("/v1/lookup", json={"hashes": [{"md5": "1" * 32}, good]})
    assert len(answer.json()["results"]) == 2
    assert named(answer) == ["hashes.1.media_type", "hashes.1.size_bytes"]
    refused = client.post("/v1/lookup", json={"hashes": [good, {"md5": "no"}]})
    assert refused.status_code == 422
    assert "hashes.1.md5" in refused.json()["error"]["why"]


@pytest.mark.parametrize(
    "as_of", [20241231, 0, "1733000000", "0", True, 1.5, "2024-12-31T10:00:00"]
)
def test_a_question_to_the_law_takes_no_number_for_a_day(client: TestClient, as_of: Any) -> None:
    for path, body in (
        ("/v1/law/duties", {"facts": {}}),
        ("/v1/law/compare", {"requesting": "GB", "requested": "JP", "conduct": {}}),
        ("/v1/law/draft", {"jurisdiction": "FR", "requirements": ["UNCC-15-1"]}),
    ):
        assert client.post(path, json=body | {"as_of": as_of}).status_code == 422, path
    gap = client.get("/v1/law/gap", params={"jurisdiction": "FR", "as_of": str(as_of)})
    assert gap.status_code == 422


def test_the_reader_of_json_gives_up_on_what_is_none() -> None:
    for data in (b"", b"{", b'{"a": }', b"[1, 2", b"\xff", b"[" * 50_000):
        with pytest.raises(ValueError):  # noqa: PT011 - any of them
            read_json_value(data)
