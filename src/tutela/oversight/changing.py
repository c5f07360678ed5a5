"""What a pack says, as plain data to keep, and what is different from the one before."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import tutela
from tutela.law.book import Lawbook
from tutela.law.serialising import as_plain, digest
from tutela.oversight.law_pages import DATED, membership_id
from tutela.oversight.law_words import LAW_WORDS
from tutela.oversight.pack import Pack
from tutela.primitives.errors import BadInput

FORMAT = "tutela-oversight-pack/1"
PARTS = (
    "reading",
    "bindings",
    "assessments",
    "elements",
    "coverage",
    "entries",
    "capabilities",
)
"""What is compared, in the order in which it is shown."""
WORDS_OF: Mapping[str, str] = {
    "bindings": "bound",
    "assessments": "met",
    "elements": "truth",
    "coverage": "truth",
}
"""The group of words that a part's values are read by; the values of the others are plain."""
_LONGEST = 50_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One thing that is not as it was; `before` or `after` is `None` where it was not there."""

    part: str
    id: str
    before: str | None
    after: str | None


def snapshot(pack: Pack, book: Lawbook) -> dict[str, Any]:
    """The pack as plain data: the same law and input give the same bytes."""
    seen = pack.overview
    code = seen.jurisdiction.code
    kept: dict[str, Any] = {
        "format": FORMAT,
        "jurisdiction": code,
        "reading": {
            "as_of": seen.as_of.isoformat(),
            "status": seen.floor.value,
            "against": ",".join(seen.against),
            "program": tutela.__version__,
        },
        "gap": pack.gap.as_json(),
        "bindings": {each.instrument.id: each.bound.value for each in seen.ratifications},
        "assessments": {each.requirement: each.outcome.value for each in seen.assessments},
        "elements": {
            f"{each.requirement} {element.id}": element.result.value
            for each in seen.assessments
            for element in each.elements
        },
        "coverage": {each.key: each.result.value for each in seen.coverage},
        "entries": _versions(book, (code, *seen.jurisdiction.member_of)),
        "capabilities": {
            each.assessment.requirement: str(each.level.level)
            for each in pack.capabilities
            if each.level is not None
        },
        "maturity": as_plain(pack.maturity),
        "figures": pack.figures.as_json() if pack.figures else None,
    }
    return {**kept, "digest": digest(kept)}


def _versions(book: Lawbook, places: Iterable[str]) -> dict[str, str]:
    """A digest of each recorded entry of the places; editions of one id have one together."""
    wanted = set(places)
    found: dict[str, list[object]] = {}
    for kind in DATED:
        for entry in getattr(book, kind):
            if entry.jurisdiction in wanted:
                found.setdefault(f"{kind} {entry.id}", []).append(as_plain(entry, sparse=True))
    for each in book.memberships:
        if each.jurisdiction in wanted:
            found[f"memberships {membership_id(each)}"] = [as_plain(each)]
    return {name: digest(editions)[:16] for name, editions in sorted(found.items())}


def written(kept: Mapping[str, Any]) -> str:
    """The snapshot as the text of `pack.json`."""
    return json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def read_snapshot(text: str, *, jurisdiction: str) -> Mapping[str, Any]:
    """An older pack's data; refuse with `BadInput` what is none, or of another country."""
    if len(text) > _LONGEST:
        raise _refusal("it is too long")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise _refusal("it is not readable JSON") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise _refusal(f"its format is not {FORMAT}")
    for part in PARTS:
        listed = data.get(part)
        if not isinstance(listed, dict) or not all(isinstance(one, str) for one in listed.values()):
            raise _refusal(f"`{part}` is damaged")
        group = WORDS_OF.get(part)
        if group and not set(listed.values()) <= set(LAW_WORDS[group]):
            raise _refusal(f"`{part}` holds words of another program version")
    if not set(data["coverage"]) <= set(LAW_WORDS["coverage"]):
        raise _refusal("`coverage` holds words of another program version")
    if data.get("jurisdiction") != jurisdiction:
        raise _refusal(f"it is not about {jurisdiction}")
    return data


def _refusal(why: str) -> BadInput:
    return BadInput(
        "The earlier pack cannot be read", why=why, remedy="Name the folder of an earlier pack."
    )


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Everything that differs, part by part; how the two were read comes first."""
    listed = []
    for part in PARTS:
        old, new = before[part], after[part]
        listed += [
            Change(part=part, id=name, before=old.get(name), after=new.get(name))
            for name in sorted({*old, *new})
            if old.get(name) != new.get(name)
        ]
    return tuple(listed)
