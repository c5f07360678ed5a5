"""Published figures: what was counted, over which days, out of what."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One number with its unit and where it comes from.

    `count` None: fewer than `smallest` and therefore withheld, so that nobody can be
    recognised in it. Zero is shown.
    """

    key: str
    meaning: str
    unit: str
    count: int | None
    source: str  # the ledger action that was counted


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """The figures of a period; `until` is not included. `head` names the ledger they came from."""

    since: date
    until: date
    smallest: int
    figures: tuple[Figure, ...]
    ledger_lines: int
    head: str

    def as_json(self) -> dict[str, object]:
        """The figures as one object."""
        return {
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "smallest_shown": self.smallest,
            "ledger_lines": self.ledger_lines,
            "ledger_head": self.head,
            "figures": [
                {
                    "key": figure.key,
                    "meaning": figure.meaning,
                    "unit": figure.unit,
                    "count": figure.count,
                    "withheld": figure.count is None,
                    "source": figure.source,
                }
                for figure in self.figures
            ],
        }
