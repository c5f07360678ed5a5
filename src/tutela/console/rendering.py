"""From facts to HTML: one Jinja environment, escaping always, the language per request."""

import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from babel.dates import format_datetime, format_timedelta
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment
from markupsafe import Markup, escape
from starlette.responses import Response

from tutela.accounts.model import Permission, Session
from tutela.accounts.permissions import may
from tutela.adapters.languages import Language, choose, load_languages
from tutela.console import protecting
from tutela.console.parts import ConsoleParts
from tutela.console.words import WORDS
from tutela.indicators.reasons import DIGEST_NAMES
from tutela.law.countries import Jurisdiction
from tutela.oversight import drawing
from tutela.primitives.clock import iso
from tutela.primitives.redacted import Redacted
from tutela.review import viewing
from tutela.review.model import Exposure

_COMMAND = re.compile("`([^`]+)`")
_FOLDERS = (Path(__file__).resolve().parent / "templates", drawing.TEMPLATES)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One signed-in person on one page. `token` ends or rotates the session."""

    session: Session
    token: Redacted[str]
    exposure: Exposure


class Renderer:
    """Draws the templates for one set of parts."""

    def __init__(self, parts: ConsoleParts) -> None:
        """Load catalogues and templates once."""
        self._parts = parts
        self.languages = load_languages("console", parts.locales)
        self._environments = {
            code: _environment(language) for code, language in self.languages.items()
        }

    def language(self, request: Request) -> Language:
        """The language of this request: `?lang=`, then the cookie, then the browser's wish."""
        name = protecting.cookie_name(protecting.LANGUAGE, secure=self._parts.secure_cookies)
        wish = request.query_params.get("lang")
        if wish not in self.languages:
            wish = request.cookies.get(name)
        return choose(
            self.languages, wish=wish, accepted=request.headers.get("accept-language", "")
        )

    def page(
        self,
        request: Request,
        template: str,
        *,
        visit: Visit | None = None,
        status: int = 200,
        **facts: object,
    ) -> Response:
        """One whole page."""
        language = self.language(request)
        html = (
            self._environments[_code(self.languages, language)]
            .get_template(template)
            .render(
                **facts,
                visit=visit,
                can=_abilities(visit),
                language=language,
                languages=self.languages,
                parts=self._parts,
                path=request.url.path,
                may_switch=request.method == "GET" or request.url.path == "/sign-in",
                now=self._parts.clock.now(),
                pause_after=viewing.PAUSE_AFTER_VIEWS,
            )
        )
        response = HTMLResponse(html, status_code=status)
        if request.query_params.get("lang") in self.languages:
            protecting.remember_language(
                response, request.query_params["lang"], secure=self._parts.secure_cookies
            )
        return response


def _code(languages: Mapping[str, Language], language: Language) -> str:
    """The key under which a language was loaded."""
    return next(code for code, known in languages.items() if known is language)


def _abilities(visit: Visit | None) -> Mapping[str, bool]:
    """What the navigation and the forms may offer; the routes check again."""
    if visit is None:
        return dict.fromkeys((permission.name for permission in Permission), False)
    return {
        permission.name: may(visit.session.actor, permission).allowed for permission in Permission
    }


@functools.cache
def _environment(language: Language) -> Environment:
    """Templates in one language. A name that is not given is an error, not an empty string."""
    environment = drawing.environment(_FOLDERS, language, WORDS)

    def moment(at: datetime) -> str:
        return format_datetime(at, "d MMM y, HH:mm", locale=language.locale) + " UTC"

    def ago(at: datetime, now: datetime) -> str:
        return format_timedelta(at - now, add_direction=True, locale=language.locale)

    def seconds(number: int) -> str:
        if number < 60:  # noqa: PLR2004 - a minute
            return format_timedelta(
                timedelta(seconds=number),
                granularity="second",
                threshold=60,
                locale=language.locale,
            )
        minutes, rest = divmod(number, 60)
        return f"{minutes}:{rest:02d} min"

    def by_name(places: Iterable[Jurisdiction]) -> list[Jurisdiction]:
        return sorted(places, key=lambda one: _letters(territories.get(one.code, one.code)))

    territories = language.locale.territories
    environment.filters.update(
        moment=moment, seconds=seconds, iso=iso, by_name=by_name, commands=commands
    )
    environment.globals.update(
        ago=ago, digest_names=DIGEST_NAMES, longest_view=viewing.LONGEST_VIEW
    )
    return environment


def commands(text: str) -> Markup:
    """A sentence whose commands, in backticks, are set as commands; all else is escaped."""
    return Markup(_COMMAND.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped


def _letters(name: str) -> str:
    """A name without accents, so that Österreich stands among the names with O."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    return "".join(each for each in apart if not unicodedata.combining(each))
