"""Sealing: whoever holds only the public key can close evidence, and never open it again."""

from typing import BinaryIO

import pyrage

from tutela.primitives.errors import Misconfigured


class Seal:
    """Encrypts to one age recipient (`age1…`, X25519). Two seals of the same bytes differ."""

    def __init__(self, recipient: str) -> None:
        try:
            self._recipient = pyrage.x25519.Recipient.from_str(recipient)
        except pyrage.RecipientError as error:
            raise Misconfigured(
                "The evidence key is not an age public key",
                why="expected age1 and 58 letters or digits",
                remedy="Correct TUTELA_EVIDENCE_RECIPIENT, or leave it empty to use the key "
                "pair under TUTELA_HOME/keys.",
            ) from error

    def seal(self, data: bytes) -> bytes:
        """The sealed form of `data` (about 200 bytes longer, plus 16 for each 64 KiB)."""
        return bytes(pyrage.encrypt(data, [self._recipient]))

    def seal_stream(self, source: BinaryIO, target: BinaryIO) -> None:
        """Seal everything that `source` still holds into `target`, in bounded memory."""
        pyrage.encrypt_io(source, target, [self._recipient])
