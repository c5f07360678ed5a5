"""The faces of the staff process and the public process, put together from their parts."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI

from tutela.api.app import build as build_api
from tutela.api.parts import ApiParts
from tutela.console.app import build as build_console
from tutela.console.parts import ConsoleParts
from tutela.hotline.app import HotlineParts
from tutela.hotline.app import build as build_hotline
from tutela.primitives.clock import SystemClock
from tutela.reporting.reports import CYBERTIP
from tutela.wiring.building import Parts
from tutela.wiring.disk import disks_of
from tutela.wiring.lookups import lookup_workers
from tutela.wiring.provider import provider_facts
from tutela.wiring.public import public_parts
from tutela.wiring.settings import Settings
from tutela.wiring.staff import authenticated, staff_parts


@contextmanager
def open_staff(settings: Settings) -> Iterator[FastAPI]:
    """Console and API, with the lookup processes beside them."""
    with staff_parts(settings) as parts, lookup_workers(settings):
        app = build_api(_api(parts))
        app.mount("/", build_console(_console(parts)), name="console")
        yield app


@contextmanager
def open_public(settings: Settings) -> Iterator[FastAPI]:
    """The public form."""
    with public_parts(settings) as parts:
        yield build_hotline(
            HotlineParts(
                database=parts.database,
                seal=parts.seal,
                clock=SystemClock(),
                service_name=settings.provider_name,
                trusted_proxies=settings.trusted_proxies,
                disk=disks_of(settings, written=False).said,
            )
        )


def _api(parts: Parts) -> ApiParts:
    return ApiParts(
        intake=parts.intake,
        database=parts.database,
        unsealer=parts.unsealer,
        clock=parts.clock,
        authenticate=lambda key: authenticated(parts, key),
        index_state=parts.lists.state,
        attention=parts.attention,
        disk=disks_of(parts.settings).said,
        max_upload_bytes=parts.settings.max_upload_bytes,
        requests_per_minute=parts.settings.api_requests_per_minute,
        countries=parts.book.vocabulary.countries,
        book=parts.book,
        decoders=parts.settings.decoders,
    )


def _console(parts: Parts) -> ConsoleParts:
    settings = parts.settings
    return ConsoleParts(
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
        detecting=parts.detecting,
        outward=parts.outward,
        waits=parts.waits.announced,
        evidence_faults=parts.evidence_faults,
        authority_name=CYBERTIP if settings.cybertip_url else "",
        trusted_proxies=settings.trusted_proxies,
    )
