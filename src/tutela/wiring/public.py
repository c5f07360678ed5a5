"""The public process: the form and the sealing key, nothing that could read or decide."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI

from tutela.adapters.keys import ensure_evidence_key
from tutela.evidence.sealing import Seal
from tutela.hotline.app import HotlineParts, build
from tutela.primitives.clock import SystemClock
from tutela.wiring.opening import open_database
from tutela.wiring.settings import Settings


@contextmanager
def public_app(settings: Settings) -> Iterator[FastAPI]:
    """The application of the public process, with its database open."""
    recipient = settings.evidence_recipient or ensure_evidence_key(settings.folder)
    with open_database(settings) as database:
        yield build(
            HotlineParts(
                database=database,
                seal=Seal(recipient),
                clock=SystemClock(),
                service_name=settings.provider_name,
            )
        )
