"""What a person may answer on a form, and reading the answers back.

The questions of the decision form come from the lawbook's vocabulary: whatever the law asks
of a reviewer is asked, and an answer left open stays unknown.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from tutela.law.loading import Lawbook
from tutela.law.vocabulary import Asked, Fact, FactKind
from tutela.primitives.errors import BadInput
from tutela.taxonomy.model import Category
from tutela.taxonomy.schemes import SCHEMES

T = TypeVar("T", bound=StrEnum)

_DECISION = "decision."
_VERDICT_SAYS = "decision.apparent_csam"  # answered by the verdict itself
_OFFERED = ("tutela", "ncmec-ab")
FIELD = "fact:"
_BOOLEANS = {"yes": True, "no": False}
_ASKABLE = frozenset({FactKind.BOOL, FactKind.CHOICE, FactKind.COUNTRY})


def questions(book: Lawbook) -> Sequence[Fact]:
    """What the law asks of a reviewer, in the vocabulary's order."""
    return [
        fact
        for fact in book.vocabulary.facts.values()
        if fact.asked is Asked.REVIEWER
        and fact.name.startswith(_DECISION)
        and fact.name != _VERDICT_SAYS
        and fact.kind in _ASKABLE
    ]


def facts_from(book: Lawbook, fields: Mapping[str, str]) -> dict[str, object]:
    """The answers given in a form by fact name; empty answers are left out: not known."""
    found: dict[str, object] = {}
    for fact in questions(book):
        answer = fields.get(FIELD + fact.name, "")
        if not answer:
            continue
        if fact.kind is FactKind.BOOL and answer in _BOOLEANS:
            found[fact.name] = _BOOLEANS[answer]
        else:
            found[fact.name] = answer
    admitted = book.vocabulary.admit(found)  # refuses what the vocabulary does not allow
    return {name: found[name] for name in admitted}


def categories() -> Sequence[tuple[str, str, str]]:
    """The categories on offer: value, scheme's title, label; our own scheme first."""
    return [
        (
            str(Category(scheme=scheme.id, version=scheme.version, code=code)),
            scheme.title,
            f"{code}: {label.text}",
        )
        for name in _OFFERED
        for scheme in SCHEMES
        if scheme.id == name
        for code, label in scheme.codes.items()
    ]


def category(text: str) -> str:
    """A category of the form, or empty for none; anything else is refused."""
    if text and text not in {value for value, _, _ in categories()}:
        raise BadInput("There is no such category", remedy="Choose one from the list.")
    return text


def choice(kind: type[T], text: str, missing: str) -> T:
    """The member of that value; raise `BadInput` with `missing` when there is none."""
    try:
        return kind(text)
    except ValueError:
        raise BadInput(missing, remedy="Choose one of those on the page.") from None
