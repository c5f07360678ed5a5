"""One Jinja environment for pages about the law, whoever shows them: a process or a folder."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from babel import Locale
from babel.numbers import format_decimal, format_percent
from babel.support import NullTranslations
from babel.units import format_unit
from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).resolve().parent / "templates"
_UNITS = {
    "h": "duration-hour",
    "d": "duration-day",
    "m": "duration-month",
    "y": "duration-year",
}


class Tongue(Protocol):
    """A language that pages can speak. `direction` is ltr or rtl."""

    def __hash__(self) -> int:
        """Templates are kept by language."""
        ...

    @property
    def code(self) -> str:
        """The language's tag."""
        ...

    @property
    def direction(self) -> str:
        """Which way it is written."""
        ...

    @property
    def locale(self) -> Locale:
        """Its numbers, units and names of countries."""
        ...

    @property
    def translations(self) -> NullTranslations:
        """Its catalogue."""
        ...

    def say(self, text: str) -> str:
        """`text` in this language."""
        ...


def environment(
    folders: Iterable[Path], language: Tongue, words: Mapping[str, Mapping[str, str]]
) -> Environment:
    """Templates in one language. A name that is not given is an error, not an empty string."""
    made = Environment(
        loader=FileSystemLoader(list(folders)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    made.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]

    def word(group: str, key: object) -> str:
        return language.say(words[group][str(key)])

    made.filters.update(
        said=language.say,
        number=lambda value: format_decimal(value, locale=language.locale),
        percent=lambda share: percent(share, language),
    )
    made.globals.update(word=word, period=lambda count, unit: period(count, unit, language))
    return made


def percent(share: float, language: Tongue) -> str:
    """Whole percents; 0 and 100 only when it is exactly so."""
    shown = min(max(share, 0.01), 0.99) if 0 < share < 1 else share
    return str(format_percent(shown, locale=language.locale))


def period(count: int, unit: str, language: Tongue) -> str:
    """A legal period in words; `unit` as in the lawbook: h, d, m, y."""
    return str(format_unit(count, _UNITS[unit], length="long", locale=language.locale))
