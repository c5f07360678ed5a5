"""Category schemes: who says what by which code. A code means nothing without its scheme."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from tutela.primitives.errors import BadInput

_NAME_LENGTH = 64
_CODE_LENGTH = 200


class Sureness(StrEnum):
    """How sure we are of what a scheme or a label says."""

    VERIFIED = "verified"
    """Read in an official or primary text."""
    SECONDARY = "secondary"
    """Read in a secondary text."""
    RECALLED = "recalled"
    """From memory; must be checked at the source before it drives an action."""
    OWN = "own"
    """Defined by this project."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """What one code says, in words."""

    text: str
    sureness: Sureness
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scheme:
    """One version of one vocabulary. `open_ended`: codes we do not know may be imported too."""

    id: str
    version: str
    title: str
    owner: str
    sureness: Sureness
    source: str
    codes: Mapping[str, Label]
    open_ended: bool = False
    multiple: bool = False
    """Whether one item may carry several codes of this scheme at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Category:
    """A code together with the scheme and version that give it its meaning; never a bare number.

    `code` is the text as received: `"1"`, `"A1"`. Equal only when all three are equal.
    """

    scheme: str
    version: str
    code: str

    def __post_init__(self) -> None:
        for part, most in (
            (self.scheme, _NAME_LENGTH),
            (self.version, _NAME_LENGTH),
            (self.code, _CODE_LENGTH),
        ):
            if not isinstance(part, str) or not 0 < len(part) <= most or not part.isprintable():
                raise BadInput(
                    "This is no category",
                    why="a category is a scheme, a version and a code, each a short text",
                    remedy="Name the scheme and its version beside the code.",
                )
        if "/" in self.scheme or "/" in self.version:
            raise BadInput("This is no category", why="a scheme or version holds a slash")

    def __str__(self) -> str:
        return f"{self.scheme}/{self.version}/{self.code}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `scheme/version/code`; raises `BadInput` for anything less, such as a bare code."""
        scheme, first, rest = text.partition("/")
        version, second, code = rest.partition("/")
        if not (first and second):
            raise BadInput(
                "This is no category",
                why="a code without its scheme and version has no meaning",
                remedy="Write it as scheme/version/code, for example ncmec-ab/2022/A1.",
            )
        return cls(scheme=scheme, version=version, code=code)
