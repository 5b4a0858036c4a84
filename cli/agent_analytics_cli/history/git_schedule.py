"""What `up` does once a day for followed repositories: new history, then survival."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from agent_analytics_cli.git.tracked import Tracked
from agent_analytics_cli.history.daily import is_due, mark
from agent_analytics_cli.outbound.background import CLI, run
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings

LOOK_S = 900.0
_WORK = ("import-git", "survival")


async def follow_repositories(home: Home, settings: Settings) -> None:
    """Until cancelled: `import-git` and `survival` of what is followed, each once a day.

    What they say is in `logs/<name>.log`; one that fails goes on where it was the next day.
    """
    while settings.git.track_commits:
        for name in _WORK:
            if is_due(home, name) and not Tracked.load(home, settings.backend_url).is_empty:
                mark(home, name)
                with suppress(AgentAnalyticsError):
                    log = home.logs / f"{name}.log"
                    await run(home, *CLI, name, "--tracked", output=log)
        await asyncio.sleep(LOOK_S)
