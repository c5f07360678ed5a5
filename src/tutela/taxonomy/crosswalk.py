"""Crosswalks: the few places where one scheme's code is known to be another's.

A pair that is not here has no translation. Nothing is inferred: neither from equal codes,
nor by going through a third scheme, nor backwards unless the way back is written down.
"""

from dataclasses import dataclass

from tutela.primitives.errors import BadInput
from tutela.taxonomy.model import Category, Sureness
from tutela.taxonomy.schemes import check, scheme


@dataclass(frozen=True, kw_only=True, slots=True)
class Crossing:
    """One code that may be written as another, how sure that is, and why."""

    source: Category
    target: Category
    sureness: Sureness
    note: str


def _crossing(source: str, target: str, sureness: Sureness, note: str) -> Crossing:
    return Crossing(
        source=check(Category.parse(source)),
        target=check(Category.parse(target)),
        sureness=sureness,
        note=note,
    )


_NUMBERING = "VICS 2.0 of the United Kingdom numbers the categories A, B, C as 1, 2, 3."
_KEYWORD = "What the keyword is for; our own scheme was cut so that it fits."

CROSSINGS: tuple[Crossing, ...] = (
    *(
        _crossing(f"vics-uk/2.0/{number}", f"caid/2014/{letter}", Sureness.RECALLED, _NUMBERING)
        for number, letter in (("1", "A"), ("2", "B"), ("3", "C"))
    ),
    *(
        _crossing(f"caid/2014/{letter}", f"vics-uk/2.0/{number}", Sureness.RECALLED, _NUMBERING)
        for number, letter in (("1", "A"), ("2", "B"), ("3", "C"))
    ),
    _crossing(
        "tutela/1/csam",
        "dsa-keyword/2025-07-01/KEYWORD_CHILD_SEXUAL_ABUSE_MATERIAL",
        Sureness.OWN,
        _KEYWORD,
    ),
    _crossing(
        "tutela/1/csam-generated",
        "dsa-keyword/2025-07-01/KEYWORD_CHILD_SEXUAL_ABUSE_MATERIAL_DEEPFAKE",
        Sureness.OWN,
        _KEYWORD,
    ),
)


def crosswalk(category: Category, to_scheme: str) -> Category | None:
    """The same thing said in `to_scheme` (`id`, or `id/version`); `None` when not known.

    Raises `BadInput` for a scheme, version or code nobody knows.
    """
    found = crossing(category, to_scheme)
    return found.target if found else None


def crossing(category: Category, to_scheme: str) -> Crossing | None:
    """The crossing behind `crosswalk`, with how sure it is and why."""
    check(category)
    name, slash, version = to_scheme.partition("/")
    if slash and not version:
        raise BadInput("This is no scheme", why="a version must follow the slash")
    target = scheme(name, version or None)
    if (category.scheme, category.version) == (target.id, target.version):
        return Crossing(
            source=category, target=category, sureness=Sureness.VERIFIED, note="The same scheme."
        )
    for known in CROSSINGS:
        there = (known.target.scheme, known.target.version)
        if known.source == category and there == (target.id, target.version):
            return known
    return None
