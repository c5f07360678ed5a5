"""May a detector run: the bases of every connected jurisdiction, as of one day.

No detector runs without a basis that evaluates to yes on that day, in every jurisdiction that
the service is connected with. Forbidden in one beats permitted in all others; what nobody
recorded is unknown, and unknown is off. A union's bases hold in its members.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from tutela.law.acceptance import Acceptance, actionable
from tutela.law.book import Lawbook, edition_on
from tutela.law.countries import Basis, Channel, Stance, Tier
from tutela.law.evaluating import MissingFact, ranked
from tutela.law.expressions import NO, UNKNOWN, YES, Trace, below, evaluate
from tutela.law.model import Beyond, LegalStatus, Status, Truth
from tutela.law.serialising import as_plain
from tutela.law.vocabulary import FactKind, Value
from tutela.primitives.errors import Conflict

WARN_DAYS = (180, 90, 30)
"""So many days before the last day of a basis a warning is due."""

KINDS_ASKED = frozenset({"jurisdictions", "rules", "bases"})
"""The kinds of a lawbook's entries that these answers rest on (`load_lawbook`)."""

_HELD = {LegalStatus.IN_FORCE, LegalStatus.LAPSED, LegalStatus.REPEALED}
"""Within its dates a text that has ended since was in force; a bill or a suspended one is not."""
_CONNECTING = ("provider.", "service.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Weighed:
    """One basis on the day. `outcome` says whether it holds, whatever its stance.

    `expires` is the first day on which it no longer holds, `None` when no end is recorded.
    `only_unaccepted`: it holds but for its review status, so counsel's acceptance would settle it.
    """

    id: str
    version: str
    jurisdiction: str
    stance: Stance
    status: Status
    outcome: Truth
    why: str
    expires: date | None
    only_unaccepted: bool
    trace: Trace | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The answer of one jurisdiction, from its own bases and those of its unions."""

    jurisdiction: str
    outcome: Truth
    stance: Stance | None
    why: str
    expires: date | None
    bases: tuple[Weighed, ...]

    def as_json(self) -> dict[str, object]:
        """The answer as plain data."""
        return {key: value for key, value in _plain(self).items() if key != "bases"} | {
            "bases": [_plain(each) for each in self.bases]
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectionAnswer:
    """Whether one detector may run on one channel. Only `outcome` YES lets it run.

    `stance` is the strictest that decides: forbidden, or required, or permitted; `None` while
    it cannot be said. `bases` are those a yes rests on. `expires` is the first day without
    them; `warn` is the threshold of `WARN_DAYS` that is due, `days_left` counts to the last day.
    `to_accept` are the bases that only wait for counsel, `missing` the facts that are not known.
    """

    tier: Tier
    channel: Channel
    as_of: date
    floor: Status
    outcome: Truth
    stance: Stance | None
    bases: tuple[Weighed, ...]
    reasons: tuple[str, ...]
    expires: date | None
    days_left: int | None
    warn: int | None
    to_accept: tuple[str, ...]
    missing: tuple[MissingFact, ...]
    places: tuple[Place, ...]

    def as_json(self) -> dict[str, object]:
        """The answer as plain data."""
        data = _plain(self)
        data["bases"] = [_plain(each) for each in self.bases]
        data["places"] = [each.as_json() for each in self.places]
        return data


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reading:
    """How the bases are read: facts, day, review status, and what counsel has accepted."""

    facts: Mapping[str, Value]
    day: date
    floor: Status
    accepted: tuple[Acceptance, ...]


def may_detect(
    book: Lawbook,
    *,
    jurisdictions: Iterable[str],
    tier: Tier,
    channel: Channel,
    facts: Mapping[str, object],
    as_of: date,
    floor: Status = Status.SECONDARY,
    accepted: Iterable[Acceptance] = (),
) -> DetectionAnswer:
    """Whether a detector of `tier` may run on `channel` in all of `jurisdictions` on a day.

    Statements below `floor` leave the answer unknown; a basis whose version counsel has
    accepted is read from `recalled` on, and so is one that forbids. To act, ask with
    `Status.VERIFIED`. Raises `Conflict` when one jurisdiction both permits and forbids it that
    day, `BadInput` for a fact that is not in the vocabulary.
    """
    reading = _Reading(
        facts=book.vocabulary.admit(facts), day=as_of, floor=floor, accepted=tuple(accepted)
    )
    codes = sorted(set(jurisdictions))
    places = tuple(_place(book, code, tier, channel, reading) for code in codes)
    outcome, stance = _together(places)
    resting = _resting_on(places) if outcome is YES else ()
    ends = [each.expires for each in places if each.expires is not None]
    expires = min(ends) if ends and outcome is YES else None
    left = None if expires is None else (expires - timedelta(days=1) - as_of).days
    weighed = [each for place in places for each in place.bases]
    reasons = tuple(f"{each.jurisdiction}: {each.why}" for each in places)
    return DetectionAnswer(
        tier=tier,
        channel=channel,
        as_of=as_of,
        floor=floor,
        outcome=outcome,
        stance=stance,
        bases=resting,
        reasons=reasons or ("nobody has said where the service is offered",),
        expires=expires,
        days_left=left,
        warn=due_warning(left),
        to_accept=tuple(sorted({each.id for each in weighed if each.only_unaccepted})),
        missing=ranked(
            leaf
            for each in weighed
            if each.outcome is UNKNOWN and each.trace is not None
            for leaf in each.trace.open_leaves()
        ),
        places=places,
    )


def due_warning(days_left: int | None) -> int | None:
    """The warning that is due so many days before the last one: 30, 90, 180, or none yet."""
    if days_left is None:
        return None
    return min((each for each in WARN_DAYS if days_left <= each), default=None)


def connected(book: Lawbook, facts: Mapping[str, object]) -> tuple[str, ...]:
    """The jurisdictions that provider and service are connected with, sorted.

    Those are the countries that facts about provider and service name, and the jurisdictions
    of every rule whose connection these facts fulfil.
    """
    known = book.vocabulary.admit(facts)
    about = {name: value for name, value in known.items() if name.startswith(_CONNECTING)}
    named: set[str] = set()
    for name, value in about.items():
        kind = book.vocabulary.facts[name].kind
        if kind is FactKind.COUNTRY and isinstance(value, str):
            named.add(value)
        if kind is FactKind.COUNTRIES and isinstance(value, tuple):
            named.update(str(each) for each in value)
    linked = {
        rule.jurisdiction
        for rule in book.rules
        if evaluate(rule.connection, about, path="connection").result is YES
    }
    return tuple(sorted(named | linked))


def _place(book: Lawbook, code: str, tier: Tier, channel: Channel, reading: _Reading) -> Place:
    """One jurisdiction: its own bases and its unions', the strictest stance first."""
    unions = {
        union for each in book.jurisdiction_entries if each.code == code for union in each.member_of
    }
    weighed = tuple(
        each
        for place in (code, *sorted(unions))
        for each in _weighed(book, place, tier, channel, reading)
    )
    _require_one_voice(weighed)
    forbids = [each for each in weighed if each.stance is Stance.FORBIDDEN]
    allows = [each for each in weighed if each.stance is not Stance.FORBIDDEN]
    outcome, stance, expires, deciding = UNKNOWN, None, None, weighed
    if any(each.outcome is YES for each in forbids):
        deciding = tuple(each for each in forbids if each.outcome is YES)
        outcome, stance = NO, Stance.FORBIDDEN
    elif any(each.outcome is UNKNOWN for each in forbids):
        deciding = tuple(each for each in forbids if each.outcome is UNKNOWN)
    elif any(each.outcome is YES for each in allows):
        deciding = tuple(each for each in allows if each.outcome is YES)
        required = any(each.stance is Stance.REQUIRED for each in deciding)
        outcome, stance = YES, Stance.REQUIRED if required else Stance.PERMITTED
        ends = [each.expires for each in deciding if each.expires is not None]
        expires = max(ends) if len(ends) == len(deciding) else None
    elif any(each.outcome is UNKNOWN for each in allows):
        deciding = tuple(each for each in allows if each.outcome is UNKNOWN)
    elif allows and all(each.trace is None for each in allows):  # ended, or not begun
        outcome, deciding = NO, tuple(allows)
    why = "; ".join(f"{each.id} {each.why}" for each in deciding)
    return Place(
        jurisdiction=code,
        outcome=outcome,
        stance=stance,
        why=why or "the lawbook records no basis for this detector here, so it stays off",
        expires=expires,
        bases=weighed,
    )


def _weighed(
    book: Lawbook, code: str, tier: Tier, channel: Channel, reading: _Reading
) -> Iterator[Weighed]:
    editions: dict[str, list[Basis]] = {}
    for basis in book.bases:
        if basis.jurisdiction == code and basis.tier is tier and channel in basis.channels:
            editions.setdefault(basis.id, []).append(basis)
    for mine in editions.values():
        basis, beyond = edition_on(mine, on=reading.day)
        yield _weigh(basis, beyond, mine, reading)


def _weigh(  # noqa: PLR0911 - one answer a line of reasons
    basis: Basis, beyond: Beyond | None, editions: list[Basis], reading: _Reading
) -> Weighed:
    """One basis: 1. its dates and legal status, 2. its facts, 3. its review status."""

    def result(
        outcome: Truth, why: str, *, trace: Trace | None = None, only_unaccepted: bool = False
    ) -> Weighed:
        return Weighed(
            id=basis.id,
            version=basis.version,
            jurisdiction=basis.jurisdiction,
            stance=basis.stance,
            status=min(basis.status, basis.in_force.status),
            outcome=outcome,
            why=why,
            expires=_end(basis, editions, reading) if beyond is None else None,
            only_unaccepted=only_unaccepted,
            trace=trace,
        )

    if beyond is Beyond.UNRECORDED:  # 1
        return result(UNKNOWN, "does not say what held on that day; ask counsel")
    if beyond is Beyond.NOT_LAW:
        return result(NO, _outside(basis, editions, reading.day))
    cautious = basis.stance is Stance.FORBIDDEN  # what stops a detector needs nobody's consent
    if cautious and basis.legal_status is LegalStatus.PARTLY_IN_FORCE:
        return result(UNKNOWN, "forbids it, partly in force; ask counsel which part is")
    if basis.legal_status not in _HELD:
        return result(NO, f"is {basis.legal_status.value}, which is no basis")
    verdict = actionable(basis, reading.accepted)
    floor = Status.RECALLED if verdict.allowed or cautious else reading.floor
    trace = _trace(basis, reading, floor)
    loose = _trace(basis, reading, Status.RECALLED)
    if trace is not None and loose is not None and loose.result is not YES:  # 2
        if loose.result is NO:
            return result(NO, "does not apply on these facts", trace=loose)
        needed = ", ".join(dict.fromkeys(leaf.fact or "" for leaf in loose.open_leaves()))
        return result(UNKNOWN, f"cannot be judged; needed: {needed}", trace=loose)
    unchecked = trace is not None and trace.result is not YES
    if unchecked or below(basis.status, floor) or below(basis.in_force.status, floor):  # 3
        why = f"{basis.stance.value}, but {'; '.join(verdict.reasons)}"
        disputed = below(basis.status, Status.RECALLED) or below(
            basis.in_force.status, Status.RECALLED
        )  # no acceptance makes it count
        return result(UNKNOWN, why, trace=trace, only_unaccepted=not disputed)
    end = _end(basis, editions, reading)
    until = f" until {(end - timedelta(days=1)).isoformat()}" if end else ""
    return result(YES, f"{basis.stance.value}{until}", trace=trace)


def _trace(basis: Basis, reading: _Reading, floor: Status) -> Trace | None:
    if basis.when is None:
        return None
    return evaluate(basis.when, reading.facts, path="when", floor=floor)


def _end(basis: Basis, editions: list[Basis], reading: _Reading) -> date | None:
    """The first day without this basis.

    An edition that follows without a gap goes on where it says the same of these facts, and is
    checked or accepted as well.
    """
    end = basis.in_force.to
    for later in editions:
        forbids = {each.stance is Stance.FORBIDDEN for each in (basis, later)}
        if end is None or later.in_force.from_ != end or len(forbids) > 1:
            continue
        follows = _weigh(later, None, editions, reading)
        if follows.outcome is YES:
            return follows.expires
    return end


def _outside(basis: Basis, editions: Iterable[Basis], day: date) -> str:
    """That it does not hold on `day`: when it ended, when it begins again."""
    span, said = basis.in_force, []
    if span.from_ is None:
        return f"is {basis.legal_status.value}, which is no basis"
    if span.to is not None and span.to <= day:
        said.append(f"ended after {(span.to - timedelta(days=1)).isoformat()}")
    starts = sorted(
        each.in_force.from_
        for each in editions
        if each.in_force.from_ is not None and each.in_force.from_ > day
    )
    if starts:
        said.append(f"begins on {starts[0].isoformat()}")
    return " and ".join(said) or "is not in force on that day"


def _require_one_voice(weighed: Iterable[Weighed]) -> None:
    """One jurisdiction must not both permit and forbid the same on one day."""
    holding = [each for each in weighed if each.outcome is YES]
    for one in holding:
        for other in holding:
            if (
                one.jurisdiction == other.jurisdiction
                and one.stance is Stance.FORBIDDEN
                and other.stance is not Stance.FORBIDDEN
            ):
                raise Conflict(
                    f"The lawbook contradicts itself on detection in {one.jurisdiction}",
                    why=f"{one.id} forbids it and {other.id} says {other.stance.value}, "
                    "on the same day",
                    remedy="A lawyer must decide; until then nothing is detected.",
                )


def _together(places: tuple[Place, ...]) -> tuple[Truth, Stance | None]:
    """All jurisdictions: one no is no, one unknown is unknown, and none at all is unknown."""
    stances = {each.stance for each in places}
    if any(each.outcome is NO for each in places):
        return NO, Stance.FORBIDDEN if Stance.FORBIDDEN in stances else None
    if not places or any(each.outcome is UNKNOWN for each in places):
        return UNKNOWN, None
    return YES, Stance.REQUIRED if Stance.REQUIRED in stances else Stance.PERMITTED


def _resting_on(places: Iterable[Place]) -> tuple[Weighed, ...]:
    """The bases behind a yes, each once (a union's stands behind each of its members)."""
    held = {
        each.id: each
        for place in places
        for each in place.bases
        if each.outcome is YES and each.stance is not Stance.FORBIDDEN
    }
    return tuple(held[key] for key in sorted(held))


def _plain(thing: object) -> dict[str, object]:
    data = as_plain(thing)
    return {str(key): value for key, value in data.items()} if isinstance(data, dict) else {}
