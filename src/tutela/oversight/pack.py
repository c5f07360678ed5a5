"""The facts of a pack for a parliament: one country's recorded law on one day, and its gaps.

Figures never stand without the share of what cannot be said, and places are never ranked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from tutela.law.assessing import Assessment, Assessor, Bound, Met, bound_by, membership_of
from tutela.law.book import Lawbook
from tutela.law.countries import Jurisdiction, Membership
from tutela.law.drafting import Draft, Drafted, draft
from tutela.law.gaps import USUAL, Gap, Tally, gap, tallied
from tutela.law.instruments import Instrument, InstrumentKind
from tutela.law.model import Status
from tutela.oversight.coverage import Coverage, coverage
from tutela.oversight.maturity import CAPABILITIES, Level, Maturity
from tutela.oversight.model import Figures
from tutela.oversight.open_points import OpenPoint, open_points
from tutela.oversight.questioning import ENGLISH, Asked, questions
from tutela.oversight.timeline import Timeline, of_place


@dataclass(frozen=True, kw_only=True, slots=True)
class Ratification:
    """Where the country stands with one treaty; `membership` is `None` where nobody recorded it."""

    instrument: Instrument
    membership: Membership | None
    bound: Bound


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionsBeside:
    """The questions to one paragraph, with what the book says of it."""

    asked: Asked
    assessment: Assessment


@dataclass(frozen=True, kw_only=True, slots=True)
class Capability:
    """One capability: the law on paper and, apart from it, the level that somebody entered."""

    assessment: Assessment
    level: Level | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """What can be said without looking at other countries."""

    jurisdiction: Jurisdiction
    as_of: date
    floor: Status
    against: tuple[str, ...]
    assessments: tuple[Assessment, ...]
    ratifications: tuple[Ratification, ...]
    coverage: tuple[Coverage, ...]
    questions: tuple[QuestionsBeside, ...]
    open_points: tuple[OpenPoint, ...]
    timeline: Timeline

    def tally(self, instrument: str | None = None) -> Tally:
        """The figures over one instrument, or over all."""
        return tallied(
            each for each in self.assessments if instrument is None or each.instrument == instrument
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Pack:
    """Everything that the pages of a pack show; `figures` is `None` when not asked for."""

    overview: Overview
    gap: Gap
    drafted: Draft | None
    capabilities: tuple[Capability, ...]
    maturity: Maturity | None
    figures: Figures | None

    def clause(self, requirement: str) -> Drafted | None:
        """The proposed clause for a requirement, if there is one."""
        listed = self.drafted.clauses if self.drafted else ()
        return next((each for each in listed if requirement in each.for_), None)


def overview(
    book: Lawbook,
    code: str,
    *,
    assessor: Assessor,
    against: Iterable[str] = USUAL,
    language: str = ENGLISH,
) -> Overview:
    """One country at a glance; raise `NotFound` for a strange country or instrument."""
    jurisdiction = book.jurisdiction(code)
    chosen = tuple(dict.fromkeys(book.instrument(each).id for each in against))
    assessments = tuple(
        assessor.assess(requirement, code)
        for name in chosen
        for requirement in book.requirements_of(name)
    )
    return Overview(
        jurisdiction=jurisdiction,
        as_of=assessor.as_of,
        floor=assessor.floor,
        against=chosen,
        assessments=assessments,
        ratifications=_ratifications(book, code, assessor=assessor),
        coverage=coverage(assessor, code),
        questions=tuple(
            QuestionsBeside(
                asked=each,
                assessment=assessor.assess(book.requirement(each.paragraph), code),
            )
            for each in questions(book, language=language)
        ),
        open_points=open_points(book, assessments),
        timeline=of_place(book, code, day=assessor.as_of),
    )


def make_pack(
    book: Lawbook,
    code: str,
    *,
    as_of: date,
    floor: Status = Status.SECONDARY,
    against: Iterable[str] = USUAL,
    maturity: Maturity | None = None,
    figures: Figures | None = None,
    language: str = ENGLISH,
) -> Pack:
    """Everything for one country; other countries are looked at for precedents alone."""
    assessor = Assessor(book, as_of=as_of, floor=floor)
    seen = overview(book, code, assessor=assessor, against=against, language=language)
    levels: Mapping[str, Level] = maturity.levels if maturity else {}
    return Pack(
        overview=seen,
        gap=gap(book, code, against=seen.against, as_of=as_of, floor=floor, assessor=assessor),
        drafted=_drafted(book, seen),
        capabilities=tuple(
            Capability(assessment=assessor.assess(each, code), level=levels.get(each.id))
            for each in book.requirements_of(CAPABILITIES)
        ),
        maturity=maturity,
        figures=figures,
    )


def _ratifications(book: Lawbook, code: str, *, assessor: Assessor) -> tuple[Ratification, ...]:
    listed = []
    for each in book.instruments:
        if each.kind is not InstrumentKind.TREATY:
            continue
        membership = membership_of(book, code, each.id)
        bound = bound_by(each, code, membership, on=assessor.as_of, floor=assessor.floor)
        listed.append(Ratification(instrument=each, membership=membership, bound=bound))
    return tuple(listed)


def _drafted(book: Lawbook, seen: Overview) -> Draft | None:
    """Clauses for all that is not met and has one, with what they would change together."""
    having = {name for clause in book.clauses for name in clause.for_}
    wanted = [
        each.requirement
        for each in seen.assessments
        if each.requirement in having
        and not each.outcome.good
        and each.outcome is not Met.NOT_APPLICABLE
    ]
    if not wanted:
        return None
    return draft(book, seen.jurisdiction.code, wanted, as_of=seen.as_of, floor=seen.floor)
