"""The log of who was shown an exhibit: what a person saw is derived from it and never typed in.

The room `review` writes it; whoever states something about a view reads it here.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Identity,
    Table,
    Text,
    select,
)

from tutela.evidence.model import Viewed
from tutela.primitives.database import METADATA
from tutela.primitives.ids import AccountId, ExhibitId

VIEWINGS = Table(
    "viewings",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("exhibit_id", Text, nullable=False),
    Column("by_actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("shown_at", DateTime(timezone=True)),
    Column("entire", Boolean, nullable=False),
    Column("closed_at", DateTime(timezone=True)),
)
RENDITION_LOG = Table(
    "rendition_log",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("exhibit_id", Text, nullable=False),
    Column("by_actor", Text, nullable=False),
    Column("rendition", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)


def viewed_by(
    tx: Connection, exhibits: Iterable[ExhibitId], *, by: AccountId, until: datetime
) -> dict[ExhibitId, Viewed]:
    """The most that this person was shown of each exhibit up to `until`.

    What counts is that the picture left for the person's browser: a view that was opened and
    whose picture was never sent showed nothing.
    """
    wanted = list(exhibits)
    full = select(VIEWINGS.c.exhibit_id, VIEWINGS.c.entire).where(
        VIEWINGS.c.exhibit_id.in_(wanted),
        VIEWINGS.c.by_actor == by,
        VIEWINGS.c.shown_at <= until,
    )
    reduced = select(RENDITION_LOG.c.exhibit_id).where(
        RENDITION_LOG.c.exhibit_id.in_(wanted),
        RENDITION_LOG.c.by_actor == by,
        RENDITION_LOG.c.at <= until,
    )
    entire: dict[str, bool] = {}
    for exhibit, whole in tx.execute(full):
        entire[exhibit] = whole or entire.get(exhibit, False)
    renditions = set(tx.scalars(reduced))

    def most(exhibit: ExhibitId) -> Viewed:
        if exhibit in entire:
            return Viewed.ENTIRE if entire[exhibit] else Viewed.PART
        return Viewed.RENDITION if exhibit in renditions else Viewed.NOTHING

    return {exhibit: most(exhibit) for exhibit in wanted}
