"""No category is not the worst one: what is not categorised is kept, counted and not matched."""

import json
from pathlib import Path
from typing import Any

import pytest
from indicator_drawing import AT, Import, hashed, md5, pdq
from sqlalchemy import select, text

from tutela.adapters.postgres import migrate
from tutela.hashing.model import Digests, Hashed
from tutela.indicators import listing, store
from tutela.indicators.matching import Matcher
from tutela.indicators.model import EntryStatus
from tutela.ledger.store import lines
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, NotFound

FAULTS = Path(__file__).parent / "faults"
PLACE = "http://names.example"


@pytest.fixture
def matcher(database: Database) -> Matcher:
    return Matcher(database)


def vics(*categories: Any, version: str = "1.2", segment: str = "/US") -> str:
    media = [{"MD5": md5(n), "Category": one} for n, one in enumerate(categories)]
    context = f"{PLACE}/{version}.xml{segment}/$metadata#Media"
    return json.dumps({"odata.metadata": context, "value": media})


def matched(matcher: Matcher, count: int) -> list[int]:
    """Which of the media drawn by their number match."""
    results = matcher.match_many([hashed(number=number) for number in range(count)])
    return [number for number, result in enumerate(results) if result.matches]


def test_of_a_vics_file_only_what_is_categorised_as_known_material_matches(
    database: Database, matcher: Matcher, import_text: Import
) -> None:
    raw = (FAULTS / "v0.json").read_text()
    done = import_text(raw)
    with database.begin() as tx:
        counted = listing.counts(tx, done.list_id)
        stored = list(tx.execute(select(store.ENTRIES.c.value).order_by(store.ENTRIES.c.id)))
    assert counted.active == 1
    assert counted.not_matched == {"non_pertinent": 3, "uncategorised": 4, "unknown_code": 1}
    assert done.not_matched == counted.not_matched
    assert len(stored) == 9
    answers = []
    for medium in json.loads(raw)["value"]:
        digests = Digests(md5=bytes.fromhex(medium["MD5"]))
        result = matcher.match(Hashed(digests=digests, pdq=None, pipeline="test"))
        answers.append((medium.get("Category"), bool(result.matches)))
    assert [category for category, is_match in answers if is_match] == [1]


@pytest.mark.parametrize("segment", ["/US", "/UK", "", "/CUSTOM"])
def test_a_code_that_its_scheme_does_not_define_waits(
    database: Database, matcher: Matcher, import_text: Import, segment: str
) -> None:
    categories = (1, 2, 3, 8, "A", -1, "01", 600)
    list_id = import_text(vics(*categories, segment=segment)).list_id
    assert matched(matcher, len(categories)) == [0, 1, 2]
    with database.begin() as tx:
        counted = listing.counts(tx, list_id)
    assert counted.not_matched == {"uncategorised": 1, "unknown_code": 4}


def test_where_no_country_is_named_only_what_all_numberings_share_matches(
    matcher: Matcher, import_text: Import
) -> None:
    import_text(vics(*range(6), segment=""))
    assert matched(matcher, 6) == [1, 2, 3]


def test_the_list_may_match_what_is_not_categorised(
    database: Database, matcher: Matcher, import_text: Import
) -> None:
    import_text(vics(None, 5, 0, 8))
    assert matched(matcher, 4) == []
    with database.begin() as tx:
        listing.configure(tx, name="first", by="a", at=AT, match_uncategorised=True)
    assert matched(matcher, 4) == [0, 1]
    with database.begin() as tx:
        listing.configure(tx, name="first", by="a", at=AT, match_unknown_codes=True)
    assert matched(matcher, 4) == [0, 1, 3]


def test_a_mapped_code_counts_at_once_for_what_is_stored(
    database: Database, matcher: Matcher, import_text: Import
) -> None:
    list_id = import_text(vics(8, 9, 1)).list_id

    def mapping(code: str, category: str | None) -> None:
        with database.begin() as tx:
            listing.map_category(tx, name="first", code=code, category=category, by="a", at=AT)

    mapping("8", "1")
    assert matched(matcher, 3) == [0, 2]
    result = matcher.match(hashed(number=0))
    assert str(result.matches[0].category) == "vics-us/1.2/8"
    assert any("counts it as vics-us/1.2/1" in reason for reason in result.matches[0].reasons)
    mapping("vics-us/1.2/9", "vics-us/2.0/0")
    assert matched(matcher, 3) == [0, 2]
    with database.begin() as tx:
        counted = listing.counts(tx, list_id)
        told = list(lines(tx, subject=list_id))[-2:]
    assert counted.not_matched == {"non_pertinent": 1}
    assert [line.detail for line in told] == [
        {"code": "8", "category": "1"},
        {"code": "vics-us/1.2/9", "category": "vics-us/2.0/0"},
    ]
    mapping("8", None)
    assert matched(matcher, 3) == [2]
    with pytest.raises(NotFound):
        mapping("8", None)


@pytest.mark.parametrize(
    ("code", "category"),
    [("1", "0"), ("8", "9"), ("8", "vics-us/1.2/77"), ("8", "iwf/2024/Z"), ("", "1"), ("8", "")],
)
def test_only_an_unknown_code_is_mapped_and_only_to_a_known_one(
    database: Database, import_text: Import, code: str, category: str
) -> None:
    import_text(vics(8, 1))
    with pytest.raises(BadInput), database.begin() as tx:
        listing.map_category(tx, name="first", code=code, category=category, by="a", at=AT)


def test_lists_without_categories_match_as_they_did(matcher: Matcher, import_text: Import) -> None:
    import_text(f"kind,value\nmd5,{md5(0)}\n")
    import_text(f"kind,value,scheme,category\nmd5,{md5(1)},,\nmd5,{md5(2)},iwf,\n", name="b")
    assert matched(matcher, 3) == [0, 1, 2]


def test_a_code_without_a_scheme_waits_until_somebody_says_what_it_means(
    database: Database, matcher: Matcher, import_text: Import
) -> None:
    header = "kind,value,scheme,category\n"
    import_text(f"{header}md5,{md5(0)},,1\nmd5,{md5(1)},vics-us,\nmd5,{md5(2)},a/b,1\n")
    assert matched(matcher, 3) == []
    with database.begin() as tx:
        listing.map_category(tx, name="first", code="1", category="vics-us/2.0/1", by="a", at=AT)
    assert matched(matcher, 3) == [0]


def test_counts_show_every_other_reason_apart(database: Database, import_text: Import) -> None:
    header = "kind,value,quality,status\n"
    done = import_text(
        f"{header}pdq,{pdq(1)},10,\npdq,{pdq(2)},90,\nother,x,,\n"
        f"md5,{md5(1)},,withdrawn\nmd5,{md5(2)},,deleted\n"
    )
    with database.begin() as tx:
        counted = listing.counts(tx, done.list_id)
    assert counted.by_kind == {
        "md5": {"deleted": 1, "withdrawn": 1},
        "other": {"kind_not_matched": 1},
        "pdq": {"active": 1, "low_quality": 1},
    }
    assert counted.active == 1
    assert done.not_matched == {"kind_not_matched": 1, "low_quality": 1}


def test_a_database_of_before_holds_what_its_vics_files_did_not_categorise(
    database_url: str, database: Database, matcher: Matcher, import_text: Import
) -> None:
    import_text(vics(None, 1))
    import_text(vics(None, None, 8, segment=""), name="second")
    import_text(f"kind,value\nmd5,{md5(3)}\n", name="third")
    migrate(database_url, revision="0012")
    with database.begin() as tx:
        before = tx.execute(text("SELECT count(*) FROM list_entries WHERE scheme IS NULL"))
        assert before.scalar_one() == 4
    migrate(database_url)
    assert matched(matcher, 4) == [1, 2, 3]
    with database.begin() as tx:
        lists = {one.name: one.match_unknown_codes for one in store.all_lists(tx)}
        states = set(tx.execute(select(store.ENTRIES.c.status)).scalars())
    assert lists == {"first": False, "second": True, "third": False}
    assert states == {EntryStatus.ACTIVE}
