"""Who may do what: a table from role to permission, deny by default, every answer with reasons."""

from collections.abc import Mapping
from types import MappingProxyType

from tutela.accounts.model import Actor, Permission, Role, Verdict
from tutela.primitives.errors import Refused

GRANTS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.REVIEWER: frozenset(
            {
                Permission.LAW_READ,
                Permission.QUEUE_READ,
                Permission.CASE_READ,
                Permission.CASE_CLAIM,
                Permission.EXHIBIT_RENDITION,
                Permission.EXHIBIT_VIEW,
                Permission.CASE_DECIDE,
                Permission.ACCESS_RESTRICT,
                Permission.REPORT_RETRY,
                Permission.TIP_HANDLE,
                Permission.LISTS_READ,
            }
        ),
        Role.COUNSEL: frozenset(
            {
                Permission.LAW_READ,
                Permission.QUEUE_READ,
                Permission.CASE_READ,
                Permission.LAW_ACCEPT,
                Permission.CASE_EXPORT,
                Permission.REPORT_RETRY,
                Permission.REPORT_VOLUNTARY,
            }
        ),
        Role.OPERATOR: frozenset(
            {
                Permission.LAW_READ,
                Permission.LISTS_READ,
                Permission.LISTS_WRITE,
                Permission.FIGURES_READ,
                Permission.ACCOUNTS_WRITE,
                Permission.EVIDENCE_DESTROY,
                Permission.LEDGER_RECONCILE,
                Permission.ACCESS_RESTRICT,
                Permission.CASE_EXPORT,
                Permission.REPORT_RETRY,
            }
        ),
        Role.AUDITOR: frozenset(
            {
                Permission.LAW_READ,
                Permission.LEDGER_READ,
                Permission.FIGURES_READ,
                Permission.LISTS_READ,
            }
        ),
        Role.PLATFORM: frozenset(
            {
                Permission.LAW_READ,
                Permission.MEDIA_SUBMIT,
                Permission.HASH_LOOKUP,
            }
        ),
    }
)
"""What each role is trusted with; a role that is not here may do nothing."""


def may(actor: Actor, permission: Permission) -> Verdict:
    """Whether `actor` may do `permission`; a refusal says which roles could."""
    if any(permission in GRANTS.get(role, frozenset()) for role in actor.roles):
        return Verdict(allowed=True)
    holders = sorted(role.value for role, granted in GRANTS.items() if permission in granted)
    own = ", ".join(sorted(role.value for role in actor.roles)) or "none"
    return Verdict(
        allowed=False,
        reasons=(
            f"{permission.value} needs the role {' or '.join(holders) or '(nobody has it)'}",
            f"this account has: {own}",
        ),
    )


def require(actor: Actor, permission: Permission) -> None:
    """Raise `Refused` with the reasons unless `actor` may do `permission`."""
    verdict = may(actor, permission)
    if not verdict.allowed:
        raise Refused(
            "This account may not do that",
            reasons=verdict.reasons,
            remedy="Ask an operator for the role, or sign in with another account.",
        )
