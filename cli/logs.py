"""Logging of a process: people read lines on a terminal, machines read JSON everywhere else."""

import logging
import sys

import structlog

from config.settings import Settings


def configure(settings: Settings) -> None:
    """Set structlog up for this process; everything goes to standard error."""
    as_json = settings.telemetry.log_format == "json" or (
        settings.telemetry.log_format == "auto" and not sys.stderr.isatty()
    )
    # Plain tracebacks: local variables may hold keys and destinations.
    renderer: structlog.typing.Processor = structlog.dev.ConsoleRenderer(
        exception_formatter=structlog.dev.plain_traceback
    )
    if as_json:
        renderer = structlog.processors.JSONRenderer()
    level = logging.getLevelNamesMapping()[settings.telemetry.log_level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if as_json else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
