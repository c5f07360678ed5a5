"""Unsealing: only the staff and the worker process may import this module."""

import pyrage

from tutela.primitives.errors import Misconfigured
from tutela.primitives.redacted import Redacted


class Unsealer:
    """Opens what was sealed to this age identity (`AGE-SECRET-KEY-1…`)."""

    def __init__(self, identity: Redacted[str]) -> None:
        try:
            self._identity = pyrage.x25519.Identity.from_str(identity.reveal().strip())
        except pyrage.IdentityError:
            raise Misconfigured(  # without the cause: it could quote the key
                "The evidence identity is not an age secret key",
                remedy="Check TUTELA_EVIDENCE_IDENTITY_FILE.",
            ) from None

    def unseal(self, data: bytes) -> bytes:
        """The plain bytes; raises `Misconfigured` when this key does not open them.

        age authenticates every chunk: changed or cut bytes never come out as if whole.
        """
        try:
            return bytes(pyrage.decrypt(data, [self._identity]))
        except pyrage.DecryptError as error:
            raise Misconfigured(
                "The sealed evidence cannot be opened",
                why="it was sealed to another key, or its sealed bytes are damaged",
                remedy="Use the identity that belongs to the recipient it was sealed to; if it "
                "is the right one, restore the sealed file from a backup.",
            ) from error
