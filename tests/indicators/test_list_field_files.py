"""Files as the field passes them on: plain hashes, dumps of banks, rows of `tutela hash`."""

import io
import json
from pathlib import Path

import pytest
from indicator_drawing import md5, pdq, sha1

from tutela.indicators.formats import csv, exchanges, hashed, plain, vpdq_array
from tutela.indicators.model import ListEntry, ParsedRow, Partial, Refusal
from tutela.indicators.sources import format_of
from tutela.primitives.errors import BadInput


def hashes(rows: list[ParsedRow]) -> list[tuple[str, str, int]]:
    return [(row.kind, row.value.hex(), row.row) for row in rows if isinstance(row, ListEntry)]


def refused(rows: list[ParsedRow]) -> list[int]:
    return [row.row for row in rows if isinstance(row, Refusal)]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_one_hash_a_line(mark: bytes, end: str) -> None:
    lines = ["# a list", md5(1).upper(), "", f"  {sha1(1)} ", "sha-256: " + pdq(1), "pdq:" + pdq(2)]
    lines += ["nonsense", "# PDQ", pdq(3), "# sha256", pdq(4)]
    rows = list(plain.parse(io.BytesIO(mark + end.join([*lines, ""]).encode())))
    assert hashes(rows) == [
        ("md5", md5(1), 2),
        ("sha1", sha1(1), 4),
        ("sha256", pdq(1), 5),
        ("pdq", pdq(2), 6),
        ("pdq", pdq(3), 9),
        ("sha256", pdq(4), 11),
    ]
    assert refused(rows) == [7]


def test_64_digits_of_which_nobody_says_the_kind_are_taken_as_both() -> None:
    rows = list(plain.parse(io.BytesIO(f"{pdq(1)}\n".encode())))
    assert hashes(rows) == [("pdq", pdq(1), 1), ("sha256", pdq(1), 1)]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_dump_of_banks(separator: str) -> None:
    lines = [
        ["signal_type", "signal_val", "bank"],
        ["pdq", pdq(1), "A"],
        ["video_md5", md5(1), "B"],
        ["HASH_MD5", md5(2), "B"],
        ["raw_text", "some words", "B"],
    ]
    text = "".join(separator.join(line) + "\n" for line in lines)
    rows = list(csv.parse(io.BytesIO(text.encode())))
    assert hashes(rows) == [("pdq", pdq(1), 2), ("md5", md5(1), 3), ("md5", md5(2), 4)]
    assert refused(rows) == [5]
    assert next(row.provenance for row in rows if isinstance(row, ListEntry)) == {"bank": "A"}


def test_rows_of_tutela_hash() -> None:
    row = {
        "path": "Person A.png",
        "mode": "exact",
        "pdq": pdq(1),
        "quality": 90,
        "md5": md5(1),
        "sha1": sha1(1),
        "sha256": pdq(9),
        "pipeline": "x",
        "further": [{"form": "frame", "number": 2, "of": 2, "pdq": pdq(2), "quality": 80}],
        "dihedral": {"original": pdq(1), "rotate90": pdq(3)},
    }
    error = {"path": "b", "mode": "exact", "error": "no picture", "md5": md5(2)}
    text = "".join(json.dumps(one) + "\n" for one in (row, error))
    rows = list(hashed.parse(io.BytesIO(text.encode())))
    entries = [one for one in rows if isinstance(one, ListEntry)]
    assert sorted((one.kind, one.value.hex(), one.quality) for one in entries) == [
        ("md5", md5(1), None),
        ("pdq", pdq(1), 90),
        ("pdq", pdq(2), 80),
        ("sha1", sha1(1), None),
        ("sha256", pdq(9), None),
    ]
    assert {one.external_id for one in entries} == {pdq(9)}
    assert "Person A" not in repr(rows)
    assert refused(rows) == [2]


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        (f"{md5(1)}\n", "plain"),
        (f"# hashes\n\n{pdq(1)}\n", "plain"),
        (f"sha256:{pdq(1)}\n", "plain"),
        (f"signal_type,signal_val,bank\npdq,{pdq(1)},A\n", "csv"),
        ("sep=;\nkind;value\n", "csv"),
        (json.dumps({"path": "a", "mode": "exact", "pdq": pdq(1)}) + "\n", "hash"),
    ],
)
def test_the_format_is_found_out(tmp_path: Path, text: str, format_: str) -> None:
    file = tmp_path / "list"
    file.write_text(text, encoding="utf-8-sig")
    assert format_of(file, None) == format_


@pytest.mark.parametrize("text", ["hello\n", f"{md5(1)}0\n", "a;b;c\n", f"{md5(1)} x.png\n"])
def test_what_is_like_no_format_is_refused_with_the_option(tmp_path: Path, text: str) -> None:
    file = tmp_path / "list"
    file.write_text(text)
    with pytest.raises(BadInput) as caught:
        format_of(file, None)
    assert "Cannot detect the list format" in caught.value.what
    assert "--format csv" in caught.value.remedy


def test_the_frames_of_a_film_in_a_row_are_a_video(tmp_path: Path) -> None:
    film = {"frames_total": 1, "frames": [f"0,100,{pdq(1)},0.0"]}
    rows = [
        {"path": "a", "mode": "exact", **film, "sha256": pdq(9), "further_videos": [film]},
        {"path": "b", "mode": "exact", **film, "frames_left_out": 7, "sha256": pdq(8)},
    ]
    file = tmp_path / "rows"
    file.write_text("".join(json.dumps(one) + "\n" for one in rows))
    assert format_of(file, None) == "hash"
    found = list(hashed.parse(io.BytesIO(file.read_bytes())))
    assert [row.kind for row in found if isinstance(row, ListEntry)] == [
        *["vpdq", "vpdq", "sha256"],
        "sha256",
    ]
    [refusal] = [row for row in found if isinstance(row, Refusal)]
    assert (refusal.row, "--vpdq" in refusal.why) == (2, True)


def test_stopncii_says_what_is_withdrawn_and_that_more_pages_follow(tmp_path: Path) -> None:
    records: list[dict[str, object]] = [
        {"hashValue": pdq(number), "hashStatus": status, "signalType": "ImagePDQ"}
        for number, status in enumerate(["Active", "Received", "Withdrawn", "Deleted", "New"])
    ]
    records[0] |= {"lastModtimestamp": 1625175071, "caseNumbers": {"x": "Active"}}
    records.append({"hashValue": md5(1), "hashStatus": "Active", "signalType": "VideoMD5"})
    records.append({"hashValue": "some words", "hashStatus": "Active", "signalType": "Text"})
    raw = '{"count": 7, "hasMoreRecords": true, "hashRecords": [%s]}'
    file = tmp_path / "list.json"
    texts = [json.dumps(one) if one is not records[1] else _huge(one) for one in records]
    file.write_text(raw % ",".join(texts), encoding="utf-8-sig")
    assert format_of(file, None) == "stopncii"
    rows = list(exchanges.stopncii(io.BytesIO(file.read_bytes())))
    entries = [one for one in rows if isinstance(one, ListEntry)]
    assert [(one.kind, one.status) for one in entries] == [
        ("pdq", "active"),
        ("pdq", "active"),
        ("pdq", "withdrawn"),
        ("pdq", "deleted"),
        ("md5", "active"),
    ]
    assert entries[0].provenance == {"timestamp": "2021-07-01T21:31:11Z"}
    assert refused(rows) == [5, 7]
    assert [type(one) for one in rows].count(Partial) == 1


def _huge(record: dict[str, object]) -> str:
    """JSON with a number that Python would not write."""
    return json.dumps(record | {"lastModtimestamp": 7}).replace(": 7", ": " + "9" * 5_000)


def test_tech_against_terrorism_says_what_is_deleted(tmp_path: Path) -> None:
    results = [
        {"hash_digest": md5(1), "algorithm": "MD5", "deleted": False, "updated_on": 1704901040.22},
        {"hash_digest": pdq(1), "algorithm": "PDQ", "deleted": True, "id": 2},
        {"hash_digest": pdq(2), "algorithm": "SHA256", "deleted": "perhaps"},
    ]
    file = tmp_path / "list.json"
    file.write_text(json.dumps({"count": 3, "next": None, "previous": None, "results": results}))
    assert format_of(file, None) == "tat"
    rows = list(exchanges.tat(io.BytesIO(file.read_bytes())))
    entries = [one for one in rows if isinstance(one, ListEntry)]
    assert [(one.kind, one.status) for one in entries] == [("md5", "active"), ("pdq", "deleted")]
    assert entries[0].provenance == {"timestamp": "2024-01-10T15:37:20Z"}
    assert refused(rows) == [3]
    assert not any(isinstance(one, Partial) for one in rows)


@pytest.mark.parametrize("indent", [None, 2])
def test_vpdq_as_threatexchange_stores_it(tmp_path: Path, indent: int | None) -> None:
    file = tmp_path / "video.json"
    frames: list[list[object]] = [
        [f"{pdq(n)},100,{n}.000" for n in range(3)],
        [f"{n},100,{pdq(n)},{n}.0" for n in range(3)],
        [{"hash": pdq(n), "quality": 100, "timestamp": float(n)} for n in range(3)],
    ]
    for one in frames:
        file.write_text(json.dumps(one, indent=indent), encoding="utf-8-sig")
        assert format_of(file, None) == "vpdq-json"
        [entry] = list(vpdq_array.parse(io.BytesIO(file.read_bytes())))
        assert isinstance(entry, ListEntry)
        assert entry.video is not None
        assert [frame.pdq.hex for frame in entry.video.frames] == [pdq(n) for n in range(3)]
        assert [frame.timestamp_s for frame in entry.video.frames] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("bad", ["zz,100,1.0", 7, None, {"hash": "zz"}, ""])
def test_a_video_with_a_frame_that_cannot_be_read_is_refused(bad: object) -> None:
    raw = json.dumps([f"{pdq(1)},100,0.0", bad]).encode()
    [refusal] = list(vpdq_array.parse(io.BytesIO(raw)))
    assert isinstance(refusal, Refusal)
    assert refusal.why.startswith("frame 2")
