"""Typed identifiers: a short prefix that names the kind, then a time-sortable random part."""

import secrets
import time
from typing import ClassVar, Self

from tutela.primitives.errors import BadInput

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32, lower case
_LENGTH = 26


class Id(str):
    """An identifier `prefix_` + 26 base-32 letters (48-bit milliseconds, 80 random bits)."""

    __slots__ = ()
    prefix: ClassVar[str] = "id"

    @classmethod
    def new(cls) -> Self:
        """Mint a fresh identifier; sorts by the time of minting."""
        number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
        letters = []
        for _ in range(_LENGTH):
            number, rest = divmod(number, 32)
            letters.append(_ALPHABET[rest])
        return cls(f"{cls.prefix}_{''.join(reversed(letters))}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an identifier that came from outside; raise `BadInput` when it is not one."""
        head, _, tail = text.partition("_")
        if head != cls.prefix or len(tail) != _LENGTH or set(tail) - set(_ALPHABET):
            raise BadInput(
                f"This is no {cls.prefix}_ identifier",
                why=f"expected {cls.prefix}_ and {_LENGTH} letters or digits",
            )
        return cls(text)


class AccountId(Id):
    """A person who works here, or a program with a key."""

    __slots__ = ()
    prefix = "acct"


class ListId(Id):
    """A hash list."""

    __slots__ = ()
    prefix = "list"


class ImportId(Id):
    """One run of importing a file into a hash list."""

    __slots__ = ()
    prefix = "imp"


class SubmissionId(Id):
    """Something that was handed in: a file, a hash, a public report."""

    __slots__ = ()
    prefix = "sub"


class ExhibitId(Id):
    """One sealed item of evidence."""

    __slots__ = ()
    prefix = "exh"


class CaseId(Id):
    """One case."""

    __slots__ = ()
    prefix = "case"


class DecisionId(Id):
    """One person's decision on a case."""

    __slots__ = ()
    prefix = "dec"


class ViewingId(Id):
    """One look at an exhibit by one person."""

    __slots__ = ()
    prefix = "view"


class ReportId(Id):
    """One report to one authority (our identifier, not the authority's)."""

    __slots__ = ()
    prefix = "rep"


class HoldId(Id):
    """One reason why an exhibit must be preserved."""

    __slots__ = ()
    prefix = "hold"


class RestrictionId(Id):
    """One order to the platform to disable access."""

    __slots__ = ()
    prefix = "res"


class FollowUpId(Id):
    """One job that was committed together with the state that asks for it."""

    __slots__ = ()
    prefix = "job"
