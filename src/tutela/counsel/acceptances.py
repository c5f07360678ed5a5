"""What counsel has accepted in this installation, as the ledger says."""

import heapq

from sqlalchemy import Connection

from tutela.law.acceptance import ACCEPTED, WITHDRAWN, Acceptance, acceptances_from
from tutela.ledger import store as ledger


def acceptances(tx: Connection) -> tuple[Acceptance, ...]:
    """The acceptances that stand, read from the ledger."""
    lines = heapq.merge(
        list(ledger.lines(tx, action=ACCEPTED)),
        list(ledger.lines(tx, action=WITHDRAWN)),
        key=lambda line: line.seq,
    )
    return acceptances_from(lines)
