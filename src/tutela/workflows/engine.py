"""The engine under the stories: DBOS on the same PostgreSQL, schema `dbos`, nothing else.

No broker, no second service, no host but the database's: conductor and telemetry export stay
off. What the engine stores (a job's subject, the results of steps) is JSON and holds
identifiers only.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID, WorkflowStatusString
from dbos import error as dbos_errors
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from tutela.primitives.clock import iso
from tutela.primitives.database import driver_errors
from tutela.primitives.errors import Misconfigured, Unavailable
from tutela.primitives.events import FollowUp
from tutela.workflows.filing import report_story
from tutela.workflows.parts import Parts, using
from tutela.workflows.preserving import preserve_story
from tutela.workflows.restricting import restrict_story
from tutela.workflows.telling import tell_story

log = structlog.get_logger()

NAME = "tutela"
SCHEMA = "dbos"
STORIES_VERSION = "tutela-stories-1"
"""Raise the number when the order of a story's steps changes. It is not the program's version:
after an upgrade the stories that the old program left must go on."""

EXECUTOR = "local"
"""One name for every start, so that a start takes up what the process before it left."""

STORIES: Mapping[str, Callable[[str], str]] = {
    "report": report_story,
    "restrict": restrict_story,
    "preserve": preserve_story,
    "tell_decision": tell_story,
}
"""The story of each kind of follow-up job; its argument is the job's subject."""

_UNFINISHED = [
    status.value
    for status in (
        WorkflowStatusString.PENDING,
        WorkflowStatusString.ENQUEUED,
        WorkflowStatusString.DELAYED,
    )
]
_ENDED = [
    status.value
    for status in (
        WorkflowStatusString.SUCCESS,
        WorkflowStatusString.ERROR,
        WorkflowStatusString.CANCELLED,
        WorkflowStatusString.MAX_RECOVERY_ATTEMPTS_EXCEEDED,
    )
]
_GRACE_SECONDS = 10.0
_CLOUD = "DBOS__CLOUD"


@contextmanager
def started(url: str, parts: Parts) -> Iterator[None]:
    """Run the engine on the database at `url`; unfinished stories go on by themselves.

    At the end the stories are asked to stop: those that wait stop at once, steps that run come to
    their end (up to ten seconds), and all of them go on at the next start.
    """
    if os.environ.get(_CLOUD):
        raise Misconfigured(
            "The engine must not run as a cloud service",
            why=f"{_CLOUD} is set, which connects it to a host outside",
            remedy=f"Unset {_CLOUD}.",
        )
    engine = create_engine(
        url,
        pool_size=8,
        max_overflow=8,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"connect_timeout": 10, "application_name": "tutela-worker"},
    )
    config: DBOSConfig = {
        "name": NAME,
        "system_database_url": url,
        "system_database_engine": engine,
        "dbos_system_schema": SCHEMA,
        "application_version": STORIES_VERSION,
        "executor_id": EXECUTOR,
        "serializer": DBOSPortableJSONSerializer(),
        "log_level": "WARNING",
        "console_log_level": "WARNING",
        "enable_otlp": False,
    }
    with using(parts):
        try:
            _log_like_the_rest()
            DBOS(config=config)
            try:
                DBOS.launch()
            except DBAPIError as error:
                raise Unavailable(
                    "The engine did not start", why="the database did not answer as needed"
                ) from error
            yield
        finally:
            parts.end()
            _settled(parts)
            DBOS.destroy()
            engine.dispose()


def begin(job: FollowUp) -> bool:
    """Hand a job to its story; a job handed over twice is one story. False: no such story.

    Raises `Unavailable` when the engine cannot reach the database.
    """
    tell = STORIES.get(job.kind)
    if tell is None:
        return False
    with SetWorkflowID(job.id), driver_errors():
        DBOS.start_workflow(tell, job.subject)
    return True


def unfinished() -> int:
    """How many stories have not ended, wherever they stand; raise `Unavailable`."""
    with driver_errors():
        return len(DBOS.list_workflows(status=_UNFINISHED, load_input=False, load_output=False))


def forget(before: datetime, *, most: int) -> int:
    """Drop the engine's own notes on up to `most` stories that ended before; returns how many.

    What the stories did is in the rooms' tables and the ledger; this is only their course. One
    that goes on is never dropped. Raises `Unavailable`.
    """
    with driver_errors():
        try:
            found = DBOS.list_workflows(
                status=_ENDED,
                completed_before=iso(before),
                limit=most,
                load_input=False,
                load_output=False,
            )
        except dbos_errors.DBOSQueryTimeoutError as error:
            raise Unavailable(
                "The engine's notes were not looked through", why="the database was too slow"
            ) from error
        if found:
            DBOS.delete_workflows([each.workflow_id for each in found])
    return len(found)


def at_work() -> frozenset[tuple[str, str]]:
    """Kind and subject of every story that goes on by itself; raise `Unavailable`."""
    with driver_errors():
        found = DBOS.list_workflows(
            status=_UNFINISHED, app_version=STORIES_VERSION, load_output=False
        )
    return frozenset(
        (each.name, str(each.input["args"][0])) for each in found if each.input is not None
    )


def prepare(url: str, *, login: str | None = None) -> None:
    """Make the engine's tables as the owner at `url`, and let `login` work with them.

    For an operator's own PostgreSQL, where the worker's login may make no schema.
    """
    DBOS.migrate(url, schema=SCHEMA, application_role=login)


def _log_like_the_rest() -> None:
    """Send the engine's lines the way of all others.

    Left alone it would add a handler that keeps the stderr of its first start for ever; it adds
    none where there is one.
    """
    lines = logging.getLogger("dbos")
    lines.handlers = [logging.NullHandler()]
    lines.propagate = True


def _settled(parts: Parts) -> None:
    """Wait for running steps to come to their end, but not for ever."""
    until = time.monotonic() + _GRACE_SECONDS
    while parts.running and time.monotonic() < until:
        time.sleep(0.02)
    if parts.running:
        log.warning("stories_still_running", stories=len(parts.running))
