"""The evidence key pair on this machine: made once, readable by its owner only."""

import os
import secrets
import stat
from pathlib import Path

import pyrage

from tutela.evidence.key_record import short
from tutela.primitives.errors import Misconfigured
from tutela.primitives.redacted import Redacted

FILE_NAME = "evidence.agekey"
PUBLIC_NAME = "evidence.recipient"


def ensure_evidence_key(folder: Path, identity_file: Path | None = None) -> str:
    """The public key (`age1…`) of `folder/keys/evidence.agekey`, made when it is missing.

    The folder gets the rights 0700 and the file 0600. Two processes that start at once agree
    on one key: the file is written whole under another name and then linked, which fails for
    the second. The public key is written to `folder/evidence.recipient` as well, for a
    process that may seal and must never be able to unseal. An `identity_file` of the
    operator's stands in for the first file; it is never made.

    Raises `Misconfigured` when the pair was made before and the secret key is gone or is another
    one: it would open nothing of what is there. The published key is never written over.
    """
    keys = folder / "keys"
    path = identity_file or keys / FILE_NAME
    try:
        keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        made_before = (folder / PUBLIC_NAME).exists()  # it is written after the secret key
        if identity_file is None and not path.exists():
            if made_before:
                raise _gone(path)
            _create(path)
        recipient = recipient_of(load_identity(path))
        if made_before:
            _require_same(folder, path, recipient)
        else:
            _publish(folder / PUBLIC_NAME, recipient)
    except OSError as error:
        raise Misconfigured(
            "The evidence key cannot be made",
            why=f"{type(error).__name__} in the folder for keys",
            remedy="Let this user write to TUTELA_HOME, or set TUTELA_EVIDENCE_RECIPIENT.",
        ) from error
    return recipient


def load_recipient(folder: Path) -> str:
    """The public key alone; the file with the secret one is not opened."""
    try:
        lines = _lines(folder / PUBLIC_NAME)
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(
            "The sealing key is not here",
            why=f"{PUBLIC_NAME} cannot be read ({type(error).__name__})",
            remedy="Run `tutela init`, or set TUTELA_EVIDENCE_RECIPIENT.",
        ) from error
    if len(lines) != 1:
        raise Misconfigured(
            "The sealing key cannot be read",
            why=f"{folder / PUBLIC_NAME} holds {len(lines)} keys, expected one",
            remedy="Restore the file from a backup, or remove it where the identity is: it is "
            "written again when the staff process or the worker starts.",
        )
    return lines[0]


def load_identity(path: Path) -> Redacted[str]:
    """The secret key in an age identity file; refuses a file that others may read."""
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Misconfigured(
                "The evidence identity can be read by others",
                why=f"its rights are {stat.S_IMODE(mode):04o}",
                remedy="Give the file the rights 0600 and consider a new key.",
            )
        found = _lines(path)
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(
            "The evidence identity cannot be read",
            why=type(error).__name__,
            remedy="Check TUTELA_EVIDENCE_IDENTITY_FILE, or run `tutela init` to make a key pair.",
        ) from error
    if len(found) != 1:
        raise Misconfigured(
            "The evidence identity file must hold exactly one key",
            why=f"it holds {len(found)}",
            remedy="Keep one line that begins with AGE-SECRET-KEY-1.",
        )
    return Redacted(found[0])


def recipient_of(identity: Redacted[str]) -> str:
    """The public key that belongs to a secret key."""
    try:
        return str(pyrage.x25519.Identity.from_str(identity.reveal()).to_public())
    except pyrage.IdentityError:
        raise Misconfigured(  # without the cause: it could quote the key
            "The evidence identity is not an age secret key",
            remedy="Restore the file from a backup: evidence sealed to it needs it.",
        ) from None


def _gone(path: Path) -> Misconfigured:
    return Misconfigured(
        "The evidence key is gone",
        why=f"{path} is not there, but evidence may have been sealed to it",
        remedy="Restore the file from a backup (rights 0600). Only if nothing was ever sealed, "
        f"remove {PUBLIC_NAME} in TUTELA_HOME, and a new pair is made.",
    )


def _lines(path: Path) -> list[str]:
    """What stands in a key file: no comments, blank lines or byte order mark, any line ends."""
    lines = (line.strip() for line in path.read_text("utf-8-sig").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _require_same(folder: Path, identity: Path, recipient: str) -> None:
    """The published key belongs to the identity, else one of the two files is the wrong one."""
    published = load_recipient(folder)
    if published != recipient:
        raise Misconfigured(
            "The two halves of the evidence key do not belong together",
            why=f"{identity} opens what is sealed to {short(recipient)}, and "
            f"{folder / PUBLIC_NAME} says {short(published)}",
            remedy=f"Put back the identity of {short(published)}, or {PUBLIC_NAME} if that is the "
            "wrong one. Nothing was changed.",
        )


def _publish(path: Path, recipient: str) -> None:
    """Keep the public key beside the folder of secrets, whole or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    draft.write_text(f"{recipient}\n", "ascii")
    draft.replace(path)


def _create(path: Path) -> None:
    """Write a fresh identity; leaves an existing one alone."""
    identity = pyrage.x25519.Identity.generate()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"# public key: {identity.to_public()}\n{identity}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        draft.unlink()
