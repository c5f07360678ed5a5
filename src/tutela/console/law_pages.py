"""The rules with their review status, and counsel's acceptance of a rule version."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from tutela.accounts.model import Permission
from tutela.accounts.permissions import require
from tutela.console.visiting import LAW_TURN, Form, Pages, Parts, Person, Visitor
from tutela.counsel.acceptances import acceptances
from tutela.counsel.accepting import LONGEST_NOTE, accept_rule
from tutela.law.acceptance import Verdict, actionable
from tutela.law.countries import Basis
from tutela.law.model import Rule

router = APIRouter(dependencies=[LAW_TURN])
_SEE_OTHER = 303


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleSeen:
    """One edition of a rule or a detection basis, and whether it may act."""

    rule: Rule | Basis
    verdict: Verdict


@router.get("/law/rules")
def show(request: Request, parts: Parts, pages: Pages, visit: Visitor) -> Response:
    """Every edition of every rule and basis. Anybody who signs in may read the law."""
    with parts.database.begin() as tx:
        accepted = acceptances(tx)
    rules = [
        RuleSeen(rule=rule, verdict=actionable(rule, accepted))
        for rule_id in parts.book.ids()
        for rule in parts.book.editions(rule_id)
    ]
    rules += [
        RuleSeen(rule=basis, verdict=actionable(basis, accepted)) for basis in parts.book.bases
    ]
    return pages.page(
        request,
        "law_rules.html",
        visit=visit,
        rules=rules,
        digest=parts.book.digest,
        longest_note=LONGEST_NOTE,
    )


@router.post("/law/accept")
def accept(parts: Parts, person: Person, fields: Form) -> Response:
    """Write down that counsel lets exactly this version act; void once the rule changes."""
    require(person, Permission.LAW_ACCEPT)
    with parts.database.begin() as tx:
        accept_rule(
            tx,
            book=parts.book,
            rule_id=fields.get("rule", ""),
            version=fields.get("version", ""),
            by=person.id,
            note=fields.get("note", ""),
            at=parts.clock.now(),
        )
    return RedirectResponse("/law/rules", status_code=_SEE_OTHER)
