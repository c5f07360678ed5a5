"""Which duties a country puts on providers: what may be there is not hidden by a no."""

from dataclasses import replace
from datetime import date

import pytest

from own_lawbook import own_lawbook
from tutela.law.assessing import Assessor
from tutela.law.countries import Measure, Stance
from tutela.law.model import Action, LegalStatus, Status, Truth
from tutela.oversight.coverage import DETECTION, coverage

DAY = date(2026, 11, 21)


@pytest.mark.parametrize(("recorded", "wanted"), [(False, Truth.NO), (True, Truth.UNKNOWN)])
def test_a_duty_that_is_recorded_but_not_checked_is_not_called_absent(
    *, recorded: bool, wanted: Truth
) -> None:
    book = own_lawbook()
    rule = next(each for each in book.rules if each.id == "us.2258A.report")
    basis = replace(rule.legal_basis[0], status=Status.RECALLED)
    absent = Measure(
        id="us.measure.no-report",
        jurisdiction="US",
        measure="provider_reporting",
        holds=False,
        text="Providers need not report.",
        legal_status=LegalStatus.IN_FORCE,
        in_force=rule.in_force,
        cite=basis.cite,
        source=basis.source,
        status=Status.SINGLE_REVIEWER,
    )
    dates = replace(rule.in_force, status=Status.SINGLE_REVIEWER)
    absent = replace(absent, in_force=dates)
    weak = (replace(rule, legal_basis=(basis,)),) if recorded else ()
    others = tuple(each for each in book.rules if each.action is not Action.REPORT)
    own = replace(book, rules=others + weak, measures=(absent,))
    [report] = [each for each in coverage(Assessor(own, as_of=DAY), "US") if each.key == "report"]
    assert report.result is wanted


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (None, Truth.NO),  # nothing but what forbids it
        (Status.RECALLED, Truth.UNKNOWN),
        (Status.SINGLE_REVIEWER, Truth.YES),
    ],
)
def test_detection_that_may_be_permitted_is_not_called_forbidden(
    status: Status | None, wanted: Truth
) -> None:
    book = own_lawbook()
    basis = next(each for each in book.bases if each.id == "us.detection.known-hash")
    dates = replace(
        basis.in_force, from_=date(2020, 1, 1), to=None, after=None, status=Status.SINGLE_REVIEWER
    )
    forbids = replace(
        basis,
        id="us.detection.no",
        stance=Stance.FORBIDDEN,
        in_force=dates,
        status=Status.SINGLE_REVIEWER,
    )
    permits = [] if status is None else [replace(basis, in_force=dates, status=status)]
    own = replace(book, bases=(forbids, *permits))
    [found] = [each for each in coverage(Assessor(own, as_of=DAY), "US") if each.key == DETECTION]
    assert found.result is wanted
