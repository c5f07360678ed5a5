"""An invented country's law and an invented treaty, as plain data and as a book."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from tutela.law.book import Lawbook
from tutela.law.countries import Jurisdiction, Measure, Membership
from tutela.law.instruments import Instrument, Requirement
from tutela.law.offences import Offence
from tutela.law.parsing import Reader

DAY = date(2026, 6, 1)
CITED = {"cite": "Test Act s.1", "source": "uncc-arabic", "status": "single_reviewer"}
WEAK = {"cite": "Test Act s.2", "source": "memory", "status": "recalled"}
SPAN = {"from": "2026-01-01", "to": None, "before": "not_law", **CITED}
CONDUCT = {
    "conduct.act": "possess",
    "material.medium": "photo",
    "material.depiction": "real_child",
    "victim.age": 12,
}

_EMPTIED = ("rules", "offences", "measures", "memberships", "requirements", "clauses")


def row(of: str, *covers: str, excludes: tuple[str, ...] = (), **more: object) -> dict[str, object]:
    data: dict[str, object] = {"of": of, **CITED, **more}
    if covers:
        data["covers"] = list(covers)
    if excludes:
        data["excludes"] = list(excludes)
    return data


def offence_data(**changes: object) -> dict[str, object]:
    """Possession of pictures of a real child below 16."""
    return {
        "id": "de.test.possess",
        "jurisdiction": "DE",
        "title": "Possession",
        "summary": "Not law.",
        "legal_status": "in_force",
        "in_force": SPAN,
        "about": "material",
        "scope": [
            row("act", "possess"),
            row("medium", "photo", "video", excludes=("text",)),
            row("depiction", "real_child", excludes=("virtual_child",)),
            row("age", below=16),
        ],
        **CITED,
    } | changes


def requirement_data(**changes: object) -> dict[str, object]:
    return {
        "id": "TREATY-1",
        "instrument": "TREATY",
        "locator": "art. 1",
        "title": "Possession",
        "type": "CRIM",
        "force": "shall",
        "addressee": "state",
        "paraphrase": "Make it a crime.",
        "elements": [{"id": "possess", "text": "possession", "conduct": CONDUCT}],
        **CITED,
    } | changes


def instrument_data(**changes: object) -> dict[str, object]:
    return {
        "id": "TREATY",
        "title": "An invented treaty",
        "short": "Treaty",
        "kind": "treaty",
        "legal_status": "in_force",
        "in_force": SPAN,
        "summary": "Not law.",
        **CITED,
    } | changes


def place_data(code: str, **changes: object) -> dict[str, object]:
    return {
        "code": code,
        "name": f"Country {code}",
        "kind": "state",
        "read_on": "2026-06-01",
        "summary": "Not a country's law.",
        **CITED,
    } | changes


class Maker:
    """Builds entries on the real vocabulary, and books of them."""

    def __init__(self, book: Lawbook) -> None:
        self.book = book
        self.reader = Reader(vocabulary=book.vocabulary, sets=book.sets)

    def offence(self, **changes: object) -> Offence:
        return self.reader.build(Offence, offence_data(**changes), where="test")

    def requirement(self, **changes: object) -> Requirement:
        return self.reader.build(Requirement, requirement_data(**changes), where="test")

    def measure(self, name: str, *, holds: bool = True, **changes: object) -> Measure:
        data: Mapping[str, object] = {
            "id": f"de.measure.{name}",
            "jurisdiction": "DE",
            "measure": name,
            "holds": holds,
            "text": "Said so.",
            "legal_status": "in_force",
            "in_force": SPAN,
            **CITED,
        } | changes
        return self.reader.build(Measure, data, where="test")

    def membership(self, state: str = "party", **changes: object) -> Membership:
        data = {"jurisdiction": "DE", "instrument": "TREATY", "state": state, **CITED} | changes
        return self.reader.build(Membership, data, where="test")

    def book_with(self, *, instrument: Mapping[str, object] | None = None, **kinds: Any) -> Lawbook:
        """A book of two invented countries (DE, FR), one treaty and the entries given."""
        places = tuple(
            self.reader.build(Jurisdiction, place_data(code), where="test") for code in ("DE", "FR")
        )
        treaty = self.reader.build(Instrument, instrument or instrument_data(), where="test")
        empty: dict[str, Any] = dict.fromkeys(
            ("rules", "offences", "measures", "memberships", "requirements", "clauses"), ()
        )
        given = {kind: tuple(listed) for kind, listed in kinds.items()}
        return replace(
            self.book,
            jurisdiction_entries=places,
            instruments=(treaty,),
            bases=(),
            contacts=(),
            **(empty | given),
        )
