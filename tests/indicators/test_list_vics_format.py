import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from indicator_drawing import md5, pdq, sha1

from tutela.indicators.formats import vics
from tutela.indicators.formats.bounded import ShortDigits
from tutela.indicators.model import (
    Ignored,
    ListEntry,
    ParsedRow,
    Refusal,
    SideField,
    SignalKind,
    Uncategorised,
)
from tutela.primitives.errors import BadInput
from tutela.taxonomy.model import Category

PLACE = "http://names.example/DataModels"
US = f"{PLACE}/2.0.xml/US/$metadata#Media"


def parse(document: Any) -> list[ParsedRow]:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return list(vics.parse(io.BytesIO(raw)))


def hash_set(*media: Any, context: str = US) -> dict[str, Any]:
    return {"@odata.context": context, "value": list(media)}


def entries(rows: list[ParsedRow]) -> list[ListEntry]:
    return [row for row in rows if isinstance(row, ListEntry)]


def test_all_hashes_of_a_medium_carry_its_md5_as_record_and_its_category() -> None:
    medium = {
        "MediaID": 7,
        "Category": 1,
        "MD5": md5(1).upper(),
        "SHA1": sha1(1),
        "PhotoDNA": None,
        "MediaSize": "12",
        "RelativeFilePath": "VIC_Files\\person-a\\x.png",
        "VictimIdentified": "true",
        "IsDistributed": False,
        "Comments": "about Person A",
        "DateUpdated": "/Date(1768435200000+0200)/",
        "Exifs": [{"PropertyName": "Make", "PropertyValue": "TestCam"}],
        "AlternativeHashes": [
            {"MD5": md5(1), "HashName": "PDQ", "HashValue": pdq(1)},
            {"MD5": md5(1), "HashName": "F-Hash", "HashValue": "abc"},
        ],
    }
    found = entries(parse(hash_set(medium)))
    assert [(one.kind, one.value) for one in found] == [
        (SignalKind.MD5, bytes.fromhex(md5(1))),
        (SignalKind.SHA1, bytes.fromhex(sha1(1))),
        (SignalKind.PDQ, bytes.fromhex(pdq(1))),
        (SignalKind.OTHER, b"f-hash:abc"),
    ]
    assert {one.external_id for one in found} == {md5(1)}
    assert {one.category for one in found} == {Category(scheme="vics-us", version="2.0", code="1")}
    assert found[0].provenance == {
        "envelope": "VICS 2.0 US",
        "media_id": "7",
        "media_size": "12",
        "victim_identified": "true",
        "is_distributed": "false",
        "timestamp": "2026-01-15T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("key", "context", "scheme", "version"),
    [
        ("@odata.context", f"{PLACE}/2.0.xml/UK/$metadata#Media", "vics-uk", "2.0"),
        ("@odata.context", f"{PLACE}/2.0.xml/CUSTOM/$metadata#Media", "vics-unknown", "2.0"),
        ("odata.metadata", f"{PLACE}/1.3.xml#Media", "vics-unknown", "1.3"),
    ],
)
def test_the_same_integer_gets_the_scheme_its_envelope_names(
    key: str, context: str, scheme: str, version: str
) -> None:
    [entry] = entries(parse({key: context, "value": [{"MD5": md5(1), "Category": "2"}]}))
    assert entry.category == Category(scheme=scheme, version=version, code="2")


def test_a_case_of_version_1_3_is_read_and_its_people_are_passed_over() -> None:
    document = {
        "odata.metadata": f"{PLACE}/1.3.xml#Cases",
        "value": [
            {"CaseID": "0", "ContactName": "Person A", "TotalMediaFiles": 99, "Media": []},
            {"CaseNumber": "T", "Media": [{"MD5": md5(1)}, {"MD5": md5(2)}], "Extra": {"a": [1]}},
        ],
    }
    found = entries(parse(document))
    assert [one.external_id for one in found] == [md5(1), md5(2)]
    assert "Person A" not in repr(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-15T00:00:00.0000Z", "2026-01-15T00:00:00Z"),
        ("2026-01-15T02:00:00+02:00", "2026-01-15T00:00:00Z"),
        ("2026-01-15T00:00:00+00:00Z", "2026-01-15T00:00:00Z"),
        ("/Date(1768435200000)/", "2026-01-15T00:00:00Z"),
    ],
)
def test_timestamps_of_every_kind_are_utc(text: str, expected: str) -> None:
    [entry] = entries(parse(hash_set({"MD5": md5(1), "DateUpdated": text})))
    assert entry.provenance["timestamp"] == expected


def test_a_timestamp_nobody_can_read_is_kept_as_unread() -> None:
    [entry] = entries(parse(hash_set({"MD5": md5(1), "DateUpdated": "/Date(9999999999999999)/"})))
    assert entry.provenance["timestamp_unread"] == "/Date(9999999999999999)/"
    assert "timestamp" not in entry.provenance


def test_a_byte_order_mark_is_fine() -> None:
    raw = b"\xef\xbb\xbf" + json.dumps(hash_set({"MD5": md5(1)})).encode()
    assert len(entries(parse(raw))) == 1


def test_media_that_cannot_be_taken_are_refused_by_number() -> None:
    rows = parse(
        hash_set(
            {"MD5": md5(1) + "_", "SHA1": sha1(1)},
            {"Category": 1},
            "text",
            {"MD5": md5(2), "Category": True},
            {"MD5": 17},
            {"AlternativeHashes": [{"HashName": "PDQ", "HashValue": "0_0"}, 5]},
            {"MD5": md5(3)},
        )
    )
    refused = [(row.row, row.why) for row in rows if isinstance(row, Refusal)]
    assert refused == [
        (1, "md5: it contains something that is no hexadecimal digit"),
        (2, "it holds no hash"),
        (3, "it is not an object"),
        (5, "md5: it is not a text"),
        (6, "pdq: it contains something that is no hexadecimal digit"),
        (6, "other: it is not a text"),
    ]
    assert [one for one in rows if isinstance(one, Ignored)] == [
        Ignored(
            row=4,
            field=SideField.CATEGORY,
            why="the Category is not a number or a short code",
        )
    ]
    assert [one.kind for one in entries(rows)] == ["sha1", "md5", "md5"]


def test_a_medium_without_a_readable_category_is_uncategorised() -> None:
    none = Uncategorised(scheme="vics-us", version="2.0")
    rows = parse(
        hash_set(
            {"MD5": md5(1), "Category": None},
            {"MD5": md5(2), "Category": " "},
            {"MD5": md5(3)},
            {"MD5": md5(4), "Category": {"code": 1}},
            {"MD5": md5(5), "Category": 1.5},
            {"MD5": md5(6), "Category": "00"},
            {"MD5": md5(7), "Category": 0.0},
        )
    )
    assert [one.category for one in entries(rows)] == [
        *[none] * 5,
        Category(scheme="vics-us", version="2.0", code="00"),
        Category(scheme="vics-us", version="2.0", code="0"),
    ]
    assert [one.row for one in rows if isinstance(one, Ignored)] == [4, 5]


@pytest.mark.parametrize(
    "more",
    [
        '"MediaSize": ' + "9" * 599,
        '"MediaSize": ' + "9" * 600,
        '"MediaSize": ' + "9" * 70_000,
        '"MediaSize": 1.' + "5" * 5_000,
        '"MediaSize": -1e' + "5" * 5_000,
        '"MediaSize": 1e99999999999999999999',
        '"Unknown": ' + "9" * 5_000,
        '"Comments": "' + "a b " * (5 << 18) + '"',
        '"Comments": "' + "7" * (5 << 20) + '"',
        '"Exifs": [' + ", ".join(['{"PropertyValue": "x"}'] * 250_000) + "]",
        '"MimeType": "' + "x" * (5 << 20) + '"',
        '"Series": ' + "[" * 200 + "]" * 200,
        '"DateUpdated": 20240101',
        '"VictimIdentified": 7',
        '"Category": ' + "1" * 900,
    ],
    ids=lambda more: more[:24],
)
def test_no_other_field_of_a_medium_decides_over_its_hashes(more: str) -> None:
    context = f'"@odata.context": "{US}"'
    for order in (f'"MD5": "{md5(1)}", {more}', f'{more}, "MD5": "{md5(1)}"'):
        raw = f'{{{context}, "value": [{{{order}}}, {{"MD5": "{md5(2)}"}}]}}'.encode()
        assert [one.value.hex() for one in entries(parse(raw))] == [md5(1), md5(2)]


def test_a_number_that_was_cut_is_left_out_and_said() -> None:
    medium = {"MD5": md5(1), "MediaSize": 0, "MediaID": 5}
    raw = json.dumps(hash_set(medium)).replace('"MediaSize": 0', '"MediaSize": ' + "9" * 5_000)
    rows = parse(raw.encode())
    [entry] = entries(rows)
    assert "media_size" not in entry.provenance
    assert entry.provenance["media_id"] == "5"
    assert [one.why for one in rows if isinstance(one, Ignored)] == [
        "MediaSize is not a short text or number"
    ]


@given(parts=st.lists(st.sampled_from([b"1", b"23" * 290, b"4" * 1_300, b".", b'"', b" x"])))
def test_no_row_of_digits_is_longer_than_the_parser_bears(parts: list[bytes]) -> None:
    raw = b"".join(parts)
    whole = ShortDigits(io.BytesIO(raw)).read(1 << 20)
    assert max((len(run) for run in re.findall(rb"[0-9]+", whole)), default=0) <= 600
    assert re.sub(rb"[0-9]+", b"0", whole) == re.sub(rb"[0-9]+", b"0", raw)
    pieces, reader = [], ShortDigits(io.BytesIO(raw))
    while piece := reader.read(97):
        pieces.append(piece)
    assert b"".join(pieces) == whole


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "broken, stops"),
        (b"[]", "does not start with an object"),
        (b"{}", 'no list "value"'),
        (b'{"value": []}', "no envelope"),
        (b'{"@odata.context": "x", "value": []}', "envelope is not VICS"),
        (json.dumps(hash_set(context=f"{PLACE}/3.0.xml/US/$metadata#Media")).encode(), "envelope"),
        (json.dumps(hash_set({"MD5": md5(1)}, {"MD5": md5(2)}))[:-5].encode(), "broken, stops"),
        (json.dumps(hash_set({"MD5": md5(1)})).encode() + b"{}", "broken, stops"),
        (b'{"@odata.context": "' + US.encode() + b'", "value": [' + b"[" * 100_000, "deeper"),
        (
            b'{"@odata.context": "' + US.encode() + b'", "value": [{"x": "' + b"a" * (33 << 20),
            "more than 32 MiB",
        ),
        (
            b'{"@odata.context": "' + US.encode() + b'", "value": [{"MediaSize": ' + b"9" * 5000,
            "broken, stops",
        ),
    ],
)
def test_a_broken_document_is_refused_as_a_whole_and_the_place_is_named(
    raw: bytes, why: str
) -> None:
    with pytest.raises(BadInput, match=why):
        parse(raw)


def test_the_samples_are_read(schemas: Path) -> None:
    folder = schemas / "project-vic"
    rows = parse((folder / "vics-2.0.hashset.sample.json").read_bytes())
    assert [one.kind for one in entries(rows)] == ["md5", "sha1"]
    assert [row.row for row in rows if isinstance(row, Refusal)] == [1]  # a PDQ of zeros
    rows = parse((folder / "vics-2.0.case.sample.json").read_bytes())
    assert [one.category for one in entries(rows)] == [
        Category(scheme="vics-us", version="2.0", code="5")
    ] * 2


NESTED = {
    "an object of hashes": {"Hashes": {"MD5": md5(1), "SHA1": sha1(1), "PDQ": pdq(1)}},
    "named hashes": {
        "Hashes": [
            {"HashName": "SHA-1", "HashValue": sha1(1)},
            {"Type": "MD5", "Value": md5(1)},
            {"Algorithm": "pdq", "HashValue": pdq(1)},
        ]
    },
    "one named hash": {
        "MD5": md5(1),
        "SHA1": sha1(1),
        "AlternativeHashes": {"HashName": "PDQ", "HashValue": pdq(1)},
    },
    "a wrapped medium": {"Media": {"MD5": md5(1), "SHA1": sha1(1), "FileHashes": {"PDQ": pdq(1)}}},
    "a case in a hash set": {
        "CaseID": "0",
        "Media": [{"MD5": md5(1), "SHA1": sha1(1), "MediaHashes": {"PDQ": pdq(1)}}],
    },
    "files of the medium": {
        "MediaFiles": [{"MD5": md5(1), "SHA1": sha1(1), "FileName": "a"}] * 2,
        "Hashes": {"PDQ": pdq(1)},
    },
}


@pytest.mark.parametrize("what", ["Media", "Cases"])
@pytest.mark.parametrize("shape", NESTED)
def test_hashes_one_level_down_are_read(shape: str, what: str) -> None:
    context = f"{PLACE}/2.0.xml/US/$metadata#{what}"
    rows = parse(hash_set({"Category": 1, **NESTED[shape]}, context=context))
    found = {(one.kind, one.value.hex()) for one in entries(rows)}
    assert found == {
        (SignalKind.MD5, md5(1)),
        (SignalKind.SHA1, sha1(1)),
        (SignalKind.PDQ, pdq(1)),
    }
    assert not [row for row in rows if isinstance(row, Refusal)]
    assert {one.external_id for one in entries(rows)} == {md5(1)}


def test_a_medium_s_own_digest_is_not_doubted_by_its_files() -> None:
    medium = {"MD5": md5(1), "MediaFiles": [{"MD5": md5(2)}]}
    assert [one.value.hex() for one in entries(parse(hash_set(medium)))] == [md5(1)]


@pytest.mark.parametrize("key", ["Hashes", "AlternativeHashes", "MediaHashes"])
@pytest.mark.parametrize("value", [7, "x", True])
def test_nested_hashes_that_are_none_refuse_themselves_only(key: str, value: object) -> None:
    rows = parse(hash_set({"MD5": md5(1), key: value}))
    assert [one.value.hex() for one in entries(rows)] == [md5(1)]
    (refusal,) = [row for row in rows if isinstance(row, Refusal)]
    assert key in refusal.why


@pytest.mark.parametrize(("opening", "closing"), [('{"Media":', "}"), ('{"Media":[', "]}")])
@pytest.mark.parametrize("levels", [3, 490])
def test_media_that_lie_too_deep_refuse_themselves_only(
    opening: str, closing: str, levels: int
) -> None:
    deep = opening * levels + "{}" + closing * levels
    values = f'[{deep},{{"MD5":"{md5(1)}"}}]'
    rows = parse(f'{{"@odata.context":"{US}","value":{values}}}'.encode())
    assert [one.value.hex() for one in entries(rows)] == [md5(1)]
    (refusal,) = [row for row in rows if isinstance(row, Refusal)]
    assert "too deep" in refusal.why
