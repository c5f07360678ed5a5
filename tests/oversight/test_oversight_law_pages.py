"""Statements of the lawbook as people read them."""

import pytest

from tutela.law.model import Leaf, Literal, Op, Status
from tutela.oversight.law_pages import statements


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
