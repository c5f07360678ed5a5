"""What a row that cannot be taken still names: any hash and any record that can be made out."""

from collections.abc import Iterable

from tutela.indicators.formats.texts import is_name
from tutela.indicators.model import Identity, SignalKind
from tutela.indicators.signals import NotAHash, value_of

_READABLE = tuple(kind for kind in SignalKind if kind is not SignalKind.OTHER)


def hashes_in(text: str, *, external_id: str = "") -> tuple[Identity, ...]:
    """Every hash that this text can be, whatever kind the row gives it: 32 digits are an MD5."""
    found = []
    for kind in _READABLE:
        try:
            value = value_of(kind, text.strip())
        except NotAHash:
            continue
        found.append(Identity(external_id=external_id, kind=kind, value=value))
    return tuple(found)


def records_in(texts: Iterable[str]) -> tuple[Identity, ...]:
    """Every record that one of these texts can name."""
    stripped = dict.fromkeys(text.strip() for text in texts)
    return tuple(Identity(external_id=text) for text in stripped if text and is_name(text))


def anything_in(cells: Iterable[str]) -> tuple[Identity, ...]:
    """Every hash and record in cells of which nobody knows any more which column is which."""
    given = [cell for cell in cells if cell.strip()]
    hashes = [identity for cell in given for identity in hashes_in(cell)]
    return (*hashes, *records_in(given))
