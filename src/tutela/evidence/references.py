"""Names of an item and of its service: sealed, and found again by a keyed digest.

The service's own name for an item may say who an account is, so it rests sealed like the rest
of the context, in a value of its own: whoever needs it (the order to disable access, the answer
about a case) opens nothing more. That the same item came before is found by an HMAC under a key
that is derived from the evidence identity (`ReferenceKey`): the database alone can neither read
a name nor try one.
"""

import hmac
import json
from collections.abc import Mapping
from hashlib import sha256

from sqlalchemy import select, update

from tutela.evidence.custody import Sealing
from tutela.evidence.store import SUBMISSIONS
from tutela.primitives.database import Database
from tutela.primitives.redacted import Redacted

_PURPOSE = b"tutela item reference 1"
_BATCH = 500


class ReferenceKey:
    """Makes the digest by which an item's name is found again, the same in every process."""

    def __init__(self, identity: Redacted[str]) -> None:
        """Of the installation's secret, the age identity, which has 256 random bits."""
        secret = identity.reveal().strip().encode()
        self._key = hmac.digest(secret, _PURPOSE, sha256)

    def digest(self, item_reference: str, *, actor: str) -> str:
        """Hexadecimal; empty for no name. Names of two actors are never seen to be equal."""
        if not item_reference:
            return ""
        text = json.dumps([actor, item_reference]).encode()
        return hmac.digest(self._key, text, sha256).hex()


def sealed_reference(item_reference: str, service: str, *, seal: Sealing) -> bytes | None:
    """Both names, sealed; None when neither is known."""
    part = {"item_reference": item_reference, "service": service}
    known = {name: value for name, value in part.items() if value}
    return seal.seal(json.dumps(known, sort_keys=True).encode()) if known else None


def read_reference(opened: bytes | None) -> Mapping[str, str]:
    """What `sealed_reference` has sealed, once it is open."""
    read: Mapping[str, str] = {} if opened is None else json.loads(opened)
    return read


def seal_plain(database: Database, *, seal: Sealing, key: ReferenceKey) -> int:
    """Seal what earlier versions stored in plain; returns how many rows that were.

    In batches, each a transaction: run at every start it goes on where it was broken off, and
    several processes share the work.
    """
    sealed = 0
    plain = (SUBMISSIONS.c.item_reference != "") | SUBMISSIONS.c.context.has_key("service")
    rows_of_a_batch = select(SUBMISSIONS).where(plain).limit(_BATCH).with_for_update()
    while True:
        with database.begin() as tx:
            rows = tx.execute(rows_of_a_batch).all()
            for row in rows:
                service = str(row.context.get("service") or "").strip()
                tx.execute(
                    update(SUBMISSIONS)
                    .where(SUBMISSIONS.c.id == row.id)
                    .values(
                        reference_sealed=sealed_reference(row.item_reference, service, seal=seal),
                        reference_digest=key.digest(row.item_reference, actor=row.actor),
                        item_reference="",
                        context={
                            name: value for name, value in row.context.items() if name != "service"
                        },
                    )
                )
        sealed += len(rows)
        if len(rows) < _BATCH:
            return sealed
