"""The four questions to the lawbook as pages: duties, gap, compare, draft. Nothing is stored."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tutela.accounts.model import Permission
from tutela.accounts.permissions import require
from tutela.console.law_book_pages import frame
from tutela.console.law_reading import Read, in_groups, reading_of
from tutela.console.visiting import LAW_TURN, Form, Pages, Parts, Visitor
from tutela.counsel.acceptances import acceptances
from tutela.law.acceptance import actionable
from tutela.law.answers import State as DutyState
from tutela.law.assessing import Met
from tutela.law.clauses import Choice
from tutela.law.comparing import Purpose, compare
from tutela.law.drafting import draft
from tutela.law.duties import duties
from tutela.law.gaps import USUAL, gap
from tutela.law.parsing import read_facts
from tutela.law.vocabulary import Vocabulary
from tutela.primitives.errors import BadInput

router = APIRouter(dependencies=[LAW_TURN])
LONGEST_FACTS = 20_000
_BOOLEANS = {"true": True, "false": False}
_CONDUCT = ("conduct", "material", "victim", "offender")


@router.get("/law/gap")
def gap_page(
    request: Request,
    parts: Parts,
    pages: Pages,
    visit: Visitor,
    read: Read,
    jurisdiction: Annotated[str, Query(max_length=10)],
    against: Annotated[list[str] | None, Query()] = None,
    only: Annotated[str, Query(max_length=30)] = "",
) -> Response:
    """A country's law beside the treaties; `only` shows the rows that ended so."""
    if only and only not in {each.value for each in Met}:
        raise BadInput("There is no such outcome", remedy="Choose one of those on the page.")
    found = gap(
        parts.book, jurisdiction, against=against or USUAL, as_of=read.as_of, floor=read.floor
    )
    return pages.page(
        request,
        "law_gap_page.html",
        visit=visit,
        found=found,
        only=only,
        outcomes=tuple(Met),
        places=parts.book.jurisdiction_entries,
        instruments=parts.book.instruments,
        **frame(read),
    )


@router.get("/law/compare")
def compare_page(
    request: Request, parts: Parts, pages: Pages, visit: Visitor, read: Read
) -> Response:
    """Two laws and one conduct; the form alone until both places are named."""
    asked = request.query_params
    conduct = _conduct_of(parts.book.vocabulary, asked)
    found = None
    if asked.get("requesting") and asked.get("requested"):
        found = compare(
            parts.book,
            asked["requesting"],
            asked["requested"],
            conduct,
            purpose=_purpose(asked.get("purpose", "")),
            as_of=read.as_of,
            floor=read.floor,
        )
    return pages.page(
        request,
        "law_compare.html",
        visit=visit,
        found=found,
        asked=asked,
        conduct=conduct,
        facts=_conduct_facts(parts.book.vocabulary),
        places=parts.book.jurisdiction_entries,
        purposes=tuple(Purpose),
        vocabulary=parts.book.vocabulary,
        **frame(read),
    )


@router.get("/law/draft")
def draft_page(
    request: Request,
    parts: Parts,
    pages: Pages,
    visit: Visitor,
    read: Read,
    jurisdiction: Annotated[str, Query(max_length=10)] = "",
    requirement: Annotated[list[str] | None, Query()] = None,
    option: Annotated[Choice, Query()] = Choice.FLOOR,
) -> Response:
    """Model clauses, and what they would change."""
    found = None
    if jurisdiction and requirement:
        found = draft(
            parts.book,
            jurisdiction,
            requirement,
            option=option,
            as_of=read.as_of,
            floor=read.floor,
        )
    return pages.page(
        request,
        "law_draft.html",
        visit=visit,
        found=found,
        jurisdiction=jurisdiction,
        chosen=requirement or [],
        option=option,
        options=tuple(Choice),
        clauses=parts.book.clauses,
        places=parts.book.jurisdiction_entries,
        **frame(read),
    )


@router.get("/law/duties")
def duties_form(
    request: Request, parts: Parts, pages: Pages, visit: Visitor, read: Read
) -> Response:
    """The form alone."""
    return _duties(request, pages, visit, read, parts=parts, text="")


@router.post("/law/duties")
def duties_page(
    request: Request, parts: Parts, pages: Pages, visit: Visitor, fields: Form
) -> Response:
    """What binds a provider on the given facts. Facts are posted, so that no address holds them."""
    require(visit.session.actor, Permission.LAW_READ)
    read = reading_of(parts, fields.get("as_of", ""), fields.get("status", ""))
    text = fields.get("facts", "")
    if len(text) > LONGEST_FACTS:
        raise BadInput("The facts are too long", why=f"at most {LONGEST_FACTS} letters are read")
    return _duties(request, pages, visit, read, parts=parts, text=text)


def _duties(
    request: Request, pages: Pages, visit: Visitor, read: Read, *, parts: Parts, text: str
) -> Response:
    seen = None
    if text.strip():
        with parts.database.begin() as tx:
            accepted = acceptances(tx)
        now = parts.clock.now()
        derived = duties(
            parts.book,
            read_facts(text, where="facts"),
            now if read.as_of == now.date() else read.as_of,
            floor=read.floor,
        )
        seen = {
            "duties": derived,
            "laws": in_groups(derived, lambda duty: tuple(DutyState).index(duty.state)),
            "allowed": {
                duty.rule_id: actionable(
                    parts.book.edition(duty.rule_id, on=read.as_of)[0], accepted
                )
                for duty in derived.duties
            },
        }
    return pages.page(
        request,
        "law_duties.html",
        visit=visit,
        seen=seen,
        text=text,
        vocabulary=parts.book.vocabulary,
        longest=LONGEST_FACTS,
        **frame(read),
    )


def _conduct_facts(vocabulary: Vocabulary) -> list[object]:
    """The facts of a conduct that a form can ask for."""
    return [fact for name, fact in vocabulary.facts.items() if name.partition(".")[0] in _CONDUCT]


def _conduct_of(vocabulary: Vocabulary, asked: object) -> dict[str, object]:
    """The conduct in the address; an empty field is a fact nobody knows."""
    conduct: dict[str, object] = {}
    for name, fact in vocabulary.facts.items():
        value = asked.get(name, "") if hasattr(asked, "get") else ""
        if name.partition(".")[0] not in _CONDUCT or value == "":
            continue
        if fact.kind.value == "bool":
            conduct[name] = _BOOLEANS.get(value, value)
        elif fact.kind.value == "integer":
            conduct[name] = int(value) if value.isdecimal() and len(value) < 4 else value  # noqa: PLR2004 - an age
        else:
            conduct[name] = value
    return conduct


def _purpose(text: str) -> Purpose:
    return next((each for each in Purpose if each.value == text), Purpose.EXTRADITION)
