from datetime import timedelta
from typing import cast

import pytest
from console_parts import AT, BOOK, Office, details, drawn

from tutela.accounts.model import Role
from tutela.adapters.media.jail import Jail
from tutela.cases.claiming import claim
from tutela.cases.deciding import decide, finish_review
from tutela.cases.model import Verdict
from tutela.counsel.acceptances import acceptances
from tutela.counsel.accepting import accept_rule, withdraw_rule
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, Conflict, NotFound, Refused
from tutela.review.queueing import PAGE_SIZE, Shelf, queue


@pytest.fixture
def office(database: Database, clock: FixedClock) -> Office:
    return Office(database=database, media=cast("Jail", None), clock=clock)


def test_an_empty_queue_is_one_empty_page(office: Office) -> None:
    person = office.person("person-a")
    with office.database.begin() as tx:
        page = queue(tx, person, page=7)
    assert (page.items, page.page, page.pages) == ((), 1, 1)
    assert set(page.counts.values()) == {0}


def test_the_queue_is_for_those_who_may_read_it(office: Office) -> None:
    auditor = office.person("person-a", Role.AUDITOR)
    with pytest.raises(Refused), office.database.begin() as tx:
        queue(tx, auditor)


def test_oldest_first_in_pages(office: Office) -> None:
    person = office.person("person-a")
    cases = []
    for number in range(PAGE_SIZE + 2):
        cases.append(office.case(b"placeholder %d" % number, hashes_only=True)[0])
        office.clock.at += timedelta(minutes=1)
    with office.database.begin() as tx:
        first = queue(tx, person, page=1)
        second = queue(tx, person, page=2)
    assert [item.case.id for item in (*first.items, *second.items)] == cases
    assert (first.pages, first.counts[Shelf.OPEN]) == (2, PAGE_SIZE + 2)


def test_what_the_queue_says_of_a_case(office: Office) -> None:
    first, second = office.person("person-a"), office.person("person-b")
    case, _ = office.case(second_person=True)
    with office.database.begin() as tx:
        claim(tx, case, first, AT)
        assert queue(tx, first).items[0].mine
        assert not queue(tx, second).items[0].mine
        finish_review(tx, case, by=first, at=AT)
        decide(
            tx,
            case,
            by=first,
            at=AT,
            verdict=Verdict.APPARENT_CSAM,
            category="ncmec-ab/2022/B2",
        )
        (for_first,) = queue(tx, first).items
        (for_second,) = queue(tx, second).items
    assert for_second.waiting_for_second
    assert (for_first.first_decided_by_me, for_second.first_decided_by_me) == (True, False)
    assert for_second.lists == ("Drawn pictures",)
    assert for_second.nearest is not None
    assert for_second.nearest.match.distance_bits == 6


def test_a_known_item_comes_first(office: Office) -> None:
    person = office.person("person-a")
    judged, _ = office.case(drawn(5))
    with office.database.begin() as tx:
        claim(tx, judged, person, AT)
        finish_review(tx, judged, by=person, at=AT)
        decide(
            tx,
            judged,
            by=person,
            at=AT,
            verdict=Verdict.APPARENT_CSAM,
            category="ncmec-ab/2022/B2",
        )
    older, _ = office.case(drawn(6))
    office.clock.at += timedelta(minutes=1)
    known, _ = office.case(drawn(5))
    with office.database.begin() as tx:
        assert [item.case.id for item in queue(tx, person).items] == [known, older]
        assert [item.case.id for item in queue(tx, person, shelf=Shelf.DECIDED).items] == [judged]


def test_counsel_accepts_exactly_one_version_and_may_take_it_back(office: Office) -> None:
    rule = BOOK.editions("us.2258A.report")[-1]
    with office.database.begin() as tx:
        accept_rule(
            tx,
            book=BOOK,
            rule_id=rule.id,
            version=rule.version,
            by="acct_counsel",
            note="read the text",
            at=AT,
        )
        assert [each.rule_version for each in acceptances(tx)] == [rule.version]
        withdraw_rule(
            tx, rule_id=rule.id, version=rule.version, by="acct_counsel", note="changed", at=AT
        )
        assert acceptances(tx) == ()
    (line,) = details(office.database, "law_rule_accepted")
    assert line == {"version": rule.version, "by": "acct_counsel", "note": "read the text"}


@pytest.mark.parametrize(
    ("rule_id", "version", "note", "error"),
    [
        ("us.2258A.report", "0" * 64, "read", Conflict),
        ("us.2258A.nothing", "0" * 64, "read", NotFound),
        ("us.2258A.report", "", "", BadInput),
        ("us.2258A.report", "", "x" * 501, BadInput),
    ],
)
def test_what_is_not_a_present_version_is_not_accepted(
    *, office: Office, rule_id: str, version: str, note: str, error: type[Exception]
) -> None:
    with pytest.raises(error), office.database.begin() as tx:
        accept_rule(tx, book=BOOK, rule_id=rule_id, version=version, by="acct_c", note=note, at=AT)
    assert not list(details(office.database, "law_rule_accepted"))
