import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.primitives.errors import BadInput
from tutela.taxonomy.crosswalk import CROSSINGS, crossing, crosswalk
from tutela.taxonomy.model import Category, Sureness
from tutela.taxonomy.schemes import EDITIONS, SCHEMES, check, label_of, parse_schemes, scheme

A_SCHEME = """
- id: fruit
  title: Fruit
  owner: Person A
  editions:
    - versions: ["2", "1"]
      sureness: own
      source: This test.
      open_ended: true
      codes:
        "0": {text: Apple, sureness: own, note: Round.}
"""


def of(text: str) -> Category:
    return Category.parse(text)


def test_the_same_integer_means_different_things_in_each_context_segment() -> None:
    american, british = of("vics-us/2.0/1"), of("vics-uk/2.0/1")
    assert american != british
    assert len({american, british, of("vics-us/1.3/1"), of("vics-unknown/2.0/1")}) == 4
    american_label, british_label = label_of(american), label_of(british)
    assert american_label is not None
    assert british_label is not None
    assert american_label.text != british_label.text
    assert crosswalk(british, "caid") == of("caid/2014/A")
    assert crosswalk(american, "caid") is None
    assert crosswalk(of("vics-unknown/2.0/1"), "caid") is None
    assert label_of(of("vics-unknown/2.0/1")) is None


@pytest.mark.parametrize("text", ["1", "A1", "", "vics-us/1", "vics-us//1", "/2.0/1", "a/b/"])
def test_a_bare_code_is_no_category(text: str) -> None:
    with pytest.raises(BadInput, match="no category"):
        Category.parse(text)


def test_a_number_is_no_code() -> None:
    with pytest.raises(BadInput, match="no category"):
        Category(scheme="vics-us", version="2.0", code=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("part", ["", "x" * 300, "two\nlines", "\0"])
def test_unprintable_and_endless_parts_are_refused(part: str) -> None:
    for field in ("scheme", "version", "code"):
        with pytest.raises(BadInput, match="no category"):
            Category(**({"scheme": "a", "version": "b", "code": "c"} | {field: part}))


printable = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=30)
segment = printable.filter(lambda text: "/" not in text)


@given(scheme_id=segment, version=segment, code=printable)
def test_a_category_is_written_and_read_back(scheme_id: str, version: str, code: str) -> None:
    category = Category(scheme=scheme_id, version=version, code=code)
    assert Category.parse(str(category)) == category


def test_the_schemes_of_the_outside_are_there_with_their_marks() -> None:
    editions = {(one.id, one.version): one for one in EDITIONS}
    assert set(editions[("ncmec-ab", "2022")].codes) == {"A1", "A2", "B1", "B2"}
    for version in ("1.3", "2.0"):
        assert set(editions[("vics-us", version)].codes) == set("012345")
    assert editions[("vics-us", "2.0")].codes["5"].sureness is Sureness.SECONDARY
    assert set(editions[("vics-uk", "2.0")].codes) == set("123")
    assert editions[("vics-uk", "2.0")].sureness is Sureness.RECALLED
    assert set(editions[("caid", "2014")].codes) == {"A", "B", "C", "indicative", "ignorable"}
    ucs = editions[("inhope-ucs", "unspecified")]
    assert (dict(ucs.codes), ucs.open_ended, ucs.multiple) == ({}, True, True)
    assert {label.sureness for label in editions[("iwf", "unspecified")].codes.values()} == {
        Sureness.RECALLED
    }
    assert {one.id for one in EDITIONS} == {
        "tutela",
        "ncmec-ab",
        "vics-us",
        "vics-uk",
        "vics-unknown",
        "caid",
        "icse-baseline",
        "inhope-ucs",
        "iwf",
        "arachnid",
        "dsa-keyword",
    }
    for one in EDITIONS:
        assert one.source
        weakest = {label.sureness for label in one.codes.values()}
        assert (Sureness.OWN in weakest) == (one.id == "tutela")


def test_the_current_edition_is_the_first_named() -> None:
    assert len({one.id for one in SCHEMES}) == len(SCHEMES) == 11
    assert scheme("ncmec-ab").version == "2022"
    assert scheme("vics-us").version == "2.0"
    assert scheme("vics-us", "1.3").version == "1.3"
    assert SCHEMES[0].id == "tutela"


def test_what_nobody_knows_is_said_to_be_unknown() -> None:
    with pytest.raises(BadInput, match="scheme is not known"):
        scheme("nothing")
    with pytest.raises(BadInput, match=r"version of vics-us is not known.*2\.0, 1\.3"):
        scheme("vics-us", "9")
    with pytest.raises(BadInput, match="not one of ncmec-ab 2022"):
        check(of("ncmec-ab/2022/C9"))
    assert check(of("inhope-ucs/unspecified/any-label")) == of("inhope-ucs/unspecified/any-label")
    for text in ("nothing/1/1", "vics-us/9/1", "ncmec-ab/2022/C9", "inhope-ucs/unspecified/x"):
        assert label_of(of(text)) is None


def test_crosswalks_are_explicit_and_marked() -> None:
    for known in CROSSINGS:
        assert crossing(known.source, f"{known.target.scheme}/{known.target.version}") == known
        assert crosswalk(known.source, known.target.scheme) == known.target
        assert known.note
        if known.source.scheme != "tutela":
            assert known.sureness is Sureness.RECALLED
    sources = [(known.source, known.target.scheme) for known in CROSSINGS]
    assert len(set(sources)) == len(sources)


def test_nothing_is_inferred_where_no_crosswalk_is_written() -> None:
    written = {(known.source, known.target.scheme) for known in CROSSINGS}
    for edition in EDITIONS:
        for code in edition.codes:
            category = Category(scheme=edition.id, version=edition.version, code=code)
            for other in EDITIONS:
                found = crosswalk(category, f"{other.id}/{other.version}")
                if other == edition:
                    assert found == category
                elif (category, other.id) not in written:
                    assert found is None
    # Equal letters of one owner, two editions: that they mean the same has not been read.
    assert crosswalk(of("ncmec-ab/hashsharing-v2/A1"), "ncmec-ab") is None
    assert crosswalk(of("iwf/unspecified/A"), "caid") is None


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("nothing/1/1", "caid"),
        ("vics-us/9/1", "caid"),
        ("ncmec-ab/2022/C9", "caid"),
        ("vics-us/2.0/1", "nothing"),
        ("vics-us/2.0/1", "caid/9"),
        ("vics-us/2.0/1", "caid/"),
        ("vics-us/2.0/1", ""),
    ],
)
def test_crossing_from_or_to_the_unknown_is_refused(text: str, target: str) -> None:
    with pytest.raises(BadInput):
        crosswalk(of(text), target)


def test_a_member_s_own_vocabulary_can_be_read() -> None:
    two, one = parse_schemes(A_SCHEME)
    assert (two.id, two.version, one.version, two.open_ended) == ("fruit", "2", "1", True)
    assert two.codes["0"].note == "Round."


@pytest.mark.parametrize(
    ("was", "becomes", "why"),
    [
        ('"0":', "0:", "in quotes"),
        ('["2", "1"]', "[2.0]", "in quotes"),
        ('["2", "1"]', '["2", "2"]', "stands twice"),
        ('["2", "1"]', "[]", "not empty"),
        ("owner: Person A", "owner: ''", "expected a text"),
        ("sureness: own\n", "sureness: sure\n", "must be one of"),
        ("open_ended: true", "open_ended: perhaps", "true or false"),
        ("open_ended: true", "open_end: true", "unknown key open_end"),
        ("note: Round.", "hint: Round.", "unknown key hint"),
        ('"0": {text: Apple, sureness: own, note: Round.}', "- x", "mapping"),
        ("id: fruit", "id: fru/it", "slash"),
        ("id: fruit", "id: fruit\n  id: fruit", "a key stands twice"),
        ("id: fruit", "[1]: fruit", "readable YAML"),
        ("- id: fruit", "- - id: fruit", "readable YAML"),
    ],
)
def test_a_vocabulary_that_is_not_right_is_refused_with_the_place(
    was: str, becomes: str, why: str
) -> None:
    assert was in A_SCHEME
    with pytest.raises(BadInput, match=why):
        parse_schemes(A_SCHEME.replace(was, becomes))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "- 1", "[" * 5000, "\0", "!!python/name:os.system"]
)
def test_what_is_no_list_of_schemes_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_schemes(text)
