"""Which category lets an entry match: what its source says of it, and what the operator adds.

A Project VIC set also lists what is not, or not yet, known material. Those entries are kept and
never matched: a match would store a person's lawful picture. Nor does an entry match whose source
categorises and has not categorised it, or whose code nobody defines: no category is not the worst
one. Lists without categories match as a whole, which their operator decides by importing them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tutela.indicators.model import HashList, Uncategorised
from tutela.primitives.errors import BadInput
from tutela.taxonomy import schemes
from tutela.taxonomy.model import Category

MAX_CODE_CHARACTERS = 200
NO_SCHEME = "unspecified"
"""Scheme of a code that came without one, so that nobody can say what it means."""
_VICS = "vics-"


class NotMatched(StrEnum):
    """Why a stored entry is not matched."""

    NON_PERTINENT = "non_pertinent"  # its category says that it is not known material
    UNCATEGORISED = "uncategorised"  # its source categorises and has not categorised it
    UNKNOWN_CODE = "unknown_code"  # its code waits for `tutela lists map-category`
    KIND_NOT_MATCHED = "kind_not_matched"  # PhotoDNA and other kinds nobody here can compare
    LOW_QUALITY = "low_quality"  # below the list's lowest quality
    WITHDRAWN = "withdrawn"
    DELETED = "deleted"
    SET_ASIDE = "set_aside"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Numbering:
    """What the codes of a scheme say; a code that stands nowhere here is not known."""

    matched: frozenset[str]
    non_pertinent: frozenset[str]
    uncategorised: frozenset[str] = frozenset()


_NOTHING_KNOWN = _Numbering(matched=frozenset(), non_pertinent=frozenset())
_UNDISPUTED = _Numbering(matched=frozenset({"1", "2", "3"}), non_pertinent=frozenset({"0"}))
_NUMBERINGS: Mapping[str, _Numbering] = {
    "vics-us": _Numbering(
        matched=_UNDISPUTED.matched,
        non_pertinent=frozenset({"0", "4"}),  # 4: comparison images
        uncategorised=frozenset({"5"}),
    ),
    "vics-uk": _UNDISPUTED,
    "vics-unknown": _UNDISPUTED,
}
"""interfaces.md 2.7. Where no country is named, the codes on which all numberings agree."""


def why_not_matched(
    category: Category | Uncategorised | None, hash_list: HashList
) -> NotMatched | None:
    """Why an entry's category keeps it from matching in this list, None when it does not."""
    if category is None:
        return None
    if isinstance(category, Category):
        why = _said_by(mapped(category, hash_list) or category)
    else:
        why = NotMatched.UNCATEGORISED if is_judged(category.scheme) else None
    if (why is NotMatched.UNCATEGORISED and hash_list.match_uncategorised) or (
        why is NotMatched.UNKNOWN_CODE and hash_list.match_unknown_codes
    ):
        return None
    return why


def mapped(category: Category, hash_list: HashList) -> Category | None:
    """What the operator says an unknown code counts as in this list; None for any other code."""
    if not hash_list.category_map or _said_by(category) is not NotMatched.UNKNOWN_CODE:
        return None
    given = hash_list.category_map.get(str(category), hash_list.category_map.get(category.code))
    return resolved(given, category) if given is not None else None


def resolved(target: str, category: Category) -> Category:
    """A category in full, or a bare code, which is one of the scheme of `category`."""
    if "/" in target:
        return Category.parse(target)
    return Category(scheme=category.scheme, version=category.version, code=target)


def is_known(category: Category) -> bool:
    """Whether the code has a meaning here that decides about matching."""
    return _said_by(category) is not NotMatched.UNKNOWN_CODE


def check_mapping(code: str, target: str, *, stored: Collection[Category]) -> None:
    """Refuse a mapping of a code that has a meaning, or to a category that has none.

    `stored` are the list's categories that `code` names; without any, a bare code and a bare
    target are read as Project VIC's. Raises `BadInput`.
    """
    if not code or len(code) > MAX_CODE_CHARACTERS or not code.isprintable():
        raise BadInput("Invalid code", why="expected a short printable text")
    named = list(stored)
    if not named:
        named = [Category.parse(code)] if code.count("/") > 1 else [_any_vics(code)]
    unknown = [one for one in named if not is_known(one)]
    if not unknown:
        raise BadInput(
            "This code cannot be mapped",
            why=f"{named[0].scheme} defines what {named[0].code} means",
            remedy="Only codes that `tutela lists show` counts as unknown_code are mapped",
        )
    for category in unknown:
        counts_as = resolved(target, category)
        if not is_known(counts_as):
            raise BadInput(
                "Invalid category",
                why=f"{counts_as.scheme} does not define {counts_as.code}",
                remedy="Give a code that the scheme defines, or scheme/version/code",
            )
        if not is_judged(counts_as.scheme):
            schemes.check(counts_as)


def _any_vics(code: str) -> Category:
    return Category(scheme="vics-us", version="2.0", code=code)


def _said_by(category: Category) -> NotMatched | None:
    """What the code itself says."""
    if not is_judged(category.scheme):
        return None
    numbering = _NUMBERINGS.get(category.scheme, _NOTHING_KNOWN)
    if category.code in numbering.matched:
        return None
    if category.code in numbering.non_pertinent:
        return NotMatched.NON_PERTINENT
    if category.code in numbering.uncategorised:
        return NotMatched.UNCATEGORISED
    return NotMatched.UNKNOWN_CODE


def is_judged(scheme: str) -> bool:
    """Whether entries of this scheme may be other than known material: VICS, and no scheme."""
    return scheme.startswith(_VICS) or scheme == NO_SCHEME
