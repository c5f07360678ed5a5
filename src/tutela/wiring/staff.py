"""The staff process: the reviewers' console and the platform's API, one application."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI

from tutela.accounts.keys import actor_of
from tutela.accounts.model import Actor
from tutela.api.app import build as build_api
from tutela.api.parts import ApiParts
from tutela.console.app import build as build_console
from tutela.console.parts import ConsoleParts
from tutela.primitives.errors import Unavailable
from tutela.primitives.redacted import Redacted
from tutela.reporting.reports import CYBERTIP
from tutela.wiring.building import Parts, open_parts, provider_facts
from tutela.wiring.settings import Settings

_REFRESH_SECONDS = 1.0
_LOG = structlog.get_logger()


@contextmanager
def staff_app(settings: Settings) -> Iterator[FastAPI]:
    """The application of the staff process; its index follows the lists while it runs."""
    with open_parts(settings, pool_size=10) as parts, _following(parts):
        app = build_api(_api_parts(parts))
        app.mount("/", _console(parts), name="console")
        yield app


def _api_parts(parts: Parts) -> ApiParts:
    def authenticate(key: Redacted[str]) -> Actor | None:
        with parts.database.begin() as tx:
            return actor_of(tx, key)

    return ApiParts(
        intake=parts.intake,
        database=parts.database,
        clock=parts.clock,
        authenticate=authenticate,
        index_state=parts.matcher.state,
        max_upload_bytes=parts.settings.max_upload_bytes,
        requests_per_minute=parts.settings.api_requests_per_minute,
        countries=parts.book.vocabulary.countries,
    )


def _console(parts: Parts) -> FastAPI:
    settings = parts.settings
    return build_console(
        ConsoleParts(
            database=parts.database,
            blobs=parts.blobs,
            unsealer=parts.unsealer,
            media=parts.jail,
            clock=parts.clock,
            book=parts.book,
            session_hours=settings.session_hours,
            sign_in_attempts=settings.sign_in_attempts,
            secure_cookies=settings.secure_cookies,
            demo=settings.demo,
            provider=provider_facts(settings, parts.book),
            authority_name=CYBERTIP if settings.cybertip_url else "",
            authority_is_sandbox=_is_sandbox(settings),
        )
    )


def _is_sandbox(settings: Settings) -> bool:
    """A loopback authority can only be the sandbox."""
    host = urlsplit(settings.cybertip_url or "").hostname
    return host in {"127.0.0.1", "::1", "localhost"}


@contextmanager
def _following(parts: Parts) -> Iterator[None]:
    """Keep the index at the lists' newest change; a database that is away is tried again."""
    ended = threading.Event()

    def follow() -> None:
        while not ended.wait(_REFRESH_SECONDS):
            try:
                parts.matcher.refresh()
            except Unavailable as error:
                _LOG.warning("index_refresh_waits", why=error.what)

    thread = threading.Thread(target=follow, name="index", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
