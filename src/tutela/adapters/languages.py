"""The pages' languages: gettext catalogues, compiled in memory from their .po files.

English is what the source says; every other language is a folder `<code>/LC_MESSAGES` with
one catalogue for each face (domain): `console.po`, `hotline.po`, so that the public form can
speak many more languages than the console. What a catalogue lacks is shown in English.
"""

import functools
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from babel import Locale, UnknownLocaleError, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from tutela.primitives.errors import Misconfigured

SOURCE_LANGUAGE = "en"
OWN_FOLDER = Path(__file__).resolve().parent.parent / "locale"


@dataclass(frozen=True, kw_only=True, eq=False)
class Language:
    """One language the pages can speak. `direction` is ltr or rtl."""

    code: str
    name: str
    direction: str
    locale: Locale
    translations: NullTranslations

    def say(self, text: str) -> str:
        """`text` in this language."""
        return str(self.translations.ugettext(text))


def load_languages(domain: str, folders: Iterable[Path] = ()) -> Mapping[str, Language]:
    """English and every language with a catalogue of `domain` in our folder or in `folders`."""
    languages = dict(_own(domain))
    for folder in folders:
        languages |= _found(folder, domain)
    return languages


def choose(languages: Mapping[str, Language], *, wish: str | None, accepted: str) -> Language:
    """The language a person chose, else the best of the browser's `Accept-Language`."""
    if wish is not None and wish in languages:
        return languages[wish]
    wanted = [name for _, name in sorted(map(_weighed, accepted.split(",")), key=itemgetter(0))]
    known = negotiate_locale(wanted, list(languages), sep="-")
    return languages[known or SOURCE_LANGUAGE]


def _weighed(part: str) -> tuple[float, str]:
    """One wish of `Accept-Language` as (minus its weight, tag): the strongest sorts first."""
    name, _, weight = part.partition(";")
    try:
        return -float(weight.strip().removeprefix("q=") or 1), name.strip()
    except ValueError:
        return 0.0, name.strip()


@functools.cache
def _own(domain: str) -> Mapping[str, Language]:
    """The package's own languages, read once per process."""
    return {
        SOURCE_LANGUAGE: _language(SOURCE_LANGUAGE, NullTranslations()),
        **_found(OWN_FOLDER, domain),
    }


def _found(folder: Path, domain: str) -> dict[str, Language]:
    """Every catalogue of a domain in a folder."""
    files = sorted(folder.glob(f"*/LC_MESSAGES/{domain}.po"))
    return {
        file.parent.parent.name: _language(file.parent.parent.name, _compiled(file))
        for file in files
    }


def _language(code: str, translations: NullTranslations) -> Language:
    """A language with the name its own speakers give it."""
    try:
        locale = Locale.parse(code, sep="-" if "-" in code else "_")
    except (ValueError, UnknownLocaleError) as error:
        raise Misconfigured("A catalogue's folder is not named after a language") from error
    right_to_left = locale.character_order == "right-to-left"
    return Language(
        code=code.replace("_", "-"),
        name=locale.get_display_name() or code,
        direction="rtl" if right_to_left else "ltr",
        locale=locale,
        translations=translations,
    )


def _compiled(file: Path) -> Translations:
    """The catalogue in the form gettext reads."""
    with file.open("rb") as source:
        catalogue = read_po(source)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled, domain=file.stem)
