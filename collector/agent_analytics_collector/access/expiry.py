"""Telling well before that a key ends: an OTLP client whose key has ended drops its data."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import structlog

from agent_analytics_collector.access.key_file import Key, read_keys
from agent_analytics_collector.access.key_use import read_key_use
from agent_analytics_collector.access.keys import DAY_S
from agent_analytics_collector.access.principal import Principal
from agent_analytics_collector.home import Home

log = structlog.get_logger()

WARN_DAYS = 30
HEADER = "agent-analytics-key-expires"


def expiring_keys(home: Home, now: float | None = None) -> list[Key]:
    """Keys that hold, end within 30 days and are needed until then, soonest first.

    A key that was rotated, and not used since, is not needed. Raises KeysUnusable.
    """
    now = time.time() if now is None else now
    keys = read_keys(home)
    used = read_key_use(home)
    made_at = {key.key_id: key.created_at for key in keys}
    ending = [
        key
        for key in keys
        if key.holds(now)
        and key.expires_at - now < WARN_DAYS * DAY_S
        and used.get(key.key_id, 0) >= made_at.get(key.replaced_by or "", 0)
    ]
    return sorted(ending, key=lambda key: key.expires_at)


def what_to_do(key: Key) -> str:
    """The next step for a key that ends soon."""
    if key.replaced_by is not None:
        return (
            f"It is still used: give its successor, {key.replaced_by}, to whoever has it. What is "
            "sent with a key that has ended is lost."
        )
    return (
        f"`agent-analytics keys rotate {key.key_id}` makes its successor. What is sent with a key "
        "that has ended is lost."
    )


def log_expiring_keys(home: Home, now: float | None = None) -> int:
    """Write a warning for each key that ends soon into this process's log; how many they are.

    Raises KeysUnusable.
    """
    ending = expiring_keys(home, now)
    for key in ending:
        log.warning(
            "key_expires",
            key_id=key.key_id,
            developer_id=key.developer_id,
            expires_at=utc(key.expires_at),
            replaced_by=key.replaced_by,
        )
    return len(ending)


def expiry_header(principal: Principal) -> dict[str, str]:
    """The response header that tells a sender of the coming end of its key; else empty."""
    if principal.expires_at is None or principal.expires_at - time.time() >= WARN_DAYS * DAY_S:
        return {}
    return {HEADER: utc(principal.expires_at)}


def utc(seconds: int) -> str:
    """`2026-11-22T18:00:00Z`"""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
