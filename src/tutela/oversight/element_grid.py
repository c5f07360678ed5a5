"""Requirements by their elements as a grid of marks: geometry only, drawn by a template."""

from collections.abc import Iterable
from dataclasses import dataclass

from tutela.law.assessing import Assessment
from tutela.law.elements import ElementAnswer

LABEL = 160.0
CELL = 22.0
_WIDEST = 24
_TOP = 6.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One element's mark: `yes`, `no`, `unknown`, or `excused` where the instrument permits it."""

    x: float
    mark: str
    element: ElementAnswer


@dataclass(frozen=True, kw_only=True, slots=True)
class GridRow:
    """One requirement."""

    y: float
    id: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """Rows of marks, sizes in the drawing's units. Elements that do not fit go to a new row."""

    rows: tuple[GridRow, ...]
    width: float
    height: float

    def count(self, mark: str) -> int:
        """How many marks of a sort there are."""
        return sum(cell.mark == mark for row in self.rows for cell in row.cells)


def grid(assessments: Iterable[Assessment]) -> Grid:
    """The marks of every assessment, in the given order."""
    rows: list[GridRow] = []
    for each in assessments:
        for start in range(0, len(each.elements), _WIDEST):
            part = each.elements[start : start + _WIDEST]
            rows.append(
                GridRow(
                    y=_TOP + len(rows) * CELL,
                    id="" if start else each.requirement,
                    cells=tuple(
                        Cell(x=LABEL + n * CELL, mark=mark_of(element), element=element)
                        for n, element in enumerate(part)
                    ),
                )
            )
    widest = max((len(row.cells) for row in rows), default=0)
    return Grid(rows=tuple(rows), width=LABEL + widest * CELL, height=_TOP + len(rows) * CELL + 2)


def mark_of(element: ElementAnswer) -> str:
    """The mark of an element; what the instrument itself excuses is neither yes nor gap."""
    return "excused" if element.excused_by else element.result.value
