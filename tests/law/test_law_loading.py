"""The lawbook as data: what is refused, and what changes a version."""

import copy
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tutela
from tutela.law.countries import Channel, Tier
from tutela.law.detecting import KINDS_ASKED, connected, may_detect
from tutela.law.linting import cited_parts, facts_asked, faults
from tutela.law.loading import Lawbook, load_lawbook
from tutela.law.model import Beyond, Rule, Status
from tutela.law.parsing import Reader, read_facts, read_yaml
from tutela.law.serialising import as_plain, digest
from tutela.primitives.errors import BadInput, NotFound

LAWBOOK = Path(tutela.__file__).parent / "lawbook"
US = "us/2258A.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A lawbook of the shared files and two rules of one country, to be spoiled."""
    root = tmp_path / "book"
    (root / "us").mkdir(parents=True)
    for file in (*(each.name for each in LAWBOOK.glob("*.yaml")), "us/country.yaml", US):
        shutil.copy(LAWBOOK / file, root / file)
    return root


def spoil(root: Path, file: str, change: Callable[[Any], None]) -> Path:
    data = read_yaml((root / file).read_text("utf-8"), where=file)
    changed = copy.deepcopy(data)
    change(changed)
    (root / file).write_text(json.dumps(changed), "utf-8")  # JSON is YAML without aliases
    return root


def first(data: Any) -> Any:
    return data["rules"][0]


SPOILED: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "no citation": (US, lambda d: first(d)["clock"].pop("cite"), "missing keys"),
    "no leaf citation": (US, lambda d: first(d)["bearer"].pop("cite"), "missing keys"),
    "no dates": (US, lambda d: first(d).pop("in_force"), "missing keys"),
    "no begin": (US, lambda d: first(d)["in_force"].pop("from"), "missing keys"),
    "no review status": (US, lambda d: first(d).pop("status"), "missing keys"),
    "no leaf status": (US, lambda d: first(d)["trigger"].pop("status"), "missing keys"),
    "no reviewers": (US, lambda d: first(d).pop("reviewers"), "missing keys"),
    "no legal basis": (US, lambda d: first(d).update(legal_basis=[]), "no legal basis"),
    "blank citation": (US, lambda d: first(d)["clock"].update(cite="  "), "not empty"),
    "unknown key": (US, lambda d: first(d).update(penalty="x"), "unknown keys"),
    "invented status": (US, lambda d: first(d).update(status="certain"), "expected one of"),
    "dangling source": (US, lambda d: first(d)["clock"].update(source="S99"), "not in the book"),
    "unknown fact": (US, lambda d: first(d)["bearer"].update(fact="a.b"), "no fact called"),
    "unknown start": (US, lambda d: first(d)["clock"].update(starts="a.b"), "not in facts.yaml"),
    "start no moment": (
        US,
        lambda d: first(d)["clock"].update(starts="service.type"),
        "needs a moment",
    ),
    "claims too much": (US, lambda d: first(d).update(status="secondary"), "claims secondary"),
    "leaf above source": (
        US,
        lambda d: first(d)["bearer"].update(status="secondary"),
        "its source only recalled",
    ),
    "same id twice": (US, lambda d: d["rules"].append(first(d)), "two editions overlap"),
    "overlap": (
        US,
        lambda d: d["rules"].append(
            {**first(d), "in_force": {**first(d)["in_force"], "from": "2025-01-01"}}
        ),
        "two editions overlap",
    ),
    "id of another duty": (
        US,
        lambda d: d["rules"][1].update(id=first(d)["id"]),
        "reused for another duty",
    ),
    "id without country": (US, lambda d: first(d).update(id="2258A"), "the id must be"),
    "wrong folder": (US, lambda d: first(d).update(jurisdiction="GB"), "stands in the folder"),
    "no rules": (US, lambda d: d.update(rules=[]), "rules is no list, or an empty one"),
    "a bill with dates": (US, lambda d: first(d).update(legal_status="bill"), "does not fit"),
    "lapsed without end": (US, lambda d: first(d).update(legal_status="lapsed"), "needs in_force"),
    "end without after": (
        US,
        lambda d: first(d)["in_force"].update(to="2026-01-01"),
        "stand together",
    ),
    "ends before it begins": (
        US,
        lambda d: first(d)["in_force"].update(to="2024-01-01", after="not_law"),
        "must lie before",
    ),
    "a date as text": (US, lambda d: first(d)["in_force"].update({"from": "May"}), "a date as"),
    "hours for words": (
        US,
        lambda d: first(d)["clock"].update(n=24, unit="h"),
        "takes exactly",
    ),
    "words for hours": (US, lambda d: first(d)["clock"].update(kind="fixed"), "takes exactly"),
    "clock without start": (US, lambda d: first(d)["clock"].pop("starts"), "starts is missing"),
    "nobody to tell": (US, lambda d: first(d).update(recipients=[]), "nobody is named"),
    "keeps without period": (US, lambda d: d["rules"][1].update(retention=[]), "has retention"),
    "keeps nothing": (
        US,
        lambda d: d["rules"][1]["retention"][0].update(what=["everything"]),
        "needs a positive n",
    ),
    "keeps beyond any calendar": (
        US,
        lambda d: d["rules"][1]["retention"][0].update(n=9000, unit="y"),
        "longer than 200 years",
    ),
    "a clock beyond any calendar": (
        US,
        lambda d: first(d)["clock"].update(
            kind="fixed", n=10**12, unit="h", standard=None, legal_text=None
        ),
        "longer than 200 years",
    ),
    "discharge id twice": (
        US,
        lambda d: first(d)["discharged_by"].append(first(d)["discharged_by"][0]),
        "uses an id twice",
    ),
    "source id twice": (
        "sources.yaml",
        lambda d: d["sources"].append(d["sources"][0]),
        "usc-2258A stands twice",
    ),
    "no source kind": ("sources.yaml", lambda d: d["sources"][0].pop("kind"), "missing keys"),
    "no retrieval date": (
        "sources.yaml",
        lambda d: d["sources"][0].pop("retrieved"),
        "missing keys",
    ),
    "no text hash key": (
        "sources.yaml",
        lambda d: d["sources"][0].pop("text_sha256"),
        "missing keys",
    ),
    "memory verified": (
        "sources.yaml",
        lambda d: d["sources"][3].update(status="verified"),
        "cannot be verified",
    ),
    "verified by one": (
        "sources.yaml",
        lambda d: d["sources"][0].update(status="verified"),
        "verified needs 2 reviewers; source usc-2258A: verified needs text_sha256",
    ),
    "bad text hash": (
        "sources.yaml",
        lambda d: d["sources"][0].update(text_sha256="abc"),
        "64 hexadecimal",
    ),
    "fact twice": ("facts.yaml", lambda d: d["facts"].append(d["facts"][0]), "stands twice"),
    "fact in two files": (
        "conduct.yaml",
        lambda d: d["facts"][0].update(name="provider.established_in"),
        "facts.yaml has it, too",
    ),
    "fact with a bad name": (
        "facts.yaml",
        lambda d: d["facts"][0].update(name="X"),
        "not group.name",
    ),
    "choice without choices": (
        "facts.yaml",
        lambda d: d["facts"][0].update(kind="choice"),
        "lists what is allowed",
    ),
    "no countries": ("sets.yaml", lambda d: d["sets"].pop(0), "iso_countries is missing"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_faulty_lawbook_is_refused_with_the_place(name: str, folder: Path) -> None:
    file, change, said = SPOILED[name]
    spoil(folder, file, change)
    with pytest.raises(BadInput) as caught:
        load_lawbook(folder)
    assert said in str(caught.value)


def test_the_copy_loads_when_it_is_not_spoiled(folder: Path) -> None:
    spoil(folder, US, lambda _: None)
    assert load_lawbook(folder).jurisdictions == ("US",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", "twice"),
        ("a: {b: 1, b: 2}\n", "twice"),
        ("a: &x 1\nb: *x\n", "aliases"),
        ("a: !!python/object/apply:os.getcwd []\n", "constructor"),
        ("- 1\n", "mapping"),
        ("", "mapping"),
        ("a: [\n", "YAML"),
        ("1: a\n", "no text"),
        ("a: 1\n---\nb: 2\n", "another document"),
    ],
)
@pytest.mark.parametrize("ours", [False, True])
def test_yaml_is_read_strictly(text: str, said: str, *, ours: bool) -> None:
    with pytest.raises(BadInput, match=said):
        read_yaml(text, where="x.yaml", ours=ours)


def test_both_ways_of_reading_yaml_give_the_same() -> None:
    for path in sorted(LAWBOOK.rglob("*.yaml"))[::9]:
        text = path.read_text("utf-8")
        assert read_yaml(text, where="x", ours=True) == read_yaml(text, where="x")


def test_norway_is_not_false() -> None:
    data = read_yaml("a: NO\nb: yes\nc: true\nd: 2026-04-07\ne: 0123\nf: 12\n", where="x")
    assert data == {"a": "NO", "b": "yes", "c": True, "d": "2026-04-07", "e": "0123", "f": 12}


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_yaml, read_facts):
        try:
            answer: object = read(text, where="x")
        except BadInput as refused:
            answer = refused.what
        assert isinstance(answer, dict) or str(answer).startswith("x ")


def test_facts_are_read_from_json_and_yaml_alike() -> None:
    yaml_text = "service.type: u2u\nevent.known_match: true\n"
    json_text = '\t{"service.type": "u2u",\n\t"event.known_match": true}'
    assert read_facts(yaml_text, where="f") == read_facts(json_text, where="f")
    for bad in ('{"a": 1, "a": 2}', '{"a": ', "{" * 100_000, " " * 1_000_001):
        with pytest.raises(BadInput):
            read_facts(bad, where="f")


def test_every_rule_can_be_written_and_read_again(book: Lawbook) -> None:
    reader = Reader(vocabulary=book.vocabulary, sets={})
    for rule in book.rules:
        again = reader.build(Rule, as_plain(rule, sparse=True), where=rule.id)
        assert replace(again, version=rule.version) == rule


def test_versions_are_stable_and_all_different(book: Lawbook) -> None:
    again = load_lawbook()
    assert [rule.version for rule in again.rules] == [rule.version for rule in book.rules]
    assert len({rule.version for rule in book.rules}) == len(book.rules)
    assert again.digest == book.digest
    assert all(len(rule.version) == 64 for rule in book.rules)


CHANGES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "a title": (US, lambda d: first(d).update(title="Report it")),
    "a citation": (US, lambda d: first(d)["trigger"].update(cite="18 U.S.C. 2258A")),
    "a condition": (US, lambda d: first(d)["trigger"].update(eq=False)),
    "a date": (US, lambda d: first(d)["in_force"].update({"from": "2024-05-08"})),
    "a note": (US, lambda d: first(d)["notes"][0].update(text="Another text.")),
    "a source": ("sources.yaml", lambda d: d["sources"][0].update(retrieved="2026-11-22")),
    "a fact": ("facts.yaml", lambda d: d["facts"][3].update(meaning="Something else.")),
}


@pytest.mark.parametrize("name", CHANGES)
def test_any_change_changes_the_version(name: str, folder: Path) -> None:
    before = load_lawbook(folder).editions("us.2258A.report")[0].version
    spoil(folder, *CHANGES[name])
    assert load_lawbook(folder).editions("us.2258A.report")[0].version != before


def test_order_and_layout_of_the_files_change_nothing(folder: Path) -> None:
    before = load_lawbook(folder)
    spoil(folder, US, lambda d: d["rules"].reverse())
    (folder / US).rename(folder / "us" / "renamed.yaml")
    after = load_lawbook(folder)
    assert after.digest == before.digest
    assert after.rules == before.rules


def test_no_rule_claims_more_than_the_facts_support(book: Lawbook) -> None:
    for rule in book.rules:
        for path, part in cited_parts(rule, rule.id):
            assert part.status < Status.VERIFIED, path
            assert part.status <= book.sources[part.source].status, path
    assert faults(book) == ()


def test_every_fact_of_the_vocabulary_has_a_question(book: Lawbook) -> None:
    for fact in book.vocabulary.facts.values():
        assert fact.question.endswith("?"), fact.name
    asked = frozenset().union(*(facts_asked(rule) for rule in book.rules))
    assert asked <= set(book.vocabulary.facts)


def test_editions_follow_each_other(
    make_rule: Callable[..., Rule], book_of: Callable[..., Lawbook], cited: Mapping[str, str]
) -> None:
    def edition(begin: str, end: str | None) -> Rule:
        span = {"from": begin, "to": end, "before": "not_law", **cited}
        return make_rule(
            legal_status="lapsed" if end else "in_force",
            in_force=span | ({"after": "not_law"} if end else {}),
        )

    lapsed, revived = edition("2026-01-01", "2026-04-04"), edition("2026-07-31", None)
    book = book_of(revived, lapsed)
    assert faults(book) == ()
    days = {
        "2025-12-31": (lapsed, Beyond.NOT_LAW),
        "2026-01-01": (lapsed, None),
        "2026-04-03": (lapsed, None),
        "2026-04-04": (lapsed, Beyond.NOT_LAW),
        "2026-07-30": (lapsed, Beyond.NOT_LAW),
        "2026-07-31": (revived, None),
        "2099-01-01": (revived, None),
    }
    for day, expected in days.items():
        assert book.edition("us.test.report", on=date.fromisoformat(day)) == expected, day
    with pytest.raises(NotFound):
        book.editions("us.test.other")


def test_the_digest_depends_on_content_not_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"b": [2, 1]}) != digest({"b": [1, 2]})


def test_some_kinds_alone_are_as_they_are_in_the_whole_book(folder: Path) -> None:
    whole = load_lawbook()
    asked = load_lawbook(kinds=KINDS_ASKED)
    assert (asked.rules, asked.bases) == (whole.rules, whole.bases)
    assert asked.jurisdiction_entries == whole.jurisdiction_entries
    assert not any((asked.clauses, asked.requirements, asked.offences, asked.memberships))
    spoil(folder, US, lambda data: data.update(rulez=[]))
    with pytest.raises(BadInput, match="rulez"):
        load_lawbook(folder, kinds={"jurisdictions"})
    (folder / US).write_text("# nothing\n")
    with pytest.raises(BadInput, match="2258A"):
        load_lawbook(folder, kinds={"jurisdictions"})


def test_detection_is_answered_alike_by_what_it_asks_of_the_book() -> None:
    whole, asked = load_lawbook(), load_lawbook(kinds=KINDS_ASKED)
    facts = {"provider.established_in": "DE", "service.targets_markets": ["US", "GB", "JP"]}
    places = connected(whole, facts)
    assert connected(asked, facts) == places
    assert {"DE", "GB", "JP", "US"} <= set(places)
    for floor in (Status.RECALLED, Status.VERIFIED):
        answers = [
            may_detect(
                book,
                jurisdictions=places,
                tier=Tier.KNOWN_HASH,
                channel=channel,
                facts=facts,
                as_of=date(2026, 11, 21),
                floor=floor,
            )
            for channel in Channel
            for book in (whole, asked)
        ]
        assert answers[::2] == answers[1::2]
