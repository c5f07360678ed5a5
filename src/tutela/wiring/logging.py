"""Log lines: constant event names and identifiers, on stderr, for people or for programs."""

import json
import logging
import sys
from types import TracebackType

import structlog

from tutela.adapters.web.faults import trace_of
from tutela.wiring.settings import Settings

Fault = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class _WithoutValues(logging.Formatter):
    """Of an error that a library logs, kind and places; its message may repeat what was sent."""

    def formatException(self, ei: Fault) -> str:  # noqa: N802 (logging's own name)
        """One line."""
        return json.dumps(trace_of(ei[1])) if ei[1] is not None else ""


def set_up_logging(settings: Settings) -> None:
    """Choose the form of the lines; libraries speak up from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_WithoutValues("%(name)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        # Asked for each line anew: whoever redirects stderr and gives it back leaves no trace.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
