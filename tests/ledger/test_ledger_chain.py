import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutela.ledger.canonical import canonical, moment
from tutela.ledger.chain import GENESIS, as_json, digest_of, link, verify
from tutela.ledger.model import Anchor, Line
from tutela.primitives.errors import BadInput
from tutela.primitives.ids import CaseId

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HEX = "0123456789abcdef"

numbers = st.integers(-(2**53) + 1, 2**53 - 1)
texts = st.text(st.characters(codec="utf-8"), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
details = st.dictionaries(texts, values, max_size=2)
names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=20)
moments = st.integers(-(2**50), 2**50).map(lambda us: START + timedelta(microseconds=us))


def chained(facts: list[tuple[datetime, str, str, str, Mapping[str, object]]]) -> list[Line]:
    lines: list[Line] = []
    for seq, (at, actor, action, subject, detail) in enumerate(facts, start=1):
        previous = lines[-1].digest if lines else GENESIS
        lines.append(
            link(
                previous=previous,
                seq=seq,
                at=at,
                actor=actor,
                action=action,
                subject=subject,
                detail=detail,
            )
        )
    return lines


@st.composite
def chains(draw: st.DrawFn, least: int = 1) -> list[Line]:
    return chained(
        draw(st.lists(st.tuples(moments, names, names, names, details), min_size=least, max_size=4))
    )


def ten() -> list[Line]:
    return chained(
        [
            (START + timedelta(seconds=n), "system", "case_opened", f"case_{n}", {"n": n})
            for n in range(10)
        ]
    )


@settings(max_examples=50)
@given(chains(least=0))
def test_an_untouched_chain_is_unbroken(lines: list[Line]) -> None:
    found = verify(iter(lines))
    assert (found.ok, found.checked, found.bad_seq, found.why) == (True, len(lines), None, "")
    assert found.head_digest == (lines[-1].digest if lines else GENESIS)
    for line in lines:
        assert verify(lines, anchor=Anchor(seq=line.seq, digest=line.digest)).ok


@st.composite
def edits(draw: st.DrawFn) -> tuple[list[Line], int]:
    """A chain in which one field of one line was changed to anything else, and its number."""
    lines = draw(chains())
    place = draw(st.integers(0, len(lines) - 1))
    line = lines[place]
    field = draw(st.sampled_from([*Line.__slots__]))
    hexes = st.text(HEX, min_size=64, max_size=64)
    other = {
        "seq": st.integers(-5, 20),
        "at": moments | st.just(line.at + timedelta(microseconds=1)),
        "actor": names,
        "action": names,
        "subject": names,
        "detail": details,
        "previous": hexes,
        "digest": hexes | st.just(line.digest.upper()),
    }[field]
    was = getattr(line, field)
    # 0 == False and 1 == True in Python, not in JSON: compare the text.
    plain = canonical if field == "detail" else str
    new = draw(other.filter(lambda value: plain(value) != plain(was)))
    lines[place] = replace(line, **{field: new})
    return lines, place + 1


@settings(max_examples=200)
@given(edits())
def test_any_edit_of_any_field_is_found_and_the_line_named(edited: tuple[list[Line], int]) -> None:
    lines, place = edited
    found = verify(lines)
    assert not found.ok
    assert found.bad_seq == place
    assert f"line {place}" in found.why
    assert found.checked == place - 1


@pytest.mark.parametrize("place", range(1, 10))
def test_a_line_taken_out_of_the_middle_is_found(place: int) -> None:
    lines = ten()
    del lines[place - 1]
    found = verify(lines)
    assert (found.ok, found.bad_seq) == (False, place)
    assert found.why == f"line {place} is not here; line {place + 1} stands in its place"


@given(st.integers(0, 9), st.integers(0, 9))
def test_two_lines_in_each_other_s_place_are_found(one: int, two: int) -> None:
    lines = ten()
    lines[one], lines[two] = lines[two], lines[one]
    found = verify(lines)
    assert found.ok == (one == two)
    if one != two:
        assert found.bad_seq == min(one, two) + 1


@given(place=st.integers(0, 10), honest=st.booleans(), detail=details)
def test_a_line_put_in_is_found(place: int, honest: bool, detail: dict[str, object]) -> None:  # noqa: FBT001 - drawn
    """Also when it is linked by the rules: the line behind it gives it away, or its number."""
    lines = ten()
    extra = link(
        previous=lines[place - 1].digest if place and honest else GENESIS,
        seq=place + 1,
        at=START,
        actor="system",
        action="put_in",
        subject="case_x",
        detail=detail,
    )
    lines.insert(place, extra)
    found = verify(lines, anchor=Anchor(seq=10, digest=ten()[-1].digest))
    if place == 10 and honest:
        assert found.ok  # that is an append, not an insertion
        assert found.checked == 11
    else:
        assert not found.ok
        assert found.bad_seq in {place + 1, place + 2}


def test_a_doubled_line_is_found() -> None:
    lines = ten()
    lines.insert(5, lines[4])
    found = verify(lines)
    assert found.bad_seq == 6
    assert "line 5 stands in its place" in found.why


@pytest.mark.parametrize("left", range(10))
def test_a_tail_cut_off_is_found_with_an_anchor_only(left: int) -> None:
    lines = ten()
    anchor = Anchor(seq=10, digest=lines[-1].digest)
    assert verify(lines[:left]).ok
    found = verify(lines[:left], anchor=anchor)
    assert (found.ok, found.bad_seq, found.checked) == (False, left + 1, left)
    assert found.why == f"the ledger ends at line {left}, but line 10 was anchored"


@pytest.mark.parametrize("place", range(1, 11))
def test_a_tail_written_anew_is_found_with_an_anchor_only(place: int) -> None:
    lines = ten()
    anchor = Anchor(seq=10, digest=lines[-1].digest)
    facts = [(line.at, line.actor, line.action, line.subject, line.detail) for line in lines]
    at, _, action, subject, detail = facts[place - 1]
    facts[place - 1] = (at, "somebody", action, subject, detail)
    forged = chained(facts)
    assert verify(forged).ok
    found = verify(forged, anchor=anchor)
    assert (found.ok, found.bad_seq, found.checked) == (False, 10, 9)
    assert found.why == "line 10 is not the one that was anchored"


def test_one_line_changed_with_its_own_digest_breaks_the_next() -> None:
    lines = ten()
    forged = replace(lines[3], actor="somebody")
    lines[3] = replace(forged, digest=digest_of(forged))
    found = verify(lines)
    assert found.bad_seq == 5
    assert found.why == "line 5 does not follow line 4: one of the two was changed"


def test_verification_reads_one_line_at_a_time() -> None:
    seen: list[int] = []

    def watched() -> object:
        for line in ten():
            seen.append(line.seq)
            yield replace(line, actor="x") if line.seq == 4 else line

    assert verify(watched()).bad_seq == 4  # type: ignore[arg-type]
    assert seen == [1, 2, 3, 4]


def test_the_digest_is_what_a_stranger_computes_from_the_documented_text() -> None:
    line = link(
        previous=GENESIS,
        seq=1,
        at=datetime(2026, 11, 21, 14, 0, tzinfo=timezone(timedelta(hours=2))),
        actor="system",
        action="case_opened",
        subject="case_ä",
        detail={"b": [1, None, True], "a": "\n"},
    )
    text = (
        '{"action":"case_opened","actor":"system","at":"2026-11-21T12:00:00.000000Z",'
        '"detail":{"a":"\\n","b":[1,null,true]},"format":"tutela-ledger-1",'
        '"previous":"' + "0" * 64 + '","seq":1,"subject":"case_ä"}'
    )
    assert line.digest == hashlib.sha256(text.encode("utf-8")).hexdigest()
    assert as_json(line)["at"] == "2026-11-21T12:00:00.000000Z"


class Colour(StrEnum):
    RED = "red"


def test_identifiers_and_enumerations_become_plain_text() -> None:
    case = CaseId.new()
    line = link(
        previous=GENESIS,
        seq=1,
        at=START,
        actor="system",
        action="x",
        subject=case,
        detail={"case": case, "colour": Colour.RED, "pair": (1, 2)},
    )
    assert line.detail == {"case": str(case), "colour": "red", "pair": [1, 2]}
    assert {type(value) for value in line.detail.values()} == {str, list}
    assert type(line.subject) is str


@pytest.mark.parametrize(
    ("detail", "why"),
    [
        ({"x": 1.5}, "float"),
        ({"x": float("nan")}, "float"),
        ({"x": Decimal(1)}, "Decimal"),
        ({"x": START}, "datetime"),
        ({"x": b"bytes"}, "bytes"),
        ({"x": {1, 2}}, "set"),
        ({"x": [object()]}, "object"),
        ({1: "x"}, "a key is int"),
        ({"x": {None: 1}}, "a key is NoneType"),
        ({"x": 1 << 53}, "too large"),
        ({"x": "\ud800"}, "half a character"),
        ({"\ud800": 1}, "half a character"),
    ],
)
def test_what_json_cannot_hold_is_refused(detail: dict[str, object], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        link(
            previous=GENESIS,
            seq=1,
            at=START,
            actor="a",
            action="b",
            subject="c",
            detail=detail,
        )


def test_nesting_without_end_is_refused() -> None:
    loop: dict[str, object] = {}
    loop["again"] = loop
    with pytest.raises(BadInput, match="nested deeper"):
        canonical(loop)


@pytest.mark.parametrize("field", ["actor", "action", "subject"])
@pytest.mark.parametrize("name", ["", "x" * 201, "two\nlines", "nul\0", "\ud800"])
def test_nameless_and_unprintable_lines_are_refused(field: str, name: str) -> None:
    given_names = {"actor": "a", "action": "b", "subject": "c"} | {field: name}
    with pytest.raises(BadInput, match=f"needs its {field}"):
        link(previous=GENESIS, seq=1, at=START, detail={}, **given_names)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(BadInput, match="no zone"):
        moment(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
    with pytest.raises(BadInput, match="no zone"):
        link(
            previous=GENESIS,
            seq=1,
            at=datetime(2026, 1, 1),  # noqa: DTZ001 - that is the point
            actor="a",
            action="b",
            subject="c",
            detail={},
        )


@given(values)
def test_canonical_text_is_the_same_after_a_round_trip(value: object) -> None:
    text = canonical(value)
    assert canonical(json.loads(text)) == text
