"""What an installation needs before it matches anything, for benches that start its processes.

A service in one country, and counsel's acceptance of that country's basis for looking for known
hashes: without both the lookup is refused.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from tutela.accounts.keys import create_key
from tutela.counsel.accepting import accept_rule
from tutela.law.loading import load_lawbook
from tutela.primitives.database import Database

_BASIS = "us.detection.known-hash"
SETTINGS: Mapping[str, str] = {
    "TUTELA_PROVIDER_ESTABLISHED_IN": "US",
    "TUTELA_SERVICE_TARGETS_MARKETS": "US",
    "TUTELA_DETECTION_CHANNEL": "hosted",
    "TUTELA_API_REQUESTS_PER_MINUTE": "1000000000",
}


def key_of_a_platform(database: Database) -> str:
    """Accept the basis, and make a key for a program."""
    book, now = load_lawbook(), datetime.now(UTC)
    with database.begin() as tx:
        for edition in book.acceptable(_BASIS):
            accept_rule(
                tx,
                book=book,
                rule_id=_BASIS,
                version=edition.version,
                by="bench",
                note="Drawn pictures only.",
                at=now,
            )
        _, key = create_key(tx, name="bench", by="bench", at=now)
    return key.reveal()
