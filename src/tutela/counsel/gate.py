"""The gate before every match: the matcher is behind it, and there is no other way to it."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

Matcher = TypeVar("Matcher")


class Basis(Protocol):
    """Whether a basis in law lets known hashes be looked for (`detection.Detecting`)."""

    def require(self) -> None:
        """Raise `Refused` unless a basis says yes today."""
        ...


class DetectionGate(Generic[Matcher]):
    """Gives the matcher to whoever asks while a basis says yes; safe to use from several threads.

    What a process is made of holds gates, never a matcher (`wiring.matching`), so that no match
    can be had past the question.
    """

    def __init__(self, basis: Basis, matcher: Callable[[], Matcher]) -> None:
        """`matcher` gives it, and may wait until it is there or raise why it is not."""
        self.__basis = basis
        self.__matcher = matcher

    def open(self) -> Matcher:
        """The matcher, for one question; raises `Refused` when no basis says yes today."""
        self.__basis.require()
        return self.__matcher()
