"""What every question to the law has in common: a day, a review status, a place, the book."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from tutela.cli.presenting import note
from tutela.law.book import Lawbook
from tutela.law.model import Status
from tutela.primitives.clock import SystemClock
from tutela.primitives.errors import BadInput
from tutela.wiring.lawbook import lawbook_of
from tutela.wiring.settings import load_settings

OF_A_CASE = frozenset({"provider", "service", "event", "decision"})
"""Facts of a provider's case; with those of a conduct they are never mixed."""
OF_A_CONDUCT = frozenset({"conduct", "material", "victim", "offender"})

AsOf = Annotated[str, typer.Option(help="The day whose law counts (2026-11-21); default today.")]
StatusFloor = Annotated[
    str,
    typer.Option(
        "--status",
        help="The weakest review status that counts: verified, single_reviewer, secondary, "
        "recalled.",
    ),
]
Jurisdiction = Annotated[
    str, typer.Option(help="The country (US, GB, DE ...) or union (EU) of the lawbook.")
]


def the_lawbook() -> Lawbook:
    """The lawbook of this installation, read once a process."""
    return lawbook_of(load_settings())


def day(text: str) -> date:
    """The day in `text`, or today; refuse with `BadInput`."""
    if not text:
        return SystemClock().now().date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput("This is no day", remedy="Write it as 2026-11-21.") from error


def text_of(path: Path, what: str) -> str:
    """The text of the file that holds `what`; refuse with `BadInput`."""
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror or "" if isinstance(error, OSError) else "it is no UTF-8 text"
        raise BadInput(
            f"The file of {what} cannot be read", why=why, remedy="Give a file in YAML or JSON."
        ) from error


def tell_unasked(facts: Mapping[str, object], *, of: frozenset[str], instead: str) -> None:
    """Name the given facts that this question never asks: most likely the file of another."""
    unasked = sorted(name for name in facts if name.partition(".")[0] in of)
    if unasked:
        note(f"Not asked here, and passed over: {', '.join(unasked)}. They are for {instead}.")


def the_floor(text: str) -> Status:
    """The status named; `disputed` is none that may be asked for."""
    for each in Status:
        if each.value == text and each is not Status.DISPUTED:
            return each
    asked = ", ".join(each.value for each in Status if each is not Status.DISPUTED)
    raise BadInput("This is no review status", remedy=f"Choose from {asked}.")


def percent(share: float) -> str:
    """A share for people: whole percents, never 0 or 100 unless it is exactly so."""
    if 0 < share < 1:
        return f"{min(max(round(share * 100), 1), 99)} %"
    return f"{share:.0%}".replace("%", " %")
