"""What an import did, for people and as JSON: its figures, and what it could not read."""

from collections.abc import Sequence
from typing import Any

from tutela.cli.presenting import OUT
from tutela.indicators.model import Ignored, Imported, Refusal

SHOWN_REFUSALS = 10


def figures(source: Any) -> dict[str, int]:  # noqa: ANN401 - Imported or PastImport
    """The counts of an import."""
    names = (
        *("added", "updated", "withdrawn", "unchanged"),
        *("refused_total", "kept_unreadable", "ignored_total"),
    )
    return {name: getattr(source, name) for name in names}


def refusal_json(refusal: Refusal) -> dict[str, object]:
    """A refused row."""
    return {"row": refusal.row, "why": refusal.why}


def ignored_json(ignored: Ignored) -> dict[str, object]:
    """A side field that was left out."""
    return {"row": ignored.row, "field": ignored.field, "why": ignored.why}


def show_imported(name: str, imported: Imported) -> None:
    """What an import changed and the first rows that it could not read."""
    counts = figures(imported)
    OUT.print(
        f"{name}: {counts['added']} added, {counts['updated']} updated, "
        f"{counts['withdrawn']} withdrawn, {counts['unchanged']} unchanged, "
        f"{counts['refused_total']} refused",
        markup=False,
    )
    for why, number in imported.not_matched.items():
        OUT.print(f"  {number} of the file's entries are not matched: {why}")
    if imported.kept_unreadable:
        OUT.print(
            f"  {imported.kept_unreadable} entries kept because unreadable: a refused row may "
            "name them",
            markup=False,
        )
    if imported.refused:
        show_refusals(imported.refused[:SHOWN_REFUSALS], total=imported.refused_total)
    show_ignored(imported.ignored[:SHOWN_REFUSALS], total=imported.ignored_total)


def show_refusals(rows: Sequence[Refusal], *, total: int) -> None:
    """Refused rows; `total` counts those that are not shown too."""
    for refusal in rows:
        OUT.print(f"  row {refusal.row}: {refusal.why}")
    if total > len(rows):
        OUT.print(f"  … {total - len(rows)} more; see `tutela lists refusals NAME`")
    if not rows:
        OUT.print("No row was refused.")


def show_ignored(rows: Sequence[Ignored], *, total: int) -> None:
    """Fields that were left out; `total` counts those that are not shown too."""
    for ignored in rows:
        OUT.print(f"  row {ignored.row}: {ignored.field} left out, {ignored.why}")
    if total > len(rows):
        OUT.print(f"  … {total - len(rows)} more fields left out")
