import base64
import io
from pathlib import Path

import pytest
from indicator_drawing import md5, pdq, sha1

from tutela.indicators.formats import ncmec
from tutela.indicators.model import (
    EntryStatus,
    Identity,
    Ignored,
    ListEntry,
    ParsedRow,
    Partial,
    Refusal,
    SignalKind,
)
from tutela.primitives.errors import BadInput
from tutela.taxonomy.model import Category

NAMESPACE = "https://names.example/hashsharing/v2"


def parse(document: str | bytes) -> list[ParsedRow]:
    raw = document if isinstance(document, bytes) else document.encode()
    return list(ncmec.parse(io.BytesIO(raw)))


def query_result(*records: str, namespace: str = NAMESPACE) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><queryResult xmlns="{namespace}">'
        f'<images count="1">{"".join(records)}</images></queryResult>'
    )


def record(prints: str, *, name: str = "one", tag: str = "image", extra: str = "") -> str:
    return (
        f'<{tag}><member id="42">Example Member</member><timestamp>2026-01-15T00:00:00Z'
        f"</timestamp><id>{name}</id>{extra}<fingerprints>{prints}</fingerprints></{tag}>"
    )


def entries(rows: list[ParsedRow]) -> list[ListEntry]:
    return [row for row in rows if isinstance(row, ListEntry)]


def test_every_kind_of_fingerprint_is_kept_also_those_nobody_here_can_match() -> None:
    photodna = base64.b64encode(bytes(range(144))).decode()
    rows = parse(
        query_result(
            record(
                f"<md5>{md5(1).upper()}</md5><sha1>{sha1(1)}</sha1><pdna>{photodna}</pdna>"
                f"<pdq>{pdq(1)}</pdq><netclean>Zm9v</netclean>",
                extra="<classification>A1</classification>",
            )
        )
    )
    assert [(one.kind, one.value) for one in entries(rows)] == [
        (SignalKind.MD5, bytes.fromhex(md5(1))),
        (SignalKind.SHA1, bytes.fromhex(sha1(1))),
        (SignalKind.PHOTODNA, bytes(range(144))),
        (SignalKind.PDQ, bytes.fromhex(pdq(1))),
        (SignalKind.OTHER, b"netclean:Zm9v"),
    ]
    first = entries(rows)[0]
    assert first.external_id == "42/one"
    assert first.category == Category(scheme=ncmec.SCHEME, version=ncmec.SCHEME_VERSION, code="A1")
    assert first.provenance == {
        "media": "image",
        "member_id": "42",
        "member": "Example Member",
        "timestamp": "2026-01-15T00:00:00Z",
    }


def test_a_fingerprint_given_as_a_link_is_refused_and_the_link_is_not_kept() -> None:
    rows = parse(query_result(record('<tmk-pdqf rel="self" href="/v2/entries/1/x"/>')))
    assert rows == [
        Refusal(
            row=1,
            why="tmk-pdqf: given as a link only, the fingerprint itself is not in the file",
            names=(Identity(external_id="42/one", kind=SignalKind.OTHER),),
            certain=True,
        )
    ]


def test_records_that_cannot_be_taken_are_refused_by_number() -> None:
    rows = parse(
        query_result(
            "<image><id>x</id></image>",
            record("<md5>zz</md5>"),
            record(""),
            record(f"<md5>{md5(1)}</md5>", extra="<classification>A 1!</classification>"),
            "<other/>",
            record(f"<md5>{md5(2)}\n</md5>"),
            record(f"<md5>{md5(3)}</md5>"),
        )
    )
    assert [row.row for row in rows if isinstance(row, Refusal)] == [1, 2, 3, 5]
    assert [(row.row, row.field) for row in rows if isinstance(row, Ignored)] == [(4, "category")]
    assert [one.value.hex() for one in entries(rows)] == [md5(1), md5(2), md5(3)]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("", "broken"),
        ("<a/>", "not a queryResult of Hash Sharing v2"),
        (query_result(namespace="https://names.example/hashsharing/v3"), "not a queryResult"),
        (query_result(record(f"<md5>{md5(1)}</md5>"))[:-30], "broken"),
        (query_result(record(f"<md5>{md5(1)}</md5>") + "<image>"), "after record 1"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + query_result(), "document type or entities"),
        (
            '<!DOCTYPE a SYSTEM "file:///etc/hostname"><queryResult/>',
            "document type or entities",
        ),
        (query_result(record("<md5>&undefined;</md5>")), "broken"),
        (query_result("<image>" + "<a>" * 1000), "broken"),
        (query_result("<image>" + f"<id>{'x' * 100_000}</id>" * 400), "more than 32 MiB"),
        (query_result("<image>" + "<id>x</id>" * 10_001), "more than 10,000 fields"),
        (query_result().encode("utf-16"), "broken"),
    ],
)
def test_a_broken_document_is_refused_as_a_whole(document: str | bytes, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        parse(document)


def test_a_document_type_is_found_where_two_pieces_of_the_file_meet() -> None:
    for blanks in range(65_536 - 12, 65_536):
        with pytest.raises(BadInput, match="document type"):
            parse(b"<!--" + b"x" * (blanks - 7) + b"--><!DOCTYPE a []><a/>")


def test_entities_that_multiply_are_never_expanded() -> None:
    layers = "".join(f'<!ENTITY e{n} "&e{n - 1};&e{n - 1};">' for n in range(1, 30))
    bomb = f'<!DOCTYPE q [<!ENTITY e0 "x">{layers}]>' + query_result(record("<md5>&e29;</md5>"))
    with pytest.raises(BadInput, match="document type or entities"):
        parse(bomb)


def test_the_samples_are_read(schemas: Path) -> None:
    folder = schemas / "ncmec-hashsharing-v2"
    rows = parse((folder / "entries_xml.xml").read_bytes())
    found = entries(rows)
    assert [(one.kind, one.external_id, one.status) for one in found] == [
        ("md5", "42/image1", "active"),
        ("sha1", "42/image1", "active"),
        ("other", "43/image4", "deleted"),
        ("md5", "42/video1", "active"),
        ("sha1", "42/video1", "active"),
        ("other", "42/video4", "deleted"),
    ]
    assert found[2].value == b""
    assert found[0].provenance["affirmed"] == "Md5"
    assert found[0].provenance["disputed"] == "Sha1"
    assert [row.why for row in rows if isinstance(row, Refusal)] == [
        "pdna: it is neither hexadecimal nor base64"  # the sample cuts it off with dots
    ]
    assert rows[-1] == Partial(why="it is one page of several: it names a next page")
    assert parse((folder / "entries_no_data_xml.xml").read_bytes()) == []
    rows = parse((folder / "entries_large_fingerprints.xml").read_bytes())
    assert [one.kind for one in entries(rows)] == ["md5"]
    assert len(rows) == 3
    with pytest.raises(BadInput, match="not a queryResult"):
        parse((folder / "status_xml.xml").read_bytes())


@pytest.mark.parametrize(
    "more",
    [
        f"<note>{'x' * (12 << 20)}</note>",
        f"<note>{'x' * 100_000}</note>" * 400,
        "<note/>" * 200_000,
        f"<note>{'<a/>' * 200_000}</note>",
        "<a>" * 200 + "</a>" * 200,
        f'<feedback><negativeFeedback type="Md5">{"<x/>" * 200_000}</negativeFeedback></feedback>',
        f"<classification>{'1' * (5 << 20)}</classification>",
        f"<timestamp>{'1' * 5_000}</timestamp>",
    ],
    ids=lambda more: more[:16],
)
def test_no_other_field_of_a_record_decides_over_its_hashes(more: str) -> None:
    for prints in (
        f"{more}<fingerprints><md5>{md5(1)}</md5></fingerprints>",
        f"<fingerprints><md5>{md5(1)}</md5></fingerprints>{more}",
    ):
        image = f'<image><member id="42"/><id>one</id>{prints}</image>'
        rows = parse(query_result(image + record(f"<md5>{md5(2)}</md5>")))
        assert [one.value.hex() for one in entries(rows)] == [md5(1), md5(2)]


def test_deleted_records_are_tombstones() -> None:
    [entry] = parse(
        query_result(
            '<deletedVideo><member id="7"/><id>gone</id>'
            "<timestamp>2026-02-01T00:00:00Z</timestamp></deletedVideo>"
        )
    )
    assert isinstance(entry, ListEntry)
    assert (entry.status, entry.external_id, entry.value) == (EntryStatus.DELETED, "7/gone", b"")
