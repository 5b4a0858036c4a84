"""Structured logs, one JSON object a line, in the home; never a payload, never a secret."""

from __future__ import annotations

import logging
import logging.handlers
import os

import structlog

from agent_analytics_collector.home import Home

MAX_BYTES = 5 * 1024 * 1024


def configure_logging(home: Home, name: str) -> None:
    """Write this process's log to `logs/<name>.log`, rotated, 0600."""
    os.umask(0o077)
    handler = logging.handlers.RotatingFileHandler(
        home.logs / f"{name}.log", maxBytes=MAX_BYTES, backupCount=2, encoding="utf-8"
    )
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler], force=True)
    for chatty in ("uvicorn", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
