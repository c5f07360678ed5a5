"""What a page about the law shows, gathered from the lawbook; drawing is the faces' work.

Every figure leads by a link to an entry, every entry to its statements, each with citation,
source and review status.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from typing import Any

from tutela.law.assessing import Assessment, Assessor
from tutela.law.book import Lawbook, edition_on
from tutela.law.countries import Contact, Jurisdiction, Membership
from tutela.law.instruments import Instrument, Requirement
from tutela.law.model import Beyond, Cited, Leaf, Op, Source, Status
from tutela.law.serialising import as_plain
from tutela.primitives.errors import BadInput, NotFound

DATED = ("offences", "rules", "measures", "bases")
"""Kinds of entries that have editions in time."""
PLAIN = ("memberships", "contacts")
MOST_FOUND = 60
SHORTEST_QUERY = 2
_TESTS: Mapping[Op, str] = {
    Op.EQ: "is",
    Op.IN: "is one of",
    Op.GE: "is at least",
    Op.LT: "is below",
    Op.COVERS: "holds all of",
}
"""What stands between a fact and what it is held against."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One cited statement inside an entry: where it stands, what it says, what it rests on."""

    path: str
    says: str
    cite: str
    source: str
    status: Status


@dataclass(frozen=True, kw_only=True, slots=True)
class EditionSeen:
    """One edition of an entry; what it does not have is `None`."""

    title: str | None
    text: str | None
    name: str | None
    summary: str | None
    jurisdiction: str | None
    legal_status: Any
    status: Any
    in_force: Any
    version: str | None
    statements: tuple[Statement, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dated:
    """An entry on a day: `beyond` is `None` when it is in force then."""

    kind: str
    entry: Any
    beyond: Beyond | None

    @property
    def title(self) -> str:
        """What it is called on a page."""
        for name in ("title", "text", "summary"):
            if said := getattr(self.entry, name, None):
                return str(said)
        return str(self.entry.id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Everything the book says of a jurisdiction, on a day."""

    jurisdiction: Jurisdiction
    unions: tuple[str, ...]
    dated: tuple[Dated, ...]
    memberships: tuple[tuple[Instrument, Membership | None], ...]
    contacts: tuple[Contact, ...]

    def of(self, kind: str) -> tuple[Dated, ...]:
        """The dated entries of one kind."""
        return tuple(each for each in self.dated if each.kind == kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A hit of the search."""

    kind: str
    id: str
    title: str


def place(book: Lawbook, code: str, *, on: date) -> Place:
    """The page of a jurisdiction; raise `NotFound`."""
    jurisdiction = book.jurisdiction(code)
    own = {each.instrument: each for each in book.memberships if each.jurisdiction == code}
    return Place(
        jurisdiction=jurisdiction,
        unions=jurisdiction.member_of,
        dated=tuple(
            Dated(kind=kind, entry=entry, beyond=edition_on([entry], on=on)[1])
            for kind in DATED
            for entry in book.in_place(getattr(book, kind), code, on=on)
        ),
        memberships=tuple(
            (each, own.get(each.id)) for each in book.instruments if each.kind.value == "treaty"
        ),
        contacts=tuple(each for each in book.contacts if each.jurisdiction == code),
    )


def matrix(assessor: Assessor, requirement: Requirement) -> tuple[Assessment, ...]:
    """One requirement in every place of the book."""
    return tuple(
        assessor.assess(requirement, each.code)
        for each in assessor.book.jurisdiction_entries
        if each.kind.value == "state"
    )


def entries(book: Lawbook, kind: str, name: str) -> tuple[Any, ...]:
    """All editions of one entry, oldest first; raise `NotFound`."""
    if kind in DATED:
        found = [each for each in getattr(book, kind) if each.id == name]
        found.sort(key=lambda each: each.in_force.from_ or date.min)
    elif kind == "memberships":
        found = [each for each in book.memberships if membership_id(each) == name]
    elif kind in {"contacts", "clauses"}:
        found = [each for each in getattr(book, kind) if each.id == name]
    else:
        found = []
    if not found:
        raise NotFound("There is no such entry in the lawbook", remedy="Search for it under Law.")
    return tuple(found)


def editions(book: Lawbook, kind: str, name: str) -> tuple[EditionSeen, ...]:
    """One entry in all its editions, statement by statement; raise `NotFound`."""
    return tuple(
        EditionSeen(
            statements=statements(each),
            **{
                key: getattr(each, key, None)
                for key in EditionSeen.__dataclass_fields__
                if key != "statements"
            },
        )
        for each in entries(book, kind, name)
    )


def membership_id(membership: Membership) -> str:
    """How a membership is named in an address."""
    return f"{membership.jurisdiction} {membership.instrument}"


def statements(entry: object) -> tuple[Statement, ...]:
    """Every cited statement of an entry, outermost first."""
    return tuple(_statements(entry, ""))


def _statements(thing: object, path: str) -> Iterator[Statement]:
    if isinstance(thing, tuple):
        for n, each in enumerate(thing, start=1):
            yield from _statements(each, f"{path} {n}" if len(thing) > 1 else path)
        return
    if not is_dataclass(thing) or isinstance(thing, type):
        return
    if isinstance(thing, Cited):
        yield Statement(
            path=path.strip() or "entry",
            says=_says(thing),
            cite=thing.cite,
            source=thing.source,
            status=thing.status,
        )
    for each in fields(thing):
        yield from _statements(
            getattr(thing, each.name), f"{path} {each.name.rstrip('_').replace('_', ' ')}"
        )


def _says(thing: Cited) -> str:
    """The plain values of a statement, without its parts and its citation."""
    if isinstance(thing, Leaf):
        return _tested(thing)
    told = []
    for each in fields(thing):
        value = getattr(thing, each.name)
        if each.name in {"cite", "source", "status", "version"} or value in (None, (), ""):
            continue
        plain = as_plain(value)
        if isinstance(plain, dict) or (
            isinstance(plain, list) and any(isinstance(one, dict) for one in plain)
        ):
            continue
        words = ", ".join(map(str, plain)) if isinstance(plain, list) else str(plain)
        told.append(f"{each.name.rstrip('_').replace('_', ' ')}: {words}")
    return "; ".join(told)


def _tested(leaf: Leaf) -> str:
    """What a test of a fact asks, as a sentence without its full stop."""
    if leaf.op is Op.EXISTS:
        return f"{leaf.fact} is there"
    plain = as_plain(leaf.value)
    values = [str(one).lower() if isinstance(one, bool) else str(one) for one in _listed(plain)]
    if leaf.op is Op.BETWEEN:
        return f"{leaf.fact} is at least {values[0]} and below {values[1]}"
    return f"{leaf.fact} {_TESTS[leaf.op]} {', '.join(values)}"


def _listed(plain: object) -> list[object]:
    return plain if isinstance(plain, list) else [plain]


def resting_on(book: Lawbook, source: str) -> tuple[Source, tuple[Found, ...]]:
    """A source and the entries that cite it; raise `NotFound`."""
    if source not in book.sources:
        raise NotFound("There is no such source in the lawbook", remedy="Search for it under Law.")
    found = [
        _found(kind, entry)
        for kind, entry in _everything(book)
        if any(each.source == source for each in statements(entry))
    ]
    return book.sources[source], tuple(dict.fromkeys(found))


def search(book: Lawbook, query: str) -> tuple[Found, ...]:
    """Entries whose id, title, text or citation holds every word of the query.

    One letter refuses with `BadInput`: that nothing is found would be no answer.
    """
    words = query.casefold().split()
    if not words:
        return ()
    if len(query.strip()) < SHORTEST_QUERY:
        raise BadInput("One letter is too little to search for", remedy="Give a word.")
    hits = [
        _found(kind, entry)
        for kind, entry in _everything(book)
        if all(word in " ".join(_text(entry)).casefold() for word in words)
    ]
    return tuple(dict.fromkeys(hits))[:MOST_FOUND]


def _everything(book: Lawbook) -> Iterator[tuple[str, Any]]:
    """Every entry with its kind, as addresses call it."""
    yield from (("jurisdictions", each) for each in book.jurisdiction_entries)
    for kind in ("instruments", "requirements", *DATED, *PLAIN, "clauses"):
        yield from ((kind, each) for each in getattr(book, kind))


def _text(entry: Any) -> Iterator[str]:  # noqa: ANN401 - any entry of the book
    for name in ("id", "code", "name", "title", "summary", "text", "paraphrase", "locator"):
        value = getattr(entry, name, None)
        if isinstance(value, str):
            yield value
    for name in ("cite", "jurisdiction", "instrument", "measure"):
        value = getattr(entry, name, None)
        if isinstance(value, str):
            yield value


def called(entry: Any) -> str:  # noqa: ANN401 - any entry of the book
    """What an entry is called in a list."""
    if isinstance(entry, Membership):
        return f"{entry.instrument}: {entry.state.value}"
    for key in ("title", "name", "text", "summary", "paraphrase"):
        if said := getattr(entry, key, None):
            return str(said)
    return str(getattr(entry, "id", None) or entry.code)


def _found(kind: str, entry: Any) -> Found:  # noqa: ANN401 - any entry of the book
    if isinstance(entry, Membership):
        return Found(kind=kind, id=membership_id(entry), title=called(entry))
    name = str(getattr(entry, "id", None) or entry.code)
    return Found(kind=kind, id=name, title=called(entry))
