"""Statements of the lawbook as people read them."""

import pytest

from own_lawbook import own_lawbook
from tutela.law.model import Leaf, Literal, Op, Status
from tutela.oversight.law_pages import resting_on, search, statements
from tutela.primitives.errors import BadInput


@pytest.mark.parametrize(
    ("op", "value", "said"),
    [
        (Op.EQ, True, "a.fact is true"),
        (Op.EQ, "US", "a.fact is US"),
        (Op.IN, ("access", "possess"), "a.fact is one of access, possess"),
        (Op.GE, 16, "a.fact is at least 16"),
        (Op.LT, 18, "a.fact is below 18"),
        (Op.BETWEEN, (14, 18), "a.fact is at least 14 and below 18"),
        (Op.COVERS, ("AU",), "a.fact holds all of AU"),
        (Op.EXISTS, True, "a.fact is there"),
    ],
)
def test_a_test_of_a_fact_reads_as_a_sentence(op: Op, value: Literal, said: str) -> None:
    leaf = Leaf(cite="s. 1", source="s", status=Status.RECALLED, fact="a.fact", op=op, value=value)
    (statement,) = statements(leaf)
    assert statement.says == said


def test_every_entry_that_cites_a_source_is_listed_under_it() -> None:
    """Clauses and the notes on a country rest on sources, too."""
    book = own_lawbook()
    _, citing = resting_on(book, "model-clause")
    assert {each.id for each in citing} == {each.id for each in book.clauses}
    cited = {note.source: place.code for place in book.jurisdiction_entries for note in place.notes}
    assert cited
    for source, code in cited.items():
        listed = {(each.kind, each.id) for each in resting_on(book, source)[1]}
        assert ("jurisdictions", code) in listed, source


def test_one_letter_is_not_searched_for_and_not_called_not_found() -> None:
    assert search(own_lawbook(), "  ") == ()
    assert search(own_lawbook(), "DE OPSC")
    with pytest.raises(BadInput, match="One letter"):
        search(own_lawbook(), " a ")
