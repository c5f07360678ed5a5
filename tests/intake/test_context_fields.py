"""What stands beside an item: taken exactly, or named; never guessed, never in the item's way."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.evidence import provenance
from tutela.evidence.references import read_reference
from tutela.intake.context_fields import (
    CONTEXT_FIELDS,
    MAX_EXTRA,
    MAX_REFERENCE,
    MAX_SERVICE,
    MAX_TEXT,
    REPEATED,
    ReadContext,
    read_context,
)
from tutela.intake.model import Context
from tutela.primitives.redacted import Redacted

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
COUNTRIES = frozenset({"DE", "GB"})

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
SCALAR: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    ANY_TEXT,
    st.sampled_from(["", " ", "\t", "no", "yes", "1", "true", "0", "UK", "gb", "DE", "public"]),
    st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat()),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.integers(0, 2**40).map(str),
    st.just(REPEATED),
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=8,
)


def read(given_: object, **arguments: Any) -> ReadContext:
    return read_context(given_, now=NOW, countries=COUNTRIES, **arguments)


def plain(value: object) -> object:
    return value.reveal() if isinstance(value, Redacted) else value


def why(given_: object) -> dict[str, str]:
    return {one.field: one.why for one in read(given_).ignored}


@given(st.sampled_from(sorted(CONTEXT_FIELDS)), VALUE)
def test_any_value_of_any_field_is_stored_as_given_or_named(name: str, value: object) -> None:
    taken = read({name: value})
    stored = plain(getattr(taken.context, name))
    named = {one.field for one in taken.ignored}
    assert named <= {name}
    if named or value is None or value == "":
        return
    if name == "uploaded_at":
        assert isinstance(value, str)
        assert stored == datetime.fromisoformat(value.upper())
    elif name == "extra":
        assert isinstance(value, dict)
        assert stored == {key: text for key, text in value.items() if text not in (None, "")}
    elif name == "service":
        assert isinstance(value, str)
        assert stored == value.strip()
    else:
        assert type(stored) is type(value)
        assert stored == value


@given(st.dictionaries(st.sampled_from(sorted(CONTEXT_FIELDS)) | ANY_TEXT, VALUE, max_size=8))
def test_whatever_is_taken_can_be_stored_and_sealed_and_comes_back(given_: dict[str, Any]) -> None:
    context = read(given_).context
    opened = json.loads(json.dumps(provenance.open_part(context)))
    assert "\x00" not in json.dumps(opened, ensure_ascii=False)
    personal = provenance.personal_part(context)
    names = {"item_reference": context.item_reference, "service": context.service}
    reference = read_reference(json.dumps(names).encode())
    assert provenance.joined(opened, reference, personal) == context


@given(VALUE.filter(lambda value: value is not None and not isinstance(value, dict)))
def test_a_context_that_is_not_an_object_is_left_out_whole(given_: object) -> None:
    taken = read(given_)
    assert taken.context == Context()
    assert [one.field for one in taken.ignored] == ["context"]


@pytest.mark.parametrize(
    "value",
    [
        20241231,
        0,
        1733000000,
        1733000000.5,
        True,
        "1733000000",
        "20241231",
        "0",
        "2024-12-31",
        "2024-12-31T10:00:00",
        "2024-12-31T10:00Z",
        "20241231T100000Z",
        "2024-W52-2T10:00:00Z",
        "2024-12-31T10:00:00 Z",
        "2024-12-31T10:00:00Z\n",
        "2024-02-30T10:00:00Z",
        "2024-12-31T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "2024-12-31T10:00:00+0100",
        "٢٠٢٤-12-31T10:00:00Z",
        "1970-01-01T00:00:00Z",
        "1980-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
        (NOW + timedelta(days=2)).isoformat(),
        ["2024-12-31T10:00:00Z"],
    ],
)
def test_what_is_no_plausible_rfc_3339_time_is_left_out_and_named(value: object) -> None:
    taken = read({"uploaded_at": value, "uploader_reference": "account"})
    assert taken.context.uploaded_at is None
    assert taken.context.uploader_reference == "account"
    assert [one.field for one in taken.ignored] == ["uploaded_at"]


@pytest.mark.parametrize(
    "text",
    [
        "2024-12-31T10:00:00Z",
        "2024-12-31t10:00:00z",
        "2024-12-31 10:00:00Z",
        "2024-12-31T10:00:00.0Z",
        "2024-12-31T10:00:00.000000000Z",
        "2024-12-31T11:00:00+01:00",
        "2024-12-31T10:00:00-00:00",
    ],
)
def test_every_form_of_rfc_3339_is_the_same_moment(text: str) -> None:
    taken = read({"uploaded_at": text})
    assert taken.ignored == ()
    assert taken.context.uploaded_at == datetime(2024, 12, 31, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize("value", [True, False, 443.0, "443", 0, 65536, -1, [443], 10**400])
def test_only_an_integer_is_a_port(value: object) -> None:
    taken = read({"uploader_port": value})
    assert taken.context.uploader_port is None
    assert [one.field for one in taken.ignored] == ["uploader_port"]


@pytest.mark.parametrize("value", ["no", "yes", "false", 1, 0, 1.0, [], {}])
def test_only_true_and_false_are_truth_values(value: object) -> None:
    taken = read({"publicly_available": value})
    assert taken.context.publicly_available is None
    assert [one.field for one in taken.ignored] == ["publicly_available"]


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("Person\tA", "Person A"),
        ("Person\r\nA", "Person  A"),
        ("Person\x00A", "Person\ufffdA"),
        ("Person A \ud83d", "Person A \ufffd"),
        ("Person\x1b[31mA", "Person\ufffd[31mA"),
        ("Person\u2028A\u0085", "Person A "),
        ("Person\ufffeA", "Person\ufffdA"),
    ],
)
def test_a_name_that_cannot_be_kept_whole_is_cleaned_and_named(given_: str, kept: str) -> None:
    taken = read({"uploader_screen_name": given_, "extra": {"room": given_}})
    assert plain(taken.context.uploader_screen_name) == kept
    assert taken.context.extra == {"room": kept}
    assert [one.field for one in taken.ignored] == ["uploader_screen_name", "extra"]


def test_letters_of_every_script_are_kept_as_they_are() -> None:
    name = "A\u202e\u2066 Ünï 漢字 \U0001f600 \u200f"
    taken = read({"uploader_screen_name": name})
    assert (plain(taken.context.uploader_screen_name), taken.ignored) == (name, ())


def test_a_long_name_keeps_its_beginning_and_says_so_in_itself() -> None:
    taken = read({"uploader_screen_name": "漢" * 5000})
    kept = plain(taken.context.uploader_screen_name)
    mark = f"… [cut off: the first {MAX_TEXT} of 5000 characters]"
    assert kept == "漢" * MAX_TEXT + mark
    assert why({"uploader_screen_name": "漢" * 5000}) == {
        "uploader_screen_name": f"longer than {MAX_TEXT} characters; its beginning is kept"
    }


def test_a_reference_is_taken_exactly_or_not_at_all() -> None:
    """An altered one could name another item: the order to disable access would go there."""
    for exact in ("a" * MAX_REFERENCE, " item\t1 ", "item\x001"):
        taken = read({"item_reference": exact})
        assert (taken.context.item_reference, taken.ignored) == (exact, ())
    for other in ("a" * (MAX_REFERENCE + 1), "\ud800", 12345, "  "):
        taken = read({"item_reference": other})
        assert taken.context.item_reference == ""
        assert [one.field for one in taken.ignored] == ["item_reference"]


def test_a_blank_service_is_none() -> None:
    assert read({"service": " \t"}).context.service == ""
    assert why({"service": " \t"}) == {"service": "blank; left out"}
    assert read({"service": " Example "}).context.service == "Example"
    assert len(read({"service": "x" * 999}).context.service) > MAX_SERVICE


def test_extra_is_read_entry_by_entry() -> None:
    given_ = {"a": "1", "b": 2, "c": None, " ": "blank", "a\t": "x", "a ": "y"}
    taken = read({"extra": given_})
    assert taken.context.extra == {"a": "1", "a ": "x"}
    (named,) = taken.ignored
    assert named.field == "extra"
    for part in ("entry 2: expected text", "entry 4: blank", "entry 6: another entry"):
        assert part in named.why
    many = {f"name {number}": "x" for number in range(MAX_EXTRA + 1)}
    assert len(read({"extra": many}).context.extra) == MAX_EXTRA
    assert "only 20 entries" in why({"extra": many})["extra"]


def test_unknown_fields_are_named_where_that_repeats_nothing_but_a_name() -> None:
    named = why({"uploader_mail": "person-a@service.example", "person-a@service.example": 1})
    assert set(named) == {"uploader_mail", "(a name)"}
    assert "person-a" not in repr(read({"uploader_mail": "person-a"}).ignored)


def test_a_value_given_twice_is_neither_of_them() -> None:
    taken = read({"uploader_port": REPEATED, "service": REPEATED, "extra": {"a": REPEATED}})
    assert taken.context == Context()
    assert [one.field for one in taken.ignored] == ["uploader_port", "service", "extra"]


def test_thousands_of_unknown_fields_are_counted() -> None:
    named = read({f"field{number}": 1 for number in range(5000)}).ignored
    assert len(named) == 51
    assert named[-1].why == "4950 further fields"


def test_the_name_of_the_upload_stands_in_for_a_file_name_only() -> None:
    assert plain(read({}, file_name="a.png").context.file_name) == "a.png"
    both = read({"file_name": "b.png"}, file_name="a.png")
    assert plain(both.context.file_name) == "b.png"
    assert read({}, file_name="a\x00.png").ignored[0].field == "file_name"
