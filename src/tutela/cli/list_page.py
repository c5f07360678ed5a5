"""One hash list as tables, for `tutela lists show`."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from tutela.cli.presenting import OUT
from tutela.indicators.policy import is_pertinent
from tutela.taxonomy.model import Category


def show_list(data: Mapping[str, Any]) -> None:
    """Policy, entries by kind and category, latest imports and refusals."""
    policy = (
        "provenance",
        "threshold_bits",
        "min_quality",
        "second_person",
        "dihedral",
        "enabled",
        "video_query_percent",
        "video_bank_percent",
        "video_seconds",
    )
    OUT.print(f"{data['name']} ({data['id']})", markup=False)
    for key in policy:
        OUT.print(f"  {key}: {data[key]}", markup=False)
    kinds = Table("kind", "status", "entries")
    for kind, statuses in data["entries"].items():
        for status, number in statuses.items():
            kinds.add_row(kind, status, f"{number:,}")
    OUT.print(kinds)
    categories = Table("category (scheme/version/code)", "active entries", "matched")
    for category, number in data["categories"].items():
        pertinent = not category or is_pertinent(Category.parse(category))
        categories.add_row(category or "none", f"{number:,}", "yes" if pertinent else "never")
    OUT.print(categories)
    imports = Table("imported", "by", "format", "added", "updated", "withdrawn", "refused")
    for one in data["imports"]:
        imports.add_row(
            one["at"],
            one["by"],
            one["format"],
            *(f"{one[key]:,}" for key in ("added", "updated", "withdrawn", "refused_total")),
        )
    OUT.print(imports)
    for refusal in data["last_refusals"]:
        OUT.print(f"  row {refusal['row']}: {refusal['why']}", markup=False)
