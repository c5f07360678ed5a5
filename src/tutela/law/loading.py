"""Reading the lawbook: `sources.yaml`, `facts.yaml`, `sets.yaml`, then each country's rules."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable

from tutela.law.linting import cited_parts, facts_asked, faults
from tutela.law.model import Beyond, Cited, Rule, Source
from tutela.law.parsing import Reader, check_fact, read_yaml, refusal
from tutela.law.serialising import digest, version_of
from tutela.law.vocabulary import FACT_NAME, Fact, Vocabulary
from tutela.primitives.errors import BadInput, NotFound

_COUNTRIES = "iso_countries"
_SHOWN_FAULTS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeSet(Cited):
    """A named list of country codes that conditions may use."""

    name: str
    codes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lawbook:
    """Every rule in all its editions, the sources they rest on and the facts they may ask."""

    rules: tuple[Rule, ...]
    sources: Mapping[str, Source]
    vocabulary: Vocabulary

    @property
    def digest(self) -> str:
        """One digest over all rule versions: two equal digests, the same law."""
        return digest(sorted([rule.id, rule.version] for rule in self.rules))

    @property
    def jurisdictions(self) -> tuple[str, ...]:
        """The jurisdictions that have a rule, sorted."""
        return tuple(sorted({rule.jurisdiction for rule in self.rules}))

    def ids(self) -> tuple[str, ...]:
        """Every rule id once, sorted."""
        return tuple(sorted({rule.id for rule in self.rules}))

    def editions(self, rule_id: str) -> tuple[Rule, ...]:
        """All dated editions of a rule, oldest first; raise `NotFound` for an unknown id."""
        found = [rule for rule in self.rules if rule.id == rule_id]
        if not found:
            raise NotFound(
                f"There is no rule called {rule_id[:80]!r}",
                remedy="`tutela law rules` lists them",
            )
        return tuple(sorted(found, key=lambda rule: rule.in_force.from_ or date.min))

    def edition(self, rule_id: str, *, on: date) -> tuple[Rule, Beyond | None]:
        """The edition in force on a day, or the nearest one and what holds outside its dates."""
        editions = self.editions(rule_id)
        nearest, beyond = editions[0], editions[0].in_force.before
        for rule in editions:
            span = rule.in_force
            if span.covers(on):
                return rule, None
            if span.from_ is not None and span.from_ <= on:
                nearest, beyond = rule, span.after or Beyond.UNRECORDED
        return nearest, beyond


def load_lawbook(root: Traversable | None = None) -> Lawbook:
    """Read and check a lawbook, by default the one in the package; refuse with `BadInput`.

    The message lists every fault (the first 20), each with its place.
    """
    root = root if root is not None else files("tutela") / "lawbook"
    sources = _sources(root)
    sets = _sets(root, sources)
    vocabulary = _vocabulary(root, sets)
    reader = Reader(vocabulary=vocabulary, sets=sets)
    rules = [
        _with_version(rule, sources, vocabulary)
        for folder in _children(root)
        if folder.is_dir()
        for file in _children(folder)
        if file.name.endswith(".yaml")
        for rule in _rules(file, folder.name, reader)
    ]
    found = faults(rules, sources, vocabulary)
    if not rules:
        found = (*found, "the book holds no rule: empty means no")
    if found:
        more = len(found) - _SHOWN_FAULTS
        raise BadInput(
            "The lawbook is refused",
            why="; ".join(found[:_SHOWN_FAULTS]) + (f"; and {more} more" if more > 0 else ""),
            remedy="Correct the files; docs/reference/lawbook.md says what each key means.",
        )
    rules.sort(key=lambda rule: (rule.id, rule.in_force.from_ or date.min))
    return Lawbook(rules=tuple(rules), sources=sources, vocabulary=vocabulary)


def _children(folder: Traversable) -> list[Traversable]:
    return sorted(folder.iterdir(), key=lambda each: each.name)


def _listed(root: Traversable, name: str) -> Iterator[tuple[str, object]]:
    """The elements of the one list in `root/name.yaml`, each with its place."""
    data = read_yaml((root / f"{name}.yaml").read_text("utf-8"), where=f"{name}.yaml")
    yield from _elements(data, name, f"{name}.yaml")


def _elements(data: Mapping[str, object], key: str, where: str) -> Iterator[tuple[str, object]]:
    listed = data.get(key)
    if set(data) != {key} or not isinstance(listed, list) or not listed:
        raise refusal(where, f"expected the one key {key} with a list that is not empty")
    for n, each in enumerate(listed):
        yield f"{where} {key}[{n}]", each


def _sources(root: Traversable) -> dict[str, Source]:
    reader, sources = Reader(sets={}), dict[str, Source]()
    for where, data in _listed(root, "sources"):
        source = reader.build(Source, data, where=where)
        if source.id in sources:
            raise refusal(where, f"the source id {source.id} is reused")
        sources[source.id] = source
    return sources


def _sets(root: Traversable, sources: Mapping[str, Source]) -> dict[str, tuple[str, ...]]:
    reader, sets = Reader(sets={}), dict[str, tuple[str, ...]]()
    for where, data in _listed(root, "sets"):
        one = reader.build(CodeSet, data, where=where)
        if one.name in sets or len(set(one.codes)) != len(one.codes) or not one.codes:
            raise refusal(where, "a name or a code stands twice, or there is no code")
        for _, part in cited_parts(one, where):
            if part.source not in sources:
                raise refusal(where, f"the source {part.source} is not in the book")
        sets[one.name] = one.codes
    if _COUNTRIES not in sets:
        raise refusal("sets.yaml", f"the set {_COUNTRIES} is missing")
    return sets


def _vocabulary(root: Traversable, sets: Mapping[str, tuple[str, ...]]) -> Vocabulary:
    reader, facts = Reader(sets={}), dict[str, Fact]()
    for where, data in _listed(root, "facts"):
        fact = reader.build(Fact, data, where=where)
        check_fact(fact, where=where)
        if fact.name in facts or not FACT_NAME.match(fact.name):
            raise refusal(where, "the name stands twice or is not group.name")
        facts[fact.name] = fact
    return Vocabulary(facts=facts, countries=frozenset(sets[_COUNTRIES]))


def _rules(file: Traversable, folder: str, reader: Reader) -> Iterable[Rule]:
    where = f"{folder}/{file.name}"
    data = read_yaml(file.read_text("utf-8"), where=where)
    for place, each in _elements(data, "rules", where):
        rule = reader.build(Rule, each, where=place)
        if rule.jurisdiction.lower() != folder:
            raise refusal(place, f"a rule of {rule.jurisdiction} stands in the folder {folder}")
        yield rule


def _with_version(rule: Rule, sources: Mapping[str, Source], vocabulary: Vocabulary) -> Rule:
    cited = {part.source for _, part in cited_parts(rule, "rule")}
    asked = facts_asked(rule)
    version = version_of(
        rule,
        sources=[sources[each] for each in cited if each in sources],
        facts=[vocabulary.facts[each] for each in asked if each in vocabulary.facts],
    )
    return replace(rule, version=version)
