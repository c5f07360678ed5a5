"""Whatever bytes come, a parser answers with entries, refusals or `BadInput`, and soon."""

import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from indicator_drawing import md5, pdq, sha1

from tutela.indicators.formats import csv, exchanges, hashed, ncmec, plain, vics, vpdq_array
from tutela.indicators.formats.texts import moment
from tutela.indicators.model import ListEntry, ParsedRow, Partial
from tutela.indicators.signals import flaw
from tutela.primitives.errors import BadInput

Parse = Callable[[BinaryIO], Iterator[ParsedRow]]

GOOD = {
    "csv": (
        "kind,value,external_id,scheme,category,status,quality,timestamp\n"
        f"md5,{md5(1)},a,iwf,A,,,2026-01-01\npdq,{pdq(1)},b,,,withdrawn,60,\n"
    ).encode(),
    "vics": json.dumps(
        {
            "@odata.context": "http://names.example/2.0.xml/US/$metadata#Cases",
            "value": [
                {
                    "CaseID": "0",
                    "Media": [
                        {
                            "MD5": md5(1),
                            "SHA1": sha1(1),
                            "Category": 1,
                            "MediaSize": 10,
                            "DateUpdated": "/Date(0)/",
                            "VictimIdentified": "true",
                            "AlternativeHashes": [{"HashName": "PDQ", "HashValue": pdq(1)}],
                            "Exifs": [{"PropertyName": "x", "PropertyValue": "y"}],
                        }
                    ],
                }
            ],
        }
    ).encode(),
    "ncmec": (
        '<queryResult xmlns="https://names.example/hashsharing/v2"><images count="2">'
        '<image><member id="1">M</member><timestamp>2026-01-01T00:00:00Z</timestamp><id>a</id>'
        f"<classification>A1</classification><fingerprints><md5>{md5(1)}</md5><pdq>{pdq(1)}</pdq>"
        '<x href="/y"/></fingerprints><feedback><negativeFeedback type="Md5"/></feedback></image>'
        '<deletedImage><member id="1"/><id>b</id></deletedImage></images></queryResult>'
    ).encode(),
}
GOOD |= {
    "vpdq-json": json.dumps([f"{pdq(n)},100,{n}.0" for n in range(3)]).encode(),
    "stopncii": json.dumps(
        {
            "count": 2,
            "hasMoreRecords": False,
            "hashRecords": [
                {
                    "lastModtimestamp": 1625167804,
                    "hashValue": pdq(n),
                    "hashStatus": "Active",
                    "signalType": "ImagePDQ",
                }
                for n in range(2)
            ],
        }
    ).encode(),
    "tat": json.dumps(
        {
            "count": 2,
            "next": None,
            "results": [
                {"hash_digest": md5(n), "algorithm": "MD5", "deleted": n > 0, "updated_on": 1.7e9}
                for n in range(2)
            ],
        }
    ).encode(),
    "plain": f"# pdq\n{pdq(1)}\n\n{md5(1)}\nsha256:{pdq(2)}\n{sha1(1)}\n".encode(),
    "dump": (
        f"signal_type;signal_val;bank\npdq;{pdq(1)};A\nvideo_md5;{md5(1)};B\nHASH_MD5;{md5(2)};B\n"
    ).encode(),
    "hash": "".join(
        json.dumps({"path": "a", "mode": "exact", "pdq": pdq(n), "quality": 90, "md5": md5(n)})
        + "\n"
        for n in range(3)
    ).encode(),
}
PARSERS: dict[str, Parse] = {
    "csv": csv.parse,
    "vics": vics.parse,
    "ncmec": ncmec.parse,
    "plain": plain.parse,
    "dump": csv.parse,
    "hash": hashed.parse,
    "stopncii": exchanges.stopncii,
    "vpdq-json": vpdq_array.parse,
    "tat": exchanges.tat,
}
SECONDS = 60.0
WEIRD = [
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b'"',
    b"\\ud800",
    b"<!DOCTYPE x>",
    b"&#0;",
    b"&x;",
    b"]]>",
    b"1e400",
    b"9" * 700,
    b"NaN",
    b"{" * 40,
    b"\n",
    b",",
    b"null",
    "\u2028".encode(),
]

fuzzing = settings(
    max_examples=150,
    deadline=timedelta(seconds=SECONDS),
    suppress_health_check=[HealthCheck.too_slow],
)


def check(parse: Parse, raw: bytes) -> None:
    """Only well-formed entries and refusals with a reason, or `BadInput` that names a place."""
    started = time.monotonic()
    try:
        for row in parse(io.BytesIO(raw)):
            if not isinstance(row, ListEntry):
                assert isinstance(row, Partial) or row.row >= 1
                assert row.why.isprintable()
            elif row.value:
                assert flaw(row.kind, row.value) == ""
            assert "\x00" not in repr(row)
            if isinstance(row, ListEntry):
                texts = [row.external_id, *row.provenance, *row.provenance.values()]
                assert all(text.isprintable() for text in texts)
                "".join(texts).encode()  # no lone surrogate: the database could not hold it
                if stated := row.provenance.get("timestamp"):
                    assert moment(stated) is not None
    except BadInput as error:
        place = error.why
        assert place
    assert time.monotonic() - started < SECONDS


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_the_documents_that_are_mutated_below_are_good(name: str) -> None:
    rows = list(PARSERS[name](io.BytesIO(GOOD[name])))
    assert sum(isinstance(row, ListEntry) for row in rows) >= (1 if name == "vpdq-json" else 2)


@pytest.mark.parametrize("name", sorted(PARSERS))
@fuzzing
@given(raw=st.binary(max_size=2_000))
def test_random_bytes(name: str, raw: bytes) -> None:
    check(PARSERS[name], raw)


@pytest.mark.parametrize("name", sorted(PARSERS))
@fuzzing
@given(data=st.data())
def test_good_documents_with_pieces_cut_out_doubled_or_replaced(
    name: str, data: st.DataObject
) -> None:
    raw = GOOD[name]
    for _ in range(data.draw(st.integers(1, 4))):
        first = data.draw(st.integers(0, len(raw)))
        last = data.draw(st.integers(first, min(len(raw), first + 60)))
        piece = data.draw(
            st.one_of(
                st.just(b""),
                st.sampled_from(WEIRD),
                st.binary(max_size=8),
                st.just(raw[first:last] * 2),
            )
        )
        raw = raw[:first] + piece + raw[last:]
    check(PARSERS[name], raw)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([md5(1), pdq(1), "true", "/Date(1)/", "-1"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
MEDIA_KEYS = [
    "MD5",
    "SHA1",
    "PhotoDNA",
    "Category",
    "MediaSize",
    "MediaID",
    "DateUpdated",
    "VictimIdentified",
    "AlternativeHashes",
    "Exifs",
]


@fuzzing
@given(
    media=st.lists(
        JSON_VALUES | st.dictionaries(st.sampled_from(MEDIA_KEYS), JSON_VALUES, max_size=6),
        max_size=4,
    ),
    what=st.sampled_from(["Cases", "Media"]),
)
def test_vics_with_values_of_any_type_in_any_place(media: list[object], what: str) -> None:
    context = f"http://names.example/2.0.xml/US/$metadata#{what}"
    value = media if what == "Media" else [{"Media": media}, *media]
    check(vics.parse, json.dumps({"@odata.context": context, "value": value}).encode())


@fuzzing
@given(rows=st.lists(st.lists(st.text(max_size=12), min_size=8, max_size=8), max_size=4))
def test_csv_with_any_text_in_any_field(rows: list[list[str]]) -> None:
    header = "kind,value,external_id,scheme,category,status,quality,provenance.x\n"
    quoted = (",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    check(csv.parse, (header + "\n".join(quoted)).encode("utf-8", "surrogatepass"))


@given(text=st.text(max_size=40) | st.from_regex(r"/Date\(-?[0-9]{1,20}([+-][0-9]{4})?\)/"))
def test_any_text_is_a_moment_or_none(text: str) -> None:
    read = moment(text)
    assert read is None or read.utcoffset() == timedelta(0)
