"""A batch run over many files: what came of each file, and of all."""

from dataclasses import dataclass
from pathlib import Path

from tutela.indicators.model import Finding, Match
from tutela.indicators.reasons import stated_distance, video_fields
from tutela.primitives.ids import CaseId
from tutela.scan.naming import spelled


@dataclass(frozen=True, kw_only=True, slots=True)
class Scanned:
    """What came of one file. `error` is set when it could not be read or admitted at all."""

    path: Path
    finding: Finding | None
    matches: tuple[Match, ...] = ()
    unmatchable: str = ""
    why: str = ""
    pipeline: str = ""  # what computed the hashes that decided
    case_id: CaseId | None = None
    already_known: bool = False
    error: str = ""

    def as_json(self) -> dict[str, object]:
        """One line for programs; a file without a match is never called safe."""
        if self.error:
            return {"path": spelled(self.path), "error": self.error}
        return {
            "path": spelled(self.path),
            "finding": self.finding.value if self.finding else None,
            "matches": [
                {
                    "list": match.list_name,
                    "entry": match.entry_id,
                    "kind": match.kind.value,
                    "distance_bits": stated_distance(match),
                    "threshold_bits": match.threshold_bits,
                    "transform": match.transform,
                    "form": match.form,
                    "reasons": list(match.reasons),
                    "video": video_fields(match.video),
                }
                for match in self.matches
            ],
            "unmatchable": self.unmatchable,
            "why": self.why,
            "pipeline": self.pipeline,
            "case_id": self.case_id,
            "already_known": self.already_known,
        }


@dataclass(kw_only=True, slots=True)
class Tally:
    """Running totals of a scan; `resumed` files were finished by an earlier, broken-off run."""

    files: int = 0
    matched: int = 0
    no_known_match: int = 0
    cannot_be_matched: int = 0
    errors: int = 0
    cases: int = 0
    resumed: int = 0

    def count(self, scanned: Scanned) -> None:
        """Add one file's result."""
        self.files += 1
        if scanned.error or scanned.finding is None:
            self.errors += 1
            return
        setattr(self, scanned.finding.value, getattr(self, scanned.finding.value) + 1)
        if scanned.case_id and not scanned.already_known:
            self.cases += 1

    def as_json(self) -> dict[str, int]:
        """The totals as one object."""
        return {name: getattr(self, name) for name in self.__slots__}
