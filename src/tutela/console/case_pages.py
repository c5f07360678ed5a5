"""One case on one page, and the acts on it: claim, release, decide, second opinion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection
from starlette.responses import Response

from tutela.accounts.model import Actor, Permission
from tutela.accounts.permissions import require
from tutela.cases import claiming, deciding, facts
from tutela.cases import store as cases
from tutela.cases.model import AgeBand, Case, Decision, KnownVerdict, MatchFound, State, Verdict
from tutela.console import answers
from tutela.console.law_reading import Laws, in_groups
from tutela.console.parts import ConsoleParts
from tutela.console.rendering import Renderer, Visit
from tutela.console.visiting import Form, Pages, Parts, Person, Visitor
from tutela.counsel.acceptances import acceptances
from tutela.evidence import retention, view_log
from tutela.evidence import store as evidence
from tutela.evidence.model import Exhibit, Hold, Viewed
from tutela.indicators import store as indicators
from tutela.indicators.model import EntryStatus
from tutela.law.acceptance import Verdict as Actionable
from tutela.law.acceptance import accepted_versions, actionable
from tutela.law.answers import Duties
from tutela.law.answers import State as DutyState
from tutela.law.duties import duties
from tutela.ledger import store as ledger
from tutela.ledger.model import Line
from tutela.primitives.errors import BadInput, Conflict, NotFound, TutelaError
from tutela.primitives.ids import CaseId, ExhibitId
from tutela.reporting import restricting
from tutela.reporting import store as reporting
from tutela.reporting.reports import KeptExchange, Report, Restriction, RestrictionState
from tutela.review import store as review
from tutela.review.clustering import Cluster, cluster_of, decide_cluster
from tutela.review.model import Rendition, Viewing, ViewReason

router = APIRouter()
_SEE_OTHER = 303
_NOTHING_GIVEN = dict.fromkeys(("verdict", "category", "age_band", "note", "agree"), "")
_DUTY_ORDER = (
    DutyState.OWED,
    DutyState.UNKNOWN,
    DutyState.DISCHARGED,
    DutyState.NOT_OWED,
    DutyState.NOT_IN_FORCE,
)
_ALIKE = "alike:"
_OPEN = frozenset({State.RECEIVED, State.MATCHED, State.REVIEWED})


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportSeen:
    """A report with its calls, paired: what was sent and what came back."""

    report: Report
    calls: tuple[tuple[KeptExchange, KeptExchange | None], ...]

    @property
    def to_sandbox(self) -> bool:
        """Whether every answer that came said that it came from a sandbox."""
        return bool(self._answered) and all(answer.sandbox for answer in self._answered)

    @property
    def perhaps_to_sandbox(self) -> bool:
        """Whether of an answer it was not recorded where it came from."""
        return any(answer.sandbox is None for answer in self._answered)

    @property
    def _answered(self) -> list[KeptExchange]:
        return [
            answer
            for _, answer in self.calls
            if answer is not None and answer.http_status is not None
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseSeen:
    """Everything the page of a case shows.

    `statuses` are the matched entries' as of now; `viewed` is what this person was shown so far.
    """

    case: Case
    mine: bool
    open: bool
    exhibits: Sequence[Exhibit]
    matches: Sequence[MatchFound]
    known: KnownVerdict | None
    decisions: Sequence[Decision]
    pending: Decision | None
    statuses: Mapping[int, EntryStatus]
    viewings: Sequence[Viewing]
    viewed: Mapping[ExhibitId, Viewed]
    duties: Duties
    laws: Laws
    allowed: Mapping[str, Actionable]
    reports: Sequence[ReportSeen]
    restrictions: Sequence[Restriction]
    holds: Sequence[Hold]
    ends: Mapping[ExhibitId, object]
    lines: Sequence[Line]
    cluster: Cluster

    @property
    def orders_failed(self) -> bool:
        """Whether an order to disable access is sent no more."""
        return any(order.state is RestrictionState.FAILED for order in self.restrictions)

    @property
    def may_decide(self) -> bool:
        """Whether the decision form belongs on the page."""
        return self.open and self.mine and self.pending is None

    def may_confirm(self, actor: Actor) -> bool:
        """Whether the second opinion is asked of this person."""
        return self.open and self.mine and self.pending is not None and self.pending.by != actor.id


@router.get("/cases/{case_id}")
def show(request: Request, parts: Parts, pages: Pages, visit: Visitor, case_id: str) -> Response:
    """The case page. No picture loads unless a rendition is asked for by name."""
    return _page(request, parts, pages, visit, case_id)


def _page(
    request: Request,
    parts: ConsoleParts,
    pages: Renderer,
    visit: Visit,
    case_id: str,
    *,
    given: Mapping[str, str] | None = None,
    refusal: TutelaError | None = None,
) -> Response:
    """The case page; after a refused form with what was filled in, so that nothing is lost."""
    actor = visit.session.actor
    require(actor, Permission.CASE_READ)
    with parts.database.begin() as tx:
        seen = _seen(tx, parts, case_of(case_id), actor)
    return pages.page(
        request,
        "case.html",
        visit=visit,
        status=refusal.http_status if refusal else 200,
        seen=seen,
        given=_NOTHING_GIVEN | dict(given or {}),
        refusal=refusal,
        labels={value: label for value, _, label in answers.categories()},
        rendition=_rendition(request.query_params.get("show", "")),
        renditions=list(Rendition),
        shown_exhibit=request.query_params.get("exhibit", ""),
        reasons=list(ViewReason),
        verdicts=list(Verdict),
        age_bands=list(AgeBand),
        categories=answers.categories(),
        questions=answers.questions(parts.book),
        countries=sorted(parts.book.vocabulary.countries),
    )


@router.post("/cases/{case_id}/claim")
def claim(parts: Parts, person: Person, fields: Form, case_id: str) -> Response:
    """Take the case; another person's claim within half an hour stands in the way."""
    del fields  # its token was checked
    require(person, Permission.CASE_CLAIM)
    with parts.database.begin() as tx:
        claiming.claim(tx, case_of(case_id), by=person, at=parts.clock.now())
    return _back(case_id)


@router.post("/cases/{case_id}/release")
def release(parts: Parts, person: Person, fields: Form, case_id: str) -> Response:
    """Give the case back to the queue."""
    del fields
    require(person, Permission.CASE_CLAIM)
    with parts.database.begin() as tx:
        claiming.release(tx, case_of(case_id), by=person, at=parts.clock.now())
    return RedirectResponse("/queue", status_code=_SEE_OTHER)


@router.post("/cases/{case_id}/decide")
def decide(
    request: Request, parts: Parts, pages: Pages, *, visit: Visitor, fields: Form, case_id: str
) -> Response:
    """Store a decision with what the person knows; what is left open stays unknown."""
    person = visit.session.actor
    require(person, Permission.CASE_DECIDE)
    case, now = case_of(case_id), parts.clock.now()
    try:
        with parts.database.begin() as tx:
            if cases.case(tx, case).state is State.MATCHED:
                deciding.finish_review(tx, case, by=person, at=now)
            deciding.decide(
                tx,
                case,
                by=person,
                at=now,
                **_opinion(parts, fields),
                note=fields.get("note", "").strip(),
            )
    except (BadInput, Conflict) as refusal:
        return _page(request, parts, pages, visit, case_id, given=fields, refusal=refusal)
    return _back(case_id)


@router.post("/cases/{case_id}/confirm")
def confirm(
    request: Request, parts: Parts, pages: Pages, *, visit: Visitor, fields: Form, case_id: str
) -> Response:
    """Store a second person's opinion: it makes the decision final or sends it back."""
    person = visit.session.actor
    require(person, Permission.CASE_DECIDE)
    try:
        agree = _agrees(fields)
        opinion = _SAME if agree else _opinion(parts, fields)
        with parts.database.begin() as tx:
            deciding.confirm(
                tx,
                case_of(case_id),
                by=person,
                at=parts.clock.now(),
                agree=agree,
                note=fields.get("note", "").strip(),
                **opinion,
            )
    except (BadInput, Conflict) as refusal:
        return _page(request, parts, pages, visit, case_id, given=fields, refusal=refusal)
    return _back(case_id)


@router.post("/cases/{case_id}/alike")
def take_over(parts: Parts, person: Person, fields: Form, case_id: str) -> Response:
    """Take this person's decision over to the cases they chose among those like it."""
    require(person, Permission.CASE_DECIDE)
    others = [case_of(name.removeprefix(_ALIKE)) for name in fields if name.startswith(_ALIKE)]
    with parts.database.begin() as tx:
        decide_cluster(tx, case_of(case_id), others=others, by=person, at=parts.clock.now())
    return RedirectResponse(f"/cases/{case_id}#alike", status_code=_SEE_OTHER)


@router.post("/cases/{case_id}/orders/again")
def send_orders_again(parts: Parts, person: Person, fields: Form, case_id: str) -> Response:
    """Send the failed orders of a case again."""
    del fields
    require(person, Permission.ACCESS_RESTRICT)
    with parts.database.begin() as tx:
        restricting.send_again(tx, case_of(case_id), by=person.id, at=parts.clock.now())
    return RedirectResponse(f"/cases/{case_id}#after", status_code=_SEE_OTHER)


def case_of(text: str) -> CaseId:
    """The case a path names; a malformed name is no case."""
    try:
        return CaseId.parse(text)
    except BadInput:
        raise NotFound("There is no such case", remedy="Go back to the queue.") from None


class Opinion(TypedDict):
    """What a person finds, as the acts take it."""

    verdict: Verdict
    category: str
    age_band: AgeBand
    facts: Mapping[str, object]


_SAME = Opinion(verdict=Verdict.CANNOT_SAY, category="", age_band=AgeBand.UNKNOWN, facts={})
"""What is handed over with an agreement, where nothing of it is looked at."""


def _agrees(fields: Mapping[str, str]) -> bool:
    """Whether the second person agrees; must be said."""
    if fields.get("agree") not in {"yes", "no"}:
        raise BadInput("Say whether you agree", remedy="Choose one of the two.")
    return fields["agree"] == "yes"


def _opinion(parts: ConsoleParts, fields: Mapping[str, str]) -> Opinion:
    """Read the decision form."""
    return Opinion(
        verdict=answers.choice(Verdict, fields.get("verdict", ""), "Choose a verdict"),
        category=answers.category(fields.get("category", "")),
        age_band=answers.choice(AgeBand, fields.get("age_band", ""), "Choose an age band"),
        facts=answers.facts_from(parts.book, fields),
    )


def _seen(tx: Connection, parts: ConsoleParts, case_id: CaseId, actor: Actor) -> CaseSeen:
    """Read the page's facts in one transaction, so that they belong together."""
    now = parts.clock.now()
    case = cases.case(tx, case_id)
    exhibits = evidence.exhibits_of(tx, case_id)
    holds = evidence.holds_of(tx, case_id)
    matches = cases.matches_of(tx, case_id)
    accepted = acceptances(tx)
    known = facts.facts_of(tx, case_id, provider=parts.provider, at=now)
    derived = duties(parts.book, known, now, accepted=accepted_versions(accepted))
    return CaseSeen(
        case=case,
        mine=case.claimed_by == actor.id,
        open=case.state in _OPEN,
        exhibits=exhibits,
        matches=matches,
        known=cases.known_verdict_of(tx, case_id),
        decisions=cases.decisions_of(tx, case_id),
        pending=cases.pending_decision(tx, case_id),
        statuses=indicators.statuses_of(tx, [found.match.entry_id for found in matches]),
        viewings=review.viewings_of(tx, case_id),
        viewed=view_log.viewed_by(tx, [one.id for one in exhibits], by=actor.id, until=now),
        duties=derived,
        laws=in_groups(derived, lambda duty: _DUTY_ORDER.index(duty.state)),
        allowed={
            duty.rule_id: actionable(parts.book.edition(duty.rule_id, on=now.date())[0], accepted)
            for duty in derived.duties
        },
        reports=[_report(tx, report) for report in reporting.reports_of(tx, case_id)],
        restrictions=reporting.restrictions_of(tx, case_id),
        holds=holds,
        ends={
            exhibit.id: retention.latest_end(
                [hold for hold in holds if hold.exhibit_id == exhibit.id]
            )
            for exhibit in exhibits
        },
        lines=_lines(tx, case_id, exhibits),
        cluster=cluster_of(tx, case_id, by=actor, at=now),
    )


def _report(tx: Connection, report: Report) -> ReportSeen:
    """A report with its calls."""
    kept = reporting.exchanges_of(tx, report.id)
    answered = {line.answers: line for line in kept if line.answers is not None}
    return ReportSeen(
        report=report,
        calls=tuple((line, answered.get(line.id)) for line in kept if line.answers is None),
    )


def _lines(tx: Connection, case_id: CaseId, exhibits: Sequence[Exhibit]) -> Sequence[Line]:
    """The ledger's lines about the case and its exhibits, in order."""
    found = list(ledger.lines(tx, subject=case_id))
    for exhibit in exhibits:
        found += ledger.lines(tx, subject=exhibit.id)
    for report in reporting.reports_of(tx, case_id):
        found += ledger.lines(tx, subject=report.id)
    return sorted(found, key=lambda line: line.seq)


def _rendition(name: str) -> Rendition | None:
    """The rendition asked for; none unless it is asked for."""
    return Rendition(name) if name in set(Rendition) else None


def _back(case_id: str) -> Response:
    """To the case's page after an act."""
    return RedirectResponse(f"/cases/{case_id}", status_code=_SEE_OTHER)
