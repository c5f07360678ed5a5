"""One case as one readable object: what was found, decided, reported, kept, and by whom.

Nothing of the uploader and no hash of the media stands in it; those are in the report's
bytes and in the sealed exhibits. Among the ledger's lines are counsel's acceptances of the
rules that the case's reports rest on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from tutela.cases import store as cases
from tutela.cases.model import Case, MatchFound
from tutela.evidence import store as evidence
from tutela.evidence.model import Exhibit
from tutela.indicators import store as indicators
from tutela.indicators.model import EntryStatus
from tutela.indicators.reasons import stated_distance, video_fields
from tutela.ledger import store as ledger
from tutela.ledger.model import Line
from tutela.primitives.clock import iso
from tutela.primitives.ids import CaseId
from tutela.reporting import restricting, store
from tutela.reporting.reports import KeptExchange, Report


@dataclass(frozen=True, kw_only=True, slots=True)
class Dossier:
    """Everything about one case, read in one transaction."""

    case: Case
    exhibits: tuple[Exhibit, ...]
    reports: tuple[tuple[Report, tuple[KeptExchange, ...]], ...]
    assessment: Mapping[str, Any] | None
    lines: tuple[Line, ...]
    summary: Mapping[str, Any]


def dossier(tx: Connection, case_id: CaseId) -> Dossier:
    """Read a case; raises `NotFound`."""
    case = cases.case(tx, case_id)
    exhibits = tuple(evidence.exhibits_of(tx, case_id))
    reports = tuple(
        (report, tuple(store.exchanges_of(tx, report.id)))
        for report in store.reports_of(tx, case_id)
    )
    orders = restricting.restrictions_of(tx, case_id)
    subjects = [
        case_id,
        *(exhibit.id for exhibit in exhibits),
        *(report.id for report, _ in reports),
        *(order.id for order in orders),
    ]
    own = _of(tx, subjects)
    lines = sorted([*own, *_of(tx, _rules_named(own))], key=lambda line: line.seq)
    latest = cases.latest_assessment(tx, case_id)
    matches = cases.matches_of(tx, case_id)
    statuses = indicators.statuses_of(tx, [found.match.entry_id for found in matches])
    summary = {
        "case": _case(case),
        "matches": [_match(found, statuses) for found in matches],
        "exhibits": [_exhibit(exhibit) for exhibit in exhibits],
        "decisions": [_decision(decision) for decision in cases.decisions_of(tx, case_id)],
        "reports": [_report(report, calls) for report, calls in reports],
        "restrictions": [
            {
                "id": order.id,
                "state": order.state.value,
                "attempts": order.attempts,
                "why": order.last_why,
                "next_try_at": _when(order.next_try_at),
                "delivered_at": _when(order.delivered_at),
            }
            for order in orders
        ],
        "holds": [
            {
                "id": hold.id,
                "exhibit": hold.exhibit_id,
                "basis": hold.basis,
                "until": _when(hold.until),
                "released_at": _when(hold.released_at),
            }
            for hold in evidence.holds_of(tx, case_id)
        ],
        "ledger_lines": len(lines),
    }
    return Dossier(
        case=case,
        exhibits=exhibits,
        reports=reports,
        assessment=latest.result if latest else None,
        lines=tuple(lines),
        summary=summary,
    )


def _rules_named(lines: Iterable[Line]) -> list[str]:
    """The rules under which the case's reports went out or its evidence is kept."""
    named: set[str] = set()
    for line in lines:
        rules = line.detail.get("rules")
        if isinstance(rules, list):
            named.update(str(rule) for rule in rules)
    return sorted(named)


def _of(tx: Connection, subjects: Iterable[str]) -> list[Line]:
    return [line for subject in subjects for line in ledger.lines(tx, subject=subject)]


def _case(case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "state": case.state.value,
        "opened_at": iso(case.opened_at),
        "closed_at": _when(case.closed_at),
        "known_item": case.known_item,
        "second_person": case.second_person,
        "needed": sorted(outcome.value for outcome in case.needed),
        "reached": {outcome.value: iso(at) for outcome, at in sorted(case.reached.items())},
    }


def _match(found: MatchFound, statuses: Mapping[int, EntryStatus]) -> dict[str, Any]:
    match = found.match
    status = statuses.get(match.entry_id)
    return {
        "exhibit": found.exhibit_id,
        "list": match.list_name,
        "entry": match.entry_id,
        "kind": match.kind.value,
        "distance_bits": stated_distance(match),
        "threshold_bits": match.threshold_bits,
        "transform": match.transform,
        "form": match.form,
        "category": str(match.category) if match.category else None,
        "reasons": list(match.reasons),
        "video": video_fields(match.video),
        "found_at": iso(found.found_at),
        "entry_now": status.value if status else None,
    }


def _exhibit(exhibit: Exhibit) -> dict[str, Any]:
    return {
        "id": exhibit.id,
        "media_type": exhibit.media_type,
        "size_bytes": exhibit.size_bytes,
        "pipeline": exhibit.pipeline,
        "further_hashes": [dict(form) for form in exhibit.further_hashes],
        "sealed_sha256": exhibit.sealed_sha256,
        "received_at": iso(exhibit.received_at),
        "destroyed_at": _when(exhibit.destroyed_at),
    }


def _decision(decision: Any) -> dict[str, Any]:  # noqa: ANN401 - Decision
    return {
        "id": decision.id,
        "by": decision.by,
        "at": iso(decision.at),
        "verdict": decision.verdict.value,
        "category": decision.category,
        "age_band": decision.age_band.value,
        "facts": dict(decision.facts),
        "confirms": decision.confirms,
        "final": decision.final,
        "viewed": {exhibit: viewed.value for exhibit, viewed in decision.viewed.items()},
    }


def _report(report: Report, calls: tuple[KeptExchange, ...]) -> dict[str, Any]:
    return {
        "id": report.id,
        "channel": report.channel,
        "state": report.state.value,
        "why": report.why,
        "attempts": report.attempts,
        "last_error": report.last_error,
        "next_try_at": _when(report.next_try_at),
        "authority_report_id": report.authority_report_id,
        "abandoned_ids": list(report.abandoned_ids),
        "finished_at": _when(report.finished_at),
        "receipt": report.receipt is not None,
        "calls": [
            {
                "call": call.call,
                "http_status": call.http_status,
                "reply_code": call.reply_code,
                "request_id": call.request_id,
                "sent_at": iso(call.sent_at),
            }
            for call in calls
        ],
    }


def _when(moment: Any) -> str | None:  # noqa: ANN401 - datetime or None
    return iso(moment) if moment else None
