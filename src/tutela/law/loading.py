"""Reading the lawbook: the shared files first, then every folder; an operator's folders last.

`sources.yaml`, `sets.yaml`, `facts.yaml`, `conduct.yaml` (facts, too), `measures.yaml` and
`ordinary.yaml` stand at the top. A file in a folder is a mapping whose keys say what it lists
(`rules`, `offences`, `requirements` ...).
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from tutela.law.book import KINDS_NAMED, Assumption, CodeSet, Lawbook, named
from tutela.law.clauses import Clause
from tutela.law.countries import Basis, Contact, Jurisdiction, Measure, Membership, Term
from tutela.law.instruments import Instrument, Requirement
from tutela.law.linting import cited_parts, facts_asked, faults
from tutela.law.model import Rule, Source
from tutela.law.offences import Offence
from tutela.law.parsing import Reader, check_fact, read_yaml, refusal
from tutela.law.serialising import version_of
from tutela.law.vocabulary import FACT_NAME, Fact, Vocabulary
from tutela.primitives.errors import BadInput

__all__ = ["Lawbook", "load_lawbook"]

KINDS: Mapping[str, type[Any]] = {
    "jurisdictions": Jurisdiction,
    "instruments": Instrument,
    "requirements": Requirement,
    "rules": Rule,
    "offences": Offence,
    "measures": Measure,
    "memberships": Membership,
    "contacts": Contact,
    "bases": Basis,
    "clauses": Clause,
}
"""The keys a file in a folder may have, and what stands under each."""
_VERSIONED = (Rule, Offence, Requirement, Basis)
_COUNTRIES = "iso_countries"
_SHARED_FILES = (
    "sources.yaml",
    "sets.yaml",
    "facts.yaml",
    "conduct.yaml",
    "measures.yaml",
    "ordinary.yaml",
)
_CASES = ("cases", "detection-cases")
"""Folders of worked examples beside the law; the tests read them, nobody else."""
_SHOWN_FAULTS = 20
_AT_THE_MARGIN = re.compile(r"^([^\s#:-][^\s:]*)", re.MULTILINE)
"""Whatever could be a key of a whole file; one that is written in another way is no kind's name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shared:
    """What every entry may lean on."""

    sources: dict[str, Source]
    sets: dict[str, tuple[str, ...]]
    facts: dict[str, Fact]
    terms: dict[str, Term]
    ordinary: dict[str, Assumption]


def load_lawbook(
    root: Traversable | None = None,
    overlays: Sequence[Traversable] = (),
    *,
    kinds: Collection[str] = KINDS,
) -> Lawbook:
    """Read and check a lawbook, by default the one in the package; refuse with `BadInput`.

    `overlays` are an operator's own folders of the same layout: an entry with an id of ours
    takes its place in all editions, and is named in `Lawbook.origins`. The message of a
    refusal lists every fault (the first 20), each with its place.

    With `kinds` only entries of these kinds are read and checked; the shared files always are.
    """
    root = root if root is not None else files("tutela") / "lawbook"
    shared = _Shared(sources={}, sets={}, facts={}, terms={}, ordinary={})
    for folder in (root, *overlays):
        _share(folder, shared)
    if _COUNTRIES not in shared.sets:
        raise refusal("sets.yaml", f"the set {_COUNTRIES} is missing")
    vocabulary = Vocabulary(facts=shared.facts, countries=frozenset(shared.sets[_COUNTRIES]))
    reader = Reader(vocabulary=vocabulary, sets=shared.sets)
    entries: dict[tuple[str, str], list[Any]] = {}
    origins: dict[str, str] = {}
    for n, folder in enumerate((root, *overlays)):
        read: dict[tuple[str, str], list[Any]] = {}
        for kind, entry in _entries(folder, reader, kinds):
            read.setdefault((kind, named(entry)), []).append(entry)
        entries |= read
        if n:
            origins |= {f"{kind} {name}": folder.name for kind, name in read}
    by_kind: dict[str, tuple[Any, ...]] = {
        KINDS_NAMED[kind]: tuple(
            _with_version(each, shared.sources, vocabulary)
            for (of, _), listed in entries.items()
            if of == kind
            for each in listed
        )
        for kind in KINDS
    }
    by_kind["rules"] = tuple(sorted(by_kind["rules"], key=_by_date))
    book = Lawbook(
        sources=shared.sources,
        vocabulary=vocabulary,
        sets=shared.sets,
        terms=shared.terms,
        ordinary=tuple(shared.ordinary.values()),
        origins=origins,
        **by_kind,
    )
    _refuse(faults(book))
    return book


def _by_date(rule: Rule) -> tuple[str, str]:
    return rule.id, str(rule.in_force.from_ or "")


def _refuse(found: Sequence[str]) -> None:
    if not found:
        return
    more = len(found) - _SHOWN_FAULTS
    raise BadInput(
        "The lawbook is refused",
        why="; ".join(found[:_SHOWN_FAULTS]) + (f"; and {more} more" if more > 0 else ""),
        remedy="Correct the files; docs/reference/lawbook.md says what each key means.",
    )


def _share(root: Traversable, shared: _Shared) -> None:
    """Take in the shared files of one folder; a later folder may replace what an earlier has."""
    plain = Reader(sets={})
    _unique(shared.sources, root, "sources", plain, Source, name="id")
    sets: dict[str, CodeSet] = {}
    _unique(sets, root, "sets", plain, CodeSet, name="name")
    for one in sets.values():
        if len(set(one.codes)) != len(one.codes) or not one.codes:
            raise refusal("sets.yaml", f"{one.name}: a code stands twice, or there is no code")
        for _, part in cited_parts(one, one.name):
            if part.source not in shared.sources:
                raise refusal("sets.yaml", f"the source {part.source} is not in the book")
        shared.sets[one.name] = one.codes
    read: dict[str, Fact] = {}
    _unique(read, root, "facts", plain, Fact, name="name")
    conduct: dict[str, Fact] = {}
    _unique(conduct, root, "facts", plain, Fact, name="name", file="conduct.yaml")
    if twice := sorted(read.keys() & conduct.keys()):
        raise refusal("conduct.yaml", f"{twice[0]} stands twice: facts.yaml has it, too")
    for fact in (read := read | conduct).values():
        check_fact(fact, where=f"facts {fact.name}")
        if not FACT_NAME.match(fact.name):
            raise refusal(f"facts {fact.name}", "the name is not group.name")
    shared.facts.update(read)
    _unique(shared.terms, root, "measure_terms", plain, Term, name="name", file="measures.yaml")
    countries = frozenset(shared.sets.get(_COUNTRIES, ()))
    vocabulary = Vocabulary(facts=shared.facts, countries=countries)
    assuming = Reader(sets={}, vocabulary=vocabulary)
    _unique(shared.ordinary, root, "ordinary", assuming, Assumption, name="fact")


def _unique(
    into: dict[str, Any],
    root: Traversable,
    key: str,
    reader: Reader,
    kind: type[Any],
    *,
    name: str,
    file: str = "",
) -> None:
    """The entries of one shared file by name; a file may be missing, a name may stand once."""
    path = root / (file or f"{key}.yaml")
    if not path.is_file():
        return
    seen: set[str] = set()
    data = read_yaml(_text(path, path.name), where=path.name, ours=True)
    if set(data) != {key}:
        raise refusal(path.name, f"expected the one key {key}")
    for where, each in _elements(data, key, path.name):
        one = reader.build(kind, each, where=where)
        if (named := getattr(one, name)) in seen:
            raise refusal(where, f"{named} stands twice")
        seen.add(named)
        into[named] = one


def _entries(
    root: Traversable, reader: Reader, kinds: Collection[str]
) -> Iterator[tuple[str, object]]:
    for folder in _children(root):
        if not folder.is_dir():
            _refuse_astray(folder, _SHARED_FILES, "it belongs into a country's folder")
            continue
        for file in _children(folder):
            if file.is_dir():
                _refuse_nested(file, f"{folder.name}/{file.name}")
            elif file.name.endswith(".yaml"):
                yield from _file(file, folder.name, reader, kinds)
            else:
                _refuse_astray(file, (), "a file of the lawbook ends in .yaml")


def _refuse_astray(file: Traversable, known: Sequence[str], why: str) -> None:
    """A file that looks like a part of the book and would not be read is a silent loss."""
    if file.name.endswith((".yaml", ".yml")) and file.name not in known:
        raise refusal(file.name, f"{why}; nothing here would be read")


def _refuse_nested(folder: Traversable, where: str) -> None:
    lost = any(each.name.endswith((".yaml", ".yml")) for each in _children(folder))
    if lost and folder.name not in _CASES:
        raise refusal(where, f"only {' and '.join(_CASES)} are folders inside a country's")


def _file(
    file: Traversable, folder: str, reader: Reader, kinds: Collection[str]
) -> Iterator[tuple[str, object]]:
    where = f"{folder}/{file.name}"
    text = _text(file, where)
    names = set(_AT_THE_MARGIN.findall(text))
    if names and names <= KINDS.keys() - set(kinds):
        return  # before it costs any time
    data = read_yaml(text, where=where, ours=True)
    for key in data:
        if key not in KINDS:
            raise refusal(where, f"{key[:40]} is none of {', '.join(KINDS)}")
        if key not in kinds:
            continue
        for place, each in _elements(data, key, where):
            entry = reader.build(KINDS[key], each, where=place)
            code = str(getattr(entry, "jurisdiction", None) or getattr(entry, "code", folder))
            if code.lower() != folder:
                where_to = f"its folder is {code[:20].lower()}"
                raise refusal(
                    place, f"an entry of {code[:20]} stands in the folder {folder}; {where_to}"
                )
            yield key, entry


def _text(file: Traversable, where: str) -> str:
    """What a file says; one that cannot be read, or is no UTF-8, refuses the book."""
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise refusal(where, f"it cannot be read as UTF-8 text ({type(error).__name__})") from error


def _children(folder: Traversable) -> list[Traversable]:
    """What stands in a folder, by name; hidden things (`.git`) are no part of the book."""
    listed = [each for each in folder.iterdir() if not each.name.startswith(".")]
    return sorted(listed, key=lambda each: each.name)


def _elements(data: Mapping[str, object], key: str, where: str) -> Iterator[tuple[str, object]]:
    listed = data.get(key)
    if not isinstance(listed, list) or not listed:
        raise refusal(where, f"{key} is no list, or an empty one")
    for n, each in enumerate(listed):
        yield f"{where} {key}[{n}]", each


def _with_version(entry: object, sources: Mapping[str, Source], vocabulary: Vocabulary) -> object:
    if not isinstance(entry, _VERSIONED):
        return entry
    cited = {part.source for _, part in cited_parts(entry, "entry")}
    asked = facts_asked(entry)
    version = version_of(
        entry,
        sources=[sources[each] for each in cited if each in sources],
        facts=[vocabulary.facts[each] for each in asked if each in vocabulary.facts],
    )
    return replace(entry, version=version)
