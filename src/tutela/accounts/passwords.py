"""Passwords: argon2id with the library's recommended cost (RFC 9106, low-memory profile)."""

import functools

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tutela.primitives.errors import BadInput
from tutela.primitives.redacted import Redacted

MIN_LENGTH = 12
"""NIST SP 800-63B-4 asks for 15 where the password is alone, 8 beside a second factor."""
MAX_LENGTH = 1024  # bytes; keeps a stranger from making us hash megabytes
_TELLING_LOGIN = 4  # a shorter login may stand in a good password by chance

_HASHER = PasswordHasher()


def hash_password(password: Redacted[str], *, login: str) -> str:
    """The encoded hash of a new password; refuses short ones and those that repeat the login."""
    plain = password.reveal()
    if len(plain) < MIN_LENGTH:
        raise BadInput(
            "The password is too short",
            why=f"it needs at least {MIN_LENGTH} characters",
            remedy="Four or five words in a row are easy to remember and hard to guess.",
        )
    if len(plain.encode()) > MAX_LENGTH:
        raise BadInput("The password is too long", why=f"at most {MAX_LENGTH} bytes are read")
    if len(login) >= _TELLING_LOGIN and login in plain.casefold():
        raise BadInput("The password contains the login name", remedy="Choose another one.")
    return _HASHER.hash(plain)


def rehash(password: Redacted[str]) -> str:
    """The hash with today's cost of a password that was just found right."""
    return _HASHER.hash(password.reveal())


def matches(password: Redacted[str], password_hash: str | None) -> bool:
    """Whether the password belongs to the hash.

    With None (nobody has that login) the same work is done against a hash that nothing
    matches, so that the time taken does not tell which logins exist.
    """
    plain = password.reveal()
    if len(plain.encode()) > MAX_LENGTH:
        plain = ""
    try:
        right = _HASHER.verify(password_hash or _nobodys_hash(), plain)
    except (VerificationError, InvalidHashError):
        return False
    return right and password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with a lower cost than today's."""
    return _HASHER.check_needs_rehash(password_hash)


@functools.cache
def _nobodys_hash() -> str:
    """A hash with today's cost for logins that do not exist."""
    return _HASHER.hash("no account has this password")
