"""A row that cannot be read is not a row that is gone; a side field never decides over a hash."""

from datetime import timedelta
from pathlib import Path

import pytest
from indicator_drawing import AT, Import, md5, pdq, sha1
from sqlalchemy import select

from tutela.indicators import store
from tutela.indicators.model import Imported
from tutela.ledger.store import lines
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput

FAULTS = Path(__file__).parent / "faults"
HEADER = "kind,value,external_id,status,quality\n"


def row(number: int, *, kind: str = "md5", value: str = "", more: str = ",") -> str:
    return f"{kind},{value or md5(number)},rec-{number},{more}\n"


def active(database: Database) -> set[tuple[str, str]]:
    """Hash and record of each entry that may match."""
    with database.begin() as tx:
        rows = tx.execute(select(store.ENTRIES).where(store.ENTRIES.c.status == "active"))
        return {(bytes(one.value).hex(), one.external_id) for one in rows}


def sizes(done: Imported) -> tuple[int, int, int, int]:
    return (done.withdrawn, done.refused_total, done.kept_unreadable, done.ignored_total)


def test_a_quality_in_another_form_withdraws_nothing(
    database: Database, import_text: Import
) -> None:
    import_text((FAULTS / "k1-first.csv").read_text())
    before = active(database)
    done = import_text((FAULTS / "k1-second.csv").read_text(), complete=True)
    assert sizes(done) == (0, 0, 0, 1)
    assert [(one.row, one.field) for one in done.ignored] == [(3, "quality")]
    assert active(database) == before


def test_an_unread_side_field_leaves_what_was_stored(
    database: Database, import_text: Import
) -> None:
    header = "kind,value,quality,scheme,scheme_version,category\n"
    import_text(f"{header}pdq,{pdq(1)},90,iwf,2024,A\n")
    import_text(f"{header}pdq,{pdq(1)},n/a,,2024,A\n")
    with database.begin() as tx:
        entry = tx.execute(select(store.ENTRIES)).one()
    assert (entry.quality, entry.scheme, entry.category_code) == (90, "iwf", "A")
    import_text(f"{header}pdq,{pdq(1)},,,,\n")
    with database.begin() as tx:
        entry = tx.execute(select(store.ENTRIES)).one()
    assert (entry.quality, entry.scheme, entry.category_code) == (None, None, None)


def test_a_classification_that_is_too_long_leaves_the_record_as_it_was(
    database: Database, import_text: Import
) -> None:
    import_text((FAULTS / "n1.xml").read_bytes())
    before = active(database)
    done = import_text((FAULTS / "n4.xml").read_bytes())
    assert (done.withdrawn, done.ignored_total) == (0, 1)
    assert active(database) == before
    with database.begin() as tx:
        assert set(tx.execute(select(store.ENTRIES.c.category_code)).scalars()) == {"A1"}


@pytest.mark.parametrize(
    "damaged",
    [
        row(2, value="zz"),
        row(2, kind="mdfive"),
        row(2, kind="sha1"),
        row(2, kind="other"),
        row(2, more="perhaps,"),
        f"md5,{md5(2)},rec-2\n",
        f"md5,{md5(2)}\n",
        "md5,rec-2,,\n",
        f"md5,{md5(2)},{'x' * 300},,\n",
        f"md5, {md5(2)} ,rec-2,,x\n",
    ],
)
def test_what_a_damaged_row_names_stays_in_the_full_list(
    database: Database, import_text: Import, damaged: str
) -> None:
    import_text(HEADER + row(1) + row(2) + row(3))
    done = import_text(HEADER + row(1) + damaged, complete=True)
    assert (md5(2), "rec-2") in active(database)
    assert (md5(3), "rec-3") not in active(database)
    assert done.withdrawn == 1


def test_a_row_that_could_be_any_entry_refuses_the_full_list_and_changes_nothing(
    database: Database, import_text: Import
) -> None:
    import_text(HEADER + row(1) + row(2) + row(3))
    before = active(database)
    for damaged in ("md5,zz,,,\n", ",,,,\n", "###\n", "###,###,###,,\n", '"",\n'):
        with pytest.raises(BadInput, match="row 4 cannot be read"):
            import_text(HEADER + row(1) + row(4) + damaged, complete=True)
        assert active(database) == before
    # Where the other rows list everything that is known, it can name nothing that would be lost.
    assert import_text(HEADER + row(1) + row(2) + row(3) + "###\n", complete=True).withdrawn == 0


def test_a_new_record_that_cannot_be_read_does_not_keep_the_old_ones(
    database: Database, import_text: Import
) -> None:
    import_text(HEADER + row(1) + row(2))
    done = import_text(HEADER + row(1) + row(9, value="zz"), complete=True)
    assert sizes(done) == (1, 1, 0, 0)
    assert active(database) == {(md5(1), "rec-1")}


def test_an_entry_stored_without_its_record_stays_when_the_record_comes_with_a_damaged_hash(
    database: Database, import_text: Import
) -> None:
    import_text(f"kind,value\nmd5,{md5(1)}\nmd5,{md5(2)}\n")
    done = import_text(HEADER + row(1) + row(2, value="zz"), complete=True)
    assert (md5(2), "") in active(database)
    assert done.kept_unreadable == 2


def test_the_answer_and_the_ledger_count_what_was_kept(
    database: Database, import_text: Import
) -> None:
    import_text(HEADER + row(1) + row(2))
    done = import_text(HEADER + row(1, more=",x") + row(2, more="perhaps,"), complete=True)
    assert sizes(done) == (0, 1, 1, 1)
    with database.begin() as tx:
        line = list(lines(tx, subject=done.list_id))[-1]
        past = store.imports_of(tx, done.list_id)[0]
        ignored = store.ignored_of(tx, done.id)
    assert (line.detail["kept_unreadable"], line.detail["ignored_total"]) == (1, 1)
    assert (past.kept_unreadable, past.ignored_total) == (1, 1)
    assert tuple(ignored) == done.ignored


@pytest.mark.parametrize("cut", [3, 20, 60, 1])
def test_a_csv_that_was_cut_in_a_row_is_not_the_full_list(
    database: Database, import_text: Import, cut: int
) -> None:
    header = "kind,value,quality,external_id\n"
    full = header + "".join(f"md5,{md5(n)},,record {n}0\n" for n in range(4))
    import_text(full)
    before = active(database)
    with pytest.raises(BadInput, match="cannot be the complete list"):
        import_text(full[: -len(f"md5,{md5(3)},,record 30\n") - cut], complete=True)
    assert active(database) == before


def test_a_row_that_ends_with_a_whole_hash_needs_no_line_end(import_text: Import) -> None:
    import_text(f"kind,value\nmd5,{md5(1)}\nmd5,{md5(2)}\n")
    assert import_text(f"kind,value\nmd5,{md5(1)}", complete=True).withdrawn == 1


def ncmec(records: str, *, more: str = "", count: str = "") -> str:
    told = f' count="{count}"' if count else ""
    return (
        '<queryResult xmlns="https://names.example/hashsharing/v2">'
        f"<images{told}>{records}</images>{more}</queryResult>"
    )


def image(name: str, prints: str, *, minute: int = 0) -> str:
    return (
        f'<image><member id="1"/><timestamp>2026-01-01T00:{minute:02}:00Z</timestamp>'
        f"<id>{name}</id><fingerprints>{prints}</fingerprints></image>"
    )


@pytest.mark.parametrize(
    "page",
    [
        {"more": "<paging><next>/v2/entries?start=1001</next></paging>"},
        {"count": "3"},
    ],
)
def test_one_page_of_several_is_not_the_full_list(
    database: Database, import_text: Import, page: dict[str, str]
) -> None:
    first, second = (image(name, f"<md5>{md5(name)}</md5>") for name in "ab")
    import_text(ncmec(first + second))
    before = active(database)
    with pytest.raises(BadInput, match="cannot be the complete list"):
        import_text(ncmec(first, **page), complete=True)
    assert active(database) == before
    assert import_text(ncmec(first, more="<paging/>", count="1"), complete=True).withdrawn == 1


def test_a_record_with_an_unreadable_hash_keeps_what_it_may_have_listed(
    database: Database, import_text: Import
) -> None:
    prints = f"<md5>{md5(1)}</md5><sha1>{sha1(1)}</sha1><pdq>{pdq(1)}</pdq>"
    import_text(ncmec(image("x", prints)))
    damaged = f"<md5>{md5(1)[:-1]}?</md5><sha1>{sha1(2)}</sha1>"
    done = import_text(ncmec(image("x", damaged, minute=1)))
    assert active(database) == {(md5(1), "1/x"), (sha1(2), "1/x")}
    assert (done.withdrawn, done.kept_unreadable) == (2, 1)


def test_a_link_in_place_of_one_fingerprint_keeps_only_those_of_its_kind(
    database: Database, import_text: Import
) -> None:
    import_text(ncmec(image("x", f"<md5>{md5(1)}</md5><tmk>abc</tmk>")))
    linked = f'<md5>{md5(2)}</md5><tmk href="/v2/x"/>'
    done = import_text(ncmec(image("x", linked, minute=1)))
    assert (md5(1), "1/x") not in active(database)
    assert (done.added, done.withdrawn, done.kept_unreadable) == (1, 1, 1)


def test_a_medium_whose_key_cannot_be_read_is_found_by_its_other_hash(
    database: Database, import_text: Import
) -> None:
    context = "http://names.example/1.3.xml/US/$metadata#Media"

    def vics(*media: str) -> str:
        return f'{{"odata.metadata": "{context}", "value": [{", ".join(media)}]}}'

    def medium(number: int, key: str = "") -> str:
        return f'{{"MD5": "{key or md5(number)}", "SHA1": "{sha1(number)}", "Category": 1}}'

    import_text(vics(medium(1), medium(2), medium(3)))
    import_text(vics(medium(1), medium(2, "?"), medium(4, "?")))
    done = import_text(vics(medium(1), medium(2, "?")), complete=True)
    assert active(database) == {
        (value, md5(number)) for number in (1, 2) for value in (md5(number), sha1(number))
    }
    assert done.withdrawn == 3
    with pytest.raises(BadInput, match="row 2 cannot be read"):
        import_text(vics(medium(1), medium(9, "?")), complete=True)
    next_page = vics(medium(1))[:-1] + ', "@odata.nextLink": "x"}'
    with pytest.raises(BadInput, match="next page"):
        import_text(next_page, complete=True)


def test_a_hash_without_its_record_takes_the_name_when_it_comes(
    database: Database, import_text: Import
) -> None:
    import_text(f"{HEADER}md5,{md5(1)},{'x' * 300},,\n")
    assert active(database) == {(md5(1), "")}
    import_text(HEADER + row(1))
    assert active(database) == {(md5(1), "rec-1")}
    import_text(f"{HEADER}md5,{md5(1)},{'x' * 300},,\n")
    assert active(database) == {(md5(1), "rec-1")}


DATED = "kind,value,timestamp,provenance\n"


@pytest.mark.parametrize(
    "date",
    [
        "2062-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00",
        "1970-01-01",
        "1601-01-01",
    ],
)
def test_a_date_that_is_none_neither_holds_an_entry_nor_loses_a_correction(
    database: Database, import_text: Import, date: str
) -> None:
    def note() -> tuple[str, str]:
        with database.begin() as tx:
            entry = tx.execute(select(store.ENTRIES)).one()
        return entry.provenance["source"], entry.status

    import_text(f"{DATED}md5,{md5(1)},2024-05-01,first\n")
    done = import_text(f"{DATED}md5,{md5(1)},{date},second\n")
    assert note() == ("second", "active")
    assert [one.field for one in done.ignored] == (["timestamp"] if date > "2026" else [])
    import_text(f"{DATED}md5,{md5(1)},2024-04-01,older\n")
    assert note() == ("second", "active")
    import_text(f"{DATED}md5,{md5(1)},2024-06-01,third\n")
    assert note() == ("third", "active")
    import_text(f"kind,value,timestamp,status\nmd5,{md5(1)},{date},withdrawn\n")
    assert note() == ("third", "withdrawn")


def test_a_date_a_little_ahead_counts_and_a_stored_one_far_ahead_does_not(
    database: Database, import_text: Import
) -> None:
    tomorrow = f"{AT + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    import_text(f"{DATED}md5,{md5(1)},{tomorrow},first\n")
    import_text(f"{DATED}md5,{md5(1)},2026-11-21,older\n")
    with database.begin() as tx:
        assert tx.execute(select(store.ENTRIES)).one().provenance["source"] == "first"
    # A clock that was wrong at the first import is put right at the second.
    import_text(f"{DATED}md5,{md5(1)},2025-11-21,second\n", at=AT - timedelta(days=365))
    with database.begin() as tx:
        assert tx.execute(select(store.ENTRIES)).one().provenance["source"] == "second"


def test_an_unset_date_lets_a_vics_correction_through(
    database: Database, import_text: Import
) -> None:
    import_text((FAULTS / "min-v1.json").read_bytes())
    import_text((FAULTS / "min-v3.json").read_bytes())
    with database.begin() as tx:
        assert tx.execute(select(store.ENTRIES)).one().category_code == "0"


def test_within_one_file_the_newer_row_holds_and_an_undated_one_holds_by_its_place(
    database: Database, import_text: Import
) -> None:
    header = "kind,value,external_id,timestamp,status\n"
    import_text(
        header
        + f"md5,{md5(1)},a,2024-06-01,active\nmd5,{md5(1)},a,2024-05-01,withdrawn\n"
        + f"md5,{md5(2)},a,2024-06-01,active\nmd5,{md5(2)},,,withdrawn\n"
        + f"md5,{md5(3)},,2024-06-01,withdrawn\nmd5,{md5(3)},a,,active\n"
    )
    assert active(database) == {(md5(1), "a"), (md5(3), "a")}
