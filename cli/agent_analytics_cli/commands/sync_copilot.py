"""`agent-analytics sync-copilot`: `sync copilot` under the name of the specification."""

from __future__ import annotations

from typing import Any

import rich_click as click

from agent_analytics_cli.commands.sync import period_options, run


@click.command("sync-copilot", short_help="Fetch GitHub Copilot's metrics.")
@period_options
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Fetch GitHub Copilot's usage metrics: `agent-analytics sync copilot`, for cron.

    \b
    Example:
    $ agent-analytics sync-copilot --days 7
    """
    run(ctx, "copilot", **options)
