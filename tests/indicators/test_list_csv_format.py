import io
from collections.abc import Generator

import pytest
from indicator_drawing import md5, pdq, sha1

from tutela.indicators.formats import csv
from tutela.indicators.model import EntryStatus, Ignored, ListEntry, ParsedRow, Refusal, SignalKind
from tutela.primitives.errors import BadInput
from tutela.taxonomy.model import Category


def parse(text: str | bytes) -> list[ParsedRow]:
    return list(csv.parse(io.BytesIO(text if isinstance(text, bytes) else text.encode())))


def test_every_documented_column_is_read() -> None:
    header = "kind,value,external_id,scheme,scheme_version,category,status,quality,timestamp"
    row = f"pdq,{pdq(1)},rec-1,IWF,2024,A,withdrawn,77,2026-01-15T01:00:00+01:00"
    [entry] = parse(f"{header},provenance,provenance.desk\n{row},Hotline X,night\n")
    assert entry == ListEntry(
        kind=SignalKind.PDQ,
        value=bytes.fromhex(pdq(1)),
        external_id="rec-1",
        category=Category(scheme="iwf", version="2024", code="A"),
        status=EntryStatus.WITHDRAWN,
        quality=77,
        provenance={
            "timestamp": "2026-01-15T00:00:00Z",
            "source": "Hotline X",
            "desk": "night",
        },
    )


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_byte_order_mark_and_either_line_end_are_fine(mark: bytes, end: bytes) -> None:
    lines = [b"Kind,Value", b"MD5," + md5(1).upper().encode(), b"", b"sha1," + sha1(1).encode()]
    entries = parse(mark + end.join(lines) + end)
    assert [entry.kind for entry in entries if isinstance(entry, ListEntry)] == ["md5", "sha1"]


def test_a_column_for_each_kind_is_fine_too() -> None:
    rows = parse(f"md5,pdq,external_id\n{md5(1)},{pdq(1)},a\n{md5(2)},,b\n,,c\n{md5(3)},zz,d\n")
    kinds = [(row.kind, row.external_id) for row in rows if isinstance(row, ListEntry)]
    assert kinds == [("md5", "a"), ("pdq", "a"), ("md5", "b"), ("md5", "d")]
    assert [(row.row, row.why) for row in rows if isinstance(row, Refusal)] == [
        (4, "it holds no hash"),
        (5, "pdq: it contains something that is no hexadecimal digit"),
    ]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ('pdq,"{pdq}\nx",,,,', "hexadecimal"),
        ("pdq,{pdq}_,,,,", "hexadecimal"),
        ("pdq,{short},,,,", "63 hexadecimal digits"),
        ("mdd5,{md5},,,,", "the kind is not one of"),
        ("md5,{md5},iwf,A,gone,", "status"),
        ("md5,{md5}", "2 fields"),
    ],
)
def test_a_row_that_cannot_be_taken_is_refused_and_the_next_goes_on(row: str, why: str) -> None:
    text = row.format(pdq=pdq(1), md5=md5(1), short=pdq(1)[:-1])
    refusal, entry = parse(f"kind,value,scheme,category,status,quality\n{text}\nmd5,{md5(2)},,,,\n")
    assert isinstance(refusal, Refusal)
    assert why in refusal.why
    assert pdq(1)[:20] not in refusal.why  # never its content
    assert isinstance(entry, ListEntry)


@pytest.mark.parametrize(
    ("row", "field", "why"),
    [
        ("md5,{md5},,A,,,", "category", "it has no scheme"),
        ("md5,{md5},a/b,A,,,", "category", "slash"),
        ("md5,{md5},,,,101,", "quality", "0 to 100"),
        ("md5,{md5},,,,-1,", "quality", "0 to 100"),
        ("md5,{md5},,,,85.5,", "quality", "0 to 100"),
        ("md5,{md5},,,,,01.02.2024", "timestamp", "ISO 8601"),
    ],
)
def test_a_side_field_that_cannot_be_read_is_left_out_and_the_hash_is_taken(
    row: str, field: str, why: str
) -> None:
    header = "kind,value,scheme,category,status,quality,timestamp"
    ignored, entry = parse(f"{header}\n{row.format(md5=md5(1))}\n")
    assert isinstance(ignored, Ignored)
    assert (ignored.row, ignored.field) == (2, field)
    assert why in ignored.why
    assert isinstance(entry, ListEntry)
    assert (entry.value.hex(), entry.unread) == (md5(1), {field})


def test_an_unknown_column_is_left_out_and_told_once() -> None:
    header = "kind,value,colour,provenance.timestamp\n"
    rows = parse(f"{header}md5,{md5(1)},x,y\nmd5,{md5(2)},,\n")
    assert [(one.row, one.why) for one in rows if isinstance(one, Ignored)] == [
        (1, "column 3 is not one of ours, so it is not read"),
        (1, "column 4 is not one of ours, so it is not read"),
    ]
    assert [one.unread for one in rows if isinstance(one, ListEntry)] == [frozenset()] * 2


def test_blanks_round_a_hash_and_a_quality_with_a_point_are_read() -> None:
    rows = parse(f'kind,value,quality\nmd5, {md5(1)} ,\npdq,"{pdq(1)}\n",85.0\n')
    assert [(one.value.hex(), one.quality) for one in rows if isinstance(one, ListEntry)] == [
        (md5(1), None),
        (pdq(1), 85),
    ]


def test_a_timestamp_without_a_zone_is_utc_whatever_the_machine_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    [entry] = parse(f"kind,value,timestamp\nmd5,{md5(1)},2026-01-15 10:00:00\n")
    assert isinstance(entry, ListEntry)
    assert entry.provenance["timestamp"] == "2026-01-15T10:00:00Z"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "neither"),
        ("a,b\n1,2\n", "neither"),
        ("kind,value,statsu\n", "column 3 is not one of ours, and nearly status"),
        ("kind,value,categories\n", "nearly category"),
        ("kind,value,md5\n", "nearly md5"),
        ("kind,value,kind\n", "twice"),
        (f'kind,value\nmd5,{md5(1)}\nmd5,"open\n', "line 3"),
        ("kind,value\nmd5," + "a" * (17 << 20), "longer than"),
    ],
)
def test_a_broken_file_is_refused_as_a_whole_and_the_place_is_named(text: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        parse(text)


def test_text_that_is_not_utf8_names_the_line() -> None:
    with pytest.raises(BadInput, match="UTF-8"):
        parse(b"kind,value\nmd5,\xff\xfe\n")


def test_who_breaks_off_and_closes_the_stream_hears_nothing_more() -> None:
    stream = io.BytesIO(f"kind,value\nmd5,{md5(1)}\nmd5,{md5(2)}\n".encode())
    rows = csv.parse(stream)
    assert isinstance(next(rows), ListEntry)
    stream.close()
    assert isinstance(rows, Generator)
    rows.close()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("said", ["", "sep={}\n", "\ufeffsep={}\r\n", '"SEP={}"\n'])
def test_fields_are_separated_as_spreadsheets_do(separator: str, said: str) -> None:
    lines = [["kind", "value", "external_id"], ["md5", md5(1), "a,b;c"], ["md5", "zz", ""]]
    text = "".join(separator.join(f'"{cell}"' for cell in line) + "\n" for line in lines)
    entry, refusal = parse(said.format(separator) + text)
    assert isinstance(entry, ListEntry)
    assert (entry.value.hex(), entry.external_id) == (md5(1), "a,b;c")
    assert entry.row == 2 + bool(said)
    assert isinstance(refusal, Refusal)
    assert refusal.row == 3 + bool(said)


@pytest.mark.parametrize("first_line", ["sep=;", "kind;value", "kind\tvalue", "md5,pdq,,"])
def test_the_header_is_recognised_with_every_separator(first_line: str) -> None:
    assert csv.recognises(first_line)


def test_empty_columns_after_the_last_one_are_passed_over() -> None:
    rows = parse(f"kind,value,,,\nmd5,{md5(1)},,,\nmd5,{md5(2)}\nmd5,{md5(3)},,x,\n")
    assert [row.value.hex() for row in rows if isinstance(row, ListEntry)] == [md5(1), md5(2)]
    [refusal] = [row for row in rows if isinstance(row, Refusal)]
    assert refusal.row == 4


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("line", [2, 5, 900, 2_000])
def test_text_of_another_encoding_is_refused_with_its_very_line(end: str, line: int) -> None:
    rows = ["kind,value,provenance", *(f"md5,{md5(number)},x" for number in range(2, 2_100))]
    rows[line - 1] = rows[line - 1] + "\xe9"
    with pytest.raises(BadInput) as caught:
        parse("".join(row + end for row in rows).encode("latin-1"))
    assert f"line {line}: this is not UTF-8" in caught.value.why
    assert "Save the file as UTF-8" in caught.value.remedy


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_refused_with_what_to_do(encoding: str) -> None:
    text = f"\ufeffkind\tvalue\nmd5\t{md5(1)}\n" if "be" in encoding else "kind\tvalue\n"
    with pytest.raises(BadInput) as caught:
        parse(text.encode(encoding))
    assert "UTF-16" in caught.value.why
    assert "CSV UTF-8" in caught.value.remedy


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("kind,hash", "the column value is missing"),
        ("value", "the column kind is missing"),
        ("sep=;\nkind,value", "line 2"),
    ],
)
def test_a_refused_header_says_what_is_missing_and_how_to_separate(header: str, why: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(f"{header}\n")
    assert why in caught.value.why
    assert "commas, semicolons or tabs" in caught.value.remedy
