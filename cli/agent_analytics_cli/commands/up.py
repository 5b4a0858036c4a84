"""`agent-analytics up`: run the collector, and show the first table."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

import rich_click as click

from agent_analytics_cli import __version__
from agent_analytics_cli.assets import dbt_project
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.service import Service
from agent_analytics_collector.settings import Settings, load_settings
from agent_analytics_collector.spool.reader import end_of_spool
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.state import read_loader, read_transform
from agent_analytics_collector.warehouse.flush import flush

FLUSH_TIMEOUT_S = 60.0


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
@click.option("--once", is_flag=True, help="Load, run dbt, print the first table and end.")
def command(
    host: str | None,
    grpc_port: int | None,
    http_port: int | None,
    api_port: int | None,
    demo: bool | None,
    once: bool,
) -> None:
    """Receive OpenTelemetry from coding agents, keep it, and print a first cost table.

    Serves OTLP over gRPC and HTTP and the API until Ctrl-C or SIGTERM. dbt runs by itself soon
    after new data. The demo lives in a folder of its own and never mixes with your data.

    Example: agent-analytics up --demo --once
    """
    home = Home.from_environment()
    flags = {"host": host, "grpc_port": grpc_port, "http_port": http_port, "api_port": api_port}
    settings = load_settings(home, flags).settings
    home.create()
    configure_logging(home, "service")
    asyncio.run(_serve(home, settings, demo=demo, once=once))


async def _serve(home: Home, settings: Settings, *, demo: bool | None, once: bool) -> None:
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
        table = asyncio.create_task(_first_table(service, home, settings, demo=demo, once=once))
        await asyncio.wait((stopped, table), return_when=asyncio.FIRST_COMPLETED)
        if table.done():
            _tell_of(table)
            if not once:
                await stopped
        table.cancel()
        await asyncio.gather(table, return_exceptions=True)
        stopped.cancel()
    if once and (table.cancelled() or table.exception()):
        raise SystemExit(1)


def _tell_of(table: asyncio.Task[None]) -> None:
    """The table is a welcome: when it fails, the collector goes on."""
    error = table.exception()
    if isinstance(error, AgentAnalyticsError):
        click.echo(f"Error: {error}", err=True)
    elif error is not None:
        raise error


async def _first_table(
    service: Service, home: Home, settings: Settings, *, demo: bool | None, once: bool
) -> None:
    has_data = end_of_spool(home.spool) != Position() or any(read_loader(home).records.values())
    if demo or (demo is None and not has_data):
        await _show_demo(home, reuse=demo is None)
    elif has_data:
        if once or (settings.transform.enabled and not home.current_marts.exists()):
            await _run_dbt(service, home, settings)
        await _run(home, "-m", "agent_analytics_cli.main", "report")
    else:
        click.echo("Nothing has been received yet.", err=True)
    if not once:
        click.echo(
            f"Receiving OTLP on {service.state.grpc} (gRPC) and {service.state.http} (HTTP); "
            f"API at {service.state.api_url}. Ctrl-C ends.",
            err=True,
        )


async def _run_dbt(service: Service, home: Home, settings: Settings) -> None:
    await _flush(home, settings)
    click.echo("Running dbt …", err=True)
    await service.transform()
    ran = read_transform(home)
    if ran is not None and ran.last is not None and ran.last.problem:
        raise AgentAnalyticsError(ran.last.problem)


async def _flush(home: Home, settings: Settings) -> None:
    """`flush` in a thread, which ends soon when this is cancelled: a stop waits for its threads."""
    cancelled = threading.Event()

    def stop_if_cancelled(waiting_records: int) -> None:
        if cancelled.is_set():
            raise AgentAnalyticsError("stopped")

    try:
        await asyncio.to_thread(flush, home, settings, FLUSH_TIMEOUT_S, stop_if_cancelled)
    finally:
        cancelled.set()


async def _show_demo(home: Home, *, reuse: bool) -> None:
    demo = home.demo
    if not (reuse and demo.current_marts.exists()):
        click.echo(
            f"Loading the recorded demo (real Claude Code sessions) into {demo.root}; "
            "it never mixes with your data. --no-demo leaves it out.",
            err=True,
        )
        await _run(demo, "-m", "agent_analytics_cli.demo")
    click.echo("This is the recorded demo, not your data:", err=True)
    await _run(demo, "-m", "agent_analytics_cli.main", "report")


async def _run(home: Home, *arguments: str) -> None:
    """One of our own modules in a child process, so that its memory goes with it.

    Raises AgentAnalyticsError when it fails; it has said why itself.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=os.environ | {"AGENT_ANALYTICS_HOME": str(home.root)}
    )
    try:
        exit_code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if exit_code:
        raise AgentAnalyticsError(
            f"`{Path(sys.executable).name} {' '.join(arguments)}` failed; logs are in {home.logs}."
        )
