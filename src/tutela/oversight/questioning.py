"""Questions a parliament can put to government, one to three for each paragraph it was asked by."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources

from tutela.law.book import Lawbook
from tutela.law.parsing import read_yaml
from tutela.primitives.errors import BadInput

PARAGRAPHS = "IPU"
"""The instrument whose requirements are the paragraphs."""
ENGLISH = "en"
_FILE = "questions.yaml"
_MOST = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The questions to one paragraph, in our own words, and the language they are in."""

    paragraph: str
    questions: tuple[str, ...]
    language: str


@functools.cache
def own_text(language: str = ENGLISH) -> str:
    """The package's own file of questions in a language; empty where there is none."""
    name = _FILE if language == ENGLISH else f"questions.{language}.yaml"
    file = resources.files("tutela.oversight") / name
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def questions(book: Lawbook, *, language: str = ENGLISH) -> tuple[Asked, ...]:
    """Every paragraph with its questions, in the order of the resolution.

    In English where nobody has written them in `language`. Raise as `read_questions`.
    """
    text = own_text(language) if language.isalpha() else ""
    return read_questions(book, text or own_text(), language=language if text else ENGLISH)


def read_questions(book: Lawbook, text: str, *, language: str = ENGLISH) -> tuple[Asked, ...]:
    """The questions in a file's text.

    Raise `BadInput` when a paragraph is missing or strange, or has no question or too many.
    """
    data = read_yaml(text, where=_FILE)
    entries = data.get("paragraphs")
    if set(data) != {"paragraphs"} or not isinstance(entries, dict):
        raise _refusal("expected `paragraphs` alone")
    wanted = [each.id for each in book.requirements_of(PARAGRAPHS)]
    _same(wanted, entries)
    return tuple(
        Asked(paragraph=name, questions=_listed(name, entries[name]), language=language)
        for name in wanted
    )


def _listed(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= _MOST:
        raise _refusal(f"{name} has not one to {_MOST} questions")
    for each in value:
        if not isinstance(each, str) or not each.rstrip().endswith("?"):
            raise _refusal(f"{name} holds something that is no question")
    return tuple(" ".join(each.split()) for each in value)


def _same(wanted: Iterable[str], given: Iterable[str]) -> None:
    odd = sorted(set(wanted) ^ set(given))
    if odd:
        raise _refusal(f"{odd[0]} is missing or strange")


def _refusal(why: str) -> BadInput:
    return BadInput(f"{_FILE} is refused", why=why)
