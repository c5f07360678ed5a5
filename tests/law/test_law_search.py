"""`tutela law show` and `search`: every kind of entry, by its id and by its words."""

import json

import pytest
from typer.testing import CliRunner

from tutela.cli import app
from tutela.law.book import KINDS_NAMED, named
from tutela.law.loading import KINDS, Lawbook
from tutela.primitives.errors import NotFound

RUN = CliRunner()


def run(*words: str) -> str:
    done = RUN.invoke(app, ["law", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_kind_of_entry_is_found_by_its_id(book: Lawbook) -> None:
    assert set(KINDS_NAMED) == set(KINDS)
    for kind, field in KINDS_NAMED.items():
        for entry in getattr(book, field):
            found, editions = book.entry(named(entry))
            assert (found, entry in editions) == (kind, True), named(entry)


@pytest.mark.parametrize("kind", KINDS_NAMED)
def test_show_prints_an_entry_of_each_kind_whole(book: Lawbook, kind: str) -> None:
    first = getattr(book, KINDS_NAMED[kind])[0]
    shown = json.loads(run("show", named(first), "--json"))
    assert (shown["kind"], shown["id"], shown["origin"]) == (kind, named(first), None)
    _, editions = book.entry(named(first))
    assert len(shown["editions"]) == len(editions)
    text = run("show", named(first).swapcase())
    assert text.startswith(named(first))
    assert ("for:" if kind == "clauses" else "cite:") in text


def test_a_contact_that_nobody_tried_is_shown_as_not_tested(book: Lawbook) -> None:
    assert book.contacts
    assert all(each.tested is None for each in book.contacts)
    with_address = next(each for each in book.contacts if each.url or each.phone)
    assert "not tested" in run("show", with_address.id)


def test_an_unknown_entry_names_the_search() -> None:
    with pytest.raises(NotFound, match="tutela law search"):
        RUN.invoke(app, ["law", "show", "xx.nothing"], catch_exceptions=False)


def test_search_asks_for_every_word() -> None:
    found = json.loads(run("search", "prohibited", "image", "--json"))["found"]
    assert {"kind": "offences", "id": "gb.cja-2009-s62.prohibited-images"}.items() <= {
        key: value for each in found for key, value in each.items() if each["id"].startswith("gb.c")
    }.items()
    assert "gb.cja-2009-s62.prohibited-images" in run("search", "prohibited image")
    assert len(json.loads(run("search", "the", "--json"))["found"]) == 60
    assert "There may be more" in run("search", "the")


def test_nothing_found_is_not_said_to_be_no_law() -> None:
    assert json.loads(run("search", "no-such-word", "--json"))["found"] == []
    said = " ".join(run("search", "no-such-word").split())
    assert "does not mean that there is none" in said


def test_words_are_what_a_new_entry_may_be_written_with(book: Lawbook) -> None:
    listed = json.loads(run("words", "--json"))["words"]
    assert len(listed) == len(book.vocabulary.facts) + len(book.terms)
    by_name = {each["name"]: each for each in listed}
    assert "possess" in by_name["conduct.act"]["allowed"]
    assert by_name["measure.hotline"]["question"] == book.terms["hotline"].question
    only = json.loads(run("words", "material", "--json"))["words"]
    assert {each["name"].split(".")[0] for each in only} == {"material"}
    assert "realistic_image" in run("words", "material.medium")
