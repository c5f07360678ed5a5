"""The typesetter: from a document's source to an accessible PDF, without any file or network."""

from datetime import UTC, date, datetime, time
from typing import Literal

from tutela.primitives.errors import Unavailable

STANDARD: Literal["ua-1"] = "ua-1"
"""PDF/UA-1: headings, tables and reading order are marked for screen readers."""
INSTALL = "pip install 'tutela[parliament]'"


class TypesetterMissing(Unavailable):
    """The optional package is not installed."""

    code = "typesetter_missing"


def to_pdf(source: str, *, day: date) -> bytes:
    """Set a document; the same source and `day` give the same bytes.

    Only the typesetter's own fonts are used. Raise `TypesetterMissing` without the package,
    `Unavailable` when the document cannot be set as an accessible one.
    """
    try:
        import typst  # noqa: PLC0415 - 80 MB that only this command needs
    except ImportError as error:
        raise TypesetterMissing(
            "The PDF was not made", why="typst is not installed", remedy=INSTALL
        ) from error
    at = datetime.combine(day, time(), tzinfo=UTC)
    try:
        made = typst.Compiler(ignore_system_fonts=True).compile(
            input=source.encode(), format="pdf", pdf_standards=[STANDARD], timestamp=at
        )
    except RuntimeError as error:
        raise Unavailable(
            "The PDF was not made", why=f"typst refused the document: {str(error)[:300]}"
        ) from error
    if not isinstance(made, bytes):
        raise Unavailable("The PDF was not made", why="typst gave no document")
    return made
