"""A pack as a folder of pages that needs no program: names of files and what stands in them.

Pages are drawn from the parts on: whatever a page leads to gets a page of its own in the pack,
until nothing is missing. Sources come last, because they list what rests on them.
"""

import functools
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from urllib.parse import quote

from jinja2 import Environment

from tutela.law.assessing import Assessor, Met
from tutela.law.book import Lawbook
from tutela.law.instruments import Requirement
from tutela.law.model import Status
from tutela.oversight import changing, drawing
from tutela.oversight import law_pages as shown
from tutela.oversight.changing import Change
from tutela.oversight.element_grid import grid
from tutela.oversight.law_words import LAW_WORDS
from tutela.oversight.pack import Pack
from tutela.oversight.timeline import of_instrument, of_place
from tutela.primitives.errors import Conflict


def _(text: str) -> str:
    """Mark a text for translation; it is translated when a page is drawn."""
    return text


PARTS: tuple[tuple[str, str], ...] = (
    ("index.html", _("Overview")),
    ("clauses.html", _("Proposed clauses")),
    ("duties.html", _("Provider duties")),
    ("capabilities.html", _("Capabilities")),
    ("questions.html", _("Questions to government")),
    ("safeguards.html", _("Safeguard report")),
    ("timeline.html", _("What was in force when")),
    ("changes.html", _("What changed")),
    ("unknowns.html", _("Unknowns")),
)
"""File and heading of each part; the gaps have a page for each instrument beside these."""
_FOLDERS: Mapping[str, str] = {
    "instruments": "instruments",
    "requirements": "requirements",
    "jurisdictions": "places",
    "sources": "sources",
    "clauses": "clauses",
}
_OF_REQUIREMENTS = {"assessments", "elements", "capabilities"}
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How the pages are read, in the shape that the shared pages ask for."""

    as_of: date
    floor: Status
    query: str = ""


@dataclass(kw_only=True)
class _Site:
    """The pages drawn so far and those that are still asked for."""

    pack: Pack
    book: Lawbook
    environment: Environment
    common: Mapping[str, Any]
    files: dict[str, str] = field(default_factory=dict)
    asked: dict[tuple[str, str], str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    citing: dict[str, dict[shown.Found, None]] = field(default_factory=dict)

    def draw(self, path: str, template: str, **facts: object) -> None:
        """One page; its links are written down as asked for."""
        folder = posixpath.dirname(path) or "."

        def at(name: str) -> str:
            return _relative(name, folder)

        def link(kind: str, name: str) -> str:
            return at(self.address(kind, name))

        self.files[path] = self.environment.get_template(template).render(
            **self.common, **facts, here=path, at=at, link=link
        )

    def address(self, kind: str, name: str) -> str:
        """Where the page of an entry stands; from now on it must exist."""
        key = kind, name
        if key not in self.asked:
            folder = _FOLDERS.get(kind, f"entries/{kind}")
            path = f"{folder}/{_ODD.sub('-', name).lstrip('.')}.html"
            if path.lower() in self.taken:
                raise Conflict(
                    "Two entries would share one file of the pack",
                    remedy="Give one of them another id in the operator's lawbook.",
                )
            self.taken.add(path.lower())
            self.asked[key] = path
        return self.asked[key]


def pages(
    pack: Pack,
    book: Lawbook,
    *,
    language: drawing.Tongue,
    digest: str,
    changes: Sequence[Change] | None,
    with_pdf: bool,
) -> Mapping[str, str]:
    """Every page by its path in the folder, closed under its own links.

    `changes` is `None` when no earlier pack was named.
    """
    seen = pack.overview
    site = _Site(
        pack=pack,
        book=book,
        environment=_environment(language),
        common={
            "layout": "pack_layout.html",
            "language": language,
            "code": seen.jurisdiction.code,
            "reading": Reading(as_of=seen.as_of, floor=seen.floor),
            "parts": PARTS,
            "seen": seen,
            "outcomes": tuple(Met),
            "digest": digest,
            "with_pdf": with_pdf,
        },
    )
    _parts(site, changes)
    _entries(site)
    return site.files


@functools.cache
def _relative(path: str, folder: str) -> str:
    """The address of a file as a page in a folder writes it."""
    return quote(posixpath.relpath(path, folder))


@functools.cache
def _environment(language: drawing.Tongue) -> Environment:
    """Templates in one language, compiled once a process."""
    return drawing.environment([drawing.TEMPLATES], language, LAW_WORDS)


def _parts(site: _Site, changes: Sequence[Change] | None) -> None:
    """The parts, and the gaps by instrument."""
    pack = site.pack
    facts: dict[str, dict[str, object]] = {
        "index.html": {"gaps_at": "gaps-{}.html".format},
        "capabilities.html": {"capabilities": pack.capabilities, "maturity": pack.maturity},
        "clauses.html": {"drafted": pack.drafted},
        "safeguards.html": {"figures": pack.figures},
        "changes.html": {
            "changes": changes,
            "changed_at": _changed_at(site),
            "change_parts": changing.PARTS,
            "words_of": changing.WORDS_OF,
        },
    }
    for name, _heading in PARTS:
        site.draw(name, f"pack_{name}", **facts.get(name, {}))
    for name in pack.gap.against:
        rows = pack.gap.of(name)
        site.draw(
            f"gaps-{name}.html",
            "pack_gap.html",
            found=replace(pack.gap, against=(name,), rows=rows),
            only="",
            clause=pack.clause,
            marks=grid(row.assessment for row in rows),
        )


def _changed_at(site: _Site) -> Callable[[Change], str | None]:
    """The page of what changed, where it still exists."""
    requirements = {each.id for each in site.book.requirements}

    def address(change: Change) -> str | None:
        requirement = change.id.partition(" ")[0]
        if change.part in _OF_REQUIREMENTS and requirement in requirements:
            return site.address("requirements", requirement)
        if change.part == "bindings" and change.after is not None:
            return site.address("instruments", change.id)
        if change.part == "entries" and change.after is not None:
            kind, _, name = change.id.partition(" ")
            return site.address(kind, name)
        return None

    return address


def _entries(site: _Site) -> None:
    """Draw what is asked for until nothing new is; then other places, then sources."""
    code = site.pack.overview.jurisdiction.code
    own = {code, *site.pack.overview.jurisdiction.member_of}
    assessor = Assessor(site.book, as_of=site.pack.overview.as_of, floor=site.pack.overview.floor)
    while waiting := [
        (kind, name, path)
        for (kind, name), path in site.asked.items()
        if path not in site.files
        and kind != "sources"
        and not (kind == "jurisdictions" and name not in own)
    ]:
        for kind, name, path in waiting:
            _entry(site, kind, name, path, assessor=assessor)
    for (kind, name), path in list(site.asked.items()):
        if kind == "jurisdictions" and path not in site.files:
            site.draw(
                path,
                "pack_place.html",
                place=site.book.jurisdiction(name),
                held=_held(site, name),
            )
    for (kind, name), path in list(site.asked.items()):
        if kind == "sources":
            site.draw(
                path,
                "law_source.html",
                source=site.book.sources[name],
                citing=tuple(site.citing.get(name, ())),
            )


def _entry(site: _Site, kind: str, name: str, path: str, *, assessor: Assessor) -> None:
    """One page of the lawbook, as the console shows it."""
    book, on = site.book, site.pack.overview.as_of
    if kind == "requirements":
        requirement = book.requirement(name)
        _cite(site, kind, name, requirement)
        rows = _rows(site.pack, requirement, assessor=assessor)
        site.draw(path, "law_requirement.html", requirement=requirement, rows=rows)
    elif kind == "instruments":
        instrument = book.instrument(name)
        _cite(site, kind, name, instrument)
        site.draw(
            path,
            "law_instrument.html",
            instrument=instrument,
            requirements=book.requirements_of(instrument.id),
            line=of_instrument(book, instrument, day=on),
        )
    elif kind == "jurisdictions":
        _cite(site, kind, name, book.jurisdiction(name))
        site.draw(
            path,
            "law_place.html",
            place=shown.place(book, name, on=on),
            line=of_place(book, name, day=on),
        )
    elif kind == "clauses":
        drafted = site.pack.drafted
        one = next(each for each in drafted.clauses if each.clause == name) if drafted else None
        turned = drafted.effect.changes if drafted else ()
        site.draw(path, "pack_clause.html", one=one, turned=turned)
    else:
        for each in shown.entries(book, kind, name):
            _cite(site, kind, name, each)
        editions = shown.editions(book, kind, name)
        origin = book.origins.get(f"{kind} {name}")
        site.draw(path, "law_entry.html", kind=kind, name=name, editions=editions, origin=origin)


def _rows(pack: Pack, requirement: Requirement, *, assessor: Assessor) -> list[Any]:
    """The country's own assessment, then those of the places named as precedents."""
    code = pack.overview.jurisdiction.code
    named = next(
        (row.precedents for row in pack.gap.rows if row.assessment.requirement == requirement.id),
        (),
    )
    return [assessor.assess(requirement, each) for each in (code, *named)]


def _cite(site: _Site, kind: str, name: str, entry: Any) -> None:  # noqa: ANN401 - any entry
    found = shown.Found(kind=kind, id=name, title=shown.called(entry))
    for each in shown.statements(entry):
        site.citing.setdefault(each.source, {})[found] = None


def _held(site: _Site, place: str) -> list[shown.Found]:
    """The entries of another place that the pack rests on."""
    held = []
    for kind, name in site.asked:
        if kind in {*shown.DATED, *shown.PLAIN}:
            entry = shown.entries(site.book, kind, name)[0]
            if entry.jurisdiction == place:
                held.append(shown.Found(kind=kind, id=name, title=shown.called(entry)))
    return held
