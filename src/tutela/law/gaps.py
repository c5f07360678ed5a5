"""A country's law beside the treaties: every requirement of the chosen instruments, assessed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from tutela.law.assessing import Assessment, Assessor, Met
from tutela.law.book import Lawbook
from tutela.law.instruments import Requirement
from tutela.law.model import Status
from tutela.law.serialising import as_plain
from tutela.primitives.errors import BadInput

USUAL = ("UNCC", "OPSC", "LANZAROTE", "BUDAPEST", "MNR", "IPU")
"""What a gap is measured against when nothing else is asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One requirement's assessment, and who meets it elsewhere (looked up for gaps only)."""

    assessment: Assessment
    precedents: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How many requirements ended how. `unknown_share` is of those that apply, 0 to 1.

    No figure is shown without that share, and places are never ranked.
    """

    counts: Mapping[Met, int]
    applicable: int
    gaps: int

    @property
    def unknown(self) -> int:
        """How many cannot be said."""
        return self.counts.get(Met.UNKNOWN, 0)

    @property
    def unknown_share(self) -> float:
        """The share of what cannot be said; 1 when nothing applies."""
        return self.unknown / self.applicable if self.applicable else 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """The answer: rows in the order of the instruments, a tally each and one for all."""

    jurisdiction: str
    as_of: date
    floor: Status
    against: tuple[str, ...]
    rows: tuple[Row, ...]

    def of(self, instrument: str) -> tuple[Row, ...]:
        """The rows of one instrument."""
        return tuple(row for row in self.rows if row.assessment.instrument == instrument)

    def tally(self, instrument: str | None = None) -> Tally:
        """The figures over one instrument, or over all."""
        return tallied(
            row.assessment
            for row in self.rows
            if instrument is None or row.assessment.instrument == instrument
        )

    def as_json(self) -> dict[str, object]:
        """Plain data; the tallies beside the rows."""
        return {
            "jurisdiction": self.jurisdiction,
            "as_of": self.as_of.isoformat(),
            "status": self.floor.value,
            "against": list(self.against),
            "tallies": {name: tally_json(self.tally(name)) for name in self.against},
            "all": tally_json(self.tally()),
            "requirements": [
                {**_plain(row.assessment), "precedents": list(row.precedents)} for row in self.rows
            ],
        }


def gap(
    book: Lawbook,
    jurisdiction: str,
    *,
    against: Iterable[str] = USUAL,
    as_of: date,
    floor: Status = Status.SECONDARY,
    assessor: Assessor | None = None,
) -> Gap:
    """Assess every requirement of the instruments `against`; raise `NotFound`, `BadInput`."""
    chosen = tuple(dict.fromkeys(book.instrument(each).id for each in against))
    if not chosen:
        raise BadInput("No instrument is chosen", remedy="`tutela law instruments` lists them")
    assessor = assessor or Assessor(book, as_of=as_of, floor=floor)
    return Gap(
        jurisdiction=book.jurisdiction(jurisdiction).code,
        as_of=as_of,
        floor=floor,
        against=chosen,
        rows=tuple(
            _row(assessor, requirement, jurisdiction)
            for name in chosen
            for requirement in book.requirements_of(name)
        ),
    )


def _row(assessor: Assessor, requirement: Requirement, code: str) -> Row:
    found = assessor.assess(requirement, code)
    wanted = found.outcome not in {Met.MET, Met.NOT_APPLICABLE}
    return Row(
        assessment=found,
        precedents=assessor.precedents(requirement, but=code) if wanted else (),
    )


def tallied(assessments: Iterable[Assessment]) -> Tally:
    """Count the outcomes."""
    listed = list(assessments)
    counts = Counter(each.outcome for each in listed)
    return Tally(
        counts=counts,
        applicable=len(listed) - counts[Met.NOT_APPLICABLE],
        gaps=sum(each.gap.value == "yes" for each in listed),
    )


def tally_json(tally: Tally) -> dict[str, object]:
    """A tally as plain data, each outcome named, with the unknown share beside it."""
    return {
        **{met.value: tally.counts.get(met, 0) for met in Met},
        "applicable": tally.applicable,
        "sure_gaps": tally.gaps,
        "unknown_share": round(tally.unknown_share, 4),
    }


def _plain(found: Assessment) -> dict[str, object]:
    plain = as_plain(found)
    if not isinstance(plain, dict):
        raise TypeError("an assessment is a mapping")
    return plain
