"""Bars on a line of years: never a beginning that nobody recorded."""

from dataclasses import replace
from datetime import date

import pytest

from own_lawbook import own_lawbook
from tutela.law.countries import PartyState
from tutela.law.model import Beyond
from tutela.oversight.timeline import WIDTH, of_instrument, of_place

DAY = date(2026, 11, 21)


def test_a_law_with_a_gap_is_two_pieces_with_nothing_between() -> None:
    line = of_place(own_lawbook(), "DE", day=DAY)
    interim = next(one for one in line.lines if one.id == "eu.detection.interim.known-hash")
    first, second = (piece for piece in interim.pieces if piece.sure)
    assert first.x + first.width < second.x
    assert second.x < line.day_x < second.x + second.width < WIDTH
    assert [span.ends for span in interim.spans] == [date(2026, 4, 4), date(2028, 4, 4)]


def test_what_was_only_collected_on_a_day_did_not_begin_then() -> None:
    book = own_lawbook()
    line = of_place(book, "JP", day=DAY)
    drawn = {one.id for one in line.lines}
    undated = [
        each.id
        for each in book.offences
        if each.jurisdiction == "JP"
        and each.in_force.before is Beyond.UNRECORDED
        and each.in_force.from_ == book.jurisdiction("JP").read_on
    ]
    assert undated
    assert drawn.isdisjoint(undated)
    assert line.undated >= len(undated)


def test_a_recorded_beginning_with_unrecorded_law_before_is_hatched() -> None:
    book = own_lawbook()
    rule = next(each for each in book.rules if each.jurisdiction == "GB")
    dates = replace(rule.in_force, from_=date(2020, 1, 1), before=Beyond.UNRECORDED)
    only = replace(book, rules=(replace(rule, in_force=dates),), offences=(), measures=(), bases=())
    [one] = [each for each in of_place(only, "GB", day=DAY).lines if each.kind == "rules"]
    sure, hatched = one.pieces
    assert (sure.sure, hatched.sure) == (True, False)
    assert hatched.x + hatched.width == sure.x


def test_lines_stand_under_each_other_and_fit() -> None:
    for code in ("US", "DE", "EU"):
        line = of_place(own_lawbook(), code, day=DAY)
        heights = [one.y for one in line.lines]
        assert heights == sorted(set(heights))
        assert heights[-1] < line.height
        for one in line.lines:
            for piece in one.pieces:
                assert piece.x >= 0
                assert piece.x + piece.width <= WIDTH + 0.1
                assert piece.width > 0
        assert 0 < line.day_x < WIDTH


def test_the_states_that_joined_an_instrument_stand_in_order_of_their_day() -> None:
    book = own_lawbook()
    line = of_instrument(book, book.instrument("OPSC"), day=DAY)
    days = [one.spans[0].begins for one in line.lines if one.kind == "memberships"]
    assert days == sorted(days)
    assert len(days) > 2


def test_who_only_signed_has_not_joined() -> None:
    book = own_lawbook()
    signed = [each for each in book.memberships if each.state is PartyState.SIGNED_ONLY]
    assert any(each.signed for each in signed)
    drawn = {
        one.id for each in book.instruments for one in of_instrument(book, each, day=DAY).lines
    }
    assert drawn.isdisjoint(f"{each.jurisdiction} {each.instrument}" for each in signed)


@pytest.mark.parametrize("day", [date.min, date(1600, 1, 1), date(3300, 6, 1), date.max])
def test_any_day_can_be_drawn(day: date) -> None:
    book = own_lawbook()
    bare = replace(book, memberships=())
    for line in (
        of_place(book, "DE", day=day),
        of_instrument(book, book.instrument("OPSC"), day=day),
        of_instrument(bare, book.instrument("UNCC"), day=day),
    ):
        assert 0 <= line.day_x <= WIDTH
        assert len(line.ticks) <= 13


def test_an_empty_book_draws_the_day_alone() -> None:
    book = own_lawbook()
    empty = replace(book, rules=(), offences=(), measures=(), bases=(), memberships=())
    line = of_place(empty, "GB", day=DAY)
    assert line.lines == ()
    assert 0 < line.day_x < WIDTH
