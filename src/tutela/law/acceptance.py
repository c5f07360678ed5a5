"""Whether a rule may act: it is verified, or counsel accepted exactly this version of it.

Storing is the caller's: one ledger line `law_rule_accepted` or
`law_rule_acceptance_withdrawn`, subject the rule id, detail `{"version", "by", "note"}`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tutela.law.model import Status

ACCEPTED = "law_rule_accepted"
WITHDRAWN = "law_rule_acceptance_withdrawn"


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """Counsel's word that one version of one rule may act."""

    rule_id: str
    rule_version: str
    by: str
    note: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether a rule may act, with the reasons for either answer."""

    allowed: bool
    reasons: tuple[str, ...]


class Acceptable(Protocol):
    """What counsel may accept: a rule, or a basis of detection."""

    @property
    def id(self) -> str:
        """Its id, shared by its editions."""
        ...

    @property
    def version(self) -> str:
        """The digest of its whole content."""
        ...

    @property
    def status(self) -> Status:
        """How far it has been checked."""
        ...


class Line(Protocol):
    """What is read of a ledger line."""

    @property
    def action(self) -> str:
        """The constant name of the act."""
        ...

    @property
    def subject(self) -> str:
        """The rule id."""
        ...

    @property
    def detail(self) -> Mapping[str, object]:
        """`version`, `by` and `note`."""
        ...

    @property
    def at(self) -> datetime:
        """When it was done."""
        ...


def actionable(rule: Acceptable, acceptances: Iterable[Acceptance]) -> Verdict:
    """Whether `rule` may act; an acceptance of another version is void, and the reason says so."""
    if rule.status is Status.VERIFIED:
        return Verdict(allowed=True, reasons=("the rule is verified",))
    mine = [each for each in acceptances if each.rule_id == rule.id]
    standing = [each for each in mine if rule.version and each.rule_version == rule.version]
    unverified = f"the rule is {rule.status.value}, not verified"
    if standing:
        last = max(standing, key=lambda each: each.at)
        accepted = f"counsel ({last.by}) accepted this version on {last.at.date().isoformat()}"
        return Verdict(allowed=True, reasons=(unverified, accepted))
    if mine:
        last = max(mine, key=lambda each: each.at)
        void = (
            f"the acceptance by {last.by} on {last.at.date().isoformat()} was for version "
            f"{last.rule_version[:12]} and is void: the rule has changed to {rule.version[:12]}"
        )
        return Verdict(allowed=False, reasons=(unverified, void))
    return Verdict(
        allowed=False,
        reasons=(unverified, "counsel has not accepted it (`tutela law accept`)"),
    )


def accepted_versions(acceptances: Iterable[Acceptance]) -> frozenset[str]:
    """The rule versions that counsel let act: their text is read whoever checked it.

    A version is the digest of one rule's whole content, so it names its rule.
    """
    return frozenset(each.rule_version for each in acceptances if each.rule_version)


def acceptances_from(lines: Iterable[Line]) -> tuple[Acceptance, ...]:
    """The acceptances that stand after all `lines`, given in the ledger's order.

    Other actions are passed over. Fail closed: an acceptance without version or person counts
    for nothing; a withdrawal without a version withdraws every acceptance of that rule.
    """
    standing: dict[tuple[str, str], Acceptance] = {}
    for line in lines:
        version, by = line.detail.get("version"), line.detail.get("by")
        if line.action == WITHDRAWN:
            for rule_id, accepted in list(standing):
                if rule_id == line.subject and version in {None, "", accepted}:
                    del standing[rule_id, accepted]
        if line.action != ACCEPTED or not isinstance(version, str) or not isinstance(by, str):
            continue
        if version.strip() and by.strip():
            standing[line.subject, version] = Acceptance(
                rule_id=line.subject,
                rule_version=version,
                by=by,
                note=str(line.detail.get("note", "")),
                at=line.at,
            )
    return tuple(standing[key] for key in sorted(standing))
