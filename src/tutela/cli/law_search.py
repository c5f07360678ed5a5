"""`tutela law search` and `show`: any entry of the lawbook by its words, whole by its id."""

from typing import Annotated, cast

import typer
from rich.table import Table
from rich.text import Text

from tutela.cli.law_asking import the_lawbook
from tutela.cli.presenting import OUT, AsJson, emit, ids
from tutela.law.book import Lawbook, named
from tutela.law.countries import Contact
from tutela.law.serialising import as_plain
from tutela.oversight.law_pages import MOST_FOUND, Found, search


def add_to(law_app: typer.Typer) -> None:
    """Add the commands to `tutela law`."""
    law_app.command("show")(show_command)
    law_app.command("search")(search_command)
    law_app.command("words")(words_command)


def show_command(
    entry: Annotated[
        str,
        typer.Argument(
            help="The id of a rule, basis, offence, measure, requirement, instrument, clause or "
            "contact; a country's code; or both for a treaty status ('DE OPSC')."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Show one entry of the lawbook in all its editions, every statement with its citation."""
    book = the_lawbook()
    kind, editions = book.entry(entry)
    own = origin(book, kind, named(editions[0]))
    data = {
        "kind": kind,
        "id": named(editions[0]),
        "origin": own,
        "editions": [as_plain(each) for each in editions],
    }
    emit(data, as_json=as_json, render=lambda: _show(editions, own))


def search_command(
    words: Annotated[list[str], typer.Argument(help="Words; an entry must hold all of them.")],
    as_json: AsJson = False,
) -> None:
    """Find entries by words of their id, title, text or citation."""
    found = search(the_lawbook(), " ".join(words))
    data = {"found": [as_plain(each) for each in found], "most": MOST_FOUND}
    emit(data, as_json=as_json, render=lambda: _show_found(found))


def words_command(
    part: Annotated[
        str,
        typer.Argument(help="Only names that begin so: conduct, material, event, measure ..."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List the words that entries are written with: facts, what they may be, and measures."""
    book = the_lawbook()
    rows: list[dict[str, object]] = [
        {"name": each.name, "kind": each.kind.value, "question": each.question}
        | {"allowed": list(each.allowed)}
        for each in book.vocabulary.facts.values()
    ]
    rows += [
        {"name": f"measure.{each.name}", "kind": "measure", "question": each.question}
        | {"allowed": []}
        for each in book.terms.values()
    ]
    rows = [each for each in rows if str(each["name"]).startswith(part)]
    emit({"words": rows}, as_json=as_json, render=lambda: _show_words(rows))


def origin(book: Lawbook, kind: str, name: str) -> str | None:
    """The operator's folder that put this entry in or replaced it; `None` for one of ours."""
    return book.origins.get(f"{kind} {name}")


def _show(editions: tuple[object, ...], own: str | None) -> None:
    if own:
        OUT.print(Text(f"From your own lawbook folder {own}"))
    for each in editions:
        version = getattr(each, "version", "")
        head = named(each) + (f"  version {version}" if version else "")
        OUT.print(Text(head, style="bold"))
        for line in _lines(as_plain(each, sparse=True), 1):
            OUT.print(Text(line))
        if isinstance(each, Contact) and each.tested is None:
            OUT.print(Text("  not tested: nobody of this project has tried it"))


def _show_found(found: tuple[Found, ...]) -> None:
    if not found:
        OUT.print("Nothing found. That a law is not in the book does not mean that there is none.")
        return
    table = Table(ids("Id"), "Kind", "Title")
    for each in found:
        table.add_row(Text(each.id), each.kind, Text(each.title))
    OUT.print(table)
    if len(found) == MOST_FOUND:
        OUT.print(f"There may be more than these {MOST_FOUND}: add a word.")


def _show_words(rows: list[dict[str, object]]) -> None:
    if not rows:
        OUT.print("No word begins so. Without a part, all are listed.")
        return
    table = Table(ids("Name"), "Kind", "Question")
    for row in rows:
        allowed = cast("list[str]", row["allowed"])
        said = f"{row['question']}\n{', '.join(allowed)}" if allowed else f"{row['question']}"
        table.add_row(Text(str(row["name"])), str(row["kind"]), Text(said))
    OUT.print(table)


def _lines(data: object, depth: int) -> list[str]:
    """Nested data as indented lines, for reading."""
    pad = "  " * depth
    if isinstance(data, dict):
        lines: list[str] = []
        for key, value in cast("dict[str, object]", data).items():
            if isinstance(value, dict | list) and value:
                lines += [f"{pad}{key}:", *_lines(value, depth + 1)]
            else:
                lines.append(f"{pad}{key}: {_scalar(value)}")
        return lines
    if isinstance(data, list):
        return [
            line
            for each in data
            for line in (
                [f"{pad}-", *_lines(each, depth + 1)]
                if isinstance(each, dict | list)
                else [f"{pad}- {_scalar(each)}"]
            )
        ]
    return [f"{pad}{_scalar(data)}"]


def _scalar(value: object) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    return "none" if value in ("", [], {}) else str(value)
