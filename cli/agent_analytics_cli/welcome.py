"""The first table that `up` shows: the user's own data, else the recorded demo."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

import click

from agent_analytics_cli.outbound.background import CLI, run
from agent_analytics_cli.sessions.plan import plan_import
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.service import Service
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.reader import end_of_spool
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.state import read_loader, read_transform
from agent_analytics_collector.warehouse.flush import flush

FLUSH_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Welcome:
    """What `up` was asked to show at its start."""

    demo: bool | None
    """Show the demo, never show it, or (None) show it while there is nothing else."""
    import_sessions: bool
    once: bool

    async def show(self, service: Service, home: Home, settings: Settings) -> None:
        """Import, load, transform and print what is asked for. Raises AgentAnalyticsError."""
        is_new = self.import_sessions and await _import_sessions(home, settings)
        has_data = end_of_spool(home.spool) != Position() or any(read_loader(home).records.values())
        if self.demo or (self.demo is None and not has_data):
            await _show_demo(home, reuse=self.demo is None)
        elif has_data:
            wanted = is_new or not home.current_marts.exists()
            if self.once or (settings.transform.enabled and wanted):
                await _run_dbt(service, home, settings)
            await run(home, *CLI, "report")
        else:
            click.echo("Nothing has been received yet.", err=True)
        if not self.once:
            click.echo(
                f"Receiving OTLP on {service.state.grpc} (gRPC) and {service.state.http} (HTTP); "
                f"API at {service.state.api_url}. Ctrl-C ends.",
                err=True,
            )


async def _import_sessions(home: Home, settings: Settings) -> bool:
    """Whether importing brought anything new; that it failed is said and stops nothing."""
    plan = await asyncio.to_thread(plan_import, home, settings)
    if not plan.waiting:
        return False
    before = end_of_spool(home.spool)
    click.echo("Importing the sessions that agents keep on this machine …", err=True)
    try:
        await run(home, *CLI, "import", quiet=True)
    except AgentAnalyticsError as error:
        click.echo(f"Error: {error}", err=True)
    return end_of_spool(home.spool) != before


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
        await run(demo, "-m", "agent_analytics_cli.demo")
    click.echo("This is the recorded demo, not your data:", err=True)
    await run(demo, *CLI, "report")
