"""Requests in a home's spool."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from agent_analytics_collector.envelope import Envelope
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.writer import Spool


def spool(home: Home, settings: Settings, requests: Iterable[Envelope]) -> None:
    """Take requests in, as a collector does that then is stopped."""

    async def put_all() -> None:
        inbox = Spool(home.spool, settings.spool)
        for request in requests:
            await inbox.put(request, 1)
        inbox.close()

    asyncio.run(put_all())
