"""`agent-analytics transform`: run dbt and publish the marts."""

from __future__ import annotations

import json

import rich_click as click

from agent_analytics_cli.assets import dbt_project
from agent_analytics_collector.home import Home
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.transform import transform


@click.command("transform", short_help="Run dbt and publish the marts.")
@click.option("--full-refresh", is_flag=True, help="Rebuild incremental models from all raw rows.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(full_refresh: bool, as_json: bool) -> None:
    """Run dbt over the DuckDB file and publish the marts for reports and BI tools.

    Works beside a running collector and without one. Exits 1 with dbt's own words when it fails.

    Example: agent-analytics transform
    """
    home = Home.from_environment()
    home.create()
    configure_logging(home, "cli")
    published = transform(
        home, load_settings(home).settings, dbt_project(), full_refresh=full_refresh
    )
    run = published.run if published else (home.published / "current").readlink().name
    click.echo(
        json.dumps({"run": run, "marts": str(home.current_marts), "bi": str(home.bi_database)})
        if as_json
        else f"Published run {run} for reports; BI tools read {home.bi_database}."
    )
    if published and published.reconnect:
        click.echo("Marts changed their columns: BI tools should reconnect once.", err=True)
