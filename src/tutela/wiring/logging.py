"""Log lines: constant event names and identifiers, on stderr, for people or for programs."""

import logging
import sys

import structlog

from tutela.wiring.settings import Settings


def set_up_logging(settings: Settings) -> None:
    """Choose the form of the lines; libraries speak up from warnings on."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s %(message)s")
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
