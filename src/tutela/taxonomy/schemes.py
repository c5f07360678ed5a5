"""The schemes we know, read from `schemes.yaml` beside this file, and looking a category up."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from tutela.primitives.errors import BadInput
from tutela.taxonomy.model import Category, Label, Scheme, Sureness

_SCHEME_KEYS = {"id", "title", "owner", "editions"}
_EDITION_KEYS = {"versions", "sureness", "source", "open_ended", "multiple", "codes"}
_LABEL_KEYS = {"text", "sureness", "note"}


class _StrictLoader(yaml.SafeLoader):
    """A SafeLoader that does not let the second of two equal keys win in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001 - PyYAML's
        """The mapping, unless a key stands twice."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(keys)) != len(keys):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice")
        return super().construct_mapping(node, deep=deep)


def parse_schemes(text: str, *, where: str = "schemes") -> tuple[Scheme, ...]:
    """Read schemes from YAML, every edition of each, in the order of the text.

    Raises `BadInput`, naming the place, for anything but the shape of `schemes.yaml`: an
    unknown key, a code that is not a text, a scheme or version twice.
    """
    try:
        data = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader made stricter
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        why = getattr(error, "problem", None) or type(error).__name__
        raise BadInput(f"{where} is not readable YAML", why=why) from None
    found: dict[tuple[str, str], Scheme] = {}
    for number, raw in enumerate(_sequence(data, where), start=1):
        place = f"{where} {number}"
        fields = _mapping(raw, place, _SCHEME_KEYS)
        for edition in _sequence(fields.get("editions"), place):
            for scheme in _editions(fields, edition, place):
                if (scheme.id, scheme.version) in found:
                    raise BadInput(
                        f"{place} is refused", why=f"{scheme.id} {scheme.version} stands twice"
                    )
                found[scheme.id, scheme.version] = scheme
    return tuple(found.values())


def _editions(fields: Mapping[str, object], raw: object, place: str) -> Iterator[Scheme]:
    edition = _mapping(raw, place, _EDITION_KEYS)
    codes = edition.get("codes")
    labels = {
        _text(code, place): _label(label, f"{place} {code}")
        for code, label in _mapping(codes, place, None).items()
    }
    for version in _sequence(edition.get("versions"), place):
        scheme = Scheme(
            id=_text(fields.get("id"), place),
            version=_text(version, place),
            title=_text(fields.get("title"), place),
            owner=_text(fields.get("owner"), place),
            sureness=_sureness(edition.get("sureness"), place),
            source=_text(edition.get("source"), place),
            codes=MappingProxyType(labels),
            open_ended=_flag(edition, "open_ended", place),
            multiple=_flag(edition, "multiple", place),
        )
        for code in scheme.codes:  # each can be written and read back
            Category.parse(str(Category(scheme=scheme.id, version=scheme.version, code=code)))
        yield scheme


def _label(raw: object, place: str) -> Label:
    fields = _mapping(raw, place, _LABEL_KEYS)
    note = fields.get("note")
    return Label(
        text=_text(fields.get("text"), place),
        sureness=_sureness(fields.get("sureness"), place),
        note=_text(note, place) if note is not None else "",
    )


def _mapping(raw: object, place: str, keys: set[str] | None) -> Mapping[str, object]:
    if not isinstance(raw, dict):
        raise BadInput(f"{place} is refused", why="expected a mapping with keys")
    unknown = set(raw) - keys if keys is not None else set()
    if unknown:
        raise BadInput(f"{place} is refused", why=f"unknown key {min(map(str, unknown))}")
    return raw


def _sequence(raw: object, place: str) -> Sequence[object]:
    if not isinstance(raw, list) or not raw:
        raise BadInput(f"{place} is refused", why="expected a list that is not empty")
    return raw


def _text(raw: object, place: str) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise BadInput(
            f"{place} is refused", why="expected a text; write codes and versions in quotes"
        )
    return raw.strip()


def _flag(fields: Mapping[str, object], key: str, place: str) -> bool:
    raw = fields.get(key, False)
    if not isinstance(raw, bool):
        raise BadInput(f"{place} is refused", why=f"{key} must be true or false")
    return raw


def _sureness(raw: object, place: str) -> Sureness:
    try:
        return Sureness(_text(raw, place))
    except ValueError:
        raise BadInput(
            f"{place} is refused", why=f"sureness must be one of {', '.join(Sureness)}"
        ) from None


EDITIONS: tuple[Scheme, ...] = parse_schemes(
    (files("tutela.taxonomy") / "schemes.yaml").read_text("utf-8"), where="schemes.yaml"
)
"""Every edition of every scheme."""

SCHEMES: tuple[Scheme, ...] = tuple({edition.id: edition for edition in EDITIONS[::-1]}.values())[
    ::-1
]
"""The current edition of each scheme: the first that the file names."""


def scheme(scheme_id: str, version: str | None = None) -> Scheme:
    """The scheme in that version (default: the current one); raises `BadInput` when unknown."""
    editions = [edition for edition in EDITIONS if edition.id == scheme_id]
    if not editions:
        raise BadInput(
            "This category scheme is not known",
            remedy=f"Known are {', '.join(known.id for known in SCHEMES)}.",
        )
    for edition in editions:
        if version is None or edition.version == version:
            return edition
    raise BadInput(
        f"This version of {scheme_id} is not known",
        remedy=f"Known are {', '.join(edition.version for edition in editions)}.",
    )


def check(category: Category) -> Category:
    """The category itself; raises `BadInput` when its scheme, version or code is not known.

    An open-ended scheme takes codes beyond those named here.
    """
    edition = scheme(category.scheme, category.version)
    if category.code not in edition.codes and not edition.open_ended:
        raise BadInput(
            f"This code is not one of {edition.id} {edition.version}",
            remedy=f"Its codes are {', '.join(edition.codes)}.",
        )
    return category


def label_of(category: Category) -> Label | None:
    """What the category says; `None` when nobody told us, which is no statement about it."""
    for edition in EDITIONS:
        if (edition.id, edition.version) == (category.scheme, category.version):
            return edition.codes.get(category.code)
    return None
