"""Lists compared with lists: all near pairs and no other, and what stands in groups."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from indicator_drawing import Import, flipped, pdq
from sqlalchemy import text

from tutela import cli
from tutela.indicators import overlap
from tutela.indicators.matching import Matcher
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput

Run = Callable[..., tuple[int, str, str]]
HEADER = "kind,value,external_id\n"


@pytest.fixture
def run(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    monkeypatch.setenv("TUTELA_DATABASE_URL", database_url.replace("+psycopg", ""))
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path / "home"))

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tutela", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            cli.main()
        told = capsys.readouterr()
        return int(leaving.value.code or 0), told.out, told.err

    return call


@pytest.fixture
def lists(import_text: Import) -> dict[str, list[str]]:
    """Two lists; of each distance of 0, 5, 31, 32 and 40 one entry of `first` has a neighbour."""
    first = [pdq(number) for number in range(200)]
    second = [flipped(pdq(number), bits) for number, bits in enumerate((0, 5, 31, 32, 40))]
    second += [pdq(f"other {number}") for number in range(200)]
    for name, values in (("first", first), ("second", second)):
        rows = [f"pdq,{value},{name[0]}{number}" for number, value in enumerate(values)]
        import_text(HEADER + "\n".join(rows) + "\n", name=name)
    return {"first": first, "second": second}


def expected(left: list[str], right: list[str], radius: int) -> set[tuple[str, str, int]]:
    return {
        (f"f{a}", f"s{b}", distance)
        for a, one in enumerate(left)
        for b, other in enumerate(right)
        if (distance := (int(one, 16) ^ int(other, 16)).bit_count()) <= radius
    }


@pytest.mark.parametrize("radius", [0, 31, 40])
def test_all_near_pairs_of_two_lists_and_no_other(
    run: Run, lists: dict[str, list[str]], radius: int
) -> None:
    code, out, err = run("lists", "overlap", "first", "second", "--radius", str(radius), "--json")
    assert code == 0, err
    *pairs, counts = (json.loads(line) for line in out.splitlines())
    found = {
        (one["left"]["external_id"], one["right"]["external_id"], one["distance_bits"])
        for one in pairs
    }
    assert found == expected(lists["first"], lists["second"], radius)
    assert len(pairs) == len(found) == counts["pairs"]
    assert counts["entries"] == [len(found), len(found)]
    assert not any(value in out for value in lists["first"])  # no hash is printed


def test_a_list_with_itself_gives_each_pair_once_and_its_groups(
    run: Run, import_text: Import
) -> None:
    near = [pdq("seed"), flipped(pdq("seed"), 20), flipped(pdq("seed"), 40), pdq("alone")]
    rows = "".join(f"pdq,{value},r{number}\n" for number, value in enumerate(near))
    import_text(HEADER + rows)
    _, out, _ = run("lists", "overlap", "first", "first", "--json")
    *pairs, counts = (json.loads(line) for line in out.splitlines())
    names = [(one["left"]["external_id"], one["right"]["external_id"]) for one in pairs]
    assert sorted(names) == [("r0", "r1"), ("r1", "r2")]
    assert (counts["pairs"], counts["entries"]) == (2, [3, 3])
    assert counts["by_distance_bits"] == {"20": 2}
    _, out, _ = run("lists", "clusters", "first", "--json")
    group, counts = (json.loads(line) for line in out.splitlines())
    assert [one["external_id"] for one in group["entries"]] == ["r0", "r1", "r2"]
    assert (counts["groups"], counts["entries"]) == (1, 3)
    assert (
        "2 pairs within 31 bits: 3 entries of first" in run("lists", "overlap", *["first"] * 2)[1]
    )
    assert "1 groups of near pictures" in run("lists", "clusters", "first")[1]


def test_an_entry_that_was_just_withdrawn_is_in_no_pair(
    database: Database, import_text: Import
) -> None:
    list_id = import_text(f"{HEADER}pdq,{pdq(1)},a\npdq,{flipped(pdq(1), 3)},b\n").list_id
    matcher = Matcher(database)
    assert len(list(overlap.pairs(database, matcher.searcher, list_id, list_id, 31))) == 1
    assert len(list(overlap.groups(database, matcher.searcher, list_id, 31))) == 1
    with database.begin() as tx:
        tx.execute(text("UPDATE list_entries SET status = 'withdrawn' WHERE external_id = 'a'"))
    assert list(overlap.pairs(database, matcher.searcher, list_id, list_id, 31)) == []
    assert list(overlap.groups(database, matcher.searcher, list_id, 31)) == []


def test_nothing_near_an_unknown_list_and_a_senseless_radius_are_told(
    run: Run, database: Database, import_text: Import
) -> None:
    list_id = import_text(f"{HEADER}pdq,{pdq(1)},a\nmd5,{pdq(2)[:32]},b\n").list_id
    import_text(f"{HEADER}md5,{pdq(3)[:32]},c\n", name="digests")
    assert "No picture of first" in run("lists", "overlap", "first", "digests")[1]
    assert "No two pictures" in run("lists", "clusters", "digests")[1]
    code, _, err = run("lists", "overlap", "first", "nowhere")
    assert code != 0
    assert "digests, first" in err
    assert run("lists", "clusters", "first", "--radius", "64")[0] == 2
    with pytest.raises(BadInput, match="radius"):
        overlap.pairs(database, Matcher(database), list_id, list_id, -1)
