"""Which duties a country puts on providers: what may be there is not hidden by a no."""

from dataclasses import replace
from datetime import date

import pytest

from own_lawbook import own_lawbook
from tutela.law.assessing import Assessor
from tutela.law.countries import Measure
from tutela.law.model import Action, LegalStatus, Status, Truth
from tutela.oversight.coverage import coverage

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
