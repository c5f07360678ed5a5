"""Words and blocks of a document in the typesetter's language.

Every word from outside goes in as a string literal, never as markup, so no text of a lawbook
can become an instruction to the typesetter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tutela.law.assessing import Assessment
from tutela.oversight.drawing import Tongue
from tutela.oversight.law_words import LAW_WORDS


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """Words in the language of the document."""

    language: Tongue

    def say(self, text: str) -> str:
        """A marked text."""
        return self.language.say(text)

    def word(self, group: str, key: object) -> str:
        """What people read for a constant."""
        return self.language.say(LAW_WORDS[group][str(key)])

    def place(self, code: str) -> str:
        """The name of a country."""
        return str(self.language.locale.territories.get(code, code))

    def outcome(self, found: Assessment) -> str:
        """An assessment's outcome and the status it rests on."""
        said = self.word("met", found.outcome.value)
        if found.status is None:
            return said
        return f"{said} ({self.word('rule_status', found.status.value)})"


def literal(text: str) -> str:
    """`text` as a string literal of the typesetter's language."""
    kept = "".join(each if each.isprintable() else " " for each in text)
    return '"' + kept.replace("\\", "\\\\").replace('"', '\\"') + '"'


def heading(text: str, level: int = 1) -> str:
    """A heading; levels follow each other without a gap."""
    return f"#heading(level: {level}, {literal(text)})"


def paragraph(text: str) -> str:
    """A paragraph."""
    return f"#par({literal(text)})"


def table(widths: Sequence[int], header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table whose first row is a header, repeated on every sheet."""
    columns = ", ".join(f"{width}fr" for width in widths)
    lines = [f"#table(columns: ({columns},), table.header({_cells(header)}),"]
    lines += [f"  {_cells([str(cell) for cell in row])}," for row in rows]
    return "\n".join([*lines, ")"])


def _cells(cells: Iterable[str]) -> str:
    return ", ".join(literal(each) for each in cells)
