"""Importing on a real PostgreSQL: idempotent, whole or not at all, in bounded memory."""

import threading
import tracemalloc
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from indicator_drawing import AT, Import, md5, pdq, sha1
from sqlalchemy import func, select, text

from tutela.indicators import listing, sources, store
from tutela.indicators.importing import import_list
from tutela.indicators.model import Imported, SignalKind
from tutela.ledger.store import lines
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, NotFound, Unavailable
from tutela.primitives.ids import ListId

HEADER = "kind,value,external_id,scheme,scheme_version,category,status\n"


def csv_of(*numbers: int, status: str = "", record: str = "") -> str:
    rows = [f"md5,{md5(one)},{record},iwf,2024,A,{status}\n" for one in numbers]
    return HEADER + "".join(rows)


def counts(one: Imported) -> tuple[int, int, int, int, int]:
    return (one.added, one.updated, one.withdrawn, one.unchanged, one.refused_total)


def snapshot(database: Database) -> list[Any]:
    with database.begin() as tx:
        return list(tx.execute(select(store.ENTRIES).order_by(store.ENTRIES.c.id)))


def statuses(database: Database) -> dict[str, str]:
    with database.begin() as tx:
        rows = tx.execute(select(store.ENTRIES.c.value, store.ENTRIES.c.status))
        return {bytes(value).hex(): status for value, status in rows}


def test_importing_twice_changes_nothing(database: Database, import_text: Import) -> None:
    first = import_text(csv_of(1, 2, 3))
    assert counts(first) == (3, 0, 0, 0, 0)
    before = snapshot(database)
    again = import_text(csv_of(1, 2, 3), at=AT + timedelta(hours=1))
    assert counts(again) == (0, 0, 0, 3, 0)
    assert snapshot(database) == before
    assert again.list_id == first.list_id


def test_category_provenance_and_first_sight_are_stored(
    database: Database, import_text: Import
) -> None:
    import_text(f"{HEADER.strip()},timestamp,provenance\nmd5,{md5(1)},r,iwf,2024,A,,2026-01-01,X\n")
    [entry] = snapshot(database)
    assert (entry.scheme, entry.scheme_version, entry.category_code) == ("iwf", "2024", "A")
    assert entry.provenance == {"timestamp": "2026-01-01T00:00:00Z", "source": "X"}
    assert entry.first_seen == AT
    assert entry.source_at.isoformat() == "2026-01-01T00:00:00+00:00"


def test_a_changed_category_is_an_update_and_takes_the_next_number(
    database: Database, import_text: Import
) -> None:
    import_text(csv_of(1, 2))
    before = snapshot(database)
    changed = import_text(csv_of(1, 2).replace(f"{md5(2)},,iwf,2024,A", f"{md5(2)},,iwf,2024,B"))
    assert counts(changed) == (0, 1, 0, 1, 0)
    after = snapshot(database)
    assert after[0] == before[0]
    assert after[1].category_code == "B"
    assert after[1].change > before[1].change


@pytest.mark.parametrize("status", ["withdrawn", "deleted"])
@pytest.mark.parametrize("record", ["", "rec"])
@pytest.mark.parametrize("stored_record", ["", "rec"])
def test_a_withdrawal_reaches_the_entry_however_the_record_is_named(
    database: Database, import_text: Import, status: str, record: str, stored_record: str
) -> None:
    import_text(csv_of(1, 2, record=stored_record))
    done = import_text(csv_of(1, status=status, record=record))
    assert counts(done) == (0, 0, 1, 0, 0)
    assert statuses(database) == {md5(1): status, md5(2): "active"}
    assert counts(import_text(csv_of(1, status=status, record=record))) == (0, 0, 0, 1, 0)


def test_a_withdrawal_of_one_record_leaves_the_other_that_vouches_for_the_same_hash(
    database: Database, import_text: Import
) -> None:
    import_text(csv_of(1, record="a"))
    import_text(csv_of(1, record="b"))
    assert counts(import_text(csv_of(1, status="deleted", record="a"))) == (0, 0, 1, 0, 0)
    assert sorted(row.status for row in snapshot(database)) == ["active", "deleted"]
    assert counts(import_text(csv_of(1, status="withdrawn"))) == (0, 0, 1, 0, 0)
    assert "active" not in {row.status for row in snapshot(database)}


def test_a_withdrawal_keeps_what_the_entry_said(database: Database, import_text: Import) -> None:
    import_text(csv_of(1))
    import_text(f"kind,value,status\nmd5,{md5(1)},withdrawn\n")
    [entry] = snapshot(database)
    assert (entry.scheme, entry.category_code, entry.status) == ("iwf", "A", "withdrawn")


def test_a_repeated_row_counts_once_and_the_last_of_them_holds(
    database: Database, import_text: Import
) -> None:
    rows = csv_of(1) + f"md5,{md5(1)},,iwf,2024,B,\n" + f"MD5,{md5(1).upper()},,iwf,2024,C,\n"
    assert counts(import_text(rows)) == (1, 0, 0, 2, 0)
    assert [row.category_code for row in snapshot(database)] == ["C"]
    assert counts(import_text(rows)) == (0, 0, 0, 3, 0)


def test_a_withdrawal_later_in_the_file_holds_against_other_records_before_it(
    database: Database, import_text: Import
) -> None:
    rows = csv_of(1, record="a") + f"md5,{md5(1)},,,,,withdrawn\n"
    import_text(rows)
    assert {row.status for row in snapshot(database)} == {"withdrawn"}
    assert import_text(rows).unchanged == 2


def test_refused_rows_are_listed_and_stored_with_reason_and_without_content(
    database: Database, import_text: Import
) -> None:
    pill = f'pdq,"{pdq(1)}\nx",,,,,\n'
    done = import_text(csv_of(1) + pill + f"pdq,{pdq(2)},,,,,\n" + "md5,zz,,,,,\n")
    assert counts(done) == (2, 0, 0, 0, 2)
    with database.begin() as tx:
        stored = store.refusals_of(tx, done.id)
    assert [(one.row, one.why) for one in stored] == [(one.row, one.why) for one in done.refused]
    assert [refusal.row for refusal in stored] == [4, 6]
    assert pdq(1) not in repr(done)


def test_ten_thousand_refusals_are_kept_and_all_are_counted(
    database: Database, import_text: Import
) -> None:
    done = import_text(HEADER + "md5,zz,,,,,\n" * 10_050)
    assert done.refused_total == 10_050
    with database.begin() as tx:
        assert len(store.refusals_of(tx, done.id, limit=20_000)) == 10_000


@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_a_crash_leaves_nothing_half_done_and_the_next_run_works(
    database: Database, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_READ_BYTES", 4_096)
    path = tmp_path / "list.csv"
    path.write_text(csv_of(*range(1_000)))
    size = path.stat().st_size
    limit = {"start": 1, "middle": size // 2, "end": size}[place]

    def crash(done: int, total: int) -> None:
        assert total == size
        if done >= limit:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_list(database, path=path, name="first", by="a", at=AT, progress=crash)
    with database.begin() as tx:
        assert store.all_lists(tx) == []
        assert tx.execute(select(func.count()).select_from(store.ENTRIES)).scalar_one() == 0
        assert list(lines(tx)) == []
    done = import_list(database, path=path, name="first", by="a", at=AT)
    assert done.added == 1_000


def test_a_document_that_breaks_in_the_middle_leaves_nothing(
    database: Database, import_text: Import
) -> None:
    with pytest.raises(BadInput, match="line 5003"):
        import_text(csv_of(*range(5_000)) + 'md5,"open\n"x\n')
    assert snapshot(database) == []


def test_a_database_that_goes_away_in_the_middle_is_unavailable_and_nothing_is_stored(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_READ_BYTES", 4_096)
    path = tmp_path / "list.csv"
    path.write_text(csv_of(*range(1_000)))

    def cut(done: int, total: int) -> None:
        if done < total // 2:
            return
        other = Database(database.engine.url.render_as_string(hide_password=False))
        with other.begin() as tx:
            tx.execute(text("RESET ROLE"))
            tx.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        other.close()

    with pytest.raises(Unavailable):
        import_list(database, path=path, name="first", by="a", at=AT, progress=cut)
    assert snapshot(database) == []
    assert import_list(database, path=path, name="first", by="a", at=AT).added == 1_000


def test_the_full_list_withdraws_what_it_lacks_only_when_asked(
    database: Database, import_text: Import
) -> None:
    import_text(csv_of(1, 2, 3))
    assert counts(import_text(csv_of(1, 4))) == (1, 0, 0, 1, 0)
    assert set(statuses(database).values()) == {"active"}
    assert counts(import_text(csv_of(1, 4), complete=True)) == (0, 0, 2, 2, 0)
    assert statuses(database) == {
        md5(1): "active",
        md5(2): "withdrawn",
        md5(3): "withdrawn",
        md5(4): "active",
    }


@pytest.mark.parametrize("rows", ["", "md5,zz,,,,,\n" * 2 + f"md5,{md5(9)},,,,,\n"])
def test_an_empty_or_mostly_unreadable_full_list_is_refused(
    database: Database, import_text: Import, rows: str
) -> None:
    import_text(csv_of(1))
    with pytest.raises(BadInput, match="cannot be the complete list"):
        import_text(HEADER + rows, complete=True)
    assert statuses(database) == {md5(1): "active"}


def test_what_a_person_withdrew_no_import_brings_back_until_it_is_restored(
    database: Database, import_text: Import
) -> None:
    list_id = import_text(csv_of(1, 2)).list_id
    raw = bytes.fromhex(md5(1))
    with database.begin() as tx:
        assert (
            listing.withdraw(tx, list_id=list_id, kind=SignalKind.MD5, value=raw, by="b", at=AT)
            == 1
        )
    import_text(csv_of(1, 2))
    import_text(csv_of(1, 2, record="another"))
    assert statuses(database)[md5(1)] == "withdrawn"
    assert import_text(csv_of(1, 2, record="another")).unchanged == 2
    with database.begin() as tx:
        assert (
            listing.restore(tx, list_id=list_id, kind=SignalKind.MD5, value=raw, by="b", at=AT) == 2
        )
    assert statuses(database)[md5(1)] == "active"


def test_a_withdrawal_names_something_that_is_there(
    database: Database, import_text: Import
) -> None:
    list_id = import_text(csv_of(1, record="rec")).list_id
    with pytest.raises(BadInput), database.begin() as tx:
        listing.withdraw(tx, list_id=list_id, by="b", at=AT)
    with pytest.raises(NotFound), database.begin() as tx:
        listing.withdraw(tx, list_id=list_id, external_id="other", by="b", at=AT)
    with database.begin() as tx:
        assert listing.withdraw(tx, list_id=list_id, external_id="rec", by="b", at=AT) == 1
        assert listing.withdraw(tx, list_id=list_id, external_id="rec", by="b", at=AT) == 0


def test_the_ledger_tells_of_lists_imports_and_withdrawals_without_any_hash(
    database: Database, import_text: Import
) -> None:
    done = import_text(csv_of(1, 2), threshold_bits=20)
    import_text(csv_of(1), threshold_bits=21)
    with database.begin() as tx:
        listing.withdraw(
            tx,
            list_id=done.list_id,
            kind=SignalKind.MD5,
            value=bytes.fromhex(md5(1)),
            by="b",
            at=AT,
        )
        told = list(lines(tx, subject=done.list_id))
    assert [line.action for line in told] == [
        "list_created",
        "list_imported",
        "list_configured",
        "list_imported",
        "list_entry_withdrawn",
    ]
    assert told[1].detail["added"] == 2
    assert md5(1) not in repr(told)


def test_the_format_is_found_out_or_refused_with_the_formats_that_exist(
    import_text: Import,
) -> None:
    with pytest.raises(BadInput, match=r"csv, .*ncmec, .*vics"):
        import_text("just words")
    with pytest.raises(BadInput, match=r"csv, .*ncmec, .*vics"):
        import_text(csv_of(1), format="xlsx")
    with pytest.raises(BadInput, match="JSON is broken"):
        import_text(csv_of(1), format="vics")
    with pytest.raises(BadInput):
        import_text(b"\x00\x01\x02")
    assert import_text(b"\xef\xbb\xbf" + csv_of(1).encode()).added == 1


def test_a_file_that_is_not_there_or_is_a_folder_is_told_plainly(
    database: Database, tmp_path: Path
) -> None:
    with pytest.raises(NotFound):
        import_list(database, path=tmp_path / "none", name="first", by="a", at=AT)
    with pytest.raises(BadInput, match="cannot be opened"):
        import_list(database, path=tmp_path, name="first", by="a", at=AT)


@pytest.mark.parametrize(
    "options",
    [
        {"threshold_bits": 64},
        {"threshold_bits": -1},
        {"min_quality": 101},
        {"name": ""},
        {"name": "a\nb"},
        {"provenance": "x" * 501},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_before_anything_is_read(
    database: Database, import_text: Import, options: dict[str, Any]
) -> None:
    with pytest.raises(BadInput):
        import_text(csv_of(1), **options)
    with database.begin() as tx:
        assert store.all_lists(tx) == []


def ncmec_of(*records: str) -> str:
    return (
        '<queryResult xmlns="https://names.example/hashsharing/v2">'
        f"<images>{''.join(records)}</images></queryResult>"
    )


def image(name: str, prints: str, *, member: int = 1, minute: int = 0, tag: str = "image") -> str:
    return (
        f'<{tag}><member id="{member}"/><timestamp>2026-01-01T00:{minute:02}:00Z</timestamp>'
        f"<id>{name}</id><fingerprints>{prints}</fingerprints></{tag}>"
    )


def test_a_deleted_record_leaves_and_an_older_copy_of_the_list_does_not_bring_it_back(
    database: Database, import_text: Import
) -> None:
    prints = f"<md5>{md5(1)}</md5><sha1>{sha1(1)}</sha1>"
    old = ncmec_of(image("x", prints), image("y", f"<md5>{md5(2)}</md5>"))
    assert counts(import_text(old)) == (3, 0, 0, 0, 0)
    gone = ncmec_of(image("x", "", minute=5, tag="deletedImage"))
    assert counts(import_text(gone)) == (0, 0, 2, 0, 0)
    assert counts(import_text(gone)) == (0, 0, 0, 1, 0)
    assert counts(import_text(old)) == (0, 0, 0, 3, 0)
    assert statuses(database) == {md5(1): "deleted", sha1(1): "deleted", md5(2): "active"}
    newer = ncmec_of(image("x", prints, minute=9))
    assert counts(import_text(newer)) == (0, 2, 0, 0, 0)


def test_a_deleted_record_leaves_the_same_hash_of_another_member(
    database: Database, import_text: Import
) -> None:
    both = [image("x", f"<md5>{md5(1)}</md5>", member=member) for member in (1, 2)]
    import_text(ncmec_of(*both))
    import_text(ncmec_of(image("x", "", member=1, minute=1, tag="deletedImage")))
    assert {row.external_id: row.status for row in snapshot(database)} == {
        "1/x": "deleted",
        "2/x": "active",
    }


def test_a_hash_that_a_record_no_longer_lists_is_withdrawn(
    database: Database, import_text: Import
) -> None:
    import_text(ncmec_of(image("x", f"<md5>{md5(1)}</md5>")))
    corrected = ncmec_of(image("x", f"<md5>{md5(2)}</md5>", minute=1))
    assert counts(import_text(corrected)) == (1, 0, 1, 0, 0)
    assert statuses(database) == {md5(1): "withdrawn", md5(2): "active"}
    assert counts(import_text(corrected)) == (0, 0, 0, 1, 0)


def test_within_one_file_the_later_moment_decides_between_image_and_deletion(
    database: Database, import_text: Import
) -> None:
    deleted = image("x", "", minute=5, tag="deletedImage")
    import_text(ncmec_of(deleted, image("x", f"<md5>{md5(1)}</md5>", minute=1)))
    assert statuses(database) == {md5(1): "deleted"}
    import_text(ncmec_of(deleted, image("x", f"<md5>{md5(1)}</md5>", minute=7)))
    assert statuses(database) == {md5(1): "active"}


def test_the_samples_of_three_polls_bring_in_update_and_delete(
    database: Database, schemas: Path
) -> None:
    for number in (1, 2, 3, 4):
        name = "entries_xml.xml" if number == 1 else f"entries_xml{number}.xml"
        path = schemas / "ncmec-hashsharing-v2" / name
        import_list(database, path=path, name="ncmec", by="a", at=AT)
    with database.begin() as tx:
        rows = {
            row.external_id: (row.status, row.category_code)
            for row in tx.execute(select(store.ENTRIES).where(store.ENTRIES.c.kind == "md5"))
        }
    assert rows["101/willdelete"] == ("deleted", "A1")
    # The sample's update bears an older moment than the record it updates: the newer one holds.
    assert rows["101/willupdate"] == ("active", "A1")
    assert rows["42/image1"] == ("active", "A1")


def test_memory_does_not_grow_with_the_file(database: Database, tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.csv"
        path.write_text("kind,value\n" + "".join(f"pdq,{pdq(one)}\n" for one in range(rows)))
        tracemalloc.start()
        try:
            done = import_list(database, path=path, name=f"of {rows}", by="a", at=AT)
            assert done.added == rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)  # what is loaded at the first import is not counted
    small, large = peak(1_000), peak(8_000)
    assert large < small + (1 << 19)


def test_two_imports_and_a_withdrawal_at_once_lose_nothing(
    database: Database, tmp_path: Path, import_text: Import
) -> None:
    list_id: ListId = import_text(csv_of(-1)).list_id
    failures: list[BaseException] = []

    def run(first: int) -> None:
        path = tmp_path / f"{first}.csv"
        path.write_text(csv_of(*range(first, first + 1_000)))
        try:
            import_list(database, path=path, name="first", by="a", at=AT)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(first,)) for first in (0, 500)]
    for thread in threads:
        thread.start()
    with database.begin() as tx:
        listing.withdraw(
            tx, list_id=list_id, kind=SignalKind.MD5, value=bytes.fromhex(md5(-1)), by="b", at=AT
        )
    for thread in threads:
        thread.join()
    assert failures == []
    with database.begin() as tx:
        counted = listing.counts(tx, list_id)
    assert counted.by_kind == {"md5": {"active": 1_500, "withdrawn": 1}}
    assert counted.by_category == {"iwf/2024/A": 1_500}
