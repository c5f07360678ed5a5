"""People and programs that act here, and what they may do."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tutela.primitives.ids import AccountId


class Role(StrEnum):
    """What an account is trusted with; a person may hold several (programs: `PROGRAM_ROLES`)."""

    REVIEWER = "reviewer"  # sees the queue, claims, views, decides
    COUNSEL = "counsel"  # accepts rule versions, reads duties; sees no picture
    OPERATOR = "operator"  # imports lists, makes accounts, reads settings; sees no picture
    AUDITOR = "auditor"  # reads ledger and figures; sees no picture
    PLATFORM = "platform"  # a key: hands in media, looks up hashes


PROGRAM_ROLES = frozenset({Role.PLATFORM, Role.OPERATOR, Role.AUDITOR})
"""What a key may stand for. What a person answers for (reviewing, accepting law) is not there."""


class Permission(StrEnum):
    """One act that a face asks for before it does it."""

    QUEUE_READ = "queue.read"
    CASE_READ = "case.read"
    CASE_CLAIM = "case.claim"
    EXHIBIT_RENDITION = "exhibit.rendition"
    EXHIBIT_VIEW = "exhibit.view"
    CASE_DECIDE = "case.decide"
    LAW_READ = "law.read"
    LAW_ACCEPT = "law.accept"
    ACCESS_RESTRICT = "access.restrict"
    CASE_EXPORT = "case.export"
    REPORT_RETRY = "report.retry"
    REPORT_VOLUNTARY = "report.voluntary"
    TIP_HANDLE = "tip.handle"
    LISTS_READ = "lists.read"
    LISTS_WRITE = "lists.write"
    LEDGER_READ = "ledger.read"
    LEDGER_RECONCILE = "ledger.reconcile"
    FIGURES_READ = "figures.read"
    ACCOUNTS_WRITE = "accounts.write"
    EVIDENCE_DESTROY = "evidence.destroy"
    MEDIA_SUBMIT = "media.submit"
    HASH_LOOKUP = "hash.lookup"


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who acts. `id` is what the ledger names; `login` never leaves the accounts room's pages."""

    id: AccountId
    login: str
    roles: frozenset[Role]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether something may be done, with every reason why not."""

    allowed: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One signed-in browser. `csrf` must come back with each form."""

    actor: Actor
    csrf: str
    expires_at: datetime
