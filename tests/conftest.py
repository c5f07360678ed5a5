"""Fixtures for all rooms: a real PostgreSQL, a clock that stands still, paths."""

import gc
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tutela.accounts import passwords
from tutela.adapters.postgres import embedded, migrate
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job hands that down
    signal.signal(signal.SIGINT, signal.default_int_handler)  # …and Ctrl-C is tested in children
gc.disable()  # until all tests are collected: what is loaded stays
# A busy machine is no fault of what is tested: no property is held to a time.
settings.register_profile("tutela", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tutela")
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
REPOSITORY = Path(__file__).resolve().parent.parent

_ROOM_BYTES = 4 << 30
LONG = (
    "demo/test_demo_once.py",
    "console/test_console_browser.py",
    "demo/test_demo_under_way.py",
    "cli/test_faces_bounded.py",
    "cli/test_faces_fair.py",
    "console/test_console_law_browser.py",
    "video/test_follow_command.py",
    "workflows/test_worker_killed.py",
    "reporting/test_filing_acts.py",
    "video/test_video_matching.py",
    "workflows/test_stories_end_to_end.py",
    "cli/test_hash_command.py",
    "video/test_video_hostile.py",
    "index/test_index_exactness.py",
    "index/test_index_prefix.py",
    "index/test_index_sweeping.py",
    "hashing/test_drawn_pictures.py",
    "review/test_clusters_waiting.py",
    "primitives/test_kernels.py",
    "intake/test_intake_fast.py",
    "wiring/test_lookup_workers.py",
    "adapters/media/test_media_jail.py",
    "console/test_console_case.py",
)
"""The files that take longest come first: each runs in one process (`--dist=loadfile`), and none
may begin when all others have ended."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files of `LONG` to the front, and leave the chance order within all else."""
    first = {REPOSITORY / "tests" / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: first.get(item.path, len(LONG)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """On a CI machine a test that is skipped because a part is missing has failed.

    A green run without Chromium or the outside schemas would say more than was tested. This
    holds for the skip of a whole module, too (`pytest_make_collect_report`).
    """
    report = yield
    return _refused_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself while it is collected."""
    report = yield
    return _refused_skip(report)


def _refused_skip(report: Report) -> Report:
    """The report, failed where a CI machine was about to skip."""
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"CI=true and a part is missing. {reason}"
    return report


@pytest.hookimpl
def pytest_collection_finish() -> None:
    """Search less often for unused rings of objects: the lawbook and the libraries are many.

    What is loaded by now stays to the end, so it is left out of every search.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The owner's URL of one embedded server for the whole test run."""
    folder = Path(tempfile.mkdtemp(prefix="tutela-tests-", dir=_in_memory()))
    folder.chmod(0o755)
    with embedded(folder / "postgres") as url:
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as admin:  # tests need no durability, only the real thing
            admin.execute(text("ALTER SYSTEM SET fsync = off"))
            admin.execute(text("ALTER SYSTEM SET synchronous_commit = off"))
            admin.execute(text("SELECT pg_reload_conf()"))
        engine.dispose()
        yield url
    shutil.rmtree(folder, ignore_errors=True)


def _in_memory() -> Path | None:
    """A folder in memory if there is one with room: databases are copied there in no time."""
    shared = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    roomy = shared.is_dir() and shutil.disk_usage(shared).free > _ROOM_BYTES
    return shared if roomy and os.access(shared, os.W_OK) else None


@pytest.fixture(scope="session")
def template(postgres: str) -> str:
    """Name of a migrated database that each test's own is copied from."""
    migrate(postgres)
    return str(make_url(postgres).database)


@pytest.fixture
def database_url(postgres: str, template: str) -> Iterator[str]:
    """URL of a database of this test's own, with today's schema and no rows."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    engine = create_engine(
        make_url(postgres).set(database="postgres"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as admin:
        admin.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
    yield make_url(postgres).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as admin:
        admin.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A `Database` on the test's own database."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real algorithm at its lowest cost: the cost itself is proven in tests/accounts."""
    monkeypatch.setattr(
        passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    )


@pytest.fixture
def clock() -> FixedClock:
    """Stands at 2026-11-21 12:00 UTC until a test moves it."""
    return FixedClock(at=datetime(2026, 11, 21, 12, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def schemas() -> Path:
    """The folder of outside schemas; tests that need it are skipped when it is absent."""
    folder = Path(os.environ.get("TUTELA_SCHEMAS", REPOSITORY.parent / "shared" / "schemas"))
    if not folder.is_dir():
        pytest.skip(f"the outside schemas are not at {folder}; set TUTELA_SCHEMAS")
    return folder
