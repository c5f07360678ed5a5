"""`tutela law accept` and `withdraw`: counsel's word on a version of a rule or a basis."""

from datetime import datetime
from typing import Annotated

import typer

from tutela.accounts.model import Permission
from tutela.cli.acting import By, acting_person
from tutela.cli.law_asking import the_lawbook
from tutela.cli.presenting import OUT, AsJson, emit
from tutela.counsel.accepting import accept_rule, withdraw_rule
from tutela.law.acceptance import Acceptable
from tutela.law.book import edition_on
from tutela.law.countries import Basis
from tutela.law.loading import Lawbook
from tutela.law.model import Rule
from tutela.primitives.clock import SystemClock
from tutela.primitives.errors import NotFound
from tutela.wiring.opening import open_database

RuleId = Annotated[
    str,
    typer.Argument(
        help="The id of a rule (`tutela law rules`) or of a basis (`tutela law detection`)."
    ),
]
Note = Annotated[str, typer.Option(help="What was checked and why; no case, no person.")]


def add_to(law_app: typer.Typer) -> None:
    """Add both commands to `tutela law`."""
    law_app.command("accept")(accept)
    law_app.command("withdraw")(withdraw)


def accept(rule: RuleId, by: By, note: Note, as_json: AsJson = False) -> None:
    """Let today's version of a rule or a basis act here; void as soon as it changes."""
    now = SystemClock().now()
    book = the_lawbook()
    version = _todays(book, rule, now).version
    with open_database() as database:
        who = acting_person(database, by, Permission.LAW_ACCEPT).id
        with database.begin() as tx:
            line = accept_rule(
                tx, book=book, rule_id=rule, version=version, by=who, note=note, at=now
            )
    emit(
        {"rule": rule, "version": version, "by": who, "ledger_line": line.seq},
        as_json=as_json,
        render=lambda: OUT.print(f"{rule} {version[:12]} may act (ledger line {line.seq})."),
    )


def withdraw(rule: RuleId, by: By, note: Note, as_json: AsJson = False) -> None:
    """Take every acceptance of a rule or a basis back; what was reported stays reported."""
    the_lawbook().acceptable(rule)
    now = SystemClock().now()
    with open_database() as database:
        who = acting_person(database, by, Permission.LAW_ACCEPT).id
        with database.begin() as tx:
            line = withdraw_rule(tx, rule_id=rule, version="", by=who, note=note, at=now)
    emit(
        {"rule": rule, "by": who, "ledger_line": line.seq},
        as_json=as_json,
        render=lambda: OUT.print(f"{rule} no longer acts (ledger line {line.seq})."),
    )


def _todays(book: Lawbook, entry_id: str, now: datetime) -> Acceptable:
    """The edition that is in force today; there must be one to accept."""
    editions: tuple[Rule | Basis, ...] = book.acceptable(entry_id)
    edition, beyond = edition_on(editions, on=now.date())
    if beyond is not None:
        raise NotFound(
            "It has no edition in force today",
            remedy="`tutela law show` and `tutela law detection` tell its dates.",
        )
    return edition
