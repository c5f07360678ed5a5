"""Damage any single field of any row of a full list: no hash that the row named is withdrawn.

Each format under test writes the same records; a damaged text replaces one field of one of them.
Left out are damages that make another well-formed row, because nothing shows them: a record name
is any short text, and a hash of the right length is a hash.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
from indicator_drawing import AT, md5, pdq, sha1
from sqlalchemy import select

from tutela.indicators import store
from tutela.indicators.importing import import_list
from tutela.indicators.model import Refusal
from tutela.indicators.sources import FORMATS as SOURCES
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput

Fields = Mapping[str, str]
ROWS = 4
ANY = [
    "n/a",
    "",
    "?",
    "85.0",
    "-1",
    "2024-13-45",
    "null",
    "x" * 5_000,
    " 1 ",
    "A1 of the old scale",
]
NOT_A_NAME = ["x" * 300, "\x07", "\u202e"]
NOT_A_HASH = ["", "n/a", "?", "x" * 5_000, "0" * 31, f"{md5('other')}0"]
OTHER_KIND = ["", "n/a", "sha1", "other", "photodna", "?"]
PRINTABLE_LONG = ["x" * 300, ""]


@dataclass(frozen=True, kw_only=True)
class Format:
    """How one format writes its records, and which damages each field may have."""

    fields: Callable[[int], dict[str, str]]
    write: Callable[[Sequence[Fields]], str]
    damages: Mapping[str, Sequence[str]]
    hashes: tuple[str, ...]


def _csv(rows: Sequence[Fields]) -> str:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    lines = [",".join(rows[0])]
    lines += [",".join(cell(text) for text in row.values()) for row in rows]
    return "".join(f"{line}\n" for line in lines)


def _long(number: int) -> dict[str, str]:
    return {
        "kind": "md5",
        "value": md5(number),
        "external_id": f"rec-{number}",
        "scheme": "iwf",
        "category": "A",
        "status": "active",
        "quality": "90",
        "timestamp": "2026-01-01",
    }


def _wide(number: int) -> dict[str, str]:
    return {"md5": md5(number), "sha1": sha1(number), "external_id": f"r{number}", "quality": "9"}


def _ncmec_fields(number: int) -> dict[str, str]:
    return {
        "member": "42",
        "id": f"image{number}",
        "timestamp": "2026-01-01T00:00:00Z",
        "classification": "A1",
        "md5": md5(number),
        "pdq": pdq(number),
    }


def _ncmec(rows: Sequence[Fields]) -> str:
    records = "".join(
        f"<image><member id={quoteattr(row['member'])}>M</member><id>{escape(row['id'])}</id>"
        f"<timestamp>{escape(row['timestamp'])}</timestamp>"
        f"<classification>{escape(row['classification'])}</classification>"
        f"<fingerprints><md5>{escape(row['md5'])}</md5><pdq>{escape(row['pdq'])}</pdq>"
        "</fingerprints></image>"
        for row in rows
    )
    return (
        '<queryResult xmlns="https://names.example/hashsharing/v2">'
        f'<images count="{len(rows)}">{records}</images></queryResult>'
    )


def _vics_fields(number: int) -> dict[str, str]:
    return {
        "MD5": md5(number),
        "SHA1": sha1(number),
        "Category": "1",
        "DateUpdated": "/Date(1767225600000)/",
        "MediaSize": "10",
        "HashName": "PDQ",
        "HashValue": pdq(number),
    }


def _vics(rows: Sequence[Fields]) -> str:
    media = []
    for row in rows:
        other = {key: row[key] for key in ("HashName", "HashValue")}
        plain = {key: text for key, text in row.items() if key not in other}
        media.append({**plain, "AlternativeHashes": [other]})
    context = "http://names.example/1.3.xml/US/$metadata#Media"
    return json.dumps({"odata.metadata": context, "value": media})


def _vics_nested(rows: Sequence[Fields]) -> str:
    media = [
        {
            "Media": {
                "Category": row["Category"],
                "Hashes": {"MD5": row["MD5"], "SHA1": row["SHA1"]},
                "MediaHashes": [{"Type": row["HashName"], "Value": row["HashValue"]}],
            }
        }
        for row in rows
    ]
    context = "http://names.example/2.0.xml/US/$metadata#Media"
    return json.dumps({"@odata.context": context, "value": media})


def _vpdq_fields(number: int) -> dict[str, str]:
    return {
        "external_id": f"video {number}",
        "scheme": "iwf",
        "category": "A",
        "status": "active",
        "frame": "0",
        "quality": "100",
        "hash": pdq(number),
        "timestamp": "0.0",
    }


def _vpdq(rows: Sequence[Fields]) -> str:
    frame = ("frame", "quality", "hash", "timestamp")
    return "".join(
        json.dumps(
            {key: text for key, text in row.items() if key not in frame}
            | {"frames": [",".join(row[key] for key in frame)]}
        )
        + "\n"
        for row in rows
    )


def _dump(number: int) -> dict[str, str]:
    return {"signal_type": "video_md5", "signal_val": md5(number), "bank": "A"}


def _plain(rows: Sequence[Fields]) -> str:
    return "".join(f"{row['hash']}\n" for row in rows)


def _hashed_fields(number: int) -> dict[str, str]:
    return {
        "path": f"{number}.png",
        "mode": "exact",
        "pdq": pdq(number),
        "quality": "90",
        "md5": md5(number),
        "sha256": pdq(100 + number),
        "pipeline": "x",
    }


def _hashed(rows: Sequence[Fields]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _stopncii_fields(number: int) -> dict[str, str]:
    return {
        "lastModtimestamp": "1625167804",
        "hashValue": pdq(number),
        "hashStatus": "Active",
        "signalType": "ImagePDQ",
    }


def _tat_fields(number: int) -> dict[str, str]:
    return {"hash_digest": md5(number), "algorithm": "MD5", "updated_on": "1.5"}


FORMATS = {
    "stopncii": Format(
        fields=_stopncii_fields,
        write=lambda rows: json.dumps({"hasMoreRecords": False, "hashRecords": rows}),
        damages={
            "lastModtimestamp": ANY,
            "hashValue": NOT_A_HASH,
            "hashStatus": ["perhaps", "?", ""],
            "signalType": OTHER_KIND,
        },
        hashes=("hashValue",),
    ),
    "tat": Format(
        fields=_tat_fields,
        write=lambda rows: json.dumps({"next": None, "results": rows}),
        damages={"hash_digest": NOT_A_HASH, "algorithm": OTHER_KIND, "updated_on": ANY},
        hashes=("hash_digest",),
    ),
    "dump": Format(
        fields=_dump,
        write=_csv,
        damages={"signal_type": OTHER_KIND, "signal_val": NOT_A_HASH, "bank": ANY},
        hashes=("signal_val",),
    ),
    "plain": Format(
        fields=lambda number: {"hash": md5(number)},
        write=_plain,
        damages={"hash": [text for text in NOT_A_HASH if text.strip()]},
        hashes=("hash",),
    ),
    "hash": Format(
        fields=_hashed_fields,
        write=_hashed,
        damages={
            "path": [*ANY],
            "mode": ANY[:1],
            "pdq": NOT_A_HASH,
            "quality": ANY,
            "md5": NOT_A_HASH,
            "sha256": NOT_A_HASH,
            "pipeline": ANY,
        },
        hashes=("pdq", "md5", "sha256"),
    ),
    "csv": Format(
        fields=_long,
        write=_csv,
        damages={
            "kind": OTHER_KIND,
            "value": NOT_A_HASH,
            "external_id": NOT_A_NAME,
            "scheme": ["", "a/b", "x" * 300],
            "category": ANY,
            "status": ["perhaps", "?", "x" * 300],
            "quality": ANY,
            "timestamp": ANY,
        },
        hashes=("value",),
    ),
    "csv with a column for each kind": Format(
        fields=_wide,
        write=_csv,
        damages={
            "md5": NOT_A_HASH[1:],  # an empty cell says that the row has no such hash
            "sha1": NOT_A_HASH[1:],
            "external_id": NOT_A_NAME,
            "quality": ANY,
        },
        hashes=("md5", "sha1"),
    ),
    "ncmec": Format(
        fields=_ncmec_fields,
        write=_ncmec,
        damages={
            "member": [*PRINTABLE_LONG, "a/b"],
            "id": PRINTABLE_LONG,
            "timestamp": ANY,
            "classification": ANY,
            "md5": NOT_A_HASH,
            "pdq": NOT_A_HASH,
        },
        hashes=("md5", "pdq"),
    ),
    "vics": Format(
        fields=_vics_fields,
        write=_vics,
        damages={
            "MD5": NOT_A_HASH,
            "SHA1": NOT_A_HASH[1:],
            "Category": ANY,
            "DateUpdated": ANY,
            "MediaSize": ANY,
            "HashName": ["", "n/a", "?", "md5", "x" * 300, "\x07"],
            "HashValue": NOT_A_HASH,
        },
        hashes=("MD5", "SHA1", "HashValue"),
    ),
    "vics, hashes one level down": Format(
        fields=_vics_fields,
        write=_vics_nested,
        damages={
            "MD5": NOT_A_HASH,
            "SHA1": NOT_A_HASH[1:],
            "Category": ANY,
            "HashName": ["n/a", "?", "md5", "x" * 300, "\x07"],
            "HashValue": NOT_A_HASH,
        },
        hashes=("MD5", "SHA1", "HashValue"),
    ),
    "vpdq": Format(
        fields=_vpdq_fields,
        write=_vpdq,
        damages={
            "external_id": NOT_A_NAME,
            "scheme": ["", "a/b"],
            "category": ANY,
            "status": ["perhaps", "?"],
            "frame": ["", "n/a", "-1"],
            "quality": ["", "n/a", "101"],
            "hash": NOT_A_HASH,
            "timestamp": ["", "n/a", "1e4"],
        },
        hashes=(),
    ),
}


def active(database: Database, name: str) -> dict[tuple[str, str], str]:
    """The active entries: kind and value in hexadecimal, and their record."""
    with database.begin() as tx:
        list_id = store.required(tx, name).id
        rows = tx.execute(
            select(store.ENTRIES).where(
                store.ENTRIES.c.list_id == list_id, store.ENTRIES.c.status == "active"
            )
        )
        return {(row.kind, bytes(row.value).hex()): row.external_id for row in rows}


CASES = [
    pytest.param(kind, field, id=f"{kind}, {field}")
    for kind, one in sorted(FORMATS.items())
    for field in sorted(one.damages)
]


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize(("kind", "field"), CASES)
def test_no_damage_of_one_field_withdraws_what_its_row_named(
    database: Database, tmp_path: Path, kind: str, field: str, *, complete: bool
) -> None:
    chosen, place = FORMATS[kind], tmp_path / "list"
    rows = [chosen.fields(number) for number in range(ROWS)]
    for number, text in enumerate(chosen.damages[field]):
        name, damaged = f"list {number}", number % ROWS
        place.write_text(chosen.write(rows))
        import_list(database, path=place, name=name, by="a", at=AT)
        before = active(database, name)
        again = import_list(database, path=place, name=name, by="a", at=AT, complete=True)
        assert (again.withdrawn, again.unchanged) == (0, len(before))
        # The next row stays, the two others are gone: what is damaged could be one of these.
        left = [rows[damaged] | {field: text}, rows[(damaged + 1) % ROWS]]
        place.write_text(chosen.write(left))
        try:
            import_list(database, path=place, name=name, by="a", at=AT, complete=complete)
        except BadInput:
            assert active(database, name) == before, text
            continue
        if kind == "vpdq":
            named = {one for one, record in before.items() if record == f"video {damaged}"}
        else:
            values = {rows[damaged][one] for one in chosen.hashes}
            named = {one for one in before if one[1] in values}
        assert len(named) == max(1, len(chosen.hashes))
        assert named <= set(active(database, name)), text


PLACES = {
    "csv": "line 900", "dump": "line 900", "stopncii": "line 900", "tat": "line 900",
    "vics": "after medium 899", "ncmec": "after record 899",
    "plain": 900, "hash": 900, "vpdq": 900,
}  # fmt: skip
"""Where the 900th of a thousand rows is said to be; a number where the row alone is refused."""


@pytest.mark.parametrize("kind", sorted(PLACES))
def test_a_byte_that_is_not_utf_8_is_said_to_be_where_it_is(kind: str) -> None:
    rows = [FORMATS[kind].fields(number) for number in range(1_000)]
    text = FORMATS[kind].write(rows)
    if kind in {"vics", "stopncii", "tat"}:
        text = text.replace("}, {", "},\n{")
    lines = text.replace("</image>", "</image>\n").encode().split(b"\n")
    at = 899
    damaged = lines[at].replace(b"</id>", b"\xe9</id>") if kind == "ncmec" else None
    lines[at] = damaged or lines[at][:-3] + b"\xe9" + lines[at][-3:]
    parse = SOURCES["csv" if kind == "dump" else kind]
    expected = PLACES[kind]
    if isinstance(expected, int):
        refused = [one for one in parse(BytesIO(b"\n".join(lines))) if isinstance(one, Refusal)]
        assert [one.row for one in refused] == [expected]
        return
    with pytest.raises(BadInput) as caught:
        list(parse(BytesIO(b"\n".join(lines))))
    assert caught.value.why.startswith(expected)
    assert "UTF-8" in caught.value.why + caught.value.remedy
