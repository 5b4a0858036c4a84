"""Filling the demo's home: recorded requests of real agents, sent over the real wire.

Run as `python -m agent_analytics_cli.demo` with AGENT_ANALYTICS_HOME set to the demo's home, so
that what it needs in memory is gone afterwards.
"""

from __future__ import annotations

import asyncio

from agent_analytics_cli import __version__
from agent_analytics_cli.assets import dbt_project, demo_recordings
from agent_analytics_cli.outbound.replay import replay
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.service import Service
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.transform import transform
from agent_analytics_collector.warehouse.flush import flush

FREE_PORTS = {"host": "127.0.0.1", "grpc_port": 0, "http_port": 0, "api_port": 0}
TIMEOUT_S = 120.0


async def load_demo(home: Home) -> None:
    """Receive, load, transform and publish the demo in `home`."""
    home.create()
    configure_logging(home, "service")
    settings = load_settings(home, FREE_PORTS | {"transform.enabled": False}).settings
    async with Service(home, settings, dbt_project(), __version__) as service:
        sent = await asyncio.to_thread(replay, demo_recordings(), service.state, TIMEOUT_S)
        if sent.failed:
            raise AgentAnalyticsError(f"The demo was not accepted: {sent.failed[0].reason}")
        await asyncio.to_thread(flush, home, settings, TIMEOUT_S)
    await asyncio.to_thread(transform, home, settings, dbt_project())


def main() -> None:
    try:
        asyncio.run(load_demo(Home.from_environment()))
    except AgentAnalyticsError as error:
        raise SystemExit(f"Error: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
