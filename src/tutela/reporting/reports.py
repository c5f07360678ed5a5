"""Facts of our own book of reports: where each stands, its files, its calls, the orders."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tutela.primitives.ids import CaseId, ExhibitId, ReportId, RestrictionId

CYBERTIP = "CyberTipline"
"""The one channel of this version, by the name that the lawbook's recipients carry."""


class ReportState(StrEnum):
    """Where a report stands. `REFUSED` ends a report, not the duty: a new one may follow."""

    COMPOSED = "composed"  # the exact bytes are stored; nothing has been sent
    OPENED = "opened"  # the authority has given it a number
    FILES = "files"  # every file is uploaded and described
    FINISHED = "finished"  # the receipt is stored
    REFUSED = "refused"  # the authority says the report breaks a rule; a person must correct
    HELD = "held"  # something must be settled first; `held_because` says what


class HeldBecause(StrEnum):
    """What a held report waits for, and so who can release it."""

    LAW = "law"  # counsel has not accepted the rule version it rests on
    FACTS = "facts"  # a fact that the law asks for is not known, or no duty applies
    UNCONFIGURED = "unconfigured"  # no authority is configured
    CREDENTIALS = "credentials"  # the authority refuses our name, password or rights
    SCHEMA = "schema"  # the authority's schema is not the one that was reviewed
    COMPOSING = "composing"  # the case cannot be put into the authority's form
    EVIDENCE = "evidence"  # a sealed item cannot be read back as it was
    UNREACHABLE = "unreachable"  # no usable answer for as long as we try
    UNCERTAIN = "uncertain"  # it may be finished already; a person must ask the authority
    RESTORED = "restored"  # it may be finished, in a time that the database has lost
    PROGRAM = "program"  # a fault of this program


RELEASED_BY_LAW = frozenset({HeldBecause.LAW, HeldBecause.FACTS})
"""What an acceptance or a newly known fact may settle."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One report to one authority. `xml` are the exact bytes of `/submit`.

    `attempts` counts the calls that failed since the last one that worked; `last_error` and
    `next_try_at` say how the last one failed and when the next one is made.
    """

    id: ReportId
    case_id: CaseId
    channel: str
    state: ReportState
    created_at: datetime
    xml: bytes | None
    schema_sha256: str | None
    authority_report_id: str | None
    abandoned_ids: tuple[str, ...]
    receipt: bytes | None
    held_because: HeldBecause | None
    why: str
    composed_at: datetime | None
    opened_at: datetime | None
    finished_at: datetime | None
    attempts: int = 0
    last_error: str = ""
    next_try_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportFile:
    """One exhibit that goes with a report; `file_id` is the authority's, once uploaded."""

    report_id: ReportId
    exhibit_id: ExhibitId
    position: int
    file_id: str | None
    details_xml: bytes | None
    uploaded_at: datetime | None
    described_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptExchange:
    """One line of the book of calls: an intent (`answers` None), or what came of it.

    An intent that no line answers is a call whose fate is unknown: the process died, or
    was killed, between sending and storing. `exhibit_id` is what an intent was about, if it was
    about one; `sandbox` is whether the answer said that it came from a sandbox;
    None for an intent, and where an earlier version did not record it.
    """

    id: int
    report_id: ReportId
    answers: int | None
    call: str
    method: str
    sent: bytes | None
    sent_sha256: str | None
    sent_note: str
    received: bytes | None
    http_status: int | None
    reply_code: int | None
    request_id: str | None
    exhibit_id: ExhibitId | None
    sandbox: bool | None
    sent_at: datetime
    received_at: datetime | None


class RestrictionState(StrEnum):
    """Where an order to disable access stands."""

    ORDERED = "ordered"
    DELIVERED = "delivered"
    FAILED = "failed"  # the platform refuses or has not answered for as long as we try
    MANUAL = "manual"  # no webhook, or no item reference: a person does it and says so


@dataclass(frozen=True, kw_only=True, slots=True)
class Restriction:
    """One order to the platform to disable access to one item.

    `item_reference` is opened for the moment of sending only; at rest it is empty, and
    `names_item` says whether the service gave one.
    """

    id: RestrictionId
    case_id: CaseId
    names_item: bool
    item_reference: str = ""
    state: RestrictionState
    attempts: int
    last_why: str
    ordered_at: datetime
    delivered_at: datetime | None
    done_by: str | None
    next_try_at: datetime | None = None
