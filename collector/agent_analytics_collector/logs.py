"""Structured logs, one JSON object a line, in the home; never a payload, never a secret."""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
import traceback
from types import TracebackType

import structlog
from structlog.typing import EventDict, WrappedLogger

from agent_analytics_collector.home import Home
from agent_analytics_collector.redaction import redacted, redacted_text

MAX_BYTES = 5 * 1024 * 1024


def configure_logging(home: Home, name: str) -> None:
    """Write this process's log to `logs/<name>.log`, rotated, 0600, and redacted.

    What libraries log becomes JSON too; the traceback of a bug that ends the process is redacted
    on its way to standard error.
    """
    os.umask(0o077)
    handler = logging.handlers.RotatingFileHandler(
        home.logs / f"{name}.log", maxBytes=MAX_BYTES, backupCount=2, encoding="utf-8"
    )
    common: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=common,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # It warns of each request that is no HTTP: whoever reaches the port could fill the log.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    structlog.configure(
        processors=[*common, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    sys.excepthook = _print_redacted


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A structlog processor: the event with every value as a log may show it."""
    return {name: redacted(value, name) for name, value in event.items()}


def _print_redacted(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    sys.stderr.write(redacted_text("".join(traceback.format_exception(kind, error, trace))))
