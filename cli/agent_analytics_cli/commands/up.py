"""`agent-analytics up`: run the collector, and show the first table."""

from __future__ import annotations

import asyncio
import signal

import rich_click as click

from agent_analytics_cli import __version__
from agent_analytics_cli.assets import dbt_project
from agent_analytics_cli.history.git_schedule import follow_repositories
from agent_analytics_cli.outbound.background import deliver_outbox
from agent_analytics_cli.sessions.watch import watch_sessions
from agent_analytics_cli.vendor_schedule import sync_daily
from agent_analytics_cli.welcome import Welcome
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.service import Service
from agent_analytics_collector.settings import Settings, load_settings


@click.command("up", short_help="Run the collector until Ctrl-C.")
@click.option("--host", help="Address to listen on (127.0.0.1).")
@click.option("--grpc-port", type=int, help="Port of OTLP/gRPC (4317); 0 picks a free one.")
@click.option("--http-port", type=int, help="Port of OTLP/HTTP (4318); 0 picks a free one.")
@click.option("--api-port", type=int, help="Port of the API (8321); 0 picks a free one.")
@click.option(
    "--demo/--no-demo",
    default=None,
    help="Show the recorded demo even beside data of your own, or never. "
    "By default it is shown while there is nothing else.",
)
@click.option(
    "--import/--no-import",
    "import_sessions",
    default=True,
    help="Read the session files that agents left on this machine, or not.",
)
@click.option("--once", is_flag=True, help="Load, run dbt, print the first table and end.")
def command(
    host: str | None,
    grpc_port: int | None,
    http_port: int | None,
    api_port: int | None,
    demo: bool | None,
    import_sessions: bool,
    once: bool,
) -> None:
    """Receive OpenTelemetry from coding agents, keep it, and print a first cost table.

    Serves OTLP over gRPC and HTTP and the API until Ctrl-C or SIGTERM. dbt runs by itself soon
    after new data. Sessions that agents kept on this machine are imported at the start and as
    they go on (unless `sessions.watch` is off), without their text. The demo lives in a folder of
    its own and never mixes with your data.

    Example: agent-analytics up --demo --once
    """
    home = Home.from_environment()
    flags = {"host": host, "grpc_port": grpc_port, "http_port": http_port, "api_port": api_port}
    settings = load_settings(home, flags).settings
    home.create()
    configure_logging(home, "service")
    welcome = Welcome(demo=demo, import_sessions=import_sessions and not demo, once=once)
    asyncio.run(_serve(home, settings, welcome))


async def _serve(home: Home, settings: Settings, welcome: Welcome) -> None:
    async with Service(home, settings, dbt_project(), __version__) as service:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, service.stop)
        state = service.state
        click.echo(f"ready grpc={state.grpc} http={state.http} api={state.api_url}")
        if state.torn_bytes:
            click.echo(
                f"{state.torn_bytes:,} bytes of a half-written request were cut from the spool; "
                "they had not been acknowledged.",
                err=True,
            )
        stopped = asyncio.create_task(service.stopped())
        table = asyncio.create_task(welcome.show(service, home, settings))
        tasks = [table, asyncio.create_task(deliver_outbox(home))]
        if welcome.import_sessions and settings.sessions.watch and not welcome.once:
            tasks.append(asyncio.create_task(watch_sessions(home, settings, after=table)))
        if not welcome.once:
            tasks.append(asyncio.create_task(sync_daily(home, settings)))
            tasks.append(asyncio.create_task(follow_repositories(home, settings)))
        await asyncio.wait((stopped, table), return_when=asyncio.FIRST_COMPLETED)
        if table.done():
            _tell_of(table)
            if not welcome.once:
                await stopped
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        stopped.cancel()
    if welcome.once and (table.cancelled() or table.exception()):
        raise SystemExit(1)


def _tell_of(table: asyncio.Task[None]) -> None:
    """The table is a welcome: when it fails, the collector goes on."""
    error = table.exception()
    if isinstance(error, AgentAnalyticsError):
        click.echo(f"Error: {error}", err=True)
    elif error is not None:
        raise error
