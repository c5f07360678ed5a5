"""The gate before every match: no detector runs without a basis that says yes today.

It asks the lawbook (`law.detecting`) for the places that the service is connected with, with
what counsel has accepted in this installation's ledger. A yes is kept for a few seconds and
never beyond the day (UTC): the end of a basis or a withdrawal stops detection by itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from tutela.counsel.acceptances import acceptances
from tutela.law.book import Lawbook
from tutela.law.countries import Channel, Tier
from tutela.law.detecting import DetectionAnswer, connected, may_detect
from tutela.law.model import Status, Truth
from tutela.primitives.clock import Clock
from tutela.primitives.database import Database
from tutela.primitives.errors import Conflict, Refused, Unavailable

_FRESH = timedelta(seconds=5)
_ASKED = ("provider.established_in", "service.targets_markets")
"""Without these nobody can say which laws bind the service."""
_CHANNELS = ", ".join(each.value for each in Channel)


class NoBasis(Refused):
    """No law lets this detector run here today, or nobody knows one; nothing was looked at."""

    code: ClassVar[str] = "no_detection_basis"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How detection stands now: whether it may run, why, and what to do.

    `answer` is the law's whole answer; `None` when it was not even asked, or contradicts itself.
    """

    allowed: bool
    why: str
    remedy: str
    answer: DetectionAnswer | None = None

    @property
    def warning(self) -> str:
        """The warning that is due today, in a sentence; empty when none is."""
        answer = self.answer
        if not self.allowed or answer is None or answer.warn is None or answer.expires is None:
            return ""
        last = (answer.expires - timedelta(days=1)).isoformat()
        ids = ", ".join(each.id for each in answer.bases if each.expires == answer.expires)
        return (
            f"The basis for matching ({ids}) ends on {last}, in {answer.days_left} days; "
            "then matching stops by itself"
        )


class Detecting:
    """Whether known hashes may be looked for now; safe to use from several threads."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        book: Lawbook,
        *,
        provider: Mapping[str, object],
        channel: str,
    ) -> None:
        """`provider` holds the operator's facts for the law (names as in lawbook/facts.yaml).

        `channel` is what the operator says the traffic is; empty is not known.
        """
        self._database = database
        self._clock = clock
        self._book = book
        self._provider = provider
        self._channel = channel
        self._kept: tuple[datetime, Standing] | None = None

    def require(self) -> None:
        """Raise `NoBasis` unless a basis says yes today; `Unavailable` without the database."""
        standing = self.standing()
        if not standing.allowed:
            raise NoBasis(
                "Nothing may be matched here today", why=standing.why, remedy=standing.remedy
            )

    def standing(self) -> Standing:
        """How detection stands; a yes is asked anew after a few seconds and on a new day."""
        now, kept = self._clock.now(), self._kept
        if kept is not None:
            at, before = kept
            if at.date() == now.date() and timedelta() <= now - at < _FRESH:
                return before
        standing = self._look(now)
        self._kept = (now, standing) if standing.allowed else None
        return standing

    def announced(self) -> Standing | None:
        """The same for a page, which is drawn even while the database is away: then None."""
        try:
            return self.standing()
        except Unavailable:
            return None

    def _look(self, now: datetime) -> Standing:
        missing = unsaid(self._provider, self._channel)
        if missing is not None:
            return missing
        with self._database.begin() as tx:
            accepted = acceptances(tx)
        try:
            answer = may_detect(
                self._book,
                jurisdictions=connected(self._book, self._provider),
                tier=Tier.KNOWN_HASH,
                channel=Channel(self._channel),
                facts=self._provider,
                as_of=now.date(),
                floor=Status.VERIFIED,
                accepted=accepted,
            )
        except Conflict as conflict:
            return Standing(allowed=False, why=conflict.why, remedy=conflict.remedy)
        return Standing(
            allowed=answer.outcome is Truth.YES,
            why="; ".join(answer.reasons),
            remedy=_remedy(answer),
            answer=answer,
        )


def unsaid(provider: Mapping[str, object], channel: str) -> Standing | None:
    """The refusal when the operator has not said what is matched and where it is offered."""
    if not channel:
        return Standing(
            allowed=False,
            why="it is not said what kind of traffic is matched, so no law can be found for it",
            remedy=f"Set TUTELA_DETECTION_CHANNEL ({_CHANNELS}), then run `tutela check`",
        )
    missing = [each for each in _ASKED if each not in provider]
    if missing:
        return Standing(
            allowed=False,
            why="it is not said where the service is offered, so no law can be found for it",
            remedy=f"Set {_settings(missing)}, then run `tutela check`",
        )
    return None


def _settings(facts: Iterable[str]) -> str:
    """The names of the settings that tell these facts."""
    return ", ".join(f"TUTELA_{each.replace('.', '_').upper()}" for each in facts)


def _remedy(answer: DetectionAnswer) -> str:
    """What to do, in the order in which it helps: settings, counsel, the lawbook."""
    steps = []
    if answer.missing:
        names = _settings(each.fact for each in answer.missing)
        steps.append(f"Set {names} as far as it is known")
    if answer.to_accept:
        commands = " and ".join(
            f"`tutela law accept {each} --by … --note …`" for each in answer.to_accept
        )
        steps.append(f"Let counsel read and accept what permits it: {commands}")
    others = [
        each.jurisdiction
        for each in answer.places
        if each.outcome is not Truth.YES and not any(one.only_unaccepted for one in each.bases)
    ]
    if others:
        places = ", ".join(others)
        steps.append(f"`tutela law detection` says what is recorded for {places}; ask counsel")
    return ". ".join(steps)
