"""What a country can do in practice, as somebody there says: never mixed with law on paper.

The capabilities are the twenty-one of the Model National Response. The lawbook holds no
practice at all; whoever prepares a pack enters it, and what was not entered is shown as such.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tutela.law.book import Lawbook
from tutela.law.parsing import read_yaml
from tutela.primitives.errors import BadInput

CAPABILITIES = "MNR"
"""The instrument whose requirements are the capabilities."""
LEVELS = range(5)
_LONGEST = 200_000
_KEYS = {"assessed_on", "assessed_by", "capabilities"}
_LEVEL_KEYS = {"level", "evidence"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """One capability: 0 (nothing) to 4 (lasting and reviewed), and where that can be read."""

    level: int
    evidence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Maturity:
    """What was entered, by whom (an office, not a person) and as of which day."""

    assessed_on: date
    assessed_by: str
    levels: Mapping[str, Level]


def read_maturity(text: str, *, book: Lawbook, where: str) -> Maturity:
    """The entered levels from YAML; refuse with `BadInput` what is not exactly of that shape."""
    if len(text) > _LONGEST:
        raise _refusal(where, f"longer than {_LONGEST} letters")
    data = read_yaml(text, where=where)
    _only(data, _KEYS, where)
    entered = data.get("capabilities")
    if not isinstance(entered, Mapping) or not entered:
        raise _refusal(where, "`capabilities` names none")
    known = {each.id for each in book.requirements_of(CAPABILITIES)}
    strange = sorted(str(each) for each in entered if each not in known)
    if strange:
        raise _refusal(where, f"{strange[0]!r} is none of the {len(known)} capabilities")
    return Maturity(
        assessed_on=_day(data.get("assessed_on"), where),
        assessed_by=_text(data.get("assessed_by"), f"{where}: assessed_by"),
        levels={name: _level(value, f"{where}: {name}") for name, value in entered.items()},
    )


def _level(value: object, where: str) -> Level:
    if not isinstance(value, Mapping):
        raise _refusal(where, "expected `level` and `evidence`")
    _only(value, _LEVEL_KEYS, where)
    level = value.get("level")
    if isinstance(level, bool) or not isinstance(level, int) or level not in LEVELS:
        raise _refusal(where, f"the level is not one of {', '.join(map(str, LEVELS))}")
    return Level(level=level, evidence=_text(value.get("evidence"), f"{where}: evidence"))


def _only(data: Mapping[str, object], keys: set[str], where: str) -> None:
    strange = sorted(str(each) for each in data if each not in keys)
    if strange:
        raise _refusal(where, f"{strange[0]!r} is not one of {', '.join(sorted(keys))}")


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _refusal(where, "a text is missing")
    return " ".join(value.split())


def _day(value: object, where: str) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise _refusal(where, "`assessed_on` is no day like 2026-11-21") from None


def _refusal(where: str, why: str) -> BadInput:
    return BadInput(
        f"{where} is refused",
        why=why,
        remedy="docs/how-to/prepare-an-oversight-pack.md shows the shape",
    )
