"""How a page of the law is read: the day and the review status, carried through every link."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Depends, Query

from tutela.console.visiting import Parts
from tutela.law.answers import Duties, Duty
from tutela.law.answers import State as DutyState
from tutela.law.expressions import Trace
from tutela.law.model import Status, Truth
from tutela.primitives.errors import BadInput

Law = tuple[str, Sequence[Duty], Mapping[DutyState, int]]
"""A place, its duties, and how many stand how."""
FLOORS = tuple(status for status in reversed(Status) if status is not Status.DISPUTED)
_ROOTS: Mapping[str, str] = {
    "instruments": "/law/instruments",
    "requirements": "/law/requirements",
    "jurisdictions": "/law/places",
    "sources": "/law/sources",
}
_ORDER = tuple(DutyState)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The day whose law counts and the weakest status that does. `chosen`: not today's default."""

    as_of: date
    floor: Status
    chosen: bool

    @property
    def query(self) -> str:
        """What follows an address so that the next page is read the same way."""
        if not self.chosen:
            return ""
        return "?" + urlencode({"as_of": self.as_of.isoformat(), "status": self.floor.value})

    def link(self, kind: str, name: str) -> str:
        """The address of an entry's page, read the same way."""
        root = _ROOTS.get(kind, f"/law/entries/{kind}")
        return f"{root}/{quote(name, safe='')}{self.query}"


def reading_of(
    parts: Parts,
    as_of: Annotated[str, Query()] = "",
    status: Annotated[str, Query()] = "",
) -> Reading:
    """The reading that the address asks for; today and `secondary` where it does not."""
    try:
        day = date.fromisoformat(as_of) if as_of else parts.clock.now().date()
    except ValueError as error:
        raise BadInput("This is no day", remedy="Write it as 2026-11-21.") from error
    floor = next((each for each in FLOORS if each.value == status), None)
    if status and floor is None:
        raise BadInput("This is no review status", remedy="Choose one of those on the page.")
    return Reading(as_of=day, floor=floor or Status.SECONDARY, chosen=bool(as_of) or bool(status))


Read = Annotated[Reading, Depends(reading_of)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Laws:
    """Duties by place with their tally: `near` is shown at once, `far` when it is opened.

    Near is where a duty is owed or done, or where the place is known to be connected.
    """

    near: Sequence[Law]
    far: Sequence[Law]


def in_groups(derived: Duties, order: Callable[[Duty], int]) -> Laws:
    """The duties by jurisdiction, those in each in the given order; what is owed comes first."""
    groups: dict[str, list[Duty]] = {}
    for duty in sorted(derived.duties, key=order):
        groups.setdefault(duty.jurisdiction, []).append(duty)
    laws = [
        (jurisdiction, group, Counter(duty.state for duty in group))
        for jurisdiction, group in groups.items()
    ]
    return Laws(
        near=[law for law in laws if any(map(_near, law[1]))],
        far=[law for law in laws if not any(map(_near, law[1]))],
    )


def _near(duty: Duty) -> bool:
    if duty.state in {DutyState.OWED, DutyState.DISCHARGED}:
        return True
    parts = duty.evaluation.trace.parts if duty.evaluation else ()
    tied = any(_ties(leaf) for part in parts if part.path == "connection" for leaf in part.leaves())
    return duty.state is DutyState.UNKNOWN and tied


def _ties(leaf: Trace) -> bool:
    """Whether a known fact ties the case to the place, if its text is checked enough or not."""
    if leaf.result is Truth.YES:
        return True
    expected = leaf.expected if isinstance(leaf.expected, tuple) else (leaf.expected,)
    return leaf.unchecked and not leaf.missing and leaf.value in expected
