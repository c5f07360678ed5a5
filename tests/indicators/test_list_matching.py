"""Matching against a real database: exact, fresh, never stopped by a bad row, never 'safe'."""

import random
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from indicator_drawing import AT, Import, flipped, hashed, md5, pdq, sha1
from sqlalchemy import func, select, table, text

from tutela.hashing.model import DIHEDRAL, Digests, Hashed, Pdq, Unmatchable
from tutela.indicators import listing, store
from tutela.indicators.matching import Matcher
from tutela.indicators.model import (
    EntryStatus,
    Finding,
    MatchResult,
    PictureHashes,
    SignalKind,
)
from tutela.indicators.reasons import stated_distance
from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable
from tutela.primitives.ids import ListId
from tutela.taxonomy.model import Category


@pytest.fixture
def matcher(database: Database) -> Matcher:
    return Matcher(database)


def of(rows: Sequence[tuple[str, str]], extra: str = "") -> str:
    return "kind,value\n" + "".join(f"{kind},{value}\n" for kind, value in rows) + extra


def found(result: MatchResult) -> list[tuple[str, int | None]]:
    return [(match.kind.value, stated_distance(match)) for match in result.matches]


def insert_by_hand(database: Database, list_id: ListId, **row: Any) -> int:
    """A row that no import would let in."""
    with database.begin() as tx:
        return int(
            tx.execute(
                text(
                    "INSERT INTO list_entries (list_id, kind, value, external_id) "
                    "VALUES (:list_id, :kind, :value, :external_id) RETURNING id"
                ),
                {"list_id": list_id, "external_id": "by hand"} | row,
            ).scalar_one()
        )


def test_a_match_names_list_entry_distance_category_and_reasons(
    matcher: Matcher, import_text: Import
) -> None:
    header = "kind,value,external_id,scheme,scheme_version,category\n"
    done = import_text(
        f"{header}pdq,{pdq(1)},rec,iwf,2024,A\n", second_person=True, threshold_bits=20
    )
    result = matcher.match(hashed(pdq_hex=flipped(pdq(1), 7), quality=88))
    assert result.finding is Finding.MATCHED
    [match] = result.matches
    assert (match.list_id, match.list_name, match.external_id) == (done.list_id, "first", "rec")
    assert (match.distance_bits, match.threshold_bits, match.transform) == (7, 20, "original")
    assert match.category == Category(scheme="iwf", version="2024", code="A")
    assert match.second_person
    assert match.reasons == (
        "PDQ distance 7 of 256 bits, the list allows 20",
        "quality 88, the list asks for 50",
    )


def test_the_threshold_is_the_lists_own(
    database: Database, matcher: Matcher, import_text: Import
) -> None:
    import_text(of([("pdq", pdq(1))]))
    import_text(of([("pdq", pdq(1))]), name="wide", threshold_bits=40)
    names = {
        distance: [match.list_name for match in matcher.match(item).matches]
        for distance in (0, 31, 32, 40, 41)
        if (item := hashed(pdq_hex=flipped(pdq(1), distance)))
    }
    assert names == {
        0: ["first", "wide"],
        31: ["first", "wide"],
        32: ["wide"],
        40: ["wide"],
        41: [],
    }
    with database.begin() as tx:
        listing.configure(tx, name="first", threshold_bits=10, by="b", at=AT)
    assert [
        one.list_name for one in matcher.match(hashed(pdq_hex=flipped(pdq(1), 31))).matches
    ] == ["wide"]


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256"])
def test_digests_match_exactly_also_where_no_picture_could_be_read(
    matcher: Matcher, import_text: Import, kind: str
) -> None:
    item = hashed(number=5, unmatchable=Unmatchable.UNDECODABLE, why="The file is cut off.")
    digest = getattr(item.digests, kind).hex()
    import_text(of([(kind, digest.upper())]))
    result = matcher.match(item)
    assert result.finding is Finding.MATCHED
    assert found(result) == [(kind, 0)]
    assert (result.unmatchable, result.why) == ("undecodable", "The file is cut off.")
    other = matcher.match(hashed(number=6, unmatchable=Unmatchable.UNDECODABLE, why="cut"))
    assert other.finding is Finding.CANNOT_BE_MATCHED


def test_low_quality_is_a_result_and_no_error(matcher: Matcher, import_text: Import) -> None:
    import_text(of([("pdq", pdq(1))]))
    result = matcher.match(hashed(pdq_hex=pdq(1), quality=49, unmatchable=Unmatchable.LOW_QUALITY))
    assert result.finding is Finding.CANNOT_BE_MATCHED
    assert result.unmatchable == "low_quality"
    assert "49" in result.why
    assert result.matches == ()


def test_the_lowest_quality_is_the_lists_own(matcher: Matcher, import_text: Import) -> None:
    import_text(of([("pdq", pdq(1))]), min_quality=80)
    import_text(of([("pdq", pdq(2))]), name="second", min_quality=30)
    strict = matcher.match(hashed(pdq_hex=pdq(1), quality=79))
    assert (strict.finding, strict.unmatchable) == (Finding.NO_KNOWN_MATCH, "")
    assert "too low for 1 of 2 lists" in strict.why
    assert found(matcher.match(hashed(pdq_hex=pdq(1), quality=80))) == [("pdq", 0)]
    low = hashed(pdq_hex=pdq(2), quality=30, unmatchable=Unmatchable.LOW_QUALITY)
    assert found(matcher.match(low)) == [("pdq", 0)]


def test_an_entry_of_stated_low_quality_does_not_match(
    matcher: Matcher, import_text: Import
) -> None:
    import_text(f"kind,value,quality\npdq,{pdq(1)},49\npdq,{pdq(2)},50\n")
    assert found(matcher.match(hashed(pdq_hex=pdq(1)))) == []
    assert found(matcher.match(hashed(pdq_hex=pdq(2)))) == [("pdq", 0)]


@pytest.mark.parametrize("flag", [True, False])
def test_turned_and_mirrored_pictures_match_only_where_the_list_asks(
    matcher: Matcher, import_text: Import, *, flag: bool
) -> None:
    import_text(of([("pdq", flipped(pdq("turned"), 3))]), dihedral=flag)
    eight = tuple(pdq("turned") if name == "rotate90" else pdq(name) for name in DIHEDRAL)
    item = hashed(pdq_hex=pdq("original"), dihedral=eight)
    result = matcher.match(item)
    if not flag:
        assert result.finding is Finding.NO_KNOWN_MATCH
        return
    [match] = result.matches
    assert (match.transform, match.distance_bits) == ("rotate90", 3)


def test_no_known_match_is_never_said_where_nothing_was_compared(
    database: Database, matcher: Matcher, import_text: Import
) -> None:
    item = hashed(pdq_hex=pdq(1))
    nothing = matcher.match(item)
    assert (nothing.finding, nothing.unmatchable) == (Finding.CANNOT_BE_MATCHED, "no_lists")
    import_text(of([("md5", md5(1))]))
    assert matcher.match(item).finding is Finding.NO_KNOWN_MATCH
    with database.begin() as tx:
        listing.configure(tx, name="first", enabled=False, by="b", at=AT)
    assert matcher.match(item).unmatchable == "no_lists"
    assert matcher.match(hashed(number=1)).finding is Finding.CANNOT_BE_MATCHED


def test_only_digests_are_compared_but_the_picture_is_not_called_unknown(
    matcher: Matcher, import_text: Import
) -> None:
    import_text(of([("md5", md5(1))]))
    result = matcher.match(hashed(number=2))
    assert (result.finding, result.unmatchable) == (Finding.CANNOT_BE_MATCHED, "only_digests")


def test_a_flat_picture_meets_no_blank_entry(
    database: Database, matcher: Matcher, import_text: Import
) -> None:
    list_id = import_text(of([("pdq", pdq(1))])).list_id
    insert_by_hand(database, list_id, kind="pdq", value=b"\0" * 31 + b"\1")
    result = matcher.match(hashed(pdq_hex="0" * 64, unmatchable=Unmatchable.DEGENERATE, why="flat"))
    assert (result.finding, result.unmatchable) == (Finding.CANNOT_BE_MATCHED, "degenerate")
    assert matcher.match(hashed(pdq_hex="0" * 64)).unmatchable == "degenerate"
    asked = matcher.match(hashed(pdq_hex="0" * 64, unmatchable=Unmatchable.DEGENERATE))
    assert asked.why == "The picture is one flat surface."


def test_an_empty_upload_is_not_known_even_where_a_list_names_no_bytes(
    matcher: Matcher, import_text: Import
) -> None:
    import_text(of([("md5", "d41d8cd98f00b204e9800998ecf8427e")]))
    empty = hashed()
    digests = type(empty.digests)(
        md5=bytes.fromhex("d41d8cd98f00b204e9800998ecf8427e"), sha1=b"", sha256=b"", size_bytes=0
    )
    item = Hashed(
        digests=digests,
        pdq=None,
        pipeline="test",
        unmatchable=Unmatchable.UNDECODABLE,
        why="The file is empty.",
    )
    assert matcher.match(item).finding is Finding.CANNOT_BE_MATCHED


def test_a_non_pertinent_entry_is_kept_and_never_matches(
    matcher: Matcher, import_text: Import
) -> None:
    header = "kind,value,scheme,scheme_version,category\n"
    import_text(
        f"{header}md5,{md5(1)},vics-us,2.0,0\nmd5,{md5(2)},vics-us,2.0,1\n"
        f"pdq,{pdq(1)},vics-us,2.0,5\npdq,{pdq(2)},vics-us,2.0,2\n"
    )
    assert found(matcher.match(hashed(number=1, pdq_hex=pdq(1)))) == []
    assert found(matcher.match(hashed(number=2, pdq_hex=pdq(2)))) == [("md5", 0), ("pdq", 0)]


# facts/hma.md 6.1, item 1: the poison pill


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("pdq", bytes.fromhex(pdq(9)) + b"\n"),
        ("pdq", b""),
        ("pdq", pdq(9).encode()),
        ("pdq", b"\0" * 32),
        ("md5", b"short"),
        ("sha1", b"\xff" * 20),
        ("nonsense", b"x"),
    ],
)
def test_a_malformed_stored_row_is_set_aside_and_stops_nothing(
    database: Database, import_text: Import, kind: str, value: bytes
) -> None:
    list_id = import_text(of([("pdq", pdq(1)), ("md5", md5(1))])).list_id
    bad = insert_by_hand(database, list_id, kind=kind, value=value)
    import_text(of([("pdq", pdq(2)), ("sha1", sha1(2))]))
    matcher = Matcher(database)
    matcher.refresh()
    for number, kinds in ((1, ["md5", "pdq"]), (2, ["pdq", "sha1"])):
        result = matcher.match(hashed(number=number, pdq_hex=pdq(number)))
        assert sorted(one for one, _ in found(result)) == kinds
    state = matcher.state()
    assert (state.set_aside, state.entries) == (1, 2)
    assert state.is_current
    with database.begin() as tx:
        row = tx.execute(select(store.ENTRIES).where(store.ENTRIES.c.id == bad)).one()
    assert row.status == EntryStatus.SET_ASIDE
    assert row.set_aside_why


# facts/hma.md 6.1, item 2: withdrawals


@pytest.mark.parametrize("status", ["withdrawn", "deleted"])
@pytest.mark.parametrize("kind", ["pdq", "md5"])
def test_a_withdrawn_entry_stops_matching_at_once_even_before_a_refresh(
    matcher: Matcher, import_text: Import, kind: str, status: str
) -> None:
    value = {"pdq": pdq(1), "md5": md5(1)}[kind]
    import_text(of([(kind, value), ("pdq", pdq(2))]))
    item = hashed(number=1, pdq_hex=pdq(1))
    assert found(matcher.match(item)) == [(kind, 0)]
    import_text(f"kind,value,status\n{kind},{value},{status}\n")
    assert matcher.match(item).finding is Finding.NO_KNOWN_MATCH
    matcher.refresh()
    assert matcher.match(item).finding is Finding.NO_KNOWN_MATCH
    assert matcher.state().entries == 1
    import_text(of([(kind, value)]))
    matcher.refresh()
    assert found(matcher.match(item)) == [(kind, 0)]


def test_an_entry_withdrawn_by_hand_in_the_database_leaves_the_index_too(
    database: Database, matcher: Matcher, import_text: Import
) -> None:
    import_text(of([("pdq", pdq(1)), ("pdq", pdq(2))]))
    matcher.refresh()
    with database.begin() as tx:
        tx.execute(
            text("UPDATE list_entries SET status = 'withdrawn' WHERE value = :value"),
            {"value": bytes.fromhex(pdq(1))},
        )
    assert not matcher.state().is_current
    assert matcher.refresh() == 1
    assert matcher.state().is_current
    assert matcher.state().entries == 1


def test_a_person_withdraws_and_restores(
    database: Database, matcher: Matcher, import_text: Import
) -> None:
    list_id = import_text(of([("pdq", pdq(1))])).list_id
    item = hashed(pdq_hex=pdq(1))
    for act, expected in ((listing.withdraw, 0), (listing.restore, 1)):
        with database.begin() as tx:
            act(
                tx,
                list_id=list_id,
                kind=SignalKind.PDQ,
                value=bytes.fromhex(pdq(1)),
                by="b",
                at=AT,
            )
        matcher.refresh()
        assert len(matcher.match(item).matches) == expected


# facts/hma.md 6.1, item 4: a list can be disabled


def test_a_disabled_list_matches_nothing_and_an_enabled_one_again(
    database: Database, matcher: Matcher, import_text: Import
) -> None:
    import_text(of([("pdq", pdq(1)), ("md5", md5(1))]))
    import_text(of([("md5", md5(1))]), name="second")
    item = hashed(number=1, pdq_hex=pdq(1))
    for enabled, names in ((False, ["second"]), (True, ["first", "second", "first"])):
        with database.begin() as tx:
            listing.configure(tx, name="first", enabled=enabled, by="b", at=AT)
        assert [one.list_name for one in matcher.match(item).matches] == names


def test_a_new_entry_needs_a_refresh_and_the_state_says_that_one_is_due(
    matcher: Matcher, import_text: Import
) -> None:
    import_text(of([("pdq", pdq(1))]))
    assert not matcher.state().is_current
    assert matcher.refresh() == 1
    before = matcher.state()
    assert (before.is_current, before.entries) == (True, 1)
    import_text(of([("pdq", pdq(2))]))
    import_text(of([("pdq", pdq(3))]), name="second")
    state = matcher.state()
    assert state.change == before.change
    assert state.database_change > before.database_change
    assert matcher.match(hashed(pdq_hex=pdq(2))).finding is Finding.NO_KNOWN_MATCH
    assert matcher.refresh() == 2
    assert matcher.refresh() == 0
    assert matcher.match(hashed(pdq_hex=pdq(2))).finding is Finding.MATCHED
    assert matcher.match(hashed(pdq_hex=pdq(3))).finding is Finding.MATCHED


def test_many_at_once_are_what_each_alone_is_and_what_looking_at_every_row_finds(
    matcher: Matcher, import_text: Import
) -> None:
    chance = random.Random(7)  # noqa: S311 - a drawing, the same each time
    stored = [pdq(number) for number in range(300)]
    import_text(of([("pdq", one) for one in stored] + [("md5", md5(n)) for n in range(50)]))
    items = [
        hashed(
            number=chance.randrange(100),
            pdq_hex=flipped(chance.choice(stored), chance.randrange(0, 45)),
        )
        for _ in range(200)
    ]
    together = matcher.match_many(items)
    assert together == [matcher.match(item) for item in items]
    for item, result in zip(items, together, strict=True):
        assert item.pdq is not None
        own = int(item.pdq.hex, 16)
        near = sorted(
            distance
            for one in stored
            if (distance := (int(one, 16) ^ own).bit_count()) <= 31  # the list's threshold
        )
        assert [bits for kind, bits in found(result) if kind == "pdq"] == near
        listed = item.digests.md5.hex() in {md5(number) for number in range(50)}
        assert ("md5", 0) in found(result) if listed else ("md5", 0) not in found(result)


def test_ten_thousand_hashes_are_looked_up_at_once_and_nothing_is_stored(
    database: Database, matcher: Matcher, import_text: Import
) -> None:
    import_text(of([("md5", md5(77)), ("pdq", pdq(99))]))

    def figures() -> list[int]:
        with database.begin() as tx:
            return [
                tx.execute(select(func.count()).select_from(table(name))).scalar_one()
                for name in ("list_entries", "ledger", "follow_ups", "list_imports")
            ]

    matcher.refresh()
    before = figures()
    results = matcher.match_many([hashed(number=n, pdq_hex=pdq(n)) for n in range(10_000)])
    assert [n for n, one in enumerate(results) if one.matches] == [77, 99]
    assert figures() == before


def test_hashes_that_come_flat_are_answered_as_each_alone_is(
    matcher: Matcher, import_text: Import
) -> None:
    import_text(of([("pdq", pdq(number)) for number in range(50)]), min_quality=60)
    import_text(of([("pdq", pdq(number)) for number in range(40, 60)]), name="low", min_quality=20)
    chance = random.Random(9)  # noqa: S311 - a drawing, the same each time
    texts = [flipped(pdq(chance.randrange(80)), chance.randrange(40)) for _ in range(300)]
    texts += ["0" * 64, "f" * 64, "0" * 63 + "1"]
    qualities = bytes(chance.randrange(101) for _ in texts)
    flat = PictureHashes(bits=bytes.fromhex("".join(texts)), qualities=qualities, pipeline="given")
    each = [
        Hashed(digests=Digests(), pdq=one, pipeline="given", unmatchable=one.unmatchable)
        for text_, quality in zip(texts, qualities, strict=True)
        if (one := Pdq.parse(text_, quality=quality))
    ]
    assert list(flat) == each
    assert flat[-1] == each[-1]
    assert flat[3:5] == each[3:5]
    together = matcher.match_many(flat)
    assert together == matcher.match_many(each)
    assert {one.finding for one in together} == set(Finding)


def test_many_threads_match_while_lists_change(database: Database, import_text: Import) -> None:
    import_text(of([("pdq", pdq(n)) for n in range(50)]))
    matcher = Matcher(database)
    failures: list[object] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            try:
                result = matcher.match(hashed(pdq_hex=pdq(3)))
                if len(result.matches) != 1:
                    failures.append(result)
            except Exception as error:  # noqa: BLE001 - shown by the assertion below
                failures.append(error)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(5):
        import_text(of([("pdq", pdq(100 + number))]))
        import_text(f"kind,value,status\npdq,{pdq(10 + number)},withdrawn\n")
        matcher.refresh()
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert matcher.state().entries == 50


def test_a_database_that_is_away_is_unavailable_and_no_answer(database_url: str) -> None:
    away = Database(database_url.replace("test_", "none_"))
    with pytest.raises(Unavailable):
        Matcher(away).match(hashed(number=1))
    away.close()
