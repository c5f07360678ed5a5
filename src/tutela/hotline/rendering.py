"""The form's pages in the reader's language: one Jinja environment for each catalogue.

No cookie remembers the language: a choice travels in the address (`?lang=`), else the browser's
own wish counts.
"""

import functools
from datetime import datetime
from pathlib import Path

from babel.dates import format_datetime
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from tutela.adapters.languages import Language, choose, load_languages
from tutela.primitives.clock import iso

_FOLDER = Path(__file__).resolve().parent / "templates"


class Renderer:
    """Draws the templates of one form."""

    def __init__(self, *, service_name: str, locales: tuple[Path, ...] = ()) -> None:
        """Load catalogues and templates once."""
        self._service_name = service_name
        self._languages = load_languages("hotline", locales)

    def page(self, request: Request, template: str, status: int = 200, **facts: object) -> Response:
        """One whole page."""
        wish = request.query_params.get("lang")
        language = choose(
            self._languages, wish=wish, accepted=request.headers.get("accept-language", "")
        )
        html = (
            _environment(language)
            .get_template(template)
            .render(
                **facts,
                language=language,
                languages=self._languages,
                kept=f"?lang={wish}" if wish in self._languages else "",
                path=request.url.path if request.url.path in {"/", "/status"} else "/",
                may_switch=request.method == "GET",  # else what was sent or shown would be lost
                service_name=self._service_name,
            )
        )
        return HTMLResponse(html, status_code=status)


@functools.cache
def _environment(language: Language) -> Environment:
    """Templates in one language. A name that is not given is an error, not an empty string."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]

    def moment(at: datetime) -> str:
        return format_datetime(at, "d MMM y, HH:mm", locale=language.locale) + " UTC"

    environment.filters.update(said=language.say, moment=moment, iso=iso)
    return environment
