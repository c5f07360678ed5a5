"""What the settings tell the law about provider and service, and the gate that asks it."""

from tutela.counsel.detection import Detecting
from tutela.law.loading import Lawbook
from tutela.law.parsing import read_facts
from tutela.primitives.clock import Clock
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, Misconfigured
from tutela.wiring.settings import Settings

_OURS_TO_SAY = frozenset({"provider", "service", "counsel"})


def detecting_of(settings: Settings, database: Database, clock: Clock, book: Lawbook) -> Detecting:
    """The gate before every match, on this installation's facts and acceptances."""
    return Detecting(
        database,
        clock,
        book,
        provider=provider_facts(settings, book),
        channel=settings.detection_channel,
    )


def provider_facts(settings: Settings, book: Lawbook) -> dict[str, object]:
    """What the law asks about provider and service, from the settings; unknown is left out.

    A value the lawbook cannot read raises `Misconfigured`: it would quietly answer "no".
    """
    facts = _told(settings, book)
    for name in sorted(book.vocabulary.facts):
        if name.partition(".")[0] not in _OURS_TO_SAY:
            continue
        value = getattr(settings, name.replace(".", "_"), None)  # no setting: not known
        if value not in ("", None, ()):
            facts[name] = list(value) if isinstance(value, tuple) else value
            _require_readable(book, name, facts[name])
    return facts


def _told(settings: Settings, book: Lawbook) -> dict[str, object]:
    """The answers in the facts file; only what operator and counsel can say."""
    if settings.law_facts is None:
        return {}
    file = settings.law_facts.expanduser()
    try:
        given = read_facts(file.read_text("utf-8-sig"), where=file.name)
    except OSError as error:
        raise _unusable(f"it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _unusable("it is no UTF-8 text") from error
    except BadInput as error:
        raise _unusable(str(error).rstrip(".")) from None
    if others := sorted(name for name in given if name.partition(".")[0] not in _OURS_TO_SAY):
        raise _unusable(f"{', '.join(others)[:200]} are no facts of provider, service or counsel")
    try:
        book.vocabulary.admit(given)
    except BadInput as error:
        raise _unusable(str(error)) from None
    return {name: value for name, value in given.items() if value is not None}


def _unusable(why: str) -> Misconfigured:
    return Misconfigured(
        "TUTELA_LAW_FACTS cannot be used",
        why=why,
        remedy="Give answers by the names in docs/reference/lawbook.md, or leave it empty.",
    )


def _require_readable(book: Lawbook, name: str, value: object) -> None:
    """Ask the lawbook's vocabulary whether this is an answer to its question."""
    try:
        book.vocabulary.admit({name: value})
    except BadInput as error:
        raise Misconfigured(
            f"TUTELA_{name.replace('.', '_').upper()} cannot be used",
            why=error.why,
            remedy=f"{error.remedy} Leave it empty when that is not known.",
        ) from None
