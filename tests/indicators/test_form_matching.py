"""Every form of a file is asked, in each of its turns, and the match says which one met."""

from dataclasses import replace

import pytest
from indicator_drawing import AT, Import, flipped, hashed, pdq

from tutela.hashing.model import DIHEDRAL, FormKind, Hashed, Pdq, PictureForm, unmatchable_of
from tutela.indicators import listing
from tutela.indicators.matching import Matcher
from tutela.indicators.model import Finding, MatchResult
from tutela.primitives.database import Database


@pytest.fixture
def matcher(database: Database) -> Matcher:
    return Matcher(database)


def of(rows: list[tuple[str, str]]) -> str:
    return "kind,value\n" + "".join(f"{kind},{value}\n" for kind, value in rows)


def found(result: MatchResult) -> list[tuple[str, int]]:
    return [(match.kind.value, match.distance_bits) for match in result.matches]


def with_further(*forms: PictureForm, quality: int = 100) -> Hashed:
    item = hashed(pdq_hex=pdq("first"), quality=quality)
    return replace(item, further=forms, unmatchable=unmatchable_of(item.pdq or forms[0].pdq, forms))


def frame(number: int, hex_text: str, *, quality: int = 100) -> PictureForm:
    bits = Pdq.parse(hex_text, quality=quality)
    return PictureForm(kind=FormKind.FRAME, number=number, total=12, pdq=bits)


def test_every_form_of_a_file_is_asked_and_the_match_names_it(
    matcher: Matcher, import_text: Import
) -> None:
    import_text(of([("pdq", pdq("later"))]))
    upright = PictureForm(kind=FormKind.UPRIGHT, pdq=Pdq.parse(flipped(pdq("later"), 9)))
    item = with_further(frame(2, pdq("other")), frame(3, flipped(pdq("later"), 4)), upright)
    result = matcher.match(item)
    assert found(result) == [("pdq", 4)]
    assert result.matches[0].form == "frame 3 of 12"
    assert "met by frame 3 of 12 of the file" in result.matches[0].reasons
    [match] = matcher.match(with_further(upright)).matches
    assert match.form == "the upright form"
    assert matcher.match(with_further()).finding is Finding.NO_KNOWN_MATCH


def test_of_two_forms_as_near_the_primary_one_is_named(
    matcher: Matcher, import_text: Import
) -> None:
    import_text(of([("pdq", flipped(pdq("first"), 3))]))
    same = frame(2, flipped(flipped(pdq("first"), 3), 3))
    assert [match.form for match in matcher.match(with_further(same)).matches] == [""]


def test_a_form_of_low_quality_is_left_out_and_others_are_compared(
    matcher: Matcher, import_text: Import
) -> None:
    import_text(of([("pdq", pdq("low")), ("pdq", pdq("later"))]))
    blank_first = with_further(frame(2, pdq("low"), quality=49), frame(3, pdq("later")), quality=0)
    result = matcher.match(blank_first)
    assert [match.form for match in result.matches] == ["frame 3 of 12"]
    other = with_further(frame(3, pdq("nowhere")), quality=0)
    assert matcher.match(other).finding is Finding.NO_KNOWN_MATCH
    none = with_further(frame(3, pdq("later"), quality=49), quality=0)
    assert matcher.match(none).finding is Finding.CANNOT_BE_MATCHED
    flat = replace(other, pdq=Pdq(bytes(32), 0))
    assert matcher.match(flat).finding is Finding.NO_KNOWN_MATCH
    flat_and_met = replace(blank_first, pdq=Pdq(bytes(32), 0))
    assert [match.form for match in matcher.match(flat_and_met).matches] == ["frame 3 of 12"]


def test_a_form_is_turned_only_where_the_list_asks(
    database: Database, matcher: Matcher, import_text: Import
) -> None:
    import_text(of([("pdq", pdq("turned"))]))
    eight = tuple(Pdq.parse(pdq("turned") if name == "flip_x" else pdq(name)) for name in DIHEDRAL)
    page = PictureForm(kind=FormKind.PAGE, number=2, total=2, pdq=eight[0], dihedral=eight)
    item = replace(with_further(page), dihedral=tuple(Pdq.parse(pdq("first")) for _ in DIHEDRAL))
    assert matcher.match(item).matches == ()
    with database.begin() as tx:
        listing.configure(tx, name="first", dihedral=True, by="b", at=AT)
    [match] = matcher.match(item).matches
    assert (match.form, match.transform) == ("page 2 of 2", "flip_x")


def test_a_later_form_near_a_list_is_never_sieved_out(
    matcher: Matcher, import_text: Import
) -> None:
    import_text(of([("pdq", pdq("later"))]))
    near = with_further(frame(2, flipped(pdq("later"), 38)))
    assert matcher.sift(near, slack_bits=8) is None
    assert matcher.sift(with_further(frame(2, pdq("other"))), slack_bits=8) is not None
