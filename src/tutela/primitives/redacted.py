"""Secrets and people are wrapped: they print as nothing until someone asks for them."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class Redacted(Generic[T]):
    """Holds a value that logs, errors and tracebacks must not show."""

    _value: T

    def reveal(self) -> T:
        """Hand out the value; each call site is a stated purpose."""
        return self._value

    def __repr__(self) -> str:
        return "<redacted>"

    __str__ = __repr__
