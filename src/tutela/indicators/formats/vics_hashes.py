"""The hashes of a VICS medium: under their own names, or one level down."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tutela.indicators.formats.texts import is_name
from tutela.indicators.model import Identity, SignalKind
from tutela.indicators.signals import NotAHash, value_of

DIRECT = {
    "MD5": SignalKind.MD5,
    "SHA1": SignalKind.SHA1,
    "SHA256": SignalKind.SHA256,
    "PhotoDNA": SignalKind.PHOTODNA,
}
_BY_NAME = {
    "pdq": SignalKind.PDQ,
    "md5": SignalKind.MD5,
    "sha1": SignalKind.SHA1,
    "sha256": SignalKind.SHA256,
    "photodna": SignalKind.PHOTODNA,
    "pdna": SignalKind.PHOTODNA,
}
NESTED = ("AlternativeHashes", "Hashes", "MediaHashes", "FileHashes")
"""Where a medium keeps hashes one level down: `{"MD5": …}`, or named ones as a list or alone."""
_NAME_KEYS, _VALUE_KEYS = ("HashName", "Name", "Type", "Algorithm"), ("HashValue", "Value")
HASH_KEYS = frozenset({*DIRECT, *_NAME_KEYS, *_VALUE_KEYS, "PDQ"})
_EXACT = frozenset({SignalKind.MD5, SignalKind.SHA1, SignalKind.SHA256})


def named(medium: Mapping[str, Any]) -> tuple[Identity, ...]:
    """The hashes of a medium that can be read."""
    return tuple(Identity(kind=kind, value=value) for kind, value in read(medium)[0])


def read(
    medium: Mapping[str, Any],
) -> tuple[list[tuple[SignalKind, bytes]], list[tuple[SignalKind, str]]]:
    """The hashes of a medium, MD5 first, and those that cannot be taken with the reason."""
    values, refused = [], []
    for kind, label, text in hashes(medium):
        try:
            values.append((kind, _bytes_of(kind, label, text)))
        except NotAHash as error:
            refused.append((kind, str(error)))
    refused += [
        (SignalKind.OTHER, f"{key} holds no list of hashes")
        for key in NESTED
        if not isinstance(medium.get(key), list | type(None))
    ]
    return list(dict.fromkeys(values)), refused


def hashes(medium: Mapping[str, Any]) -> Iterator[tuple[SignalKind, str, object]]:
    """Kind, name and text of each hash that is given, MD5 first."""
    found = [*_direct(medium)]
    for key in NESTED:
        nested = medium.get(key)
        for other in nested if isinstance(nested, list) else []:
            found += _one_level_down(other, key)
    files = medium.get("MediaFiles")
    if not any(kind in _EXACT for kind, _, _ in found) and isinstance(files, list):
        found += [each for file in files for each in _direct(file)]  # copies of the same bytes
    yield from sorted(found, key=lambda each: each[0] is not SignalKind.MD5)


def _direct(holder: Mapping[str, object]) -> Iterator[tuple[SignalKind, str, object]]:
    """The hashes that stand under their own names."""
    for key, kind in DIRECT.items():
        if holder.get(key) not in (None, ""):
            yield kind, "", holder[key]


def _one_level_down(
    other: Mapping[str, object], key: str
) -> Iterator[tuple[SignalKind, str, object]]:
    """`{HashName, HashValue}`, or hashes under their own names.

    In `AlternativeHashes` the MD5 beside a named hash is the medium's own, and no further one.
    """
    name = next((other[each] for each in _NAME_KEYS if other.get(each)), None)
    if name is None and key != "AlternativeHashes":
        yield from _direct(other)
        if other.get("PDQ"):
            yield SignalKind.PDQ, "pdq", other["PDQ"]
        return
    label = name.strip().lower() if isinstance(name, str) else ""
    plain = re.sub(r"[^a-z0-9]", "", label)
    value = next((other[each] for each in _VALUE_KEYS if other.get(each)), None)
    yield _BY_NAME.get(plain, SignalKind.OTHER), label, value


def _bytes_of(kind: SignalKind, label: str, text: object) -> bytes:
    """The bytes of a hash; one of a kind we cannot read is kept as `name:text`."""
    if not isinstance(text, str) or not text:
        raise NotAHash("it is not a text")
    if kind is not SignalKind.OTHER:
        return value_of(kind, text.strip())
    if not label or not is_name(label, most=40):
        raise NotAHash("it has no usable HashName")
    return value_of(kind, f"{label}:{text}")
