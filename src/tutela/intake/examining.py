"""Examining: hash a file and match it; stores nothing.

In fast mode the scaled decode is a sieve and never an answer of "matched":
1. hash fast; a file that no fast way exists for is hashed exactly at once;
2. a hash that may not be compared (quality, flat) decides nothing, and of a picture that is a
   film too it is not all: go to 4;
3. look up with the thresholds widened by what a fast hash may be off; nothing there means no
   known match, and the result's pipeline says by which hash;
4. hash exactly, and only this counts: for the match, the case and the evidence.
"""

from pathlib import Path

from tutela.hashing.model import FAST_SLACK_BITS, Hashed, Mode
from tutela.indicators.model import MatchResult
from tutela.intake.ports import Jail, Matching
from tutela.primitives.errors import BadInput


def examined(
    data: bytes | Path, *, mode: Mode, jail: Jail, matcher: Matching
) -> tuple[Hashed, MatchResult]:
    """The hashes that decided and what they met; raise `BadInput` for what cannot be read.

    Turned and mirrored forms cost time, so they are hashed only when a list asks for them; a
    list that has come to ask for them since the last match is heeded by doing it all again.
    """
    asked = matcher.dihedral_asked
    answer = _examined(data, mode=mode, jail=jail, matcher=matcher, dihedral=asked)
    if not asked and matcher.dihedral_asked:
        return _examined(data, mode=mode, jail=jail, matcher=matcher, dihedral=True)
    return answer


def _examined(
    data: bytes | Path, *, mode: Mode, jail: Jail, matcher: Matching, dihedral: bool
) -> tuple[Hashed, MatchResult]:
    if mode is Mode.FAST:
        hashed = _hashed(data, jail, mode, dihedral=dihedral)  # 1
        if hashed.mode is Mode.EXACT:
            return hashed, matcher.match(hashed)
        if (
            hashed.pdq is not None
            and hashed.video is None
            and not any(
                one.unmatchable
                for one in (hashed.pdq, *hashed.dihedral, *(form.pdq for form in hashed.further))
            )
        ):  # 2
            result = matcher.sift(hashed, slack_bits=FAST_SLACK_BITS)  # 3
            if result is not None:
                return hashed, result
    hashed = _hashed(data, jail, Mode.EXACT, dihedral=dihedral)  # 4
    return hashed, matcher.match(hashed)


def _hashed(data: bytes | Path, jail: Jail, mode: Mode, *, dihedral: bool) -> Hashed:
    hashed = jail.hash(data, dihedral=dihedral, mode=mode)
    if not isinstance(hashed, Hashed):
        raise BadInput("The file cannot be read", why=hashed.why, remedy=hashed.remedy)
    return hashed
