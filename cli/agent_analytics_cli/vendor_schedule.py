"""What `up` does once a day: ask the vendors that are set up, each in a process of its own."""

from __future__ import annotations

import asyncio
import time

from agent_analytics_cli.background import CLI, run
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings

LOOK_S = 900.0
EVERY_S = 24 * 3600.0


def set_up(settings: Settings) -> list[str]:
    """Names, as `sync` takes them, of the vendors for which there is a token."""
    vendors = settings.vendors
    tokens = {
        "copilot": vendors.github.token or vendors.github.token_file,
        "claude": vendors.claude.token or vendors.claude.token_file,
        "cursor": vendors.cursor.token or vendors.cursor.token_file,
    }
    return [name for name, token in tokens.items() if token]


async def sync_daily(home: Home, settings: Settings) -> None:
    """Until cancelled: run `sync` for each vendor that was not asked for a day.

    A vendor that fails has said why on stderr and is asked again the next day: what it has not
    told by then it still tells, for each sync goes back by weeks.
    """
    names = set_up(settings)
    while names:
        for name in names:
            if _is_due(home, name):
                _asked(home, name)
                try:
                    await run(home, *CLI, "sync", name, quiet=True)
                except AgentAnalyticsError:
                    continue
        await asyncio.sleep(LOOK_S)


def _is_due(home: Home, name: str) -> bool:
    try:
        asked_at = (home.run / f"sync-{name}").stat().st_mtime
    except FileNotFoundError:
        return True
    # A clock that was set back must not keep a vendor waiting.
    return not 0 <= time.time() - asked_at < EVERY_S


def _asked(home: Home, name: str) -> None:
    # Before the sync, so that one that kills its process is not begun again and again.
    (home.run / f"sync-{name}").touch(mode=0o600)
