"""An installation whose counsel has accepted one basis of detection, for tests of processes."""

from collections.abc import Mapping
from datetime import UTC, datetime

from own_lawbook import own_lawbook
from tutela.counsel.accepting import accept_rule
from tutela.primitives.database import Database

BASIS = "us.detection.known-hash"
US_HOST: Mapping[str, str] = {
    "TUTELA_PROVIDER_ESTABLISHED_IN": "US",
    "TUTELA_SERVICE_TARGETS_MARKETS": "US",
    "TUTELA_DETECTION_CHANNEL": "hosted",
}
"""The settings of a host that is offered in one country only."""


def accept(database: Database, basis_id: str = BASIS, *, at: datetime | None = None) -> None:
    """Counsel accepts every edition of a basis as it stands in the lawbook."""
    book = own_lawbook()
    with database.begin() as tx:
        for edition in book.acceptable(basis_id):
            accept_rule(
                tx,
                book=book,
                rule_id=basis_id,
                version=edition.version,
                by="acct_counsel",
                note="Read for tests.",
                at=at or datetime.now(UTC),
            )
