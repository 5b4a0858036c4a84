"""What is done once a day, and when it was begun last: `run/<name>`."""

from __future__ import annotations

import time

from agent_analytics_collector.home import Home

EVERY_S = 24 * 3600.0


def is_due(home: Home, name: str) -> bool:
    """Whether it was not begun within a day."""
    try:
        begun_at = (home.run / name).stat().st_mtime
    except FileNotFoundError:
        return True
    # A clock that was set back must not keep it waiting.
    return not 0 <= time.time() - begun_at < EVERY_S


def mark(home: Home, name: str) -> None:
    """It begins now: one that kills its process is not begun again and again."""
    (home.run / name).touch(mode=0o600)
