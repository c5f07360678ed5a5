"""The worker process: takes follow-up jobs, files reports, orders, preserves, until it is ended."""

import gc
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from tutela.adapters.blobs import open_blobs
from tutela.adapters.cybertip import CyberTiplineChannel
from tutela.adapters.webhook import Webhook
from tutela.evidence.verifying import Verifier
from tutela.law.book import Lawbook
from tutela.ledger.outward import OutwardGate
from tutela.primitives.clock import Clock, SystemClock
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, Conflict, Unavailable
from tutela.primitives.redacted import Redacted
from tutela.reporting.desk import Desk, ProviderProfile
from tutela.reporting.exclusivity import Place
from tutela.review.viewing import viewed_entirely
from tutela.wiring.disk import disks_of
from tutela.wiring.evidence_key import checked_pair, reference_key
from tutela.wiring.lawbook import lawbook_of
from tutela.wiring.opening import database_url, open_database, outward_gate
from tutela.wiring.provider import detecting_of, provider_facts
from tutela.wiring.settings import Settings, load_settings
from tutela.workflows import engine
from tutela.workflows.parts import AT_ONCE, Pace, Parts
from tutela.workflows.relaying import relay
from tutela.workflows.verifying_rounds import EvidenceRounds

log = structlog.get_logger()
_TAKE_OVER_SECONDS = 10.0
_PACE_PER_POLL = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Worked:
    """What one run of the worker did.

    `waiting`: stories that go on at the next start. `stuck`: steps that did not end in time;
    the process must be ended hard, and their work goes on at the next start as well.
    """

    jobs: int
    waiting: int
    stuck: int


def run_worker(
    settings: Settings | None = None,
    *,
    once: bool = False,
    stop: threading.Event | None = None,
    book: Lawbook | None = None,
) -> Worked:
    """Work until SIGTERM or SIGINT, until `stop` is set, or (`once`) until nothing moves.

    Raises `Conflict` when another worker runs on the same database.
    """
    settings = settings or load_settings()
    stop = stop or threading.Event()
    with ExitStack() as stack:
        stack.enter_context(_signals(stop))
        url = stack.enter_context(database_url(settings))
        database = stack.enter_context(open_database(settings, pool_size=2 * AT_ONCE + 4))
        stay_alone = stack.enter_context(_only_one(database, stop))
        outward = outward_gate(settings, database, SystemClock())
        stack.callback(_note_head, outward)
        desk = _desk(
            stack,
            settings,
            database,
            stop=stop,
            book=book or lawbook_of(settings),
            outward=outward,
        )
        parts = Parts(
            desk=desk,
            platform=_platform(stack, settings, outward),
            decisions=_decisions(stack, settings, outward),
            outward=outward,
            pace=_pace(settings),
            late_after=settings.late_after,
            verify=_verifying(settings, desk),
            detecting=detecting_of(settings, database, desk.clock, desk.book),
        )
        gc.freeze()  # the lawbook and the libraries stay: no step waits for a search among them
        stack.enter_context(engine.started(url, parts))
        relayed = relay(
            parts,
            poll_seconds=settings.worker_poll_seconds,
            once=once,
            stay_alone=stay_alone,
        )
        log.info("worker_ends", jobs=relayed.jobs, waiting=relayed.waiting)
    return Worked(jobs=relayed.jobs, waiting=relayed.waiting, stuck=len(parts.running))


def _verifying(settings: Settings, desk: Desk) -> Callable[[], None]:
    """Reads some of the evidence back at each call, and says when a disk cannot take more."""
    verifier = Verifier(desk.database, desk.blobs, desk.unsealer, desk.clock, actor="system")
    rounds = EvidenceRounds(
        desk.database,
        verifier,
        desk.clock,
        pause=timedelta(days=settings.evidence_verify_days),
    )
    disks = disks_of(settings)

    def work() -> None:
        for place, why in disks.look().items():
            log.error("disk_cannot_take_more", place=place, why=why)
        rounds.work()

    return work


def _note_head(outward: OutwardGate) -> None:
    """At the end: what was written since the last note is noted, so that an end loses nothing."""
    try:
        outward.look()
    except (Unavailable, BadInput) as away:
        log.warning("head_not_noted", why=away.what)


def _desk(
    stack: ExitStack,
    settings: Settings,
    database: Database,
    *,
    stop: threading.Event,
    book: Lawbook,
    outward: OutwardGate,
) -> Desk:
    clock = SystemClock()
    blobs = open_blobs(settings.blobs_url, home=settings.folder)
    seal, unsealer = checked_pair(settings, database, blobs)
    reference_key(settings, database, seal)  # seals what earlier versions stored in plain
    return Desk(
        database=database,
        clock=clock,
        book=book,
        provider=provider_facts(settings, book),
        profile=ProviderProfile(
            name=settings.provider_name,
            reporter_email=Redacted(settings.reporter_email),
            reporter_first_name=Redacted(settings.reporter_first_name),
            reporter_last_name=Redacted(settings.reporter_last_name),
            terms_url=settings.terms_url,
        ),
        authority=_authority(stack, settings, clock, outward),
        outward=outward,
        pinned_schema_sha256=settings.cybertip_xsd_sha256,
        blobs=blobs,
        unsealer=unsealer,
        viewed_entirely=viewed_entirely,
        stop=stop,
    )


def _authority(
    stack: ExitStack, settings: Settings, clock: Clock, outward: OutwardGate
) -> CyberTiplineChannel | None:
    if not settings.cybertip_url:
        log.warning("no_authority_configured")
        return None
    return stack.enter_context(
        CyberTiplineChannel(
            base_url=settings.cybertip_url,
            username=settings.cybertip_user,
            password=Redacted(settings.cybertip_password.get_secret_value()),
            clock=clock,
            outward=outward,
        )
    )


def _platform(stack: ExitStack, settings: Settings, outward: OutwardGate) -> Webhook | None:
    if not settings.platform_webhook_url:
        log.warning("no_platform_configured")
        return None
    return _webhook(stack, settings, settings.platform_webhook_url, outward)


def _decisions(stack: ExitStack, settings: Settings, outward: OutwardGate) -> Webhook | None:
    if not settings.platform_decisions_url:
        return None
    return _webhook(stack, settings, settings.platform_decisions_url, outward)


def _webhook(stack: ExitStack, settings: Settings, url: str, outward: OutwardGate) -> Webhook:
    secret = Redacted(settings.platform_webhook_secret.get_secret_value())
    webhook = Webhook(url, secret, outward=outward)
    stack.callback(webhook.close)
    return webhook


def _pace(settings: Settings) -> Pace:
    return Pace(first=timedelta(seconds=_PACE_PER_POLL * settings.worker_poll_seconds))


@contextmanager
def _only_one(database: Database, stop: threading.Event) -> Iterator[Callable[[], None]]:
    """One worker per database; the next one waits a moment for the one before it to be gone.

    What is yielded takes the lock anew when its connection has broken (the database was
    started again, or ended an idle connection), and raises `Conflict` when another worker
    was quicker.
    """
    place = Place(database, "worker")

    def stay_alone() -> None:
        if not place.take():
            raise _another()

    until = time.monotonic() + _TAKE_OVER_SECONDS
    try:
        while not place.take():
            if time.monotonic() > until or stop.wait(0.2):
                raise _another()
        yield stay_alone
    finally:
        place.leave()


def _another() -> Conflict:
    return Conflict(
        "Another worker runs on this database",
        why="it holds the worker's lock",
        remedy="End it first, or leave the work to it.",
    )


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT end the worker in order; only the main thread can listen to them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = (signal.SIGTERM, signal.SIGINT)
    before = {name: signal.signal(name, lambda *_: stop.set()) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
