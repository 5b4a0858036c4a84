"""What `up` does once a day: ask the vendors that are set up, each in a process of its own."""

from __future__ import annotations

import asyncio

from agent_analytics_cli.history.daily import is_due, mark
from agent_analytics_cli.outbound.background import CLI, run
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings

LOOK_S = 900.0


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
            if is_due(home, f"sync-{name}"):
                mark(home, f"sync-{name}")
                try:
                    await run(home, *CLI, "sync", name, quiet=True)
                except AgentAnalyticsError:
                    continue
        await asyncio.sleep(LOOK_S)
