"""Hash lists as tables and as JSON, for `tutela lists show` and `tutela lists list`."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from tutela.cli.presenting import OUT
from tutela.indicators.counting import Counts
from tutela.indicators.model import HashList
from tutela.primitives.clock import iso


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
        "match_uncategorised",
        "match_unknown_codes",
    )
    OUT.print(f"{data['name']} ({data['id']})")
    for key in policy:
        OUT.print(f"  {key}: {data[key]}")
    for code, counts_as in data["category_map"].items():
        OUT.print(f"  category {code} counts as {counts_as}")
    OUT.print(f"  entries that match: {data['active']:,}")
    for why, number in data["not_matched"].items():
        OUT.print(f"  not matched, {why}: {number:,}")
    kinds = Table("kind", "state", "entries")
    for kind, statuses in data["entries"].items():
        for status, number in statuses.items():
            kinds.add_row(kind, status, f"{number:,}")
    OUT.print(kinds)
    categories = Table("category (scheme/version/code)", "entries", "matched")
    for category, number in data["categories"].items():
        why = data["categories_not_matched"].get(category)
        categories.add_row(category or "none", f"{number:,}", f"no: {why}" if why else "yes")
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
        OUT.print(f"  row {refusal['row']}: {refusal['why']}")


def list_json(one: HashList) -> dict[str, object]:
    """Its policy."""
    return {
        "id": one.id,
        "name": one.name,
        "provenance": one.provenance,
        "threshold_bits": one.threshold_bits,
        "min_quality": one.min_quality,
        "second_person": one.second_person,
        "dihedral": one.dihedral,
        "enabled": one.enabled,
        "video_query_percent": one.video_query_percent,
        "video_bank_percent": one.video_bank_percent,
        "video_seconds": one.video_seconds,
        "match_uncategorised": one.match_uncategorised,
        "match_unknown_codes": one.match_unknown_codes,
        "category_map": one.category_map,
        "created_at": iso(one.created_at),
    }


def policy_words(one: HashList) -> str:
    """Its policy in a few words."""
    words = [f"distance up to {one.threshold_bits}", f"quality from {one.min_quality}"]
    words += ["turned and mirrored too"] if one.dihedral else []
    words += ["second person"] if one.second_person else []
    return ", ".join(words) + ("" if one.enabled else " (disabled: matches nothing)")


def show_lists(found: list[tuple[HashList, Counts]]) -> None:
    """All lists with how much of them matches."""
    if not found:
        OUT.print("No list has been imported yet; see `tutela lists import --help`.")
        return
    table = Table("name", "entries that match", "not matched", "policy", "provenance")
    for one, counted in found:
        others = "\n".join(f"{number:,} {why}" for why, number in counted.not_matched.items())
        table.add_row(one.name, f"{counted.active:,}", others, policy_words(one), one.provenance)
    OUT.print(table)
