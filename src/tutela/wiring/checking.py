"""Looking at an installation: each part is ok, missing (something must be done) or off."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tutela.adapters.blobs import known_store
from tutela.adapters.keys import PUBLIC_NAME, load_identity, load_recipient, recipient_of
from tutela.adapters.postgres import schema_state
from tutela.counsel import detection
from tutela.counsel.detection import unsaid
from tutela.evidence.key_record import require_recipient
from tutela.evidence.sealing import Seal
from tutela.law.book import Lawbook
from tutela.ledger.outward import Standing
from tutela.primitives.clock import SystemClock, iso
from tutela.primitives.database import Database
from tutela.primitives.errors import TutelaError, Unavailable
from tutela.primitives.heartbeat import worker_seen
from tutela.reporting.waiting import Concern, waiting
from tutela.wiring.disk import disks_of
from tutela.wiring.evidence_key import require_halves
from tutela.wiring.lawbook import lawbook_of
from tutela.wiring.opening import evidence_faults, existing_database_url, outward_gate
from tutela.wiring.provider import detecting_of, provider_facts
from tutela.wiring.settings import Settings, unknown_variables

_INIT = "run `tutela init`"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One part and how it stands."""

    part: str
    state: Literal["ok", "missing", "off"]
    why: str


def check_everything(settings: Settings) -> list[Check]:
    """Every part, in the order of the journey; never shows a secret's value."""
    return [
        *_variables(),
        _home(settings),
        _database(settings),
        _outward(settings),
        _keys(settings),
        _blobs(settings),
        *_evidence(settings),
        *_provider(settings),
        _detection(settings),
        _authority(settings),
        _webhook(settings),
        _decisions(settings),
        *_waiting(settings),
        _transport(settings),
        Check(
            part="outbound hosts",
            state="ok",
            why=", ".join(sorted(settings.outbound_hosts)) or "none: nothing leaves this machine",
        ),
    ]


def _variables() -> list[Check]:
    """A variable of no setting, if there is one: most likely a slip of the pen."""
    unknown = unknown_variables()
    if not unknown:
        return []
    why = "no setting has this name: " + ", ".join(unknown)
    return [Check(part="environment", state="missing", why=why)]


def _home(settings: Settings) -> Check:
    folder = settings.folder
    there = next(p for p in (folder, *folder.parents) if p.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = f"{there} is no folder that this user may write: set TUTELA_HOME"
        return Check(part="home", state="missing", why=why)
    if not folder.exists():
        return Check(part="home", state="missing", why=f"{folder} is not there yet: {_INIT}")
    full = disks_of(settings, written=False).said()
    if full != "ok":
        return Check(part="home", state="missing", why=full)
    free = shutil.disk_usage(there).free
    return Check(part="home", state="ok", why=f"{folder} ({free >> 30} GiB free)")


def _database(settings: Settings) -> Check:
    kind = "external" if settings.database_url else "embedded"
    try:
        with existing_database_url(settings) as url:
            if url is None:
                why = f"the embedded one is not made yet: {_INIT}"
                return Check(part="database", state="missing", why=why)
            present, needed = schema_state(url)
    except TutelaError as error:
        return Check(part="database", state="missing", why=str(error))
    if present == needed:
        return Check(part="database", state="ok", why=f"{kind}, schema {present}")
    return Check(
        part="database",
        state="missing",
        why=f"{kind}, schema {present or 'none'}, needs {needed}: {_INIT}",
    )


def _outward(settings: Settings) -> Check:
    """Whether reports, orders and sweeps may leave, or wait because the database looks older."""
    try:
        with _current(settings) as database:
            standing = (
                outward_gate(settings, database, SystemClock()).standing()
                if database
                else Standing()
            )
    except TutelaError as error:
        return Check(part="outward acts", state="missing", why=str(error))
    if not standing.open:
        why = f"they wait: {standing.why}. {standing.remedy}"
        return Check(part="outward acts", state="missing", why=why)
    if standing.noted is None:
        why = "the ledger's head is noted when the worker starts"
    else:
        why = f"the noted head is in the ledger (line {standing.noted.anchor.seq})"
    return Check(part="outward acts", state="ok", why=why)


@contextmanager
def _current(settings: Settings) -> Iterator[Database | None]:
    """The database as it is, when it has this program's schema; nothing is made or migrated."""
    with existing_database_url(settings) as url:
        if url is None:
            yield None
            return
        present, needed = schema_state(url)
        if present != needed:
            yield None
            return
        database = Database(url)
        try:
            yield database
        finally:
            database.close()


def _keys(settings: Settings) -> Check:
    path: Path = settings.identity_file
    try:
        if settings.evidence_recipient:
            Seal(settings.evidence_recipient)
        if path.exists():
            _require_noted(settings, recipient_of(load_identity(path)))
    except TutelaError as error:
        return Check(part="evidence key", state="missing", why=str(error))
    if not path.exists():
        if settings.evidence_identity_file:
            why = f"TUTELA_EVIDENCE_IDENTITY_FILE names {path}, and there is no such file"
            return Check(part="evidence key", state="missing", why=why)
        if settings.evidence_recipient:
            return Check(
                part="evidence key",
                state="off",
                why="only the sealing key is here: this machine can seal, not unseal",
            )
        if (settings.folder / PUBLIC_NAME).exists():
            why = f"{path} is gone, and evidence may have been sealed to it: restore it"
            return Check(part="evidence key", state="missing", why=why)
        return Check(part="evidence key", state="missing", why=f"not made yet: {_INIT}")
    return Check(part="evidence key", state="ok", why=str(path))


def _require_noted(settings: Settings, belongs: str) -> None:
    """The key is the one that was published, and the one that the database was sealed to."""
    published = settings.evidence_recipient
    if published is None and (settings.folder / PUBLIC_NAME).exists():
        published = load_recipient(settings.folder)
    if published is not None:
        require_halves(settings, published, belongs)
    with suppress(Unavailable), _current(settings) as database:  # said by the part "database"
        if database is not None:
            with database.begin() as tx:
                require_recipient(tx, belongs, source=str(settings.identity_file))


def _blobs(settings: Settings) -> Check:
    try:
        known_store(settings.blobs_url)
    except TutelaError as error:
        return Check(part="evidence store", state="missing", why=str(error))
    where = settings.blobs_url or str(settings.folder / "blobs")
    return Check(part="evidence store", state="ok", why=where)


def _evidence(settings: Settings) -> list[Check]:
    """Sealed items that could not be read back as they were, if there are any."""
    try:
        with _current(settings) as database:
            faults = evidence_faults(database) if database else 0
    except TutelaError:  # said by the part "database"
        return []
    if not faults:
        return []
    why = f"{faults} sealed items are missing or damaged: see `tutela evidence verify`"
    return [Check(part="evidence", state="missing", why=why)]


def _provider(settings: Settings) -> list[Check]:
    asked = {
        "provider_name": "reports name the service",
        "provider_established_in": "decides which country's duties bind",
        "provider_is_electronic_service": "decides the duty of 18 USC 2258A",
        "service_type": "decides the duties of the UK and the EU",
    }
    missing = [
        f"TUTELA_{name.upper()} ({why})"
        for name, why in asked.items()
        if getattr(settings, name) in ("", None)
    ]
    try:
        provider_facts(settings, lawbook_of(settings))
    except TutelaError as error:
        return [Check(part="provider", state="missing", why=str(error))]
    if missing:
        return [
            Check(
                part="provider",
                state="missing",
                why="unknown, so duties cannot be derived: " + "; ".join(missing),
            )
        ]
    return [Check(part="provider", state="ok", why=settings.provider_name)]


def _detection(settings: Settings) -> Check:
    """Whether a basis lets uploads be matched today; the warning when that ends soon."""
    try:
        book = lawbook_of(settings)
        facts = provider_facts(settings, book)
        standing = unsaid(facts, settings.detection_channel) or _asked(settings, book)
    except TutelaError as error:
        return Check(part="detection", state="missing", why=str(error))
    if not standing.allowed:
        why = f"nothing is matched: {standing.why}. {standing.remedy}"
        return Check(part="detection", state="missing", why=why)
    why = f"{settings.detection_channel}: {standing.why}"
    return Check(part="detection", state="ok", why=standing.warning or why)


def _asked(settings: Settings, book: Lawbook) -> detection.Standing:
    """The gate's own answer, with what counsel has accepted in this installation's ledger."""
    with _current(settings) as database:
        if database is None:
            why = "what counsel has accepted cannot be read before the database has its schema"
            return detection.Standing(allowed=False, why=why, remedy="See the part database above")
        return detecting_of(settings, database, SystemClock(), book).standing()


def _authority(settings: Settings) -> Check:
    if not settings.cybertip_url:
        return Check(
            part="CyberTipline",
            state="off",
            why="no TUTELA_CYBERTIP_URL: reports are composed and held, none is filed",
        )
    missing = [
        f"TUTELA_{name.upper()}"
        for name, value in {
            "cybertip_user": settings.cybertip_user,
            "cybertip_password": settings.cybertip_password.get_secret_value(),
            "reporter_email": settings.reporter_email,
        }.items()
        if not value
    ]
    if missing:
        return Check(part="CyberTipline", state="missing", why="set " + ", ".join(missing))
    return Check(part="CyberTipline", state="ok", why=settings.cybertip_url)


def _webhook(settings: Settings) -> Check:
    if not settings.platform_webhook_url:
        return Check(
            part="platform webhook",
            state="off",
            why="no TUTELA_PLATFORM_WEBHOOK_URL: a person must disable access by hand",
        )
    if not settings.platform_webhook_secret.get_secret_value():
        return Check(
            part="platform webhook", state="missing", why="set TUTELA_PLATFORM_WEBHOOK_SECRET"
        )
    return Check(part="platform webhook", state="ok", why=settings.platform_webhook_url)


def _decisions(settings: Settings) -> Check:
    part = "word of decisions to the platform"
    if not settings.platform_decisions_url:
        return Check(
            part=part,
            state="off",
            why="no TUTELA_PLATFORM_DECISIONS_URL: the platform asks with GET /v1/cases/…",
        )
    if not settings.platform_webhook_secret.get_secret_value():
        return Check(part=part, state="missing", why="set TUTELA_PLATFORM_WEBHOOK_SECRET")
    return Check(part=part, state="ok", why=settings.platform_decisions_url)


def _waiting(settings: Settings) -> list[Check]:
    """The worker, then everything that waits or fails in the background."""
    try:
        with _current(settings) as database:
            if database is None:
                why = "not known before the database has its schema"
                return [Check(part="worker", state="off", why=why)]
            now = SystemClock().now()
            with database.begin() as tx:
                seen = worker_seen(tx)
                found = waiting(tx, at=now, late_after=settings.late_after)
    except TutelaError as error:
        return [Check(part="worker", state="missing", why=str(error))]
    checks = [
        Check(part=_PARTS_THAT_WAIT[each.concern], state="missing", why=each.why) for each in found
    ]
    if any(each.concern is Concern.WORKER for each in found):
        return checks
    if seen is None:
        worker = Check(part="worker", state="off", why="none has run yet; nothing waits for it")
    elif seen.running(now):
        worker = Check(part="worker", state="ok", why=f"version {seen.version}, seen just now")
    else:
        why = f"last seen {iso(seen.seen_at)}; nothing waits for it"
        worker = Check(part="worker", state="off", why=why)
    return [worker, *checks]


_PARTS_THAT_WAIT: Mapping[Concern, str] = {
    Concern.WORKER: "worker",
    Concern.AUTHORITY: "reports under way",
    Concern.REPORTS_HELD: "held reports",
    Concern.PLATFORM: "orders under way",
    Concern.ORDERS_FAILED: "failed orders",
    Concern.ORDERS_BY_HAND: "orders for a person",
    Concern.DECISIONS_UNTOLD: "word of decisions",
}


def _transport(settings: Settings) -> Check:
    if not settings.secure_cookies and settings.staff_host not in {"127.0.0.1", "::1", "localhost"}:
        return Check(
            part="sign-in",
            state="missing",
            why="cookies without TLS on an address others can reach: set "
            "TUTELA_SECURE_COOKIES=true and put a TLS proxy in front",
        )
    return Check(part="sign-in", state="ok", why="argon2 passwords, strict cookies")
