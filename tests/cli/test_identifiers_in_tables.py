"""An identifier in a table is shown whole: it is what the next command is called with."""

import io

import pytest
from rich.console import Console
from rich.table import Table

from tutela.cli.presenting import ids
from tutela.primitives.ids import CaseId, ExhibitId


@pytest.mark.parametrize("width", [80, 120])
def test_an_identifier_is_never_cut(width: int) -> None:
    case, exhibit = CaseId.new(), ExhibitId.new()
    table = Table(ids("exhibit"), ids("case"), "received", "asked for by", box=None, pad_edge=False)
    table.add_row(exhibit, case, "2026-03-01T12:00:00.000000Z", "first-operator")
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    assert exhibit in out.getvalue()
    assert case in out.getvalue()
