"""The matching policy, without any I/O: what may be compared with what, and what it means."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tutela.hashing.model import DIHEDRAL, Hashed, Pdq, Unmatchable
from tutela.indicators.model import Finding, HashList, Match, MatchResult, SignalKind
from tutela.indicators.reasons import nearness

ORIGINAL = DIHEDRAL[0]
NO_LISTS = "no_lists"
ONLY_DIGESTS = "only_digests"

_FLAT = "The picture is one flat surface."

EMPTY_FILE = frozenset(
    bytes.fromhex(digest)
    for digest in (
        "d41d8cd98f00b204e9800998ecf8427e",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    )
)
"""Digests of no bytes at all: every empty upload has them, so they say nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """One hash of an item that some list may compare.

    `turn` is its place in `DIHEDRAL`; `form` names the further form of the file that it is of,
    and is empty for the primary hash.
    """

    turn: int
    pdq: Pdq
    form: str = ""


def compared(item: Hashed) -> Iterator[Compared]:
    """The hashes of an item that some list may compare, the primary one first.

    Whether a list does, its lowest quality and its wish for turned pictures say.
    """
    if item.unmatchable not in {None, Unmatchable.LOW_QUALITY}:
        return
    primary = () if item.pdq is None else (("", item.pdq, item.dihedral),)
    forms = ((form.name, form.pdq, form.dihedral) for form in item.further)
    for name, pdq, dihedral in (*primary, *forms):
        turned = dihedral if len(dihedral) == len(DIHEDRAL) else ()
        for turn, one in enumerate((pdq, *turned[1:])):
            if not one.degenerate:
                yield Compared(turn=turn, pdq=one, form=name)


def result_of(item: Hashed, matches: Iterable[Match], lists: Sequence[HashList]) -> MatchResult:
    """Matched, not known, or not comparable: there is no fourth answer (model.Finding)."""
    unmatchable, why = _why_unmatchable(item, lists)
    if item.truncated:
        matches = [
            replace(one, reasons=(*one.reasons, item.why)) if one.kind is SignalKind.PDQ else one
            for one in matches
        ]
    ordered = tuple(sorted(matches, key=lambda one: (nearness(one), one.list_name, one.entry_id)))
    if ordered:
        finding = Finding.MATCHED
    elif unmatchable:
        finding = Finding.CANNOT_BE_MATCHED
    else:
        finding = Finding.NO_KNOWN_MATCH
    return MatchResult(finding=finding, matches=ordered, unmatchable=unmatchable, why=why)


def _why_unmatchable(item: Hashed, lists: Sequence[HashList]) -> tuple[str, str]:
    """Why the picture could not be compared with any list: a constant, and words for the reader.

    When it was compared with some lists only, the constant is empty and the words say so.
    """
    if not lists:
        return NO_LISTS, "No hash list is enabled, so there was nothing to compare with."
    if item.unmatchable is None and (item.video is not None or (item.further and not item.pdq)):
        return "", item.why
    if item.pdq is None and item.unmatchable is None:
        return ONLY_DIGESTS, item.why or "No perceptual hash was given; digests were compared."
    if item.pdq is None or item.unmatchable not in {None, Unmatchable.LOW_QUALITY}:
        flat = item.unmatchable is Unmatchable.DEGENERATE
        return str(item.unmatchable), item.why or (_FLAT if flat else "")
    best = max((one.pdq.quality for one in compared(item) if one.turn == 0), default=None)
    if best is None:
        return Unmatchable.DEGENERATE.value, item.why or _FLAT
    given = item.why if item.unmatchable else ""
    unmatchable, why = _why_low(best, [one.min_quality for one in lists], given=given)
    if item.truncated and not given:
        why = f"{item.why} {why}".strip()
    return unmatchable, why


def _why_low(quality: int, asked: Sequence[int], *, given: str) -> tuple[str, str]:
    """Whether the quality is too low for all lists, for some, or for none."""
    asking = [least for least in asked if quality < least]
    if len(asking) == len(asked):
        words = f"The quality is {quality}, every list asks for {min(asking)} or more."
        return Unmatchable.LOW_QUALITY.value, given or words
    words = (
        f"The quality is {quality}: too low for {len(asking)} of {len(asked)} lists, "
        "whose pictures were not compared."
    )
    return "", words if asking else ""
