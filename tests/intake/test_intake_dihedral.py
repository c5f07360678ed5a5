"""Turned and mirrored forms are hashed when a list asks for them, and only then."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cases.case_parts import AT, hashed_of
from tutela.hashing.model import DIHEDRAL, Hashed, Mode, Pdq
from tutela.indicators import listing
from tutela.indicators.importing import import_list
from tutela.indicators.matching import Matcher
from tutela.indicators.model import Finding, MatchResult
from tutela.intake.examining import examined
from tutela.primitives.database import Database

LISTED, OTHER = (
    bytes(row) for row in np.random.default_rng(4).integers(0, 256, (2, 32), dtype=np.uint8)
)


@dataclass
class TurnedPicture:
    """A jail whose picture is a listed one turned by 90 degrees."""

    asked: list[bool] = field(default_factory=list)

    def hash(
        self, source: bytes | Path, *, dihedral: bool = False, mode: Mode = Mode.EXACT
    ) -> Hashed:
        assert isinstance(source, bytes)
        self.asked.append(dihedral)
        forms = [Pdq(OTHER, 90)] * len(DIHEDRAL)
        forms[DIHEDRAL.index("rotate90")] = Pdq(LISTED, 90)
        return Hashed(
            digests=hashed_of(source).digests,
            pdq=forms[0],
            dihedral=tuple(forms) if dihedral else (),
            mode=mode,
            pipeline="drawn/1",
        )


def listed(database: Database, folder: Path) -> None:
    path = folder / "list.csv"
    path.write_text(f"kind,value\npdq,{LISTED.hex()}\n")
    import_list(database, path=path, name="drawings", by="test", at=AT)


def ask_for_turned(database: Database, *, wish: bool) -> None:
    with database.begin() as tx:
        listing.configure(tx, name="drawings", dihedral=wish, by="test", at=AT)


def look(matcher: Matcher, jail: TurnedPicture) -> MatchResult:
    _, result = examined(b"drawn", mode=Mode.EXACT, jail=jail, matcher=matcher)
    return result


def test_a_list_that_begins_to_ask_is_heeded_by_the_very_next_match(
    database: Database, tmp_path: Path
) -> None:
    listed(database, tmp_path)
    matcher, jail = Matcher(database), TurnedPicture()
    assert look(matcher, jail).finding is Finding.NO_KNOWN_MATCH
    assert jail.asked == [False]
    ask_for_turned(database, wish=True)
    found = look(matcher, jail)  # notices while it matches, and does it again
    assert [one.transform for one in found.matches] == ["rotate90"]
    assert jail.asked == [False, False, True]
    look(matcher, jail)
    assert jail.asked == [False, False, True, True]


def test_the_first_match_of_a_process_knows_no_list_yet(database: Database, tmp_path: Path) -> None:
    listed(database, tmp_path)
    ask_for_turned(database, wish=True)
    jail = TurnedPicture()
    assert look(Matcher(database), jail).finding is Finding.MATCHED
    assert jail.asked == [False, True]


def test_a_list_that_no_longer_asks_is_heeded_too(database: Database, tmp_path: Path) -> None:
    listed(database, tmp_path)
    ask_for_turned(database, wish=True)
    matcher, jail = Matcher(database), TurnedPicture()
    look(matcher, jail)
    ask_for_turned(database, wish=False)
    assert look(matcher, jail).finding is Finding.NO_KNOWN_MATCH
    look(matcher, jail)
    assert jail.asked[-1] is False
